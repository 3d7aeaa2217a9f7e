"""Performance: scikit-learn's values, with honest limits, and null where a metric is undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from audits.counted import Counted
from audits.performance import measure_performance
from tests.audits.prediction_cases import find, lender


def measured(predictions, confidences=(0.95,), seed=0):
    return measure_performance(Counted.of_rows(predictions), confidences=confidences, seed=seed)


@given(st.integers(0, 10_000), st.integers(60, 400), st.booleans())
@settings(max_examples=30, deadline=None)
def test_every_value_is_scikit_learns(seed, n, weighted):
    lent = lender(seed, n, weighted=weighted)
    found = measured(lent)
    for name in ("accuracy_score", "precision_score", "recall_score", "f1_score", "balanced_accuracy_score"):
        expected = getattr(peer, name)(lent.label, lent.prediction, sample_weight=lent.weight)
        assert find(found, name).value == pytest.approx(expected, abs=1e-12)
    for name in ("roc_auc_score", "log_loss", "brier_score_loss"):
        expected = getattr(peer, name)(lent.label, lent.score, sample_weight=lent.weight)
        assert find(found, name).value == pytest.approx(expected, abs=1e-12)
    for m in found:
        if m.low is not None:
            assert m.low <= m.value <= m.high, m


def test_counts_by_hand():
    lent = replace(lender(1, 60), label=np.array([1, 1, 0, 0, 0] * 12, dtype=np.int8))
    lent = replace(lent, prediction=np.array([1, 0, 1, 0, 0] * 12, dtype=np.int8))
    found = measured(lent)
    assert {name: find(found, name).value for name in ("count", "tp", "fp", "tn", "fn")} == {
        "count": 60,
        "tp": 12,
        "fp": 12,
        "tn": 24,
        "fn": 12,
    }
    precision = find(found, "precision_score")
    assert (precision.value, precision.n, precision.method) == (0.5, 24, "wilson")
    assert precision.counts == {"tp": 12, "fp": 12, "tn": 24, "fn": 12}


def test_certain_mistakes_cost_as_much_as_scikit_learn_says():
    lent = replace(lender(1, 60), score=np.r_[np.zeros(30), np.ones(30)])
    assert find(measured(lent), "log_loss").value == pytest.approx(peer.log_loss(lent.label, lent.score), abs=1e-12)


def test_without_scores_there_are_no_score_metrics():
    names = {m.metric for m in measured(replace(lender(2), score=None))}
    assert "accuracy_score" in names
    assert not names & {"roc_auc_score", "log_loss", "brier_score_loss"}


def test_precision_without_positive_predictions_is_undefined_not_zero():
    lent = replace(lender(2, 60), prediction=np.zeros(60, dtype=np.int8))
    precision = find(measured(lent), "precision_score")
    assert (precision.value, precision.low, precision.high, precision.n) == (None, None, None, 0)
    assert "nothing was predicted positive" in precision.note
    assert find(measured(lent), "f1_score").value == 0


def test_each_confidence_is_measured_and_more_of_it_is_wider():
    found = measured(lender(3), confidences=(0.9, 0.99))
    for metric in ("accuracy_score", "f1_score", "roc_auc_score", "log_loss"):
        narrow, wide = (find(found, metric, confidence=c) for c in (0.9, 0.99))
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_few_rows_get_a_seeded_bootstrap_and_many_the_delta_method():
    few, many = measured(lender(4, 199), seed=7), measured(lender(4, 200))
    assert find(few, "log_loss").method == "bootstrap-percentile"
    assert find(many, "log_loss").method == "delta"
    assert find(few, "log_loss") == find(measured(lender(4, 199), seed=7), "log_loss")
    assert find(few, "log_loss") != find(measured(lender(4, 199), seed=8), "log_loss")


def test_unequal_weights_widen_the_interval_of_a_rate():
    plain, weighted = lender(5), lender(5, weighted=True)
    even = replace(plain, weight=np.full(len(plain), 3.0))
    accuracy = find(measured(plain), "accuracy_score")
    same = find(measured(even), "accuracy_score")
    assert (same.low, same.high) == pytest.approx((accuracy.low, accuracy.high))
    uneven = find(measured(weighted), "accuracy_score")
    assert uneven.method == "wilson-kish"
    assert uneven.high - uneven.low > accuracy.high - accuracy.low

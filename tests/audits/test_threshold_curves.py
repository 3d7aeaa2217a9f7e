"""Thresholds: scikit-learn's rates at each, average precision exact or bounded, Matthews' correlation with its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from audits.evaluate import evaluate
from audits.measures.score_report import score_series
from audits.measures.thresholds import (
    average_precision,
    average_precision_interval,
    matthews,
    threshold_curve,
)
from tests.audits.prediction_cases import write
from tests.audits.score_cases import binned_cells, cells_of, scored


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=15, deadline=None)
def test_rates_at_every_threshold_are_scikit_learns(seed, weighted):
    label, score = scored(seed, 120, digits=2)
    weight = np.random.default_rng(seed).uniform(0.2, 3, 120) if weighted else None
    curve = threshold_curve(cells_of(label, score, weight))
    assert len(curve.threshold) <= 101
    for i in range(0, len(curve.threshold), 7):
        chosen = (score >= curve.threshold[i]).astype(int)
        assert curve.rows[i] == chosen.sum()
        for name in ("recall_score", "f1_score", "balanced_accuracy_score"):
            expected = getattr(peer, name)(label, chosen, sample_weight=weight)
            assert curve.rate(name)[i] == pytest.approx(expected, abs=1e-12)
        if chosen.any():
            expected = peer.precision_score(label, chosen, sample_weight=weight)
            assert curve.rate("precision_score")[i] == pytest.approx(expected, abs=1e-12)
            low, high = (limit[i] for limit in curve.limits("precision_score", 1.96))
            assert low <= curve.rate("precision_score")[i] + 1e-12
            assert high >= curve.rate("precision_score")[i] - 1e-12


def test_thresholds_follow_scores_that_crowd_in_a_corner():
    label, score = scored(2, 2000, digits=6)
    curve = threshold_curve(cells_of(label, score / 100))
    assert np.sum((curve.rate("selection_rate") > 0.01) & (curve.rate("selection_rate") < 0.99)) > 40


def test_nothing_selected_has_no_precision():
    series = {s.name: s for s in score_series(cells_of([0, 1, 1, 0], [0.1, 0.4, 0.6, 0.7]), 0.95)}
    last = series["threshold_curve"].records()[-1]
    assert (last["selected"], last["precision_score"], last["precision_score_low"]) == (0, None, None)
    assert last["recall_score"] == 0


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_average_precision_is_scikit_learns(seed, weighted):
    label, score = scored(seed, 90, digits=2)
    weight = np.random.default_rng(seed).uniform(0.2, 3, 90) if weighted else None
    found = average_precision(cells_of(label, score, weight))
    assert found.value == pytest.approx(peer.average_precision_score(label, score, sample_weight=weight), abs=1e-12)
    assert found.least == found.most == found.value


@given(st.integers(0, 1000), st.sampled_from([4, 16, 128]))
@settings(max_examples=25, deadline=None)
def test_binned_average_precision_holds_the_exact_one(seed, bins):
    label, score = scored(seed, 300, digits=6)
    found = average_precision(binned_cells(label, score, bins))
    assert found.least <= peer.average_precision_score(label, score) <= found.most
    low, high = average_precision_interval(found, label.sum(), 1.96)
    assert low <= found.least
    assert found.most <= high


def test_average_precision_varies_as_its_bootstrap_does():
    label, score = scored(7, 800, digits=6)
    draw = np.random.default_rng(0)
    again = []
    for _ in range(300):
        rows = draw.integers(0, 800, 800)
        again.append(peer.average_precision_score(label[rows], score[rows]))
    assert average_precision(cells_of(label, score)).variance ** 0.5 == pytest.approx(np.std(again), rel=0.15)


def test_limits_of_average_precision_cover():
    truth = peer.average_precision_score(*scored(99, 300_000, slope=2.0, digits=6))
    hits = []
    for seed in range(300):
        cells = cells_of(*scored(seed, 300, slope=2.0, digits=6))
        low, high = average_precision_interval(average_precision(cells), cells.counts[:, 1].sum(), 1.96)
        hits.append(low <= truth <= high)
    assert np.mean(hits) >= 0.92


def test_perfect_order_is_not_certain():
    found = average_precision(cells_of([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]))
    low, high = average_precision_interval(found, 2, 1.96)
    assert found.value == 1
    assert low < 0.8
    assert high == 1


@given(st.lists(st.integers(0, 40), min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_matthews_correlation_is_scikit_learns(cells):
    table = np.array(cells, dtype=float).reshape(3, 3)
    found = matthews(table, table, 1.96)
    both = np.count_nonzero(table.sum(0)) > 1 and np.count_nonzero(table.sum(1)) > 1
    assert (found is not None) == both
    if both:
        label, prediction = np.repeat(np.indices((3, 3)).reshape(2, -1), table.ravel().astype(int), axis=1)
        assert found[0] == pytest.approx(peer.matthews_corrcoef(label, prediction), abs=1e-12)
        assert -1 <= found[1] <= found[0] <= found[2] <= 1


@pytest.mark.parametrize("n", [60, 400])
def test_limits_of_matthews_correlation_cover(n):
    chances = np.array([[0.55, 0.08], [0.07, 0.3]])
    truth = matthews(chances, chances, 1.96)[0]
    drawn = np.random.default_rng(1).multinomial(n, chances.ravel(), 800).reshape(-1, 2, 2).astype(float)
    limits = [matthews(table, table, 1.96) for table in drawn]
    assert 0.925 <= np.mean([low <= truth <= high for _, low, high in limits]) <= 0.98


def test_evaluation_reports_all_of_it(tmp_path):
    label, score = scored(8, 500)
    rows = [f"{y},{int(s > 0.5)},{s}" for y, s in zip(label, score, strict=True)]
    data = write(tmp_path, "\n".join(["y,p,s", *rows]) + "\n")
    report = evaluate("performance", [data], {"label": "y", "prediction": "p", "score": "s"})
    found = {m["metric"]: m for m in report["measurements"]}
    assert found["average_precision_score"]["value"] == pytest.approx(peer.average_precision_score(label, score))
    assert found["matthews_corrcoef"]["value"] == pytest.approx(peer.matthews_corrcoef(label, score > 0.5))
    assert found["expected_calibration_error"]["low"] is not None
    assert [s["name"] for s in report["series"]] == [
        "calibration",
        "calibration_by_width",
        "score_distribution",
        "threshold_curve",
    ]
    assert report == evaluate("performance", [data], {"label": "y", "prediction": "p", "score": "s"})


def test_one_sided_predictions_have_no_correlation(tmp_path):
    data = write(tmp_path, "y,p\n1,1\n0,1\n1,1\n0,1\n")
    report = evaluate("performance", [data], {"label": "y", "prediction": "p"})
    found = next(m for m in report["measurements"] if m["metric"] == "matthews_corrcoef")
    assert found["value"] is None
    assert "all of one class" in found["note"]


def test_scores_that_may_not_be_told_are_missing_and_say_so(tmp_path):
    label, score = scored(8, 400)
    rows = [f"{y},{int(s > 0.5)},{s}" for y, s in zip(label, score, strict=True)]
    data = write(tmp_path, "\n".join(["y,p,s", *rows]) + "\n")
    given_ = {"label": "y", "prediction": "p", "score": "s", "disclosure": 5}
    report = evaluate("performance", [data], given_)
    found = {m["metric"]: m for m in report["measurements"]}
    for metric in ("average_precision_score", "expected_calibration_error", "roc_auc_score"):
        assert found[metric]["value"] is None
        assert "held back: fewer than 5 rows" in found[metric]["note"]
    assert report["series"] == []

"""The area under the ROC curve: scikit-learn's value, DeLong's variance by its definition, sane limits at the edges."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from audits.auc import (
    area_of,
    auc_interval,
    hanley_mcneil_variance,
    paired_auc_difference,
    roc_auc,
    unpaired_auc_difference,
)
from audits.intervals import critical_value
from audits.score_table import ScoreTable
from audits.tensor import count
from tests.audits.prediction_cases import lender

Z95 = critical_value(0.95)


def delong_by_definition(label, scores):
    """Values and covariance of several areas, from all pairs of a positive and a negative row."""
    positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    kernels = [
        np.array([[1.0 if s[i] > s[j] else 0.5 if s[i] == s[j] else 0.0 for j in negative] for i in positive])
        for s in scores
    ]
    values = np.array([kernel.mean() for kernel in kernels])
    by_positive = np.atleast_2d(np.cov([kernel.mean(axis=1) for kernel in kernels]))
    by_negative = np.atleast_2d(np.cov([kernel.mean(axis=0) for kernel in kernels]))
    return values, by_positive / len(positive) + by_negative / len(negative)


def draw(seed, n=60, ties=10):
    random = np.random.default_rng(seed)
    label = np.r_[0, 0, 1, 1, random.integers(0, 2, n - 4)]
    scores = [np.clip(np.round((label * 0.2 + random.random(n)) * ties) / ties, 0, 1) for _ in range(2)]
    return label, scores


@given(st.integers(0, 10_000), st.sampled_from([3, 10, 1000]))
@settings(max_examples=40, deadline=None)
def test_value_and_variance_are_delongs(seed, ties):
    label, (score, _) = draw(seed, ties=ties)
    area = roc_auc(label, score)
    values, covariance = delong_by_definition(label, [score])
    assert area.value == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert area.value == pytest.approx(values[0], abs=1e-12)
    assert area.variance == pytest.approx(covariance[0, 0], abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_paired_difference_has_delongs_covariance(seed):
    label, scores = draw(seed)
    value, low, high, method = paired_auc_difference(label, *scores, Z95)
    values, covariance = delong_by_definition(label, scores)
    half = Z95 * np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert method == "paired-delong"
    assert (value, low, high) == pytest.approx(
        (values[0] - values[1], values[0] - values[1] - half, values[0] - values[1] + half)
    )


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_weights_give_scikit_learns_weighted_area(seed):
    label, (score, _) = draw(seed)
    weight = np.random.default_rng(seed).uniform(0.1, 5, len(label))
    assert roc_auc(label, score, weight).value == pytest.approx(
        roc_auc_score(label, score, sample_weight=weight), abs=1e-12
    )
    even = roc_auc(label, score, np.full(len(label), 2.5))
    assert even.variance == pytest.approx(roc_auc(label, score).variance, abs=1e-12)


def test_by_hand():
    # Positives 0.9 and 0.4, negatives 0.5 and 0.1: three of four pairs are ranked rightly.
    area = roc_auc(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1]))
    assert area.value == 0.75
    # Placements of the positives 1 and 1/2, of the negatives 1/2 and 1: variance 1/8 each, halved, twice.
    assert area.variance == pytest.approx(0.125)


def test_perfect_separation_is_not_certainty():
    label = np.r_[np.ones(8), np.zeros(12)]
    area = roc_auc(label, label.astype(float))
    low, high, method = auc_interval(area, Z95)
    assert (area.value, area.variance, high, method) == (1.0, 0.0, 1.0, "newcombe-hanley-mcneil")
    # The lower limit is the value from which 1 is just z standard errors away.
    assert 1 - low == pytest.approx(Z95 * np.sqrt(hanley_mcneil_variance(1 - low, 12, 8)), rel=1e-9)
    assert 0.7 < low < 0.95


@given(st.lists(st.floats(0.1, 10), min_size=6, max_size=12))
def test_perfect_separation_is_exactly_one_whatever_the_weights(weights):
    label = np.arange(len(weights)) % 2
    area = roc_auc(label, label * 1.0, np.array(weights))
    assert (area.value, area.variance) == (1.0, 0.0)
    assert auc_interval(area, Z95)[0] < 0.95


def test_a_class_of_one_row_is_not_certainty():
    low, high, method = auc_interval(roc_auc(np.array([1, 0, 0, 0]), np.array([0.6, 0.7, 0.2, 0.1])), Z95)
    assert method == "newcombe-hanley-mcneil"
    assert low < 2 / 3 < high
    assert high - low > 0.5


def test_two_perfect_models_are_not_surely_equal():
    label = np.r_[np.ones(10), np.zeros(10)]
    value, low, high, method = paired_auc_difference(label, label * 0.9, label * 0.5 + np.linspace(0, 0.1, 20), Z95)
    assert (value, method) == (0.0, "mover-newcombe")
    assert low < 0 < high


def test_a_class_of_one_row_leaves_a_paired_difference_open():
    label = np.r_[1, np.zeros(30)]
    first, second = np.r_[0.9, np.linspace(0, 1, 30)], np.r_[0.8, np.linspace(0, 1, 30)]
    _, low, high, method = paired_auc_difference(label, first, second, Z95)
    assert method == "mover-newcombe"
    assert high - low > 0.5


def test_the_same_scores_differ_by_nothing():
    label, (score, _) = draw(3)
    assert paired_auc_difference(label, score, score, Z95)[:3] == (0.0, 0.0, 0.0)


def test_unpaired_areas_are_compared_with_a_wider_interval():
    label, (first, second) = draw(8, n=300)
    _, low, high, _ = paired_auc_difference(label, first, (first + second) / 2, Z95)
    value, wide_low, wide_high, method = unpaired_auc_difference(
        roc_auc(label, first), roc_auc(label, (first + second) / 2), Z95
    )
    assert method == "mover-delong"
    assert wide_low < low < value < high < wide_high


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_counts_by_score_give_what_the_rows_give(seed, weighted):
    lent = lender(seed, 120, weighted=weighted)
    rows = roc_auc(lent.label, lent.score, lent.weight)
    counts = area_of(ScoreTable.of_rows(lent, count(lent)).margin(()).bins())
    found, expected = astuple(counts), astuple(rows)
    assert found == pytest.approx(expected, rel=1e-9)
    assert counts.error == 0


def test_binned_scores_widen_the_interval_by_their_error():
    exact = roc_auc(*_normal(400))
    binned = replace(exact, error=0.01)
    (low, high, method), (wide_low, wide_high, told) = auc_interval(exact, Z95), auc_interval(binned, Z95)
    assert (wide_low, wide_high) == pytest.approx((low - 0.01, high + 0.01))
    assert (method, told) == ("delong-logit", "delong-logit-binned")


def test_a_class_of_few_rows_gets_the_hull_of_two_intervals():
    few = roc_auc(*_normal(10))
    low, high, method = auc_interval(few, Z95)
    assert method == "delong-t-newcombe"
    half = t.ppf(0.975, few.freedom) * np.sqrt(few.variance) / (few.value * (1 - few.value))
    delong = expit(logit(few.value) - half), expit(logit(few.value) + half)
    assert low <= delong[0] + 1e-12
    assert high >= delong[1] - 1e-12
    assert auc_interval(replace(few, positives=50.0), Z95)[2] == "delong-logit"


def test_intervals_of_few_positives_cover():
    random, truth, covered = np.random.default_rng(5), norm.cdf(2.5 / np.sqrt(2)), 0
    for _ in range(300):
        label, score = _normal(10, shift=2.5, random=random)
        low, high, _ = auc_interval(roc_auc(label, score), Z95)
        covered += low <= truth <= high
    assert covered >= 0.92 * 300  # DeLong's alone covers 86 % here


def _normal(positives, *, shift=1.0, random=None):
    """Labels and scores of 190 negatives and some positives, normal and apart."""
    random = random or np.random.default_rng(2)
    label = np.r_[np.ones(positives), np.zeros(190)].astype(np.int8)
    return label, label * shift + random.standard_normal(len(label))

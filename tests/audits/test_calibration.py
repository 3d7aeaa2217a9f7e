"""Calibration: reliability by hand, errors without the bias of small bins, limits that cover, the recalibration line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from audits.measures.calibration import (
    calibration_error,
    calibration_error_interval,
    recalibration,
    reliability_by_mass,
    reliability_by_width,
)
from audits.measures.score_report import calibration_series, distribution_series, score_measurements
from tests.audits.score_cases import binned_cells, cells_of, scored


def test_reliability_by_hand():
    bins = reliability_by_width(cells_of([0, 1, 1, 1, 0], [0.05, 0.05, 0.95, 1.0, 0.91]))
    assert (bins.lower.tolist(), bins.upper.tolist()) == ([0.0, 0.9], [0.1, 1.0])
    assert bins.rate.tolist() == [0.5, pytest.approx(2 / 3)]
    assert bins.score.tolist() == [0.05, pytest.approx((0.95 + 1 + 0.91) / 3)]
    assert bins.rows.tolist() == [2, 3]


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_reliability_is_scikit_learns(seed):
    label, score = scored(seed, digits=6)
    rate, mean = calibration_curve(label, score, n_bins=10, strategy="uniform")
    bins = reliability_by_width(cells_of(label, score))
    assert bins.rate == pytest.approx(rate, abs=1e-12)
    assert bins.score == pytest.approx(mean, abs=1e-12)


def test_bins_of_equal_mass_keep_equal_scores_together_and_hold_everybody():
    label, score = scored(1, 2000, digits=2)
    bins = reliability_by_mass(cells_of(label, score))
    assert len(bins.rows) == 15
    assert bins.rows.sum() == 2000
    assert bins.rows.min() > 80
    assert (bins.lower[1:] > bins.upper[:-1]).all()


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_weights_are_repetitions_and_order_does_not_matter(seed):
    label, score = scored(seed, 200)
    draw = np.random.default_rng(seed)
    times = draw.integers(1, 4, 200)
    order = draw.permutation(200)
    weighted = reliability_by_mass(cells_of(label[order], score[order], times[order]), 10)
    repeated = reliability_by_mass(cells_of(np.repeat(label, times), np.repeat(score, times)), 10)
    for name in ("score", "rate", "share", "lower", "upper"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), abs=1e-12)


def mean_errors(slope, shift, n=400, times=120):
    """What the plain and the mended error say on average, and the error that there is."""
    plain, mended = [], []
    for seed in range(times):
        bins = reliability_by_mass(cells_of(*scored(seed, n, slope=slope, shift=shift, digits=6)))
        plain.append(float((bins.share * np.abs(bins.rate - bins.score)).sum()))
        mended.append(calibration_error(bins))
    bins = reliability_by_mass(cells_of(*scored(999, 100_000, slope=slope, shift=shift, digits=6)), 8)
    return np.mean(plain), np.mean(mended), float((bins.share * np.abs(bins.rate - bins.score)).sum())


def test_the_bias_of_small_bins_is_taken_off():
    plain, mended, truth = mean_errors(0.6, 0.2)
    assert plain - truth > 0.007
    assert abs(mended - truth) < 0.006
    plain, mended, _ = mean_errors(1.0, 0.0)
    assert mended < 0.7 * plain


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.6, 0.2)])
def test_limits_cover_the_error_of_the_bins(slope, shift):
    covered = []
    for seed in range(80):
        draw = np.random.default_rng(seed)
        logit = np.sort(1.2 * draw.standard_normal(400) - 0.3)
        score, chance = 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(-(slope * logit + shift)))
        bins = reliability_by_mass(cells_of(draw.random(400) < chance, score))
        gap = np.add.reduceat(chance - score, np.r_[0, np.cumsum(bins.rows)[:-1]])
        low, high = calibration_error_interval(bins, 0.95, seed=seed, replicates=200)
        covered.append(low <= np.abs(gap).sum() / 400 <= high)
    assert np.mean(covered) >= 0.92


def test_a_calibrated_score_may_have_no_error_and_a_bad_one_may_not():
    fair = score_measurements(cells_of(*scored(3, 3000)), [0.95], seed=1)
    bad = score_measurements(cells_of(*scored(3, 3000, slope=0.3)), [0.95], seed=1)
    one, two = (next(m for m in found if m.metric == "expected_calibration_error") for found in (fair, bad))
    assert one.low == 0
    assert two.low > 0.05
    assert "15 bins of equal mass" in one.note
    assert fair == score_measurements(cells_of(*scored(3, 3000)), [0.95], seed=1)


def test_recalibration_is_the_logistic_fit():
    label, score = scored(4, 3000, slope=0.5, shift=0.4)
    line = recalibration(cells_of(label, score))
    logit = np.log(score / (1 - score)).reshape(-1, 1)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit, label)
    assert line.slope == pytest.approx(peer.coef_[0, 0], abs=1e-5)
    assert line.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)
    assert abs(line.slope - 0.5) < 3 * line.slope_error


def test_recalibration_covers_and_is_undefined_where_scores_tell_all_or_nothing():
    hits = []
    for seed in range(200):
        line = recalibration(cells_of(*scored(seed, 500, slope=0.7, shift=0.2, digits=6)))
        hits.append(abs(line.slope - 0.7) <= 1.96 * line.slope_error)
    assert np.mean(hits) >= 0.92
    assert recalibration(cells_of([0, 1, 0, 1], [0.5] * 4)) is None
    assert recalibration(cells_of([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])) is None


def test_series_of_binned_scores_hold_every_row():
    label, score = scored(5, 5000, digits=6)
    exact, binned = cells_of(label, score), binned_cells(label, score, 1024)
    for cells in (exact, binned):
        assert sum(row["n"] for row in calibration_series(cells, 0.95).records()) == 5000
        bars = distribution_series(cells).records()
        assert sum(row["positives"] for row in bars) == label.sum()
        assert len(bars) == 20
    close = [[row["observed_rate"] for row in calibration_series(cells, 0.95).records()] for cells in (exact, binned)]
    assert close[0] == pytest.approx(close[1], abs=0.02)

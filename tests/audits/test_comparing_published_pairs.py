"""Published pairs: DeLong's three tests of 1988, McNemar's test on tables from textbooks, and scipy beside them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audits.auc import paired_auc_difference, roc_auc
from audits.intervals import critical_value
from audits.paired import mcnemar_test

Z95 = critical_value(0.95)

# DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44: patients with ovarian cancer before surgery for an obstruction.
# Albumin, total protein, K-G score, and whether surgery helped; the 43 complete records that SAS/STAT's example of
# PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves", gives.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""
ALBUMIN, PROTEIN, KG, HELPED = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4).T
TESTS = {"albumin": ALBUMIN, "protein": PROTEIN, "kg": 10 - KG}


@pytest.mark.parametrize(
    ("test", "area", "error"), [("albumin", 0.7366, 0.0927), ("protein", 0.6478, 0.1000), ("kg", 0.7258, 0.1028)]
)
def test_delongs_areas_are_the_published_ones(test, area, error):
    found = roc_auc(HELPED, TESTS[test])
    assert (found.value, found.variance**0.5) == (pytest.approx(area, abs=5e-5), pytest.approx(error, abs=5e-5))


@pytest.mark.parametrize(
    ("test", "difference", "low", "high", "statistic"),
    [("albumin", 0.0108, -0.1761, 0.1976, 0.0127), ("protein", -0.0780, -0.2830, 0.1271, 0.5554)],
)
def test_delongs_differences_from_the_kg_score_are_the_published_ones(test, difference, low, high, statistic):
    value, found_low, found_high, method = paired_auc_difference(HELPED, TESTS[test], TESTS["kg"], Z95)
    assert method == "paired-delong"
    assert (value, found_low, found_high) == pytest.approx((difference, low, high), abs=5e-5)
    error = (found_high - found_low) / (2 * Z95)
    assert (value / error) ** 2 == pytest.approx(statistic, abs=5e-5)


def components(label, score):
    """Structural components by their definition in the paper: every positive against every negative, one by one."""
    positives, negatives = score[label == 1], score[label == 0]
    wins = np.array([[1.0 if x > y else 0.5 if x == y else 0.0 for y in negatives] for x in positives])
    return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_delongs_variance_is_that_of_the_structural_components(seed):
    draw = np.random.default_rng(seed)
    label = np.array([0, 1] * 20 + [1] * 7)
    one, two = np.round(draw.normal(label, 1.5), 1), np.round(draw.normal(label * 0.5, 1), 1)
    (area1, v10, v01), (area2, w10, w01) = components(label, one), components(label, two)
    variance = np.var(v10 - w10, ddof=1) / len(v10) + np.var(v01 - w01, ddof=1) / len(v01)
    value, low, high, _ = paired_auc_difference(label, one, two, Z95)
    assert value == pytest.approx(area1 - area2, abs=1e-12)
    assert (high - low) / 2 == pytest.approx(Z95 * variance**0.5, abs=1e-12)


def test_mcnemar_on_the_presidents_approval():
    # Agresti, "Categorical Data Analysis": 1,600 people asked twice; 150 no longer approve, 86 do now. Without correction
    # z is -4.17 there; with it, R's mcnemar.test on the same table gives 16.82 and p = 4.1e-5.
    uncorrected = (86 - 150) / (86 + 150) ** 0.5
    assert uncorrected == pytest.approx(-4.17, abs=5e-3)
    found = mcnemar_test(150, 86)
    assert found.method == "mcnemar-corrected"
    assert found.statistic == pytest.approx(63**2 / 236)
    assert found.statistic == pytest.approx(16.82, abs=5e-3)
    assert found.p == pytest.approx(4.115e-5, rel=1e-3)


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid"),
    [
        # Bentur 2009, airway hyper-responsiveness before and after transplantation: Fagerland, Lydersen and Laake 2013.
        (1, 7, 0.0703, 0.0391),
        # Cavo 2012, complete response before and after consolidation: ibid.
        (6, 16, 0.0525, 0.0347),
    ],
)
def test_mcnemar_exact_and_mid_p_are_the_published_ones(b, c, exact, mid):
    found = mcnemar_test(b, c)
    assert found.method == "mcnemar-exact"
    assert (found.p, found.mid_p) == (pytest.approx(exact, abs=5e-5), pytest.approx(mid, abs=5e-5))


@pytest.mark.parametrize(
    ("b", "c"), [(0, 0), (0, 1), (3, 3), (2, 9), (12, 12), (0, 24), (13, 12), (40, 10), (300, 260), (1971, 1025)]
)
def test_mcnemar_agrees_with_scipy(b, c):
    found = mcnemar_test(b, c)
    exact = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    mid = exact - stats.binom.pmf(b, b + c, 0.5) if b != c else 1 - stats.binom.pmf(b, b + c, 0.5) / 2
    assert found.mid_p == pytest.approx(mid, abs=1e-12)
    if b + c < 25:
        assert found.p == pytest.approx(exact, abs=1e-12)
    else:
        assert found.p == pytest.approx(stats.chi2.sf(max(abs(b - c) - 1, 0) ** 2 / (b + c), 1), rel=1e-9)

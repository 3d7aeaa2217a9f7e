"""Intervals of rates, their differences and ratios agree with the published worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from audits.intervals import (
    critical_value,
    f1_interval,
    koopman_ratio,
    mean_bootstrap,
    mean_delta,
    mover_mean,
    newcombe_difference,
    wilson,
)

Z95 = critical_value(0.95)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_limits_of_newcombe_1998_table_one(successes, trials, low, high):
    assert wilson(successes, trials, Z95) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(0, 5000), st.integers(1, 5000), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(successes, more, confidence):
    trials = successes + more
    low, high = wilson(successes, trials, critical_value(confidence))
    peer = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert float(low) == pytest.approx(peer.low, abs=1e-12)
    assert float(high) == pytest.approx(peer.high, abs=1e-12)


def test_a_rate_of_nobody_has_no_limits():
    assert np.isnan(wilson(0, 0, Z95)).all()
    assert np.isnan(koopman_ratio(0, 0, 1, 2, Z95)).all()
    assert np.isnan(newcombe_difference(0, 0, 1, 2, Z95)).all()


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_differences_have_the_limits_of_newcombe_1998_table_two_method_ten(counts, low, high):
    found = newcombe_difference(*counts, Z95)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((36, 40, 16, 80), 2.9396, 7.1522),  # Koopman 1984
        ((7, 34, 1, 34), 1.220853, 42.575718),  # Perondi 2004, in Fagerland, Lydersen and Laake 2017, table 4.11
    ],
)
def test_ratios_have_koopmans_published_limits(counts, low, high):
    found = koopman_ratio(*counts, Z95)
    assert found == (pytest.approx(low, rel=1e-4), pytest.approx(high, rel=1e-4))


def _score_statistic_by_search(ratio, x1, n1, x2, n2):
    """Pearson's chi-squared at the likelihood's maximum under the ratio, found numerically."""

    def minus_log_likelihood(q2):
        return -stats.binom.logpmf(x1, n1, ratio * q2) - stats.binom.logpmf(x2, n2, q2)

    most = min(1.0, 1 / ratio) - 1e-12
    q2 = optimize.minimize_scalar(minus_log_likelihood, bounds=(1e-12, most), options={"xatol": 1e-12}).x
    return sum((x - n * q) ** 2 / (n * q * (1 - q)) for x, n, q in ((x1, n1, ratio * q2), (x2, n2, q2)))


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"), [(12, 40, 30, 55), (3, 25, 1, 60), (50, 90, 45, 91), (199, 400, 30, 70)]
)
def test_at_koopmans_limits_pearsons_chi_squared_is_the_critical_value(x1, n1, x2, n2):
    for limit in koopman_ratio(x1, n1, x2, n2, Z95):
        assert _score_statistic_by_search(float(limit), x1, n1, x2, n2) == pytest.approx(Z95**2, rel=1e-4)


def test_ratios_are_defined_where_nobody_was_selected():
    low, high = koopman_ratio([0, 5, 0], [20, 20, 20], [5, 0, 0], [20, 20, 20], Z95)
    assert low[0] == 0
    assert 0 < high[0] < 1
    assert low[1] == pytest.approx(1 / high[0])
    assert high[1] == np.inf
    assert (low[2], high[2]) == (0, np.inf)


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_a_swapped_ratio_has_swapped_limits_and_holds_the_estimate(one, two):
    low, high = koopman_ratio(*one, *two, Z95)
    swapped_low, swapped_high = koopman_ratio(*two, *one, Z95)
    with np.errstate(divide="ignore"):
        assert float(1 / swapped_high) == pytest.approx(float(low), rel=1e-9)
        assert float(np.float64(1) / swapped_low) == pytest.approx(float(high), rel=1e-9)
    if two[0]:
        ratio = (one[0] / one[1]) / (two[0] / two[1])
        assert low <= ratio * (1 + 1e-9)
        assert ratio <= high * (1 + 1e-9)


@given(counts, counts)
def test_more_confidence_never_narrows_an_interval(one, two):
    for interval in (newcombe_difference, koopman_ratio):
        low90, high90 = interval(*one, *two, critical_value(0.90))
        low99, high99 = interval(*one, *two, critical_value(0.99))
        assert low99 <= low90 + 1e-12
        assert high99 >= high90 - 1e-9


def test_a_family_of_comparisons_is_adjusted_as_sidak_says():
    assert critical_value(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert critical_value(0.95, 10) == pytest.approx(stats.norm.ppf((1 + 0.95**0.1) / 2))


def test_f1_limits_are_those_of_the_jaccard_index_mapped():
    low, high = f1_interval(30, 20, Z95)
    jaccard = wilson(30, 50, Z95)
    assert (low, high) == tuple(2 * p / (1 + p) for p in jaccard)
    assert low < 2 * 30 / (2 * 30 + 20) < high


def test_the_mean_of_two_rates_by_hand():
    low, high = mover_mean(np.array([0.8, 0.6]), np.array([0.7, 0.5]), np.array([0.86, 0.72]))
    assert low == pytest.approx(0.7 - np.sqrt(0.1**2 + 0.1**2) / 2)
    assert high == pytest.approx(0.7 + np.sqrt(0.06**2 + 0.12**2) / 2)


def test_a_mean_has_the_textbook_interval():
    losses = np.array([1.0, 2.0, 3.0, 4.0])
    half = 1.959963984540054 * losses.std(ddof=1) / 2
    assert mean_delta(losses, None, Z95) == (pytest.approx(2.5 - half), pytest.approx(2.5 + half))
    assert mean_delta(losses, np.full(4, 7.0), Z95) == pytest.approx(mean_delta(losses, None, Z95))


def test_the_bootstrap_is_the_same_for_the_same_seed_and_close_to_the_delta_method():
    losses = np.random.default_rng(5).exponential(size=150)
    first, again = (mean_bootstrap(losses, None, 0.95, seed=3) for _ in range(2))
    assert first == again
    assert first != mean_bootstrap(losses, None, 0.95, seed=4)
    assert first == pytest.approx(mean_delta(losses, None, Z95), abs=0.05)

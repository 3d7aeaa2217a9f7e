"""Distances of drift, their tests and intervals: by hand, against scipy, by properties, and by simulation."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, false_discovery_control, ks_2samp, kstest, norm, wasserstein_distance
from scipy.stats.contingency import association

from audits.intervals import critical_value
from audits.measures.drift.column_drift import compare_categories, compare_numbers
from audits.measures.drift.counting import listed
from audits.measures.drift.distances import (
    bias_corrected_v,
    chi_square,
    cramers_v_squared,
    jensen_shannon_divergence,
    occupied,
    population_stability_index,
    psi_terms,
)
from audits.measures.drift.edges import coarse_cuts, coarse_ranks, edges_at, fine_ranks, merged, without_empty
from audits.measures.drift.limits import debiased_limits, ks_limits
from audits.measures.drift.numbers import Binned, Numbers, aligned, kolmogorov_smirnov, wasserstein
from audits.measures.drift.sides import Categories
from audits.measures.drift.significance import chi_square_p_value, corrected, ks_p_value, psi_critical, psi_p_value

Z = critical_value(0.95)
tables = arrays(np.int64, (2, 7), elements=st.integers(0, 400)).filter(lambda t: t.sum(axis=1).min() > 0)


def atoms(values):
    found, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    return Binned(found, np.concatenate([[0], counts]).astype(np.int64), atoms=True)


def column(values, bins=10):
    return listed(atoms(values), len(values), bins)


def counts(*rows):
    return np.array(rows, dtype=np.int64)


def test_the_stability_index_of_a_table_worked_by_hand():
    # 25, 50, 25 % became 50, 25, 25 %: twice a quarter times the logarithm of two.
    first, second = counts(100, 200, 100), counts(400, 200, 200)
    assert population_stability_index(first, second).value == pytest.approx(0.5 * log(2), abs=1e-15)
    assert psi_terms(first, second).tolist() == pytest.approx([0.25 * log(2), 0.25 * log(2), 0.0], abs=1e-15)


def test_an_empty_bin_counts_as_half_a_row_and_one_empty_on_both_sides_as_nothing():
    expected = (0.5 - 0.5 / 100) * log(0.5 / (0.5 / 100)) + (1.0 - 0.5) * log(1.0 / 0.5)
    found = population_stability_index(counts(50, 0, 50), counts(0, 0, 100)).value
    assert found == pytest.approx(expected, abs=1e-12)


@given(tables)
def test_divergences_are_those_of_scipy_symmetric_and_never_negative(table):
    first, second = table
    p, q = first / first.sum(), second / second.sum()
    found = jensen_shannon_divergence(first, second)
    assert sqrt(found.value) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert found.value == pytest.approx(jensen_shannon_divergence(second, first).value, abs=1e-12)
    psi = population_stability_index(first, second)
    assert psi.value >= 0
    assert psi.value == pytest.approx(population_stability_index(second, first).value, abs=1e-12)
    assert psi.value == pytest.approx(float(psi_terms(first, second).sum()), abs=1e-12)


@given(tables, st.permutations(range(7)))
def test_the_order_of_bins_does_not_matter(table, order):
    first, second = table
    for distance in (population_stability_index, jensen_shannon_divergence, cramers_v_squared):
        shuffled = distance(first[list(order)], second[list(order)])
        assert shuffled.value == pytest.approx(distance(first, second).value, abs=1e-12)


@given(tables)
def test_identical_shares_are_no_distance_at_all(table):
    same, many = table[0], table[0] * 3
    for distance in (jensen_shannon_divergence, cramers_v_squared):
        assert distance(same, many).value == pytest.approx(0.0, abs=1e-12)
    some = same > 0
    assert population_stability_index(same[some], many[some]).value == pytest.approx(0.0, abs=1e-12)


@given(tables)
@settings(max_examples=50)
def test_chi_square_and_cramers_v_are_those_of_scipy(table):
    first, second = occupied(*table)
    if len(first) < 2:
        return
    assert chi_square(first, second) == pytest.approx(
        chi2_contingency([first, second], correction=False).statistic, rel=1e-9, abs=1e-9
    )
    squared = cramers_v_squared(first, second)
    assert sqrt(max(squared.value, 0)) == pytest.approx(association(np.array([first, second])), abs=1e-7)


def test_bergsmas_correction_by_hand():
    # 2 x 2 with chi-square 4 of 100 rows: phi 0.04 - 1/99, and both dimensions shrink to 2 - 1/99.
    squared = cramers_v_squared(counts(30, 20), counts(20, 30))
    assert squared.value == pytest.approx(0.04, abs=1e-15)
    expected = sqrt((0.04 - 1 / 99) / (1 - 1 / 99))
    assert bias_corrected_v(squared, 2, 100) == pytest.approx(expected, abs=1e-12)
    assert bias_corrected_v(cramers_v_squared(counts(25, 25), counts(25, 25)), 2, 100) == 0.0


@pytest.mark.parametrize(("n", "m"), [(5, 7), (20, 30), (99, 100), (64, 64)])
def test_small_kolmogorov_smirnov_tests_are_exact(n, m):
    draw = np.random.default_rng(n)
    peer = ks_2samp(draw.normal(size=n), draw.normal(0.4, 1, size=m), method="exact")
    p_value, test = ks_p_value(peer.statistic, n, m)
    assert (p_value, test) == (pytest.approx(peer.pvalue, rel=1e-9), "ks-exact")


def test_large_kolmogorov_smirnov_tests_are_scipys():
    draw = np.random.default_rng(1)
    first, second = draw.normal(size=3000), draw.normal(0.05, 1, size=2000)
    peer = ks_2samp(first, second, method="asymp")
    assert ks_p_value(peer.statistic, 3000, 2000) == (pytest.approx(peer.pvalue, rel=1e-12), "ks-asymptotic")


def test_rare_categories_are_put_together_before_chi_square_and_few_rows_take_fishers_test():
    first, second = counts(1, 2, 1, 3, 200, 100), counts(3, 1, 2, 2, 150, 140)
    peer = chi2_contingency([[7, 200, 100], [8, 150, 140]], correction=False).pvalue
    assert chi_square_p_value(first, second) == (pytest.approx(peer, rel=1e-9), "chi-square")
    p_value, test = chi_square_p_value(counts(3, 1), counts(0, 4))
    assert (p_value, test) == (pytest.approx(0.14285714285714, rel=1e-9), "fisher-exact")
    assert chi_square_p_value(counts(9), counts(4)) == (1.0, "one category")


def test_corrections_by_hand_and_by_scipy():
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert corrected(p_values, "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected(p_values, "benjamini-hochberg") == pytest.approx(false_discovery_control(p_values).tolist())
    assert corrected(p_values, "none") == p_values
    assert corrected([], "holm") == []


def test_chance_gives_the_stability_index_that_yurdakul_says():
    draw = np.random.default_rng(3)
    shares = np.full(10, 0.1)
    first, second = draw.multinomial(800, shares, 1500), draw.multinomial(400, shares, 1500)
    values = [population_stability_index(a, b).value for a, b in zip(first, second, strict=True)]
    critical = psi_critical(9, 800, 400, 0.95)
    assert np.mean(np.array(values) > critical) == pytest.approx(0.05, abs=0.02)
    assert psi_p_value(critical, 9, 800, 400) == pytest.approx(0.05)
    assert population_stability_index(first[0], second[0]).bias == pytest.approx(np.mean(values), rel=0.05)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.6])
def test_intervals_cover(shift):
    draw = np.random.default_rng(5)
    edges = norm.ppf(np.arange(1, 10) / 10)
    p, q = (np.diff([0, *norm.cdf(edges - move), 1]) for move in (0, shift))
    middle = (p + q) / 2
    truth = {
        population_stability_index: ((q - p) * np.log(q / p)).sum(),
        jensen_shannon_divergence: ((p * np.log2(p / middle)).sum() + (q * np.log2(q / middle)).sum()) / 2,
        cramers_v_squared: ((p - middle) ** 2 / middle + (q - middle) ** 2 / middle).sum() / 2,
    }
    samples = list(zip(draw.multinomial(1000, p, 500), draw.multinomial(1000, q, 500), strict=True))
    for distance, value in truth.items():
        limits = [debiased_limits(distance(a, b), Z) for a, b in samples]
        assert np.mean([low <= value + 1e-15 and value <= high for low, high in limits]) >= 0.93


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_intervals_of_distribution_distances_cover(shift):
    draw = np.random.default_rng(7)
    truth = 2 * norm.cdf(shift / 2) - 1
    hits = []
    for _ in range(100):
        found = compare_numbers(
            "x", "feature", column(draw.normal(size=250)), column(draw.normal(shift, 1, size=350)), seed=0
        )
        ks, moved = found.ks_limits(0.95), found.functions
        limits = found.moved_limits(0.95)
        hits.append([ks.low <= truth <= ks.high, limits.low * moved.unit <= shift <= limits.high * moved.unit])
    # 95 % less twice the standard error of a share of 100 simulations.
    assert np.mean(hits, axis=0).min() >= 0.906


def test_the_interval_of_kolmogorov_smirnov_excludes_nothing_exactly_where_the_test_does():
    assert ks_limits(0.1, 400, 400, 0.95)[0] > 0
    assert ks_limits(0.09, 400, 400, 0.95)[0] == 0


def test_p_values_of_two_samples_of_one_population_are_uniform():
    draw = np.random.default_rng(11)
    p_values = [
        compare_numbers("x", "feature", column(draw.normal(size=300)), column(draw.normal(size=300)), seed=0).p_value
        for _ in range(150)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01


SHAPES = {
    "normal": lambda draw: (draw.normal(size=4000), draw.normal(0.1, 1.2, size=3000)),
    "long tail": lambda draw: (draw.lognormal(0, 1, 4000), draw.lognormal(0.2, 1.1, 3000)),
    "many zeros": lambda draw: (
        np.where(draw.random(4000) < 0.4, 0, draw.exponential(size=4000)),
        np.where(draw.random(3000) < 0.6, 0, draw.exponential(size=3000)),
    ),
    "elsewhere": lambda draw: (draw.normal(size=2000), draw.normal(30, 1, size=2000)),
    "whole numbers": lambda draw: (draw.integers(0, 9, 2000), draw.integers(1, 12, 1500)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_listed_values_give_scipys_distances_and_bins_are_off_by_no_more_than_they_say(shape):
    first, second = SHAPES[shape](np.random.default_rng(2))
    reference, current = column(first), column(second)
    ks, moved = ks_2samp(first, second).statistic, wasserstein_distance(first, second)
    exact = aligned(reference, current)
    assert kolmogorov_smirnov(*exact) == (pytest.approx(ks, abs=1e-12), 0.0)
    assert wasserstein(*exact) == (pytest.approx(moved, rel=1e-9), 0.0)
    binned = [side.binned.over(reference.edges) for side in (reference, current)]
    value, error = kolmogorov_smirnov(*binned)
    assert value - 1e-12 <= ks <= value + error + 1e-12
    assert error < 0.01
    value, error = wasserstein(*binned)
    assert abs(value - moved) <= error + 1e-9


values = st.lists(st.integers(-20, 20) | st.floats(-5, 5, width=16), min_size=1, max_size=60)


@given(values, values)
@settings(max_examples=60)
def test_any_two_samples_have_scipys_distances(first, second):
    pair = aligned(column(first), column(second))
    peer = ks_2samp(first * 2, second * 2, method="asymp").statistic
    assert kolmogorov_smirnov(*pair)[0] == pytest.approx(peer, abs=1e-12)
    assert wasserstein(*pair)[0] == pytest.approx(wasserstein_distance(first, second), abs=1e-9)


@given(values, st.integers(2, 12))
@settings(max_examples=60)
def test_every_bin_of_the_reference_holds_rows_and_all_of_them_together_everything(sample, bins):
    reference = column(sample, bins)
    rows = merged(reference.binned.over(reference.edges).counts, reference.edges, reference.cuts)
    assert rows.min() > 0
    assert rows.sum() == len(sample)
    assert set(reference.cuts) <= set(reference.edges.tolist())


@given(values, values)
@settings(max_examples=40)
def test_counts_of_parts_add_up_to_the_whole(first, second):
    edges = column(first + second).edges
    parts = [atoms(part).over(edges).counts for part in (first, second)]
    assert (parts[0] + parts[1]).tolist() == atoms(first + second).over(edges).counts.tolist()


def test_a_value_that_many_rows_share_has_a_bin_of_its_own():
    picked = [0.0, 0.0, 0.0, 1.0, 2.0]
    assert edges_at(picked) == [0.0, np.nextafter(0.0, 1), 1.0, 2.0]
    assert coarse_cuts(picked, lowest=0.0, highest=2.0) == [np.nextafter(0.0, 1), 1.0, 2.0]
    assert without_empty([1.0, 2.0], np.array([1.0, 2.0]), counts(3, 0, 4)) == [2.0]
    assert coarse_ranks(10, 5) == [2, 4, 6, 8]
    assert fine_ranks(3) == [0, 1, 2]


def test_a_constant_reference_has_no_unit_to_measure_a_move_in():
    moved = compare_numbers("x", "feature", column([1.0] * 50), column([2.0] * 50), seed=0)
    assert moved.moved_limits(0.95) is None
    still = compare_numbers("x", "feature", column([1.0] * 50), column([1.0] * 50), seed=0)
    assert (still.moved_limits(0.95).value, still.p_value, still.psi.value) == (0.0, 1.0, 0.0)


def test_missing_values_are_a_bin_and_are_tested():
    some, none = column(np.arange(100.0)), column(np.arange(100.0))
    half = Numbers(
        rows=200, missing=100, mean=none.mean, deviation=none.deviation, binned=none.binned, edges=none.edges
    )
    found = compare_numbers("x", "feature", some, half, seed=0)
    assert found.functions.ks == 0.0
    assert found.p_value < 1e-9
    assert found.psi.value > 1
    assert (found.bins[-1].name, found.bins[-1].current) == ("(missing)", 100)


def test_new_and_vanished_categories_are_named():
    found = compare_categories("c", "feature", Categories({"a": 50, "b": 50}, 0), Categories({"a": 50, "z": 50}, 0))
    assert (found.new, found.vanished) == (("z",), ("b",))
    assert found.v_limits(Z).value == pytest.approx(0.705, abs=0.01)

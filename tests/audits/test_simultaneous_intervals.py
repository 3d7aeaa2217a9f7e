"""Simultaneous critical values: between one pair's and Šidák's, as Tukey's for equal groups, the same whatever groups are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, studentized_range

from audits.intervals import critical_value
from audits.max_t import Bootstrap, draw, largest_statistic
from audits.rates import ACCURACY, FALSE_POSITIVE_RATE, SELECTION_RATE, TRUE_POSITIVE_RATE
from audits.tensor import CountTensor


def tensor_of(counts, weight=None) -> CountTensor:
    """Groups a, b, c … with the given (tn, fp, fn, tp)."""
    counts = np.array(counts, dtype=np.int64)
    names = tuple("abcdefghijklmnop"[: len(counts)])
    mass = None if weight is None else counts * weight
    return CountTensor(
        columns=("g",),
        levels=(names,),
        keys=np.arange(len(counts))[:, None],
        counts=counts,
        mass=mass,
        squares=None if weight is None else counts * weight**2,
    )


def critical(tensor, rates=(SELECTION_RATE,), *, relative=False, confidence=0.95, seed=0, replicates=1000):
    groups = range(len(tensor.keys))
    bootstrap = Bootstrap(tensor, groups, seed=seed, replicates=replicates)
    return bootstrap.critical(rates, [groups] * len(rates), confidence, relative=relative)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("k", [3, 6, 10])
def test_equal_groups_have_tukeys_critical_value(k, relative):
    found = critical(tensor_of([[3000, 2000, 2000, 3000]] * k), relative=relative, replicates=8000)
    assert found.z == pytest.approx(studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2), abs=0.05)
    assert found.suffix == "-maxt"


def test_one_small_group_among_large_ones_is_compared_with_all_of_them_at_once():
    # Only the small group varies: its gap to each of the others is one and the same statistic.
    found = critical(tensor_of([[30, 20, 20, 30]] + [[300_000, 200_000, 200_000, 300_000]] * 1))
    assert found.z == critical_value(0.95)
    many = tensor_of([[30, 20, 20, 30]] + [[3_000_000, 2_000_000, 2_000_000, 3_000_000]] * 5)
    groups = range(6)
    bootstrap = Bootstrap(many, groups, seed=0, replicates=4000)
    deviations, variances = bootstrap.draws.deviations(SELECTION_RATE, groups, relative=False)
    against_small = np.abs((deviations[1:] - deviations[0]).T / np.sqrt(variances[1:] + variances[0])).max(axis=1)
    assert np.quantile(against_small, 0.95) == pytest.approx(norm.ppf(0.975), abs=0.1)


@given(st.lists(st.tuples(*[st.integers(5, 400)] * 4), min_size=2, max_size=6), st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=25, deadline=None)
def test_it_lies_between_one_pairs_and_sidaks(counts, confidence):
    tensor, rates = tensor_of(counts), [TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE]
    pairs = len(counts) * (len(counts) - 1)
    for relative in (False, True):
        found = critical(tensor, rates, relative=relative, confidence=confidence, replicates=200)
        assert critical_value(confidence) <= found.z <= critical_value(confidence, pairs)


def test_few_events_get_sidaks_value_which_needs_no_bootstrap():
    found = critical(tensor_of([[50, 2, 50, 2], [50, 50, 50, 50], [40, 60, 40, 60]]))
    assert (found.z, found.suffix) == (critical_value(0.95, 3), "-sidak")


def test_a_single_pair_needs_no_adjustment():
    found = critical(tensor_of([[50, 30, 50, 20], [50, 50, 50, 50]]))
    assert (found.z, found.suffix) == (critical_value(0.95), "")


@given(st.permutations(range(5)))
@settings(max_examples=10, deadline=None)
def test_order_and_names_of_groups_change_nothing_and_the_seed_does(order):
    counts = [[50, 30, 20, 40], [80, 70, 60, 50], [50, 30, 20, 40], [15, 25, 35, 45], [90, 10, 30, 70]]
    first, shuffled = critical(tensor_of(counts)), critical(tensor_of([counts[i] for i in order]))
    assert first == shuffled
    assert first.z != critical(tensor_of(counts), seed=1).z


def test_a_group_draws_the_same_whoever_else_is_there():
    tensor = tensor_of([[50, 30, 20, 40], [80, 70, 60, 50], [15, 25, 35, 45]])
    all_of_them, two = draw(tensor, [0, 1, 2], seed=4, replicates=50), draw(tensor, [0, 2], seed=4, replicates=50)
    np.testing.assert_array_equal(all_of_them.cells[:, [0, 2]], two.cells)


def test_equal_weights_change_nothing():
    counts = [[50, 30, 20, 40], [80, 70, 60, 50], [15, 25, 35, 45]]
    assert critical(tensor_of(counts, weight=3.0), [ACCURACY]).z == critical(tensor_of(counts), [ACCURACY]).z


def test_the_largest_statistic_by_definition():
    draws, variances = np.random.default_rng(1).standard_normal((40, 5)).astype(np.float32), np.arange(1.0, 6.0)
    expected = [
        max(abs(row[i] - row[j]) / np.sqrt(variances[i] + variances[j]) for i in range(5) for j in range(i))
        for row in draws.astype(float)
    ]
    np.testing.assert_allclose(largest_statistic(draws.T, variances), expected, rtol=1e-5)

"""Latencies as a histogram: how far a value read back may be off, and what order statistics say of quantiles."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from audits.load.latencies import (
    RELATIVE_ERROR,
    Latencies,
    bucket_of,
    effective_size,
    middle_of,
    order_ranks,
    requests_needed,
)


@given(st.floats(1e-6, 1e5))
def test_a_latency_read_back_is_off_by_at_most_one_percent(seconds):
    assert middle_of(bucket_of(seconds)) == pytest.approx(seconds, rel=RELATIVE_ERROR * 1.000001)


@given(st.lists(st.floats(1e-5, 100), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_the_order_statistic_within_one_percent(seconds, share):
    exact = float(np.quantile(seconds, share, method="inverted_cdf"))
    assert Latencies.of(seconds).at(share) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.000001)


def test_histograms_add_up():
    parts = [Latencies.of([0.001, 0.002]), Latencies.of([0.003])]
    assert Latencies.joined(parts).counts() == Latencies.of([0.001, 0.002, 0.003]).counts()


def test_a_request_without_an_answer_is_slower_than_any():
    latencies = Latencies.of([0.01] * 90 + [math.inf] * 10)
    assert latencies.at(0.9) == pytest.approx(0.01, rel=0.01)
    assert latencies.at(0.95) == math.inf
    assert sum(count for _, count in latencies.counts()) == 90
    found = Latencies.of([0.01] * 97 + [math.inf] * 3).quantile(0.95, 0.95, effective=100)
    assert (round(found.value, 3), round(found.low, 3), found.high) == (0.01, 0.01, math.inf)


@pytest.mark.parametrize(("share", "needed"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_far_percentiles_take_many_requests(share, needed):
    """The largest of n exceeds the quantile with probability 1 − qⁿ, which must reach 97.5 %."""
    assert requests_needed(share, 0.95) == needed
    assert 1 - share**needed >= 0.975 > 1 - share ** (needed - 1)
    assert order_ranks(needed, share, 0.95)[1] == needed
    assert order_ranks(needed - 1, share, 0.95)[1] is None
    few = Latencies.of([0.01] * (needed - 1)).quantile(share, 0.95)
    assert (few.value, few.low, few.high, few.needed) == (None, None, None, needed)


@pytest.mark.parametrize("n", [10, 72, 100, 500, 5000])
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_order_statistics_cover_whatever_the_distribution(n, share, confidence):
    """Each end is missed with at most half of the rest, and the next rank inwards would miss it more often."""
    lower, upper = order_ranks(n, share, confidence)
    tail = (1 - confidence) / 2 + 1e-12
    if lower is not None:
        assert binom.cdf(lower - 1, n, share) <= tail < binom.cdf(lower, n, share)
    else:
        assert binom.cdf(0, n, share) > tail
    if upper is not None:
        assert binom.sf(upper - 1, n, share) <= tail < binom.sf(upper - 2, n, share)
    else:
        assert binom.sf(n - 1, n, share) > tail


def test_requests_that_are_slow_together_are_worth_fewer():
    rng = Random(3)
    alone = [rng.random() < 0.1 for _ in range(4000)]
    together = [flag for flag in alone[:400] for _ in range(10)]
    assert effective_size(alone) > 2800
    assert effective_size(together) < 700
    assert effective_size([False] * 50) == 50


def test_intervals_of_a_queue_hold_with_the_effective_size():
    """Autoregressive latencies: of 200 intervals of the median at 90 %, those for independent requests hold too rarely."""
    rng = np.random.default_rng(5)
    held = {"effective": 0, "independent": 0}
    for _ in range(200):
        noise = rng.standard_normal(400)
        level = np.zeros(400)
        level[0] = noise[0] / math.sqrt(1 - 0.8**2)
        for step in range(1, 400):
            level[step] = 0.8 * level[step - 1] + noise[step]
        latencies = Latencies.of(np.exp(0.3 * level) / 100)
        for name, effective in (("effective", None), ("independent", 400)):
            found = latencies.quantile(0.5, 0.9, effective=effective)
            held[name] += found.low <= 0.01 <= found.high
    assert held["effective"] >= 170
    assert held["independent"] < 130

"""Load in simulated time, against queues whose latencies are known from theory, and a server that stalls once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audits.load.arrivals import arrival_times
from audits.load.latencies import Latencies
from audits.load.open_loop import OpenLoop, drive
from audits.load.ratio import ratio_of_quantiles, turns
from audits.load.saturation import ACHIEVED, find_saturation, verdict_on
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from tests.audits.simulated_time import asked_one_by_one, offered


def exponential(mean: float, seed: int = 2):
    delays = np.random.default_rng(seed).exponential(mean, 200_000)
    return lambda index, _now: float(delays[index])


def stalling(index: int, now: float) -> float:
    """Answers in 1 ms, but stands still from second 1.0 to 1.3."""
    return (1.3 - now if 1.0 <= now < 1.3 else 0.0) + 0.001


def test_a_server_of_constant_delay_shows_that_delay():
    run = offered(20, 10, lambda _i, _now: 0.02, kind="uniform")
    assert (run.sent, run.answered, run.failed, run.timed_out) == (200, 200, 0, 0)
    for share in (0.5, 0.95, 0.99):
        assert run.latencies.at(share) == pytest.approx(0.02, rel=0.011)
    assert run.achieved == pytest.approx(20, rel=0.001)


def test_a_server_of_two_delays_shows_both():
    """Nine of ten answers in 2 ms, the tenth in 50 ms, and nobody waits: the rate is low."""
    run = offered(5, 400, lambda index, _now: 0.05 if index % 10 == 0 else 0.002, kind="uniform")
    assert run.latencies.at(0.5) == pytest.approx(0.002, rel=0.011)
    assert run.latencies.at(0.89) == pytest.approx(0.002, rel=0.011)
    assert run.latencies.at(0.95) == pytest.approx(0.05, rel=0.011)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_percentiles_of_the_queue_with_exponential_service_are_those_of_theory(load):
    """M/M/1: the time in the system is exponential with rate μ − λ (Kleinrock, 1975, section 3.2)."""
    mean = 0.01
    run = offered(load / mean, 1500 * mean / load * 100, exponential(mean))
    rest = (1 - load) / mean
    for share, tolerance in ((0.5, 0.06), (0.95, 0.08), (0.99, 0.12)):
        assert run.latencies.at(share) == pytest.approx(-math.log(1 - share) / rest, rel=tolerance)


def test_the_interval_holds_the_percentile_of_theory_though_requests_queue_together():
    held = 0
    for seed in range(40):
        run = offered(60, 30, exponential(0.01, seed=seed + 100), seed=seed)
        found = run.latencies.quantile(0.95, 0.95)
        held += (found.low or 0) * 0.99 <= -math.log(0.05) / 40 <= (found.high or math.inf) * 1.01
    assert held >= 34


def test_a_stall_shows_from_the_intended_time_and_is_missed_when_asked_one_by_one():
    """100 a second for 3 s: the 300 ms cost 30 requests, evenly from 300 ms down; one by one just a single one is slow."""
    run = offered(100, 3, stalling, kind="uniform")
    assert run.latencies.at(0.95) == pytest.approx(0.15, abs=0.02)
    assert run.latencies.at(0.99) == pytest.approx(0.27, abs=0.02)
    coordinated = asked_one_by_one(270, stalling)
    assert np.quantile(coordinated, 0.95) == pytest.approx(0.001, abs=1e-4)
    assert np.quantile(coordinated, 0.99) == pytest.approx(0.001, abs=1e-4)
    assert (coordinated > 0.01).sum() == 1


def test_requests_that_time_out_or_are_never_sent_are_counted_and_not_dropped():
    """Each takes 0.1 s, 50 a second come, and they wait for at most 1 s: from the 13th on all are late."""
    run = offered(50, 4, lambda _i, _now: 0.1, kind="uniform", timeout=1.0)
    assert run.sent == 200 == run.answered + run.timed_out
    assert run.failed == 0
    assert run.answered == 12
    assert run.latencies.at(0.5) == math.inf
    assert not verdict_on(run)[0]


def test_failures_are_counted_and_after_five_in_a_row_the_rest_is_not_sent():
    asked = []

    def send(index, _now):
        asked.append(index)
        if index >= 10:
            raise ModelFailed("the model ran out of memory")
        return 0.001

    run = offered(10, 10, send, kind="uniform")
    assert (run.sent, run.answered, run.failed, run.timed_out) == (100, 10, 90, 0)
    assert (asked, run.message) == (list(range(15)), "the model ran out of memory")
    assert run.latencies.at(0.5) == math.inf


def test_arrivals_offer_the_rate_and_repeat_with_the_seed():
    one, two = (arrival_times("poisson", 50, 20, seed=[7, 1]) for _ in range(2))
    assert len(one) == 1000
    assert (one == two).all()
    assert (np.diff(one) >= 0).all()
    assert np.diff(one).std() == pytest.approx(0.02, rel=0.1)
    assert np.allclose(np.diff(arrival_times("uniform", 50, 2, seed=0)), 0.02)


def test_the_saturation_point_of_a_server_of_known_capacity_is_found():
    """10 ms an answer: 100 a second are borne and no more."""
    found = find_saturation(
        lambda rate: offered(rate, 4, lambda _i, _now: 0.01, kind="uniform", timeout=2), start=7, highest=10_000
    )
    assert found.sustained <= 100 / ACHIEVED <= found.too_much * 1.05
    assert found.sustained == pytest.approx(100, rel=0.12)
    assert found.too_much / found.sustained <= 1.1
    assert [trial.sustained for trial in sorted(found.trials, key=lambda t: t.rate)] == sorted(
        (trial.sustained for trial in found.trials), reverse=True
    )


def test_what_bears_every_rate_is_said_to_bear_the_highest_and_what_bears_none_nothing():
    free = find_saturation(lambda rate: offered(rate, 1, lambda _i, _now: 0.0), start=100, highest=1000)
    assert (free.sustained, free.too_much) == (1000, None)
    stuck = find_saturation(lambda rate: offered(rate, 4, lambda _i, _now: 60.0, timeout=1), start=8, highest=1000)
    assert (stuck.sustained, stuck.too_much) == (None, 0.1)


def test_a_queue_that_grows_steadily_is_no_sustained_rate_though_nearly_all_are_answered():
    """Services grow slowly by the request, so that the queue only begins to build up."""
    run = offered(100, 20, lambda _i, now: 0.0102, kind="uniform")
    assert run.achieved > ACHIEVED * run.offered
    assert verdict_on(run) == (False, "the queue grew from quarter to quarter of the run")


def test_turns_are_shared_fairly_and_drift_cancels():
    order = turns(8)
    assert order[:8] == [False, True, True, False, True, False, False, True]
    assert sum(order) == 8
    places = [place for place, theirs in enumerate(order) if theirs]
    assert sum(places) == sum(place for place, theirs in enumerate(order) if not theirs)


def test_the_ratio_to_the_champion_is_known_where_one_is_twice_as_slow():
    rng = np.random.default_rng(4)
    champion = [Latencies.of(rng.exponential(0.01, 500)) for _ in range(8)]
    version = [Latencies.of(rng.exponential(0.02, 500)) for _ in range(8)]
    value, low, high = ratio_of_quantiles(version, champion, 0.5, 0.95, seed=0)
    assert low <= 2 <= high
    assert value == pytest.approx(2, rel=0.1)
    assert high - low < 0.5
    assert ratio_of_quantiles(version, champion, 0.5, 0.95, seed=0) == (value, low, high)
    assert ratio_of_quantiles(version[:3], champion[:3], 0.5, 0.95, seed=0)[1:] == (None, None)


def test_the_interval_of_the_ratio_holds_as_often_as_it_says():
    rng, held = np.random.default_rng(9), 0
    for repeat in range(60):
        mood = rng.lognormal(0, 0.2, (2, 8))
        ours, theirs = ([Latencies.of(rng.exponential(0.01 * m, 60)) for m in moods] for moods in mood)
        _, low, high = ratio_of_quantiles(ours, theirs, 0.5, 0.9, seed=repeat)
        held += low <= 1 <= high
    assert held >= 50


def test_cancelling_ends_a_run_and_a_missing_sandbox_passes_through():
    class Cancelled(Exception):
        pass

    def cancel(_share):
        raise Cancelled

    arrivals = arrival_times("uniform", 10, 60, seed=0)
    with pytest.raises(Cancelled):
        drive(OpenLoop(arrivals=arrivals, period=60, timeout=1), [lambda _i: None], cancel)

    def no_sandbox(_index):
        raise SandboxUnavailable("bwrap is not installed")

    with pytest.raises(SandboxUnavailable, match="bwrap"):
        drive(OpenLoop(arrivals=arrivals, period=60, timeout=1), [no_sandbox], lambda _share: None)

"""The most that a system bears: rates are raised until it falls behind, then the point is closed in on. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audits.load.open_loop import Run

ACHIEVED = 0.95
"""A rate is sustained where at least this share of the requests is answered in the time they were spread over."""

FACTOR, CLOSE = 2.0, 1.1
"""Rates grow by the first until one is too much; then the gap is halved until its ends are this near to each other."""

_GROWING, _QUEUE = 2.0, 0.01
_MOST_TRIALS = 24
_HUNDRED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One rate that was tried."""

    rate: float
    achieved: float
    sustained: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """Where a system saturates, in requests per second.

    Attributes
    ----------
    sustained
        The highest rate that it bore; ``None`` where it bore none that was tried.
    too_much
        The lowest that it did not; ``None`` where it bore every rate that could be offered.
    trials
        In the order in which they were tried.
    """

    sustained: float | None
    too_much: float | None
    trials: tuple[Trial, ...]


def verdict_on(run: Run) -> tuple[bool, str]:
    """Whether the rate of a run is sustained, and if not, why."""
    if run.failed:
        return False, f"{run.failed} of {run.sent} requests failed"
    # Whoever answers the last request a moment after the end has not fallen behind; whoever needs 5 % longer has.
    if run.achieved < ACHIEVED * run.offered:
        return False, f"{_words(run.achieved)} of {_words(run.offered)} requests a second were answered"
    first, last = run.quarters[0], run.quarters[-1]
    steadily = all(one < two for one, two in zip(run.quarters, run.quarters[1:], strict=False))
    if steadily and last > _GROWING * first and last - first > _QUEUE * run.seconds:
        return False, "the queue grew from quarter to quarter of the run"
    return True, ""


def _words(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= _HUNDRED else f"{rate:.3g}"


def find_saturation(
    try_rate: Callable[[float], Run], *, start: float, highest: float, lowest: float = 0.1
) -> Saturation:
    """Raise the rate geometrically from ``start`` until it is too much, then halve the gap on the logarithmic scale.

    Parameters
    ----------
    try_rate
        Offers one rate and tells what became of it.
    start
        The first rate, in requests per second; where it is too much already, rates fall until one is sustained.
    highest, lowest
        Nothing above or below is tried.
    """
    trials: list[Trial] = []

    def bears(rate: float) -> bool:
        run = try_rate(rate)
        sustained, why = verdict_on(run)
        trials.append(Trial(rate=rate, achieved=run.achieved, sustained=sustained, why=why))
        return sustained

    low: float | None = None
    high: float | None = None
    rate = min(max(start, lowest), highest)
    while (low is None or high is None) and len(trials) < _MOST_TRIALS:
        if bears(rate):
            low = rate
            if rate >= highest:
                break
            rate = min(rate * FACTOR, highest)
        else:
            high = rate
            if rate <= lowest:
                break
            rate = max(rate / FACTOR, lowest)
    while low is not None and high is not None and high / low > CLOSE and len(trials) < _MOST_TRIALS:
        middle = (low * high) ** 0.5
        if bears(middle):
            low = middle
        else:
            high = middle
    return Saturation(sustained=low, too_much=high, trials=tuple(trials))

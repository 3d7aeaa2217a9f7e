"""One threshold per group that brings groups together with the least loss of accuracy: an exact search. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from audits.intervals import Floats
from audits.measures.remedy.curves import Curve, Places

_EPS = 1e-9
_MOST_LEVELS = 2000
_MOST_GRID = 120
_BISECTIONS, _AS_MANY = 20, 0.02
_NEAR_PARITY = (0.99, 0.97, 0.95)
_NEAR_ODDS = (0.01, 0.02, 0.05)

Window = tuple[Places, Places]


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold for each group (its place on the group's curve), and what was asked of them: a ratio or a gap."""

    cuts: tuple[int, ...]
    asked: float


def parity(curves: Sequence[Curve], ratio: float) -> Choice:
    """Thresholds with the most right decisions among those whose selection rates are within ``ratio`` of each other.

    Notes
    -----
    If the lowest rate is L, every rate lies in ``[L, L / ratio]``, and each group takes its best threshold there; L runs
    over all rates that occur (at most 2,000 of them, evenly thinned). Selecting everybody always complies.
    """
    levels = _levels([curve.rate[1:] for curve in curves])

    def window(curve: Curve) -> Window:
        return _between(curve.rate, levels, np.minimum(levels / ratio, 1.0))

    found = _best(curves, window, len(levels))
    assert found is not None
    return Choice(found, ratio)


def parity_of_as_many(curves: Sequence[Curve], ratio: float, selected: float) -> Choice | None:
    """:func:`parity` that selects about as many people as now; None where no thresholds come within 2 % of everybody.

    Parameters
    ----------
    selected
        Weight selected now.

    Notes
    -----
    With the most right decisions that a price on selecting reaches (Everett 1963, "Generalized Lagrange multiplier method", Operations Research 11, 399–417) the
    higher the price, the fewer are selected, so it is found by bisection. Some numbers of people no price reaches.
    """
    low, high = -1.0, 1.0
    found: list[tuple[int, ...]] = []
    for _ in range(_BISECTIONS):
        price = (low + high) / 2
        found.append(parity([replace(curve, price=price) for curve in curves], ratio).cuts)
        low, high = (price, high) if _selected(curves, found[-1]) > selected else (low, price)
    return _as_many(curves, found, ratio, selected)


def parity_by_least_change(curves: Sequence[Curve], ratio: float, now: Floats, selected: float) -> Choice | None:
    """Selection rates as they are, but moved into a window of ``ratio`` that selects about as many people as now.

    Parameters
    ----------
    now
        (G,) the groups' selection rates now.
    selected
        Weight selected now.

    Returns
    -------
    Choice or None
        None where no window comes within 2 % of everybody. Each rate becomes the nearest in ``[L, L / ratio]`` that a
        threshold gives; the higher L, the more are selected.
    """
    found: list[tuple[int, ...]] = []
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        least = (low + high) / 2
        most = min(least / ratio, 1.0)
        cuts = []
        for curve, rate in zip(curves, now.tolist(), strict=True):
            first, last = (int(place[0]) for place in _between(curve.rate, np.array([least]), np.array([most])))
            if first > last:
                break
            cuts.append(int(np.clip(np.abs(curve.rate - min(max(rate, least), most)).argmin(), first, last)))
        if len(cuts) == len(curves):
            found.append(tuple(cuts))
        fewer = len(cuts) < len(curves) or _selected(curves, cuts) < selected
        low, high = (least, high) if fewer else (low, least)
    return _as_many(curves, found, ratio, selected)


def _as_many(curves: Sequence[Curve], found: Sequence[tuple[int, ...]], ratio: float, selected: float) -> Choice | None:
    """The thresholds that come nearest to selecting so many; None where none comes near."""
    if not found:
        return None
    apart, cuts = min((abs(_selected(curves, cuts) - selected), cuts) for cuts in found)
    return Choice(cuts, ratio) if apart <= _AS_MANY * sum(curve.weight for curve in curves) else None


def _selected(curves: Sequence[Curve], cuts: Sequence[int]) -> float:
    return sum(float(curve.true[cut] + curve.false[cut]) for curve, cut in zip(curves, cuts, strict=True))


def equal_selection(curves: Sequence[Curve]) -> Choice:
    """Selection rates as near to equal as thresholds bring them without selecting everybody."""
    return _first_useful(curves, [partial(parity, curves, ratio) for ratio in _NEAR_PARITY])


def equal_opportunity(curves: Sequence[Curve]) -> Choice | None:
    """True positive rates within a small gap; a group without positives takes its best threshold. None where none has any."""
    rates = [curve.true_rate for curve in curves if curve.true_rate is not None]
    if not rates:
        return None
    levels = _levels(rates)

    def attempt(gap: float) -> Choice:
        def window(curve: Curve) -> Window:
            return (
                _whole(curve, len(levels))
                if curve.true_rate is None
                else _between(curve.true_rate, levels, levels + gap)
            )

        found = _best(curves, window, len(levels))
        assert found is not None
        return Choice(found, gap)

    return _first_useful(curves, [partial(attempt, gap) for gap in _NEAR_ODDS])


def equalized_odds(curves: Sequence[Curve]) -> Choice | None:
    """True and false positive rates both within a small gap; None where single thresholds cannot, except for all or nobody.

    Both rates fall together as a threshold rises, so what complies with both is one range of thresholds; levels of both are
    tried on a grid of at most 120 × 120.
    """
    true = [curve.true_rate for curve in curves if curve.true_rate is not None]
    false = [curve.false_rate for curve in curves if curve.false_rate is not None]
    if not true or not false:
        return None
    first, second = _levels(true, _MOST_GRID), _levels(false, _MOST_GRID)
    of_true, of_false = (part.ravel() for part in np.meshgrid(first, second))
    for gap in (*_NEAR_ODDS, 0.1):

        def window(curve: Curve, gap: float = gap) -> Window:
            low, high = _whole(curve, len(of_true))
            for rate, level in ((curve.true_rate, of_true), (curve.false_rate, of_false)):
                if rate is not None:
                    start, end = _between(rate, level, level + gap)
                    low, high = np.maximum(low, start), np.minimum(high, end)
            return low, high

        found = _best(curves, window, len(of_true))
        if found is not None and _useful(curves, found):
            return Choice(found, gap)
    return None


def _best(curves: Sequence[Curve], window: Callable[[Curve], Window], tried: int) -> tuple[int, ...] | None:
    """The places with the largest gain over all groups, among the windows that no group finds empty."""
    total, cuts = np.zeros(tried), []
    for curve in curves:
        place = curve.best(*window(curve))
        total += np.where(place < 0, -np.inf, curve.gain[place])
        cuts.append(place)
    at = int(np.argmax(total))
    return None if np.isneginf(total[at]) else tuple(int(place[at]) for place in cuts)


def _levels(rates: Sequence[Floats], most: int = _MOST_LEVELS) -> Floats:
    levels = np.unique(np.concatenate(rates))
    if len(levels) > most:
        levels = levels[np.unique(np.linspace(0, len(levels) - 1, most).astype(np.intp))]
    return levels


def _between(rate: Floats, low: Floats, high: Floats) -> Window:
    return np.searchsorted(rate, low - _EPS, "left"), np.searchsorted(rate, high + _EPS, "right") - 1


def _whole(curve: Curve, tried: int) -> Window:
    return np.zeros(tried, dtype=np.intp), np.full(tried, len(curve.rate) - 1, dtype=np.intp)


def _useful(curves: Sequence[Curve], cuts: Sequence[int]) -> bool:
    """Whether somebody is selected and somebody is not."""
    all_of_them = all(cut == len(curve.rate) - 1 for curve, cut in zip(curves, cuts, strict=True))
    return any(cuts) and not all_of_them


def _first_useful(curves: Sequence[Curve], attempts: Sequence[Callable[[], Choice]]) -> Choice:
    choice = attempts[0]()
    for attempt in attempts[1:]:
        if _useful(curves, choice.cuts):
            break
        choice = attempt()
    return choice

"""The nearest change of a row that changes its decision: which few features, and how far. Pure.

Searched is over values that were really seen in the background, one feature first, then two, then three; what may not
change never does. The search is deterministic, asks the model in large batches, and has the model confirm every answer. It
is a search, not a proof: for one feature it tries the whole grid of seen values, for two and three a coarser one, so that a
nearer change of several features may exist, and "none" means none among what was tried.

Distance is the sum over the changed features of ``|change| / MAD``, the median absolute deviation of the feature in the
background; a change of a category, or from or to a missing value, counts 1. Source: Wachter, Mittelstadt and Russell (2018),
"Counterfactual Explanations without Opening the Black Box", Harvard Journal of Law & Technology 31(2).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
Ask: TypeAlias = "Callable[[dict[str, Array]], tuple[Any, Any]]"
"""Columns of many rows in; scores (float) and decisions (any values that can be compared) out."""
Progress: TypeAlias = "Callable[[float, str], object]"
Steps: TypeAlias = "tuple[tuple[int, Any], ...]"
"""A candidate: position of a feature and its new value, in the order of the features."""

_GRID = {1: 64, 2: 12, 3: 6}
_WIDTH = {1: 10_000, 2: 12, 3: 8}
_REFINED = 24
_BATCH = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeable:
    """What a feature may become.

    Attributes
    ----------
    values
        Distinct values seen: numbers ascending, anything else by how often it was seen.
    deviation
        The unit of distance for numbers; ``None`` for categories.
    only
        ``increase`` or ``decrease``, where a number may only go one way.
    fixed
        Whether it never changes.
    """

    name: str
    values: tuple[Any, ...]
    deviation: float | None = None
    only: str = ""
    fixed: bool = False

    def distance(self, before: Any, after: Any) -> float:
        """How far it is from one value to another."""
        if self.deviation is None or _is_missing(before) or _is_missing(after):
            return float(before != after)
        return abs(float(after) - float(before)) / self.deviation

    def candidates(self, before: Any, most: int) -> tuple[Any, ...]:
        """At most ``most`` values that it may take instead of ``before``; of numbers quantiles, the extremes among them."""
        if self.fixed:
            return ()
        allowed = [value for value in self.values if value != before and self._allows(before, value)]
        if self.deviation is None or len(allowed) <= most:
            return tuple(allowed[:most])
        places = np.unique(np.round(np.linspace(0, len(allowed) - 1, most)).astype(int))
        return tuple(allowed[place] for place in places)

    def path(self, before: Any, after: Any) -> tuple[Any, ...]:
        """The seen values from ``before`` (left out) to ``after``, the nearest first."""
        if self.deviation is None or _is_missing(before):
            return (after,)
        low, high = sorted((before, after))
        between = [value for value in self.values if low <= value <= high and value not in (before, after)]
        return (*sorted(between, key=lambda value: abs(value - before)), after)

    def _allows(self, before: Any, after: Any) -> bool:
        if not self.only or self.deviation is None or _is_missing(before):
            return True
        return bool(after > before) if self.only == "increase" else bool(after < before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """A change that the model confirmed to change the decision: features to new values, and what the model then says."""

    changes: Mapping[str, Any]
    distance: float
    score: float
    decision: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search gave.

    Attributes
    ----------
    found
        Fewest features first, then nearest.
    tried
        Rows that the model was asked.
    features
        How many features could change at all.
    most_features
        How many were changed together at most.
    """

    found: tuple[Counterfactual, ...]
    tried: int
    features: int
    most_features: int


def changeable(
    background: Mapping[str, Array],
    *,
    numbers: Iterable[str],
    fixed: Iterable[str] = (),
    only: Mapping[str, str] | None = None,
    most_categories: int = 64,
) -> tuple[Changeable, ...]:
    """What each column of ``background`` may become, from what was seen in it.

    Parameters
    ----------
    numbers
        The columns that are numbers; missing values of theirs are NaN.
    fixed
        Columns that never change.
    only
        Column to ``increase`` or ``decrease``.
    """
    numeric, unchanging, ways = set(numbers), set(fixed), only or {}
    return tuple(
        _from_numbers(name, np.asarray(values, dtype=np.float64), name in unchanging, ways.get(name, ""))
        if name in numeric
        else Changeable(name=name, values=_by_frequency(values)[:most_categories], fixed=name in unchanging)
        for name, values in background.items()
    )


def _from_numbers(name: str, values: Array, fixed: bool, only: str) -> Changeable:
    seen = values[np.isfinite(values)]
    middle = float(np.median(seen)) if len(seen) else 0.0
    spread = np.abs(seen - middle)
    # Where more than half of the rows share one value, the median deviation is 0 and the mean one takes its place.
    deviation = (float(np.median(spread)) or float(np.mean(spread))) if len(seen) else 0.0
    distinct = tuple(float(value) for value in np.unique(seen))
    return Changeable(name=name, values=distinct, deviation=deviation or 1.0, fixed=fixed, only=only)


def _by_frequency(values: Iterable[Any]) -> tuple[Any, ...]:
    counts: dict[Any, int] = {}
    for value in values:
        if not _is_missing(value):
            counts[value] = counts.get(value, 0) + 1
    return tuple(sorted(counts, key=lambda value: (-counts[value], str(value))))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def nearest(
    ask: Ask,
    row: Mapping[str, Any],
    features: Sequence[Changeable],
    *,
    most: int = 3,
    most_features: int = 3,
    progress: Progress | None = None,
) -> Search:
    """Find up to ``most`` near changes of ``row`` that change its decision, none of which contains another's features.

    Parameters
    ----------
    ask
        The model; asked in batches.
    row
        Every column that the model reads.
    features
        Those that may change, and what to; columns of ``row`` that are not among them stay.
    most_features
        How many features are changed together at most, 1 to 3.
    progress
        Called between batches; what it raises passes through.
    """
    return _Searching(ask, dict(row), tuple(features), progress).run(most, min(most_features, max(_GRID)))


class _Searching:
    """One search: the row, the model, and what was asked of it."""

    def __init__(
        self, ask: Ask, row: dict[str, Any], features: tuple[Changeable, ...], progress: Progress | None
    ) -> None:
        self._model, self._row, self._features, self._progress = ask, row, features, progress
        self._tried, self._note, self._share = 0, "", 0.0
        scores, decisions = self._ask([()])
        self._score, self._decision = float(scores[0]), decisions[0]
        self._pull: dict[int, float] = {}

    def run(self, most: int, most_features: int) -> Search:
        free = [place for place, item in enumerate(self._features) if item.candidates(self._row[item.name], 1)]
        best: dict[tuple[int, ...], Steps] = {}
        for size in range(1, min(most_features, len(free)) + 1):
            self._note, self._share = f"changes of {size} of {len(free)} features", (size - 1) / most_features
            for steps in sorted(self._level(free, size), key=self._rank):
                places = tuple(place for place, _ in steps)
                if not any(set(known) <= set(places) for known in best):
                    best[places] = steps
            if len(best) >= most:
                break
        chosen = sorted(best.values(), key=self._rank)[:most]
        return Search(
            found=tuple(self._confirmed(chosen)), tried=self._tried, features=len(free), most_features=most_features
        )

    def _level(self, free: Sequence[int], size: int) -> list[Steps]:
        """Candidates that change exactly so many features, and the decision, each brought as near as bisection can."""
        # Where not all can be tried together, those that move the score most by themselves; ties in the features' order.
        chosen = sorted(sorted(free, key=lambda place: -self._pull.get(place, 0.0))[: _WIDTH[size]])
        grid = {place: self._features[place].candidates(self._before(place), _GRID[size]) for place in chosen}
        tried: list[Steps] = [
            tuple(zip(places, values, strict=True))
            for places in itertools.combinations(chosen, size)
            for values in itertools.product(*(grid[place] for place in places))
        ]
        scores, changed = self._changed(tried)
        if size == 1:
            for steps, score in zip(tried, scores, strict=True):
                place = steps[0][0]
                self._pull[place] = max(self._pull.get(place, 0.0), abs(float(score) - self._score))
        hits = sorted((steps for steps, hit in zip(tried, changed, strict=True) if hit), key=self._rank)
        return self._nearer(hits if size == 1 else hits[:_REFINED])

    def _nearer(self, hits: Sequence[Steps]) -> list[Steps]:
        """Move every feature of every hit back towards the row, in every order, as far as the decision stays changed."""
        orders = [
            (steps, order)
            for steps in self._nearest_each_way(hits)
            for order in itertools.permutations([place for place, _ in steps])
        ]
        current = [steps for steps, _ in orders]
        for turn in range(max((len(order) for _, order in orders), default=0)):
            current = self._bisected(current, [order[turn] for _, order in orders])
        return [steps for steps in current if steps]

    def _nearest_each_way(self, hits: Sequence[Steps]) -> list[Steps]:
        """Of the changes of the same features in the same directions, the three nearest."""
        kept: dict[tuple[Any, ...], list[Steps]] = {}
        for steps in hits:
            way = tuple((place, self._direction(place, value)) for place, value in steps)
            kept.setdefault(way, []).append(steps)
        return [steps for same in kept.values() for steps in same[:3]]

    def _direction(self, place: int, value: Any) -> str:
        before = self._before(place)
        if self._features[place].deviation is None or _is_missing(before):
            return ""
        return "up" if value > before else "down"

    def _bisected(self, current: Sequence[Steps], which: Sequence[int]) -> list[Steps]:
        """Bisect one feature of each candidate between the row's value and its own, all candidates in one batch a step."""
        states = []
        for steps, place in zip(current, which, strict=True):
            # One whose change was found to be needless is not there any more.
            path = self._features[place].path(self._before(place), dict(steps)[place]) if place in dict(steps) else ()
            states.append(_Bisection(steps, place, (None, *path)))
        while any(state.is_open for state in states):
            opened = [state for state in states if state.is_open]
            _, changed = self._changed([state.middle for state in opened])
            for state, hit in zip(opened, changed, strict=True):
                state.learn(bool(hit))
        return [state.result for state in states]

    def _before(self, place: int) -> Any:
        return self._row[self._features[place].name]

    def _rank(self, steps: Steps) -> tuple[Any, ...]:
        return len(steps), round(self._distance(steps), 12), [(place, str(value)) for place, value in steps]

    def _distance(self, steps: Steps) -> float:
        return sum(self._features[place].distance(self._before(place), value) for place, value in steps)

    def _changed(self, tried: Sequence[Steps]) -> tuple[Array, Array]:
        scores, decisions = self._ask(tried)
        return scores, np.asarray([decision != self._decision for decision in decisions], dtype=bool)

    def _ask(self, tried: Sequence[Steps]) -> tuple[Array, list[Any]]:
        scores: list[Array] = []
        decisions: list[Any] = []
        for start in range(0, len(tried), _BATCH):
            part = tried[start : start + _BATCH]
            if self._progress is not None:
                self._progress(self._share, self._note)
            columns = {name: _repeated(value, len(part)) for name, value in self._row.items()}
            for index, steps in enumerate(part):
                for place, value in steps:
                    columns[self._features[place].name][index] = value
            answered, decided = self._model(columns)
            self._tried += len(part)
            scores.append(np.asarray(answered, dtype=np.float64))
            decisions.extend(np.asarray(decided).tolist())
        return (np.concatenate(scores) if scores else np.zeros(0)), decisions

    def _confirmed(self, chosen: Sequence[Steps]) -> Iterable[Counterfactual]:
        scores, decisions = self._ask(chosen)
        for steps, score, decision in zip(chosen, scores, decisions, strict=True):
            if decision != self._decision:
                yield Counterfactual(
                    changes={self._features[place].name: value for place, value in steps},
                    distance=self._distance(steps),
                    score=float(score),
                    decision=decision,
                )


def _repeated(value: Any, rows: int) -> Array:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    column = np.empty(rows, dtype=np.float64 if is_number else object)
    column[:] = value
    return column


@dataclass
class _Bisection:
    """One feature of one candidate on its way back: at ``path[high]`` the decision is changed, at ``path[low]`` not.

    The path begins at the row's own value, of which nothing is known at first, and ends where the candidate stands.
    """

    steps: Steps
    place: int
    path: tuple[Any, ...]
    low: int = -1
    high: int = field(init=False)

    def __post_init__(self) -> None:
        self.high = len(self.path) - 1

    @property
    def is_open(self) -> bool:
        return self.high - self.low > 1

    @property
    def _next(self) -> int:
        # First whether the change of this feature is needed at all.
        return 0 if self.low < 0 else (self.low + self.high) // 2

    @property
    def middle(self) -> Steps:
        return self._at(self._next)

    def learn(self, changed: bool) -> None:
        tried = self._next
        if changed:
            self.high = tried
        else:
            self.low = tried

    @property
    def result(self) -> Steps:
        return self._at(self.high)

    def _at(self, index: int) -> Steps:
        moved = {self.place: self.path[index]}
        return tuple((place, moved.get(place, value)) for place, value in self.steps if index or place != self.place)

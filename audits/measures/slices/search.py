"""The search: every slice of enough rows is looked at, with limits that hold for all of them at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS
from audits.intervals import Floats, critical_value
from audits.measures.slices.lattice import Sums, combined_sums
from audits.measures.slices.metrics import Estimates, SliceMetric
from audits.measures.sums import joined

if TYPE_CHECKING:
    from audits.measures.slices.axes import Axis, Cut

MOST_LISTED = 50
_MOST_RANKED = 5000

Conditions = tuple[tuple[int, int], ...]
"""``(axis, level)`` pairs, axes ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice: ``{column: level}``, the rows that count, and the metric there with simultaneous limits."""

    where: dict[str, str]
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """What was found for one metric at one confidence.

    Attributes
    ----------
    metric
        The metric.
    confidence
        Coverage of all limits together.
    overall
        Its value over everybody; ``None`` where no row counts.
    looked_at
        Different slices of at least ``least_rows`` rows that count.
    low, high
        Interval for the value of the truly worst slice among them.
    listed
        The slices, the surest worst first, without those that another one on the list explains.
    """

    metric: SliceMetric
    confidence: float
    overall: float | None
    looked_at: int
    least_rows: int
    low: float | None
    high: float | None
    listed: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """All eligible slices of one metric."""

    conditions: list[Conditions]
    estimates: Estimates


def find_worst(
    cut: Cut,
    metrics: Sequence[SliceMetric],
    *,
    confidences: Sequence[float],
    least_rows: int,
    step: Callable[[float], None] | None = None,
) -> list[Worst]:
    """Look at every combination of up to three axes, once per metric and confidence.

    Notes
    -----
    Limits are Clopper and Pearson's (of means: Student's) at Šidák's level over all slices looked at, so with the given confidence
    all hold together, whichever slice is picked by them afterwards: choosing the worst after the fact costs nothing more.
    The value of the truly worst slice then lies between the worst lower and the worst upper limit of all. Slices are ranked
    by the limit nearer to the good side, that is, by how bad they surely are, not by the observed value, which is lowest
    in the smallest slices by chance alone.

    A slice goes unlisted where a slice that contains it explains it (its limits reach the value of that one), and where
    without a listed part of it nothing is surely worse than overall.
    """
    gathered: list[list[tuple[list[Conditions], Estimates]]] = [[] for _ in metrics]
    overall: list[float | None] = [None for _ in metrics]
    wanted = joined(metric.sums(f"m{i}_") for i, metric in enumerate(metrics))
    for chosen, sums, distinct in _distinct(combined_sums(cut, wanted, step=step)):
        for i, metric in enumerate(metrics):
            estimates = metric.estimates(sums, f"m{i}_")
            if overall[i] is None:
                whole = {name: np.array([values.sum()]) for name, values in sums.items()}
                value = float(metric.estimates(whole, f"m{i}_").value[0])
                overall[i] = value if np.isfinite(value) else None
            places = np.flatnonzero(distinct.ravel() & (estimates.rows >= least_rows)).astype(np.int64)
            shape = sums[ROWS].shape
            levels = np.stack(np.unravel_index(places, shape), axis=1).tolist()
            found: list[Conditions] = [tuple(zip(chosen, level, strict=True)) for level in levels]
            gathered[i].append((found, estimates.chosen(places)))
    families = [_joined(parts) for parts in gathered]
    return [
        _worst(metric, families[i], overall[i], cut.axes, confidence, least_rows)
        for confidence in confidences
        for i, metric in enumerate(metrics)
    ]


def _distinct(
    parts: Iterator[tuple[tuple[int, ...], Sums]],
) -> Iterator[tuple[tuple[int, ...], Sums, npt.NDArray[np.bool_]]]:
    """Besides, which cells are slices of their own: not everybody, and not all rows of a slice that contains them."""
    rows: dict[tuple[int, ...], Floats] = {}
    for chosen, sums in parts:
        counts = sums[ROWS]
        distinct = counts < counts.sum()
        for dropped in range(len(chosen) if len(chosen) > 1 else 0):
            parent = rows.get(chosen[:dropped] + chosen[dropped + 1 :])
            if parent is not None:
                distinct &= counts != np.expand_dims(parent, dropped)
        if len(chosen) < 3:  # noqa: PLR2004 - triples contain nothing
            rows[chosen] = counts
        yield chosen, sums, distinct


def _joined(parts: Sequence[tuple[list[Conditions], Estimates]]) -> _Family:
    estimates = [part for _, part in parts]
    spreads = [part.spread for part in estimates if part.spread is not None]
    return _Family(
        [condition for conditions, _ in parts for condition in conditions],
        Estimates(
            rows=np.concatenate([part.rows for part in estimates]),
            value=np.concatenate([part.value for part in estimates]),
            size=np.concatenate([part.size for part in estimates]),
            spread=np.concatenate(spreads) if spreads else None,
        ),
    )


def _worst(
    metric: SliceMetric,
    family: _Family,
    overall: float | None,
    axes: Sequence[Axis],
    confidence: float,
    least_rows: int,
) -> Worst:
    count, estimates = len(family.conditions), family.estimates
    z = critical_value(confidence, count)
    low, high = estimates.limits(z)
    if not metric.rate:
        low = np.maximum(low, 0.0)
    kept = _listed(metric, family, overall, z) if overall is not None and count else []
    listed = tuple(
        Slice(
            where={axes[axis].column: axes[axis].names[level] for axis, level in family.conditions[i]},
            n=int(estimates.rows[i]),
            value=float(estimates.value[i]),
            low=float(low[i]),
            high=float(high[i]),
        )
        for i in kept
    )
    pick = np.min if metric.higher_is_better else np.max
    return Worst(
        metric=metric,
        confidence=confidence,
        overall=overall,
        looked_at=count,
        least_rows=least_rows,
        low=float(pick(low)) if count else None,
        high=float(pick(high)) if count else None,
        listed=listed,
    )


def _listed(metric: SliceMetric, family: _Family, overall: float, z: float) -> list[int]:
    """Indices of the slices to list, the surest worst first; always the first, then those worse than overall."""
    estimates = family.estimates
    sign = 1.0 if metric.higher_is_better else -1.0
    low, high = estimates.limits(z)
    mild = sign * (high if metric.higher_is_better else low)
    order = np.lexsort((-estimates.rows, sign * estimates.value, mild))[:_MOST_RANKED]
    place = {conditions: i for i, conditions in enumerate(family.conditions)}
    kept: list[int] = []
    for i in order.tolist():
        if len(kept) == MOST_LISTED:
            break
        own = set(family.conditions[i])
        if kept and sign * estimates.value[i] >= sign * overall:
            continue
        within = [place[wider] for wider in _wider(family.conditions[i]) if wider in place]
        if any(mild[i] >= sign * estimates.value[j] for j in within):
            continue
        parts = [j for j in kept if set(family.conditions[j]) > own]
        if metric.rate and any(_explained(metric, estimates, i, j, overall, z) for j in parts):
            continue
        kept.append(i)
    return kept


def _wider(conditions: Conditions) -> Iterator[Conditions]:
    """The slices that contain this one: some of its conditions, but not all."""
    for size in range(1, len(conditions)):
        yield from combinations(conditions, size)


def _explained(metric: SliceMetric, estimates: Estimates, whole: int, part: int, overall: float, z: float) -> bool:
    low, high = estimates.without(whole, part).limits(z)
    reached = high[0] >= overall if metric.higher_is_better else low[0] <= overall
    return bool(reached or np.isnan(low[0]))

"""The slice of people whose decisions flip most: every one of up to two conditions, with limits that hold for all at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.intervals import critical_value
from audits.measures.slices.metrics import Estimates

UNKNOWN = "unknown"
MOST_LEVELS, MOST_LISTED = 20, 4
_FEW_NUMBERS = 10
_QUINTILES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Axis:
    """A column cut into levels: (n,) indices into their names."""

    column: str
    names: tuple[str, ...]
    codes: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One slice: what it is, its rows, its rate of flips, and limits that hold for all slices at once."""

    where: Mapping[str, str]
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstSlice:
    """What the search found.

    Attributes
    ----------
    looked_at
        Slices of enough rows.
    low, high
        Interval for the rate of the truly worst of them, whichever it is.
    listed
        The slices, the surest worst first.
    """

    looked_at: int
    low: float | None
    high: float | None
    listed: tuple[Found, ...]


def axes_of(columns: Mapping[str, npt.NDArray[Any]]) -> list[Axis]:
    """Numbers of many values by quintile, everything else by value; columns of more than 20 values are left out."""
    return [axis for name, values in columns.items() if (axis := _axis(name, values)) is not None]


def _axis(name: str, values: npt.NDArray[Any]) -> Axis | None:
    if values.dtype == np.float64:
        known = values[np.isfinite(values)]
        if len(np.unique(known)) > _FEW_NUMBERS:
            edges = np.unique(np.quantile(known, _QUINTILES))
            texts = [f"{edge:.6g}" for edge in edges]
            between = [f"{low} to below {high}" for low, high in pairwise(texts)]
            names = (f"below {texts[0]}", *between, f"{texts[-1]} and above", UNKNOWN)
            codes = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(names) - 1)
            return Axis(column=name, names=names, codes=codes.astype(np.intp))
    # A missing value is nobody's name: None, and NaN, which differs from itself.
    texts = [
        UNKNOWN if value is None or value != value else f"{value:g}" if isinstance(value, float) else str(value)  # noqa: PLR0124
        for value in values.tolist()
    ]
    levels, codes = np.unique(np.array(texts, dtype=object).astype(str), return_inverse=True)
    if len(levels) > MOST_LEVELS:
        return None
    return Axis(column=name, names=tuple(levels.tolist()), codes=codes.astype(np.intp))


def find_worst_slice(
    axes: Sequence[Axis],
    flipped: npt.NDArray[np.bool_],
    counted: npt.NDArray[np.bool_],
    *,
    least_rows: int,
    confidence: float,
) -> WorstSlice:
    """Look at every slice of one or two conditions that has enough rows.

    Parameters
    ----------
    flipped, counted
        (n,) truths: rows that are decided otherwise, and rows that were answered at all.

    Notes
    -----
    Limits are Clopper and Pearson's at Šidák's level over all slices looked at, so that all hold together whichever is
    picked afterwards. The rate of the truly worst lies between the largest lower and the largest upper limit.
    """
    wheres: list[dict[str, str]] = []
    rows: list[float] = []
    hits: list[float] = []
    for chosen in (pick for size in (1, 2) for pick in combinations(axes, size)):
        shape = tuple(len(axis.names) for axis in chosen)
        flat = np.ravel_multi_index(tuple(axis.codes for axis in chosen), shape)
        counts = np.bincount(flat, weights=counted, minlength=int(np.prod(shape)))
        flips = np.bincount(flat, weights=flipped & counted, minlength=int(np.prod(shape)))
        for cell in np.flatnonzero(counts >= least_rows).tolist():
            levels = np.unravel_index(cell, shape)
            wheres.append({axis.column: axis.names[level] for axis, level in zip(chosen, levels, strict=True)})
            rows.append(float(counts[cell]))
            hits.append(float(flips[cell]))
    if not wheres:
        return WorstSlice(looked_at=0, low=None, high=None, listed=())
    size = np.array(rows)
    value = np.array(hits) / size
    lows, highs = Estimates(rows=size, value=value, size=size).limits(critical_value(confidence, len(wheres)))
    order = sorted(range(len(wheres)), key=lambda i: (-lows[i], -value[i], str(wheres[i])))
    return WorstSlice(
        looked_at=len(wheres),
        low=float(lows.max()),
        high=float(highs.max()),
        listed=tuple(
            Found(where=wheres[i], n=int(size[i]), value=float(value[i]), low=float(lows[i]), high=float(highs[i]))
            for i in order[:MOST_LISTED]
        ),
    )

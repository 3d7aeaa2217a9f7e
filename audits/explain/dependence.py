"""How the score moves with one feature: partial dependence and single rows' curves (ICE), on values that were seen. Pure.

Partial dependence at v is the mean score of the rows with the feature set to v (Friedman 2001, Annals of Statistics 29,
1189–1232); a row's own curve is its individual conditional expectation (Goldstein and others 2015, Journal of Computational
and Graphical Statistics 24, 44–65). Rows with such values may be impossible where features hang together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.explain.asking import Column, Columns, Tell, count_of, repeated, scores_of
from audits.explain.importance import FEWEST
from audits.explain.ranges import by_frequency
from audits.explain.resampling import standard_errors
from audits.intervals import Floats, critical_value
from audits.scoring.model import Model

NUMBER, CATEGORY = "number", "category"
POINTS, FEW, LINES = 20, 12, 30
_ENDS = (0.01, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Curves of one feature, all over the same values.

    Attributes
    ----------
    kind
        ``number`` or ``category``.
    grid
        The values, ascending, or the most frequent first.
    mean, low, high
        (points,) mean score over all rows with its interval.
    groups
        Name of the group to its (points,) mean score, and to how many rows it rests on.
    lines
        (lines, points) scores of single rows.
    """

    feature: str
    kind: str
    grid: tuple[Any, ...]
    mean: Floats
    low: Floats
    high: Floats
    groups: Mapping[str, tuple[Floats, int]]
    lines: Floats


def grid_of(values: Column) -> tuple[str, tuple[Any, ...]]:
    """The kind of a feature, and the values to set it to: all where they are few, else quantiles; never a missing one."""
    if values.dtype.kind not in "biuf":
        return CATEGORY, tuple(by_frequency(values)[:FEW])
    finite = values[np.isfinite(values)]
    distinct = np.unique(finite)
    if len(distinct) <= FEW:
        return NUMBER, tuple(distinct.tolist())
    # Values that were seen, not means of two neighbours: a half child is no child.
    chosen = np.quantile(finite, np.linspace(*_ENDS, POINTS), method="inverted_cdf")
    return NUMBER, tuple(np.unique(chosen).tolist())


def dependence_on(
    model: Model,
    rows: Columns,
    feature: str,
    *,
    groups: Mapping[str, npt.NDArray[np.intp]],
    confidence: float,
    tell: Tell | None = None,
) -> Dependence | None:
    """Set ``feature`` of all rows to each of its values in turn, and score them.

    Parameters
    ----------
    groups
        Name of the group to its rows, for a curve of each with at least 30 rows.

    Returns
    -------
    Dependence or None
        None where the feature was never seen with two values.
    """
    kind, grid = grid_of(rows[feature])
    if len(grid) < 2:  # noqa: PLR2004 - a curve takes two points
        return None
    count = count_of(rows)
    scores = scores_of(model, repeated(rows, len(grid), **{feature: _blocks(grid, kind, count)}), tell)
    curves = scores.reshape(len(grid), count).T
    mean, half = curves.mean(axis=0), critical_value(confidence) * standard_errors(curves)
    of_groups = {
        name: (curves[members].mean(axis=0), len(members))
        for name, members in sorted(groups.items())
        if len(members) >= FEWEST
    }
    return Dependence(
        feature=feature,
        kind=kind,
        grid=grid,
        mean=mean,
        low=mean - half,
        high=mean + half,
        groups=of_groups,
        lines=curves[:LINES],
    )


def _blocks(grid: tuple[Any, ...], kind: str, count: int) -> Column:
    if kind == NUMBER:
        return np.repeat(np.asarray(grid, dtype=np.float64), count)
    blocks = np.empty(len(grid) * count, dtype=object)
    for place, value in enumerate(grid):
        blocks[place * count : (place + 1) * count] = value
    return blocks

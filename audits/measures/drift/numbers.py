"""One side of a numeric column as counts, and the distances of distribution functions that follow from two. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.measures.drift.distances import Counts
from audits.measures.drift.limits import wasserstein_noise

_POINTS = 64


@dataclass(frozen=True, slots=True)
class Binned:
    """Counts by bin: below ``edges[0]``, from each edge to the next, and from the last on.

    Attributes
    ----------
    edges, counts
        (k,) and (k + 1,).
    below, above
        How far values lie outside the edges, as a sum over rows: ``Σ max(e₀ − x, 0)`` and ``Σ max(x − eₖ₋₁, 0)``.
    atoms
        Whether every value is one of the edges: then the counts tell all.
    """

    edges: Floats
    counts: Counts
    below: float = 0.0
    above: float = 0.0
    atoms: bool = False

    @property
    def rows(self) -> int:
        """Rows in all bins."""
        return int(self.counts.sum())

    @property
    def function(self) -> Floats:
        """(k,) the distribution function just below each edge, and 1 at the end: (k + 1,)."""
        return np.asarray(np.cumsum(self.counts) / self.rows, dtype=np.float64)

    def over(self, edges: Floats) -> Binned:
        """The same rows by other edges; only where ``atoms``."""
        assert self.atoms
        place = np.searchsorted(edges, self.edges, side="right")
        at = self.counts[1:]
        counts = np.bincount(place, weights=at, minlength=len(edges) + 1).astype(np.int64)
        below = float((at * np.maximum(edges[0] - self.edges, 0.0)).sum())
        above = float((at * np.maximum(self.edges - edges[-1], 0.0)).sum())
        return Binned(edges, counts, below, above)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One side of a numeric column.

    Attributes
    ----------
    rows, missing
        All rows, and those with no finite number.
    mean, deviation
        Of the finite numbers; ``deviation`` divides by their number.
    binned
        Their counts: by distinct value (``atoms``) or by bins.
    edges
        Of the reference: the fine bins, for the side that has too many values to list.
    cuts
        Of the reference: those of the edges that bound the bins of the stability index.
    suppressed
        Bins held back because they hold few rows.
    """

    rows: int
    missing: int
    mean: float
    deviation: float
    binned: Binned
    edges: Floats
    cuts: tuple[float, ...] = ()
    suppressed: int = 0

    @property
    def finite(self) -> int:
        """Rows with a number."""
        return self.rows - self.missing


def aligned(reference: Numbers, current: Numbers) -> tuple[Binned, Binned]:
    """Both sides over the same edges: all distinct values of both where both list them, else the reference's fine bins."""
    first, second = reference.binned, current.binned
    if first.atoms and second.atoms:
        values = np.union1d(first.edges, second.edges)
        return _atoms(first, values), _atoms(second, values)
    return tuple(side.over(reference.edges) if side.atoms else side for side in (first, second))  # type: ignore[return-value]


def _atoms(side: Binned, values: Floats) -> Binned:
    counts = np.zeros(len(values) + 1, dtype=np.int64)
    counts[np.searchsorted(values, side.edges) + 1] = side.counts[1:]
    return Binned(values, counts, atoms=True)


def kolmogorov_smirnov(first: Binned, second: Binned) -> tuple[float, float]:
    """Largest distance of two distribution functions over the same edges, and how much larger it may be between them.

    Notes
    -----
    ``max |F − G|`` at the edges; inside a bin it is at most ``max(F₊ − G₋, G₊ − F₋)`` of its ends. Both are exact where the
    edges are all values there are.
    """
    f, g = first.function, second.function
    value = float(np.abs(f - g).max())
    if first.atoms:
        return value, 0.0
    inside = np.diff(first.edges) > np.spacing(np.abs(first.edges[:-1])) * 2
    open_bins = np.concatenate([[True], inside, [True]])
    before_f, before_g = (np.concatenate([[0.0], h[:-1]]) for h in (f, g))
    most = float(np.where(open_bins, np.maximum(f - before_g, g - before_f), 0.0).max())
    return value, max(most - value, 0.0)


def wasserstein(first: Binned, second: Binned) -> tuple[float, float]:
    """Wasserstein-1 distance ``∫ |F − G| dx``, in the column's unit, and the most that binning can have changed it.

    Notes
    -----
    Between edges the distribution functions are taken as straight; a bin of width w with shares f and g is then off by at
    most ``w (f + g) / 2``. Outside the edges the areas are the mean excesses, exact unless both sides reach there.
    """
    d = (first.function - second.function)[:-1]
    width = np.diff(first.edges)
    if first.atoms:
        return float((np.abs(d[1:]) * width).sum()), 0.0
    start, end = d[:-1], d[1:]
    total = np.abs(start) + np.abs(end)
    crossing = np.divide(start**2 + end**2, 2 * total, out=np.zeros_like(total), where=total > 0)
    inner = float((width * np.where(start * end >= 0, total / 2, crossing)).sum())
    within = (first.counts / first.rows + second.counts / second.rows)[1:-1]
    loose = np.where(width > np.spacing(np.abs(first.edges[:-1])) * 2, width * within / 2, 0.0)
    tails = [(a / first.rows, b / second.rows) for a, b in ((first.below, second.below), (first.above, second.above))]
    outer = sum(abs(a - b) for a, b in tails)
    return inner + outer, float(loose.sum()) + sum(2 * min(a, b) for a, b in tails)


def noise_of(first: Binned, second: Binned, *, seed: int) -> Floats:
    """Draws of the sampling error of :func:`wasserstein`, over at most 128 places."""
    chosen = _places(first, second)
    starts = np.concatenate([[0], chosen + 1])
    return wasserstein_noise(
        first.edges[chosen],
        *(np.add.reduceat(side.counts, starts) for side in (first, second)),
        atoms=first.atoms and len(chosen) == len(first.edges),
        seed=seed,
    )


def _places(first: Binned, second: Binned) -> npt.NDArray[np.intp]:
    """Edges at evenly spaced shares of the rows, and both ends of the widest gaps, where an error weighs most."""
    edges = len(first.edges)
    if edges <= _POINTS:
        return np.arange(edges)
    pooled = np.cumsum(first.counts / first.rows + second.counts / second.rows)[:-1] / 2
    even = np.searchsorted(pooled, np.arange(1, _POINTS) / _POINTS)
    widest = np.argsort(-np.diff(first.edges), kind="stable")[: _POINTS // 2]
    return np.unique(np.concatenate([[0], np.minimum(even, edges - 1), widest, widest + 1, [edges - 1]]))

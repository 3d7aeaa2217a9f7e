"""Where the bins of a reference begin: exact quantiles by counting, with heavily tied values in bins of their own. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audits.intervals import Floats
from audits.measures.drift.distances import Counts

FINE = 1024
"""Quantile bins by which distribution functions are compared when there are too many distinct values to list."""


def coarse_ranks(rows: int, bins: int) -> list[int]:
    """Zero-based ranks at which ``bins`` bins of equally many rows begin, without the first; a rank may stand twice."""
    return [rows * k // bins for k in range(1, bins)]


def fine_ranks(rows: int) -> list[int]:
    """Ranks of 1,024 bins, halved again and again towards both ends, so that long tails are resolved too."""
    inner = {rows * k // FINE for k in range(1, FINE)}
    tail = max(rows // FINE, 1)
    while tail:
        inner |= {tail - 1, rows - tail}
        tail //= 2
    return sorted({0, rows - 1, *inner})


def edges_at(picked: Sequence[float]) -> list[float]:
    """Ascending edges from the values at some ranks.

    A value that stands at several of them holds at least the rows between two: it gets a bin of its own, up to the next
    floating-point number.
    """
    values, hits = np.unique(np.asarray(picked, dtype=np.float64), return_counts=True)
    own = np.nextafter(values[hits > 1], np.inf)
    return [float(edge) for edge in np.unique(np.concatenate([values, own]))]


def coarse_cuts(picked: Sequence[float], lowest: float, highest: float) -> list[float]:
    """Edges of the few bins of the stability index: every bin may hold rows of the reference."""
    return [edge for edge in edges_at(picked) if lowest < edge <= highest]


def without_empty(cuts: Sequence[float], edges: Floats, counts: Counts) -> list[float]:
    """The cuts, less those that begin a bin without rows of the reference.

    Parameters
    ----------
    cuts
        Some of ``edges``.
    edges, counts
        (k,) and (k + 1,) of the reference.
    """
    kept = list(cuts)
    rows = merged(counts, edges, kept)
    return [cut for cut, here in zip(kept, rows[1:], strict=True) if here > 0]


def merged(counts: Counts, edges: Floats, cuts: Sequence[float]) -> Counts:
    """Counts by the bins between ``cuts``, from those by the bins between ``edges``, of which the cuts are some."""
    starts = np.searchsorted(edges, np.asarray(cuts, dtype=np.float64)) + 1
    return np.add.reduceat(counts, np.concatenate([[0], starts])).astype(np.int64)

"""The groups of leaves that share a table, and what a table is looked up by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from audits.explain.columns import Array
from audits.explain.tree_layout import MOST_FEATURES_ON_PATH, Layout
from audits.sandbox.errors import ModelFailed
from audits.scoring.model import TreeEnsemble

TABLES_AT_ONCE = 1 << 22
"""So many numbers of tables are held at once: 32 MB."""
SMALLEST_LIMIT, LARGEST_LIMIT = 6, 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """All groups of some trees.

    Attributes
    ----------
    layout
        As the kernels take it.
    group, group_tree
        The node below which a group's leaves lie, and its tree.
    limit
        The most features of a path that get a table.
    room
        Most conditions of a path, and most inner nodes of a tree.
    offsets
        Where each group's features, bits and terms begin.
    parts
        Features; where each bit's terms begin; the inner node and the way of each term.
    tables_at
        Where each group's table would begin, were all tables in one array.
    wide
        The groups without a table: single leaves with more features on their path than the limit.
    """

    layout: tuple[Any, ...]
    group: Array
    group_tree: Array
    limit: int
    room: tuple[int, int]
    offsets: tuple[Array, Array, Array]
    parts: tuple[Array, Array, Array, Array]
    tables_at: Array
    wide: Array

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Runs of groups whose tables fit in memory together, in order."""
        first, last = 0, len(self.group)
        while first < last:
            stop = int(np.searchsorted(self.tables_at, self.tables_at[first] + TABLES_AT_ONCE, side="right")) - 1
            stop = min(max(stop, first + 1), last)
            yield first, stop
            first = stop


def groups_of(layout: Layout, limit: int) -> Groups:
    """Describe the groups of trees that are laid out.

    Raises
    ------
    ModelFailed
        If a path has more than 64 features.
    """
    from audits.explain import tree_kernels

    arrays = (
        *(
            layout.left,
            layout.right,
            layout.feature,
            layout.threshold,
            layout.default_left,
            layout.strict,
            layout.cover,
        ),
        *(layout.value, layout.parent, layout.depth, layout.slot, layout.tree_nodes, layout.tree_start),
    )
    most = layout.most_depth + layout.conditions + 1
    counts = np.zeros((3, len(layout.group)), dtype=np.int64)
    nothing = np.zeros(1, dtype=np.int64)
    parts = _parts(0, 0, 0)
    tree_kernels.describe(arrays, layout.group, most, counts, (nothing, nothing, nothing), parts, False)
    if counts[0].max(initial=0) > MOST_FEATURES_ON_PATH:
        raise ModelFailed(f"a path of the model's trees has more than {MOST_FEATURES_ON_PATH} features")
    offsets = tuple(np.concatenate([nothing, np.cumsum(count)]) for count in counts)
    parts = _parts(*(int(offset[-1]) for offset in offsets))
    tree_kernels.describe(arrays, layout.group, most, counts, offsets, parts, True)
    wide = (layout.left[layout.group] < 0) & (counts[0] > limit)
    sizes = np.where(wide, 0, counts[0] << np.minimum(counts[1], 32))
    return Groups(
        layout=arrays,
        group=layout.group,
        group_tree=layout.group_tree,
        limit=max(limit, layout.conditions),
        room=(most, max(layout.most_slots, 1)),
        offsets=(offsets[0], offsets[1], offsets[2]),
        parts=parts,
        tables_at=np.concatenate([nothing, np.cumsum(sizes)]),
        wide=wide,
    )


def table_limit(rows: int, background: int) -> int:
    """How many features a path may have until following it for each row and background row is cheaper than its table."""
    each = rows * background if background else 8 * rows
    return next((d for d in range(LARGEST_LIMIT, SMALLEST_LIMIT, -1) if (d * (d + 1) << d) <= each), SMALLEST_LIMIT)


def as_compared(trees: TreeEnsemble, columns: Array) -> Array:
    """(features, rows) float64, rounded as the model rounds its inputs."""
    if trees.float32:
        with np.errstate(over="ignore"):
            columns = columns.astype(np.float32)
    return np.ascontiguousarray(columns, dtype=np.float64)


@cache
def gauss_nodes(most: int) -> Array:
    """(2, most + 1, most): nodes and weights on 0..1 that integrate polynomials of degree 2q - 1 exactly, for each q."""
    result = np.zeros((2, most + 1, most))
    for q in range(1, most + 1):
        nodes, weights = np.polynomial.legendre.leggauss(q)
        result[0, q, :q], result[1, q, :q] = (nodes + 1) / 2, weights / 2
    return result


def _parts(features: int, bits: int, terms: int) -> tuple[Array, Array, Array, Array]:
    return (
        np.zeros(features, dtype=np.int32),
        np.zeros(bits + 1, dtype=np.int64),
        np.zeros(terms, dtype=np.int32),
        np.zeros(terms, dtype=np.bool_),
    )

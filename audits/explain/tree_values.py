"""Exact Shapley values of decision trees, in time linear in rows and in background rows. Pure.

A table per group of leaves, one lookup per row and group: :mod:`audits.explain.tree_kernels` says how, ADR 0018 why. Two ways
to mean "not known": *interventional*, a value of the background (any number of rows, all used), and *path-dependent*, the
training rows that the tree itself remembers.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from math import lgamma

import numpy as np

from audits.explain.columns import Array, Progress
from audits.explain.threads import available_threads, finish
from audits.explain.tree_groups import Groups, as_compared, gauss_nodes, groups_of, table_limit
from audits.explain.tree_layout import MOST_FEATURES_ON_PATH, lay_out
from audits.sandbox.errors import ModelFailed
from audits.scoring.model import TreeEnsemble

ROWS_AT_ONCE = 1024
"""A block of rows and what is known of it stays in the processor's cache."""
LONG_ROWS_AT_ONCE = 32
_NODES = MOST_FEATURES_ON_PATH // 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreeValues:
    """(rows, features) values and their base, on the scale of the sum of leaves: base and a row's values are that sum."""

    values: Array
    base: float


def tree_values(
    trees: TreeEnsemble,
    rows: Array,
    background: Array | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TreeValues:
    """Exact Shapley values of the trees' sum, before its link.

    Parameters
    ----------
    rows
        (features, rows) float64, NaN where missing.
    background
        (features, rows) float64; without it the values are path-dependent, weighed by ``cover``.
    threads
        How many work at once; ``None`` for as many as this process may use.

    Raises
    ------
    ModelFailed
        If the arrays do not form trees, a path has more than 64 features, or path-dependent values lack covers.
    """
    layout = lay_out(trees, len(rows))
    if background is None and not np.isfinite(layout.cover).all():
        raise ModelFailed("the model does not say how many training rows reached each node: values need a background")
    x = as_compared(trees, rows)
    other = as_compared(trees, np.empty((len(rows), 0)) if background is None else background)
    groups = groups_of(layout, table_limit(x.shape[1], other.shape[1]))
    values = np.zeros(x.shape)
    with ThreadPoolExecutor(threads or available_threads()) as pool:
        for first, last in groups.chunks():
            done, until = first / len(groups.group), last / len(groups.group)
            tables = [np.empty(int(groups.tables_at[b] - groups.tables_at[a])) for a, b in _quarters(first, last)]
            pieces = [
                partial(_build, groups, a, b, other, table)
                for (a, b), table in zip(_quarters(first, last), tables, strict=True)
            ]
            finish(pool, pieces, progress, (done, done), "making tables of leaves")
            whole = np.concatenate(tables)
            pieces = [
                partial(_add, groups, first, last, x, start, whole, values)
                for start in range(0, x.shape[1], ROWS_AT_ONCE)
            ]
            finish(pool, pieces, progress, (done, until), "looking rows up")
        if groups.wide.any():
            pieces = [
                partial(_add_long, groups, x, start, other, values) for start in range(0, x.shape[1], LONG_ROWS_AT_ONCE)
            ]
            finish(pool, pieces, progress, (0.5, 1.0), "following long paths")
    base = _expectation(groups, trees, other)
    return TreeValues(values=np.ascontiguousarray(values.T), base=base)


def _build(groups: Groups, first: int, last: int, background: Array, tables: Array) -> None:
    from audits.explain.tree_kernels import build_tables

    build_tables(
        groups.layout,
        groups.group,
        groups.group_tree,
        first,
        last,
        groups.limit,
        groups.room,
        background,
        gauss_nodes(_NODES),
        groups.offsets,
        groups.parts,
        groups.tables_at,
        tables,
    )


def _add(groups: Groups, first: int, last: int, x: Array, start: int, tables: Array, values: Array) -> None:
    from audits.explain.tree_kernels import add_values

    add_values(
        groups.layout,
        groups.group_tree,
        first,
        last,
        groups.room[1],
        x,
        start,
        min(start + ROWS_AT_ONCE, x.shape[1]),
        groups.offsets,
        groups.parts,
        groups.tables_at,
        tables,
        values,
    )


def _add_long(groups: Groups, x: Array, start: int, background: Array, values: Array) -> None:
    from audits.explain.tree_long_paths import add_long

    add_long(
        groups.layout,
        groups.group[groups.wide],
        groups.group_tree[groups.wide],
        x,
        start,
        min(start + LONG_ROWS_AT_ONCE, x.shape[1]),
        background,
        groups.room,
        gauss_nodes(_NODES),
        _shares(MOST_FEATURES_ON_PATH),
        values,
    )


@cache
def _shares(most: int) -> Array:
    """(2, most + 1, most + 1): (u-1)! v! / (u+v)! for u above 0, and u! (v-1)! / (u+v)! for v above 0."""
    result = np.zeros((2, most + 1, most + 1))
    for u in range(most + 1):
        for v in range(most + 1):
            if u:
                result[0, u, v] = np.exp(lgamma(u) + lgamma(v + 1) - lgamma(u + v + 1))
            if v:
                result[1, u, v] = np.exp(lgamma(u + 1) + lgamma(v) - lgamma(u + v + 1))
    return result


def _expectation(groups: Groups, trees: TreeEnsemble, background: Array) -> float:
    """The trees' mean sum over the background; without one, over the training rows that they remember."""
    from audits.explain.tree_kernels import add_sums, remembered_sum

    if background.shape[1]:
        sums = np.zeros(background.shape[1])
        add_sums(groups.layout, np.ascontiguousarray(trees.roots, dtype=np.int32), background, sums)
        return float(trees.base) + float(sums.mean())
    return float(trees.base) + float(remembered_sum(groups.layout, groups.room[0]))


def _quarters(first: int, last: int) -> list[tuple[int, int]]:
    """Runs of groups, several for each thread."""
    edges = np.linspace(first, last, 9).astype(int).tolist()
    return [(a, b) for a, b in pairwise(edges) if a < b]

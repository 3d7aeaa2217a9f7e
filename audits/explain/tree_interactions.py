"""Exact Shapley interaction values of decision trees. Pure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from audits.explain.columns import Array, Progress
from audits.explain.threads import available_threads, finish
from audits.explain.tree_groups import LARGEST_LIMIT, as_compared, gauss_nodes, groups_of
from audits.explain.tree_layout import lay_out
from audits.explain.tree_values import TreeValues, tree_values
from audits.scoring.model import TreeEnsemble

LEAVES_AT_ONCE = 2048


def tree_interactions(
    trees: TreeEnsemble,
    rows: Array,
    background: Array | None = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TreeValues | None:
    """Exact interactions of the trees' sum, before its link, as :func:`audits.explain.brute_force.interaction_values` shares them.

    Parameters
    ----------
    rows, background, threads
        As for :func:`audits.explain.tree_values.tree_values`.

    Returns
    -------
    TreeValues
        Its values (rows, features, features); ``None`` if a path has more than 12 features.
    """
    alone = tree_values(trees, rows, background, threads=threads, progress=progress)
    groups = groups_of(lay_out(trees, len(rows), conditions=0), LARGEST_LIMIT)
    if groups.wide.any():
        return None
    x = as_compared(trees, rows)
    other = as_compared(trees, np.empty((len(rows), 0)) if background is None else background)
    values = np.zeros((x.shape[1], len(x), len(x)))
    workers = threads or available_threads()
    edges = np.linspace(0, x.shape[1], workers + 1).astype(int).tolist()

    def add(first: int, start: int, stop: int) -> None:
        from audits.explain.tree_long_paths import add_pairs

        last = first + LEAVES_AT_ONCE
        leaves, tree = groups.group[first:last], groups.group_tree[first:last]
        nodes = gauss_nodes(LARGEST_LIMIT)
        add_pairs(groups.layout, leaves, tree, x, start, stop, other, groups.room, nodes, LARGEST_LIMIT, values)

    with ThreadPoolExecutor(workers) as pool:
        for first in range(0, len(groups.group), LEAVES_AT_ONCE):
            pieces = [partial(add, first, a, b) for a, b in pairwise(edges) if a < b]
            share = min(1.0, (first + LEAVES_AT_ONCE) / len(groups.group))
            finish(pool, pieces, progress, (share, share), "pairing features in trees")
    diagonal = np.arange(len(x))
    values[:, diagonal, diagonal] = alone.values - values.sum(axis=2)
    return TreeValues(values=values, base=alone.base)

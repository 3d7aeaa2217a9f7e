"""Trees checked, and cut into groups of leaves small enough for a table. Pure.

The arrays come from a process that we do not trust, and compiled code does not check its indices: what does not form trees is
refused here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.explain.columns import Array
from audits.sandbox.errors import ModelFailed
from audits.scoring.model import TreeEnsemble

CONDITIONS = 8
"""Leaves share a table while the path to them and the splits between them are at most this many: 256 outcomes."""
MOST_FEATURES_ON_PATH = 64
"""A path's features are the bits of a word."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Trees ready for the kernels of :mod:`audits.explain.tree_kernels`.

    Attributes
    ----------
    left, right, feature, threshold, default_left, strict, cover
        As in :class:`TreeEnsemble`, checked.
    value
        (nodes,) what a leaf adds, scaled.
    parent, depth, slot
        (nodes,) int32: the parent or -1; steps from the root; the place of an inner node among those of its tree.
    tree_nodes, tree_start
        The inner nodes of all trees, tree by tree, and where each tree's begin (trees + 1).
    group, group_tree
        The node below which a group's leaves lie, and its tree, in the order of trees.
    most_slots, most_depth
        Over all trees.
    conditions
        The most that a group has.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    default_left: Array
    strict: bool
    cover: Array
    value: Array
    parent: Array
    depth: Array
    slot: Array
    tree_nodes: Array
    tree_start: Array
    group: Array
    group_tree: Array
    most_slots: int
    most_depth: int
    conditions: int


def lay_out(trees: TreeEnsemble, features: int, *, conditions: int = CONDITIONS) -> Layout:
    """Check trees over so many features, and group their leaves.

    Parameters
    ----------
    conditions
        How many conditions a group may have; 0 makes every leaf a group.

    Raises
    ------
    ModelFailed
        If the arrays do not form trees over these features, or hold numbers that are not finite.
    """
    left, right, feature = (np.ascontiguousarray(a, dtype=np.int32) for a in (trees.left, trees.right, trees.feature))
    roots = np.ascontiguousarray(trees.roots, dtype=np.int32)
    _check_arrays(trees, roots, features)
    nodes = len(left)
    parent, depth, tree = (np.full(nodes, -1, dtype=np.int32) for _ in range(3))
    tree[roots] = np.arange(len(roots))
    depth[roots] = 0
    levels, frontier = [], roots
    while len(frontier):
        levels.append(frontier)
        frontier = frontier[left[frontier] >= 0]
        children = np.concatenate([left[frontier], right[frontier]])
        if len(np.unique(children)) != len(children) or (depth[children] >= 0).any():
            raise ModelFailed("the model's trees are none: two nodes have one child")
        parent[children] = np.concatenate([frontier, frontier])
        depth[children] = len(levels)
        tree[children] = np.concatenate([tree[frontier], tree[frontier]])
        frontier = children
    inside = (left >= 0) & (depth >= 0)
    below = inside.astype(np.int64)
    for level in reversed(levels):
        inner = level[left[level] >= 0]
        below[inner] += below[left[inner]] + below[right[inner]]
    fits = depth + below <= conditions
    ends = (depth >= 0) & (fits | (left < 0))
    group = np.flatnonzero(ends & ((parent < 0) | ~fits[parent])).astype(np.int32)
    group = group[np.argsort(tree[group], kind="stable")]
    tree_nodes = np.flatnonzero(inside).astype(np.int32)
    tree_nodes = tree_nodes[np.argsort(tree[tree_nodes], kind="stable")]
    tree_start = np.searchsorted(tree[tree_nodes], np.arange(len(roots) + 1)).astype(np.int64)
    slot = np.full(nodes, -1, dtype=np.int32)
    slot[tree_nodes] = np.arange(len(tree_nodes)) - tree_start[tree[tree_nodes]]
    return Layout(
        left=left,
        right=right,
        feature=feature,
        threshold=np.ascontiguousarray(trees.threshold, dtype=np.float64),
        default_left=np.ascontiguousarray(trees.default_left, dtype=np.bool_),
        strict=bool(trees.strict),
        cover=np.ascontiguousarray(trees.cover, dtype=np.float64),
        value=np.ascontiguousarray(trees.value, dtype=np.float64) * float(trees.scale),
        parent=parent,
        depth=depth,
        slot=slot,
        tree_nodes=tree_nodes,
        tree_start=tree_start,
        group=group,
        group_tree=tree[group],
        most_slots=int(np.diff(tree_start).max(initial=0)),
        most_depth=int(depth.max(initial=0)),
        conditions=conditions,
    )


def _check_arrays(trees: TreeEnsemble, roots: Array, features: int) -> None:
    nodes = len(trees.left)
    arrays = (trees.left, trees.right, trees.feature, trees.threshold, trees.default_left, trees.value, trees.cover)
    if any(np.ndim(array) != 1 or len(array) != nodes for array in arrays):
        raise ModelFailed("the arrays of the model's trees are not all of one length")
    if not len(roots) or roots.min() < 0 or roots.max() >= nodes or len(np.unique(roots)) != len(roots):
        raise ModelFailed("the roots of the model's trees are not among their nodes")
    left, right = np.asarray(trees.left), np.asarray(trees.right)
    children = np.concatenate([left, right])
    if children.min() < -1 or children.max() >= nodes or ((left < 0) != (right < 0)).any():
        raise ModelFailed("the children of the model's trees are not among their nodes")
    inner = left >= 0
    asked = np.asarray(trees.feature)[inner]
    if len(asked) and (asked.min() < 0 or asked.max() >= features):
        raise ModelFailed(f"the model's trees ask features that are not among its {features} inputs")
    if np.isnan(np.asarray(trees.threshold)[inner]).any() or not np.isfinite(np.asarray(trees.value)[~inner]).all():
        raise ModelFailed("the model's trees hold numbers that are not finite")
    if not (np.isfinite(trees.base) and np.isfinite(trees.scale)):
        raise ModelFailed("the model's trees are added up with numbers that are not finite")

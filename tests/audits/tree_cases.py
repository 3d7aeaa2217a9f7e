"""Trees as arrays for tests: from scikit-learn, drawn at random, and their games written out as definitions say."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from audits.scoring.model import TreeEnsemble


def trees_from(parts: list[dict[str, Any]], **more: Any) -> TreeEnsemble:
    """Trees of nodes ``feature, threshold, left, right, value, cover`` that count from 0 in each tree."""
    starts = np.cumsum([0, *(len(part["left"]) for part in parts)])
    moved = {
        side: np.concatenate(
            [np.where(part[side] < 0, -1, part[side] + at) for part, at in zip(parts, starts, strict=False)]
        )
        for side in ("left", "right")
    }
    arrays = {
        name: np.concatenate([np.asarray(part[name]) for part in parts])
        for name in ("feature", "threshold", "value", "cover", "default_left")
    }
    return TreeEnsemble(roots=starts[:-1], **moved, **arrays, **more)


def of_scikit_learn(estimators: list[Any], **more: Any) -> TreeEnsemble:
    """Fitted trees that predict a number."""
    return trees_from(
        [
            {
                "left": tree.children_left,
                "right": tree.children_right,
                "feature": np.maximum(tree.feature, 0),
                "threshold": tree.threshold,
                "value": np.where(tree.children_left < 0, tree.value[:, 0, 0], 0.0),
                "cover": tree.weighted_n_node_samples,
                "default_left": np.zeros(tree.node_count, dtype=bool),
            }
            for tree in (estimator.tree_ for estimator in estimators)
        ],
        **more,
    )


def drawn_trees(draw: np.random.Generator, *, trees: int, depth: int, features: int, **more: Any) -> TreeEnsemble:
    """Trees grown at random to a depth, some branches ending early, thresholds on a small grid so that ties happen."""
    return trees_from([_drawn_tree(draw, depth, features) for _ in range(trees)], **more)


def _drawn_tree(draw: np.random.Generator, depth: int, features: int) -> dict[str, Any]:
    tree: dict[str, list[Any]] = {
        name: [] for name in ("left", "right", "feature", "threshold", "value", "cover", "default_left")
    }

    def grow(level: int, cover: float) -> int:
        place = len(tree["left"])
        inner = level < depth and (level == 0 or draw.random() < 0.85)
        row = {
            "left": -1,
            "right": -1,
            "feature": int(draw.integers(features)),
            "threshold": float(draw.integers(-2, 3)) / 2,
            "value": 0.0 if inner else float(draw.normal()),
            "cover": cover,
            "default_left": bool(draw.random() < 0.5),
        }
        for name, value in row.items():
            tree[name].append(value)
        if inner:
            share = float(draw.uniform(0.1, 0.9))
            tree["left"][place] = grow(level + 1, cover * share)
            tree["right"][place] = grow(level + 1, cover * (1 - share))
        return place

    grow(0, 100.0)
    return {name: np.asarray(values) for name, values in tree.items()}


def summed(trees: TreeEnsemble, row: np.ndarray) -> float:
    """What the trees give to one row, node by node."""
    return trees.base + trees.scale * sum(
        _followed(trees, int(root), partial(_step, trees, row)) for root in trees.roots
    )


def goes_left(trees: TreeEnsemble, node: int, value: float) -> bool:
    value = float(np.float32(value)) if trees.float32 else float(value)
    if np.isnan(value):
        return bool(trees.default_left[node])
    return value < trees.threshold[node] if trees.strict else value <= trees.threshold[node]


def _step(trees: TreeEnsemble, row: np.ndarray, node: int) -> list[tuple[int, float]]:
    left = goes_left(trees, node, row[trees.feature[node]])
    return [(int(trees.left[node] if left else trees.right[node]), 1.0)]


def _followed(trees: TreeEnsemble, node: int, step: Any) -> float:
    if trees.left[node] < 0:
        return float(trees.value[node])
    return sum(share * _followed(trees, child, step) for child, share in step(node))


def interventional_game(trees: TreeEnsemble, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """v(S): the mean over the background of the trees' sum, features in S taken from the row."""
    size = len(row)
    game = np.empty(1 << size)
    for members in range(1 << size):
        known = ((members >> np.arange(size)) & 1).astype(bool)
        game[members] = np.mean([summed(trees, np.where(known, row, other)) for other in background])
    return game


def path_dependent_game(trees: TreeEnsemble, row: np.ndarray) -> np.ndarray:
    """v(S): follow the row at features in S, and both ways in proportion to cover at others."""
    size = len(row)
    game = np.empty(1 << size)
    for members in range(1 << size):

        def step(node: int, members: int = members) -> list[tuple[int, float]]:
            if (members >> int(trees.feature[node])) & 1:
                return _step(trees, row, node)
            children = (int(trees.left[node]), int(trees.right[node]))
            return [(child, float(trees.cover[child] / trees.cover[node])) for child in children]

        game[members] = trees.base + trees.scale * sum(_followed(trees, int(root), step) for root in trees.roots)
    return game


def chain(features: int, draw: np.random.Generator) -> TreeEnsemble:
    """One tree that is a single long path, each node asking another feature: too many for a table."""
    nodes = 2 * features + 1
    left, right = np.full(nodes, -1), np.full(nodes, -1)
    cover = np.zeros(nodes)
    cover[0] = 1024.0
    for place, after in pairwise(range(0, nodes, 2)):
        left[place], right[place] = (after, place + 1) if place % 4 else (place + 1, after)
        cover[after], cover[place + 1] = cover[place] * 0.7, cover[place] * 0.3
    return trees_from(
        [
            {
                "left": left,
                "right": right,
                "feature": np.arange(nodes) // 2 % features,
                "threshold": np.zeros(nodes),
                "value": np.where(left < 0, draw.normal(size=nodes), 0.0),
                "cover": cover,
                "default_left": np.zeros(nodes, dtype=bool),
            }
        ]
    )

"""Compiled loops for leaves with too many features on their path for a table, and for pairs of features.

Import it inside functions. The games are those of :mod:`audits.explain.tree_paths`; here they are played for each row and each
row of the background, or, path-dependent, integrated for each row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audits.explain.compiled import compiled
from audits.explain.tree_paths import answers, buffers, failing_weights, kept_of, path_of, sums_over_subsets


@compiled
def failures(steps: int, layout: Any, paths: Any, bits: Any, rows: int, out: Any) -> None:
    """For each row, the features whose conditions on a path it fails, as bits of a word."""
    path, wants, player_of = paths
    slot = layout[10]
    out[:rows] = 0
    for step in range(steps):
        answer, bit, want = bits[slot[path[step]]], np.uint64(1) << np.uint64(player_of[step]), wants[step]
        for i in range(rows):
            if answer[i] != want:
                out[i] |= bit


@compiled
def size_of(members: Any) -> int:
    """How many bits are set."""
    size = 0
    while members:
        members &= members - np.uint64(1)
        size += 1
    return size


@compiled
def add_long(
    layout: Any, leaves: Any, leaf_tree: Any, x: Any, start: int, stop: int, other: Any, room: Any, nodes: Any,
    shares: Any, values: Any,
) -> None:  # fmt: skip
    """Values of rows start..stop that come of single leaves: adds to (features, rows)."""
    depth, value = layout[9], layout[7]
    most, most_slots = room
    rows, others = stop - start, other.shape[1]
    path, wants, players, player_of = buffers(most)
    bits, background = np.empty((most_slots, rows), np.uint8), np.empty((most_slots, others), np.uint8)
    fails, lacks = np.empty(rows, np.uint64), np.empty(others, np.uint64)
    sizes, gives, kept = np.empty(others, np.int64), np.empty(most), np.empty(most)
    tree = -1
    for place in range(len(leaves)):
        if leaf_tree[place] != tree:
            tree = leaf_tree[place]
            answers(tree, x, start, stop, layout, bits)
            answers(tree, other, 0, others, layout, background)
        leaf = leaves[place]
        d, steps = path_of(leaf, layout, path, wants, players, player_of), depth[leaf]
        failures(steps, layout, (path, wants, player_of), bits, rows, fails)
        failures(steps, layout, (path, wants, player_of), background, others, lacks)
        for z in range(others):
            sizes[z] = size_of(lacks[z])
        kept_of(leaf, steps, layout, path, player_of, kept)
        for i in range(rows):
            if others > 0:
                against_background(d, fails[i], lacks, sizes, shares, gives)
            else:
                along_path(d, fails[i], kept, nodes, gives)
            for j in range(d):
                values[players[j], start + i] += value[leaf] * gives[j]


@compiled
def against_background(d: int, fails: Any, lacks: Any, sizes: Any, shares: Any, gives: Any) -> None:
    """What a leaf worth 1 gives to each feature of a row, against every row of the background.

    A row x and a background row z that both satisfy a feature's conditions, or neither, leave it without a part. With u features
    that x alone satisfies and v that z alone does, each of the u gets (u-1)! v! / (u+v)!, each of the v loses u! (v-1)! / (u+v)!.
    """
    gives[:d] = 0.0
    v, lost, part = size_of(fails), 0.0, 1.0 / len(lacks)
    for z in range(len(lacks)):
        if fails & lacks[z]:
            continue
        u = sizes[z]
        lost += shares[1, u, v]
        gained, members, j = shares[0, u, v] * part, lacks[z], 0
        while members:
            if members & np.uint64(1):
                gives[j] += gained
            members >>= np.uint64(1)
            j += 1
    for j in range(d):
        if (fails >> np.uint64(j)) & np.uint64(1):
            gives[j] -= lost * part


@compiled
def along_path(d: int, fails: Any, kept: Any, nodes: Any, gives: Any) -> None:
    """The same, with the training rows that each feature's conditions kept in place of a background."""
    gives[:d] = 0.0
    q = (d + 1) // 2
    before = np.empty(d + 1)
    for point in range(q):
        t, w = nodes[0, q, point], nodes[1, q, point]
        before[0] = 1.0
        for j in range(d):
            holds = 0.0 if (fails >> np.uint64(j)) & np.uint64(1) else 1.0
            before[j + 1] = before[j] * (t * holds + (1.0 - t) * kept[j])
        after = w
        for j in range(d - 1, -1, -1):
            holds = 0.0 if (fails >> np.uint64(j)) & np.uint64(1) else 1.0
            gives[j] += (holds - kept[j]) * before[j] * after
            after *= t * holds + (1.0 - t) * kept[j]


@compiled
def pair_table(d: int, value: float, weights: Any, nodes: Any, sums: Any, table: Any) -> None:
    """(pairs, 2**d): half the interaction of each pair of a leaf's features, by which of them the row satisfies.

    The integral of the second derivative of the game's multilinear extension along its diagonal, as in ``leaf_table``.
    """
    size, q = 1 << d, max(d // 2, 1)
    table[: d * (d - 1) // 2, :size] = 0.0
    for point in range(q):
        t, w = nodes[0, q, point], nodes[1, q, point] * value / 2.0
        sums_over_subsets(d, t, weights, sums)
        for p in range(size):
            missing = d
            for j in range(d):
                missing -= (p >> j) & 1
            pair = 0
            for i in range(d):
                for j in range(i + 1, d):
                    one, two = (p >> i) & 1, (p >> j) & 1
                    a, b = one << i, two << j
                    part = sums[p]
                    if one and two:
                        part += sums[p ^ a ^ b] - sums[p ^ a] - sums[p ^ b]
                    elif one or two:
                        part = sums[p ^ a ^ b] - part
                    power = missing - (1 - one) - (1 - two)
                    table[pair, p] += w * part * (1.0 - t) ** power / t ** (one + two)
                    pair += 1


@compiled
def add_pairs(
    layout: Any, leaves: Any, leaf_tree: Any, x: Any, start: int, stop: int, other: Any, room: Any, nodes: Any,
    limit: int, values: Any,
) -> None:  # fmt: skip
    """Interactions of rows start..stop: adds to (rows, features, features), both places of each pair."""
    depth, value = layout[9], layout[7]
    most, most_slots = room
    rows, others = stop - start, other.shape[1]
    path, wants, players, player_of = buffers(most)
    bits, background = np.empty((most_slots, rows), np.uint8), np.empty((most_slots, others), np.uint8)
    fails, failing, kept = np.empty(rows, np.uint64), np.empty(others, np.uint16), np.empty(most)
    weights, sums = np.empty(1 << limit), np.empty(1 << limit)
    table = np.empty((limit * (limit - 1) // 2, 1 << limit))
    tree = -1
    for place in range(len(leaves)):
        if leaf_tree[place] != tree:
            tree = leaf_tree[place]
            answers(tree, x, start, stop, layout, bits)
            answers(tree, other, 0, others, layout, background)
        leaf = leaves[place]
        d, steps = path_of(leaf, layout, path, wants, players, player_of), depth[leaf]
        if d < 2:  # noqa: PLR2004 - a pair
            continue
        paths = (path, wants, player_of)
        failing_weights(leaf, steps, d, layout, paths, background, others, weights, failing, kept)
        pair_table(d, value[leaf], weights, nodes, sums, table)
        failures(steps, layout, paths, bits, rows, fails)
        for i in range(rows):
            p, pair = ((1 << d) - 1) & ~np.int64(fails[i]), 0
            for j in range(d):
                for k in range(j + 1, d):
                    values[start + i, players[j], players[k]] += table[pair, p]
                    values[start + i, players[k], players[j]] += table[pair, p]
                    pair += 1

"""One leaf, its path and its table: compiled. Import it inside functions.

One leaf with d distinct features on its path is a game of d players: a set of known features reaches it if the row satisfies
the path's conditions on the known ones and the background those on the others. So what a leaf gives to feature i depends on
the row only by *which* features it satisfies, p, and on the background by how often each set of features is *not* satisfied,
c(s). With F(t) the multilinear extension of the game, phi_i is the integral of dF/dx_i over the diagonal t = 0..1 (G. Owen,
"Multilinear extensions of games", 1972), a polynomial that Gauss-Legendre nodes integrate exactly:

    A_t(p) = sum over subsets s of p of c(s) t^|s|
    phi_i(p) =  integral of (1-t)^(d-|p|) (A_t(p) - A_t(p without i)) / t    if i in p
    phi_i(p) = -integral of (1-t)^(d-|p|-1) A_t(p)                           otherwise

A_t for all p at once is a sum over subsets, d 2^(d-1) additions. Path-dependent values are the same with
c(s) = product of (1-r_j) over s and of r_j over the rest, r_j the share of the training rows that the path's conditions on j
kept. Each row is then one lookup per table. Nothing is approximated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audits.explain.compiled import compiled


@compiled
def goes_left(x: Any, threshold: float, default_left: bool, strict: bool, out: Any) -> None:
    """For each value, 1 if it goes left; missing ones where the node sends them."""
    # a comparison with NaN is false, so the one that is to be true for NaN is asked the other way round
    if default_left and strict:
        for i in range(len(x)):
            out[i] = not (x[i] >= threshold)
    elif default_left:
        for i in range(len(x)):
            out[i] = not (x[i] > threshold)
    elif strict:
        for i in range(len(x)):
            out[i] = x[i] < threshold
    else:
        for i in range(len(x)):
            out[i] = x[i] <= threshold


@compiled
def answers(t: int, x: Any, start: int, stop: int, layout: Any, out: Any) -> None:
    """Which way rows start..stop go at each inner node of a tree: (slots, rows) of 0 and 1."""
    _left, _right, feature, threshold, default_left, strict, _cover, _value, _parent, _depth, _slot, nodes, starts = (
        layout
    )
    for s in range(starts[t + 1] - starts[t]):
        node = nodes[starts[t] + s]
        goes_left(x[feature[node], start:stop], threshold[node], default_left[node], strict, out[s, : stop - start])


@compiled
def path_of(leaf: int, layout: Any, path: Any, wants: Any, players: Any, player_of: Any) -> int:
    """Conditions from a leaf up to the root, its distinct features, and which of these each condition is on; how many."""
    left, _right, feature, _t, _d, _s, _c, _v, parent, depth, _slot, _n, _st = layout
    node, size = leaf, 0
    for step in range(depth[leaf]):
        above = parent[node]
        path[step] = above
        wants[step] = left[above] == node
        place = 0
        while place < size and players[place] != feature[above]:
            place += 1
        if place == size:
            players[size] = feature[above]
            size += 1
        player_of[step] = place
        node = above
    return size


@compiled
def kept_of(leaf: int, steps: int, layout: Any, path: Any, player_of: Any, kept: Any) -> None:
    """For each of a path's features, the share of training rows that its conditions kept."""
    cover = layout[6]
    kept[:] = 1.0
    node = leaf
    for step in range(steps):
        above = path[step]
        if cover[above] > 0.0:
            kept[player_of[step]] *= cover[node] / cover[above]
        node = above


@compiled
def failing_weights(
    leaf: int,
    steps: int,
    d: int,
    layout: Any,
    paths: Any,
    background: Any,
    rows: int,
    weights: Any,
    failing: Any,
    kept: Any,
) -> None:
    """c(s): how much of the background fails exactly the features s of a leaf's path."""
    path, wants, player_of = paths
    slot = layout[10]
    weights[: 1 << d] = 0.0
    if rows > 0:
        failing[:rows] = 0
        for step in range(steps):
            bits, bit, want = background[slot[path[step]]], np.uint16(1 << player_of[step]), wants[step]
            for i in range(rows):
                failing[i] |= np.uint16(bits[i] != want) * bit
        share = 1.0 / rows
        for i in range(rows):
            weights[failing[i]] += share
        return
    kept_of(leaf, steps, layout, path, player_of, kept)
    weights[0] = 1.0
    for j in range(d):
        for s in range(1 << j):
            weights[s | (1 << j)] = weights[s] * (1.0 - kept[j])
            weights[s] *= kept[j]


@compiled
def sums_over_subsets(d: int, t: float, weights: Any, sums: Any) -> None:
    """A_t(p) for every p: the sum over subsets s of p of c(s) t^|s|."""
    for s in range(1 << d):
        sums[s] = weights[s]
    for j in range(d):
        bit = 1 << j
        for high in range(bit, 1 << d, 2 * bit):
            for s in range(high, high + bit):
                sums[s] = sums[s] * t + sums[s - bit]


@compiled
def leaf_table(d: int, value: float, weights: Any, nodes: Any, scratch: Any, table: Any) -> None:
    """(features, 2**d): what a leaf gives to each of its features, by which of them the row satisfies."""
    size, q = 1 << d, (d + 1) // 2
    table[:d, :size] = 0.0
    powers = np.empty(d + 1)
    for point in range(q):
        t, w = nodes[0, q, point], nodes[1, q, point] * value
        powers[0] = 1.0
        for j in range(d):
            powers[j + 1] = powers[j] * (1.0 - t)
        sums_over_subsets(d, t, weights, scratch)
        for p in range(size):
            missing = d
            for j in range(d):
                missing -= (p >> j) & 1
            gives = w * powers[missing] / t
            takes = w * powers[missing - 1] if missing > 0 else 0.0
            for j in range(d):
                bit = 1 << j
                if p & bit:
                    table[j, p] += gives * (scratch[p] - scratch[p ^ bit])
                else:
                    table[j, p] -= takes * scratch[p]


@compiled
def buffers(most: int) -> Any:
    """Room for a path: nodes, ways, features, and the feature of each condition."""
    return np.empty(most, np.int32), np.empty(most, np.bool_), np.empty(most, np.int32), np.empty(most, np.int32)

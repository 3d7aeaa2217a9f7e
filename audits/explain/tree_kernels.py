"""Compiled loops over groups of leaves and blocks of rows. Import it inside functions.

What a leaf gives, and why a table can hold it, is told in :mod:`audits.explain.tree_paths`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from audits.explain.compiled import compiled
from audits.explain.tree_paths import answers, buffers, failing_weights, kept_of, leaf_table, path_of


@compiled
def conditions_of(top: int, layout: Any, path: Any, steps: int, conditions: Any) -> int:
    """The inner nodes on the path to a node, and those from it downwards; how many."""
    left, right = layout[0], layout[1]
    for step in range(steps):
        conditions[step] = path[step]
    size = done = steps
    conditions[size] = top
    size += 1
    while done < size:
        node = conditions[done]
        done += 1
        for child in (left[node], right[node]):
            if left[child] >= 0:
                conditions[size] = child
                size += 1
    return size


@compiled
def added(members: Any, size: int, member: int) -> int:
    """Put a member behind the others unless it is among them; how many there are."""
    for place in range(size):
        if members[place] == member:
            return size
    members[size] = member
    return size + 1


@compiled
def describe(layout: Any, groups: Any, most: int, counts: Any, offsets: Any, parts: Any, fill: bool) -> None:
    """What each group's table is looked up by: first only how much there is (``counts``), then itself.

    A group's outcome is a number; each of its bits says whether some terms (an inner node, and the way it must go) all hold:
    for a single leaf there is a bit for each feature, for several a bit for each node on the path to them and below.
    """
    left, feature, depth, slot = layout[0], layout[2], layout[9], layout[10]
    features_at, bits_at, terms_at = offsets
    feature_id, bit_terms, term_slot, term_want = parts
    path, wants, players, player_of = buffers(most)
    inside = np.empty(most + 1, np.int32)
    for g in range(len(groups)):
        top = groups[g]
        steps, single = depth[top], left[top] < 0
        size = path_of(top, layout, path, wants, players, player_of)
        bits = size
        if not single:
            bits = conditions_of(top, layout, path, steps, inside)
            for place in range(steps, bits):
                size = added(players, size, feature[inside[place]])
        if not fill:
            counts[0, g], counts[1, g], counts[2, g] = size, bits, steps if single else bits
            continue
        for j in range(size):
            feature_id[features_at[g] + j] = players[j]
        term = terms_at[g]
        for bit in range(bits):
            bit_terms[bits_at[g] + bit] = term
            if single:
                for step in range(steps):
                    if player_of[step] == bit:
                        term_slot[term], term_want[term] = slot[path[step]], wants[step]
                        term += 1
            else:
                term_slot[term], term_want[term] = slot[inside[bit]], True
                term += 1
        bit_terms[bits_at[g + 1]] = term


@compiled
def spread(
    steps: int, d: int, slot: Any, paths: Any, bit_of_slot: Any, asked: Any, size: int, table: Any, out: Any
) -> None:  # fmt: skip
    """Add a leaf's table to that of its group, whose outcomes say more than which of the leaf's features are satisfied."""
    path, wants, players, player_of = paths
    for outcome in range(size):
        p = (1 << d) - 1
        for step in range(steps):
            if ((outcome >> bit_of_slot[slot[path[step]]]) & 1) != wants[step]:
                p &= ~(1 << player_of[step])
        for j in range(d):
            for k in range(len(asked)):
                if asked[k] == players[j]:
                    out[k * size + outcome] += table[j, p]


@compiled
def build_tables(
    layout: Any, groups: Any, group_tree: Any, first: int, last: int, limit: int, room: Any, x: Any, nodes: Any,
    offsets: Any, parts: Any, tables_at: Any, tables: Any,
) -> None:  # fmt: skip
    """The tables of groups first..last; (features, 2**bits) each."""
    left, right, depth, value, slot = layout[0], layout[1], layout[9], layout[7], layout[10]
    features_at, bits_at, terms_at = offsets
    feature_id, _bit_terms, term_slot, _want = parts
    most, most_slots = room
    rows = x.shape[1]
    path, wants, players, player_of = buffers(most)
    background, failing = np.empty((most_slots, rows), np.uint8), np.empty(rows, np.uint16)
    weights, scratch, table = np.empty(1 << limit), np.empty(1 << limit), np.empty((limit, 1 << limit))
    kept, bit_of_slot, stack = np.empty(most), np.empty(most_slots, np.int64), np.empty(most + 2, np.int32)
    tree = -1
    for g in range(first, last):
        if tables_at[g + 1] == tables_at[g]:
            continue
        if group_tree[g] != tree:
            tree = group_tree[g]
            answers(tree, x, 0, rows, layout, background)
        out = tables[tables_at[g] - tables_at[first] : tables_at[g + 1] - tables_at[first]]
        out[:] = 0.0
        bits, asked = bits_at[g + 1] - bits_at[g], feature_id[features_at[g] : features_at[g + 1]]
        single = left[groups[g]] < 0
        for bit in range(0 if single else bits):
            bit_of_slot[term_slot[terms_at[g] + bit]] = bit
        stack[0], size = groups[g], 1
        while size > 0:
            size -= 1
            node = stack[size]
            if left[node] >= 0:
                stack[size], stack[size + 1] = left[node], right[node]
                size += 2
                continue
            d, steps = path_of(node, layout, path, wants, players, player_of), depth[node]
            failing_weights(node, steps, d, layout, (path, wants, player_of), background, rows, weights, failing, kept)
            leaf_table(d, value[node], weights, nodes, scratch, table)
            if single:
                for j in range(d):
                    for p in range(1 << d):
                        out[(j << d) + p] = table[j, p]
            else:
                paths = (path, wants, players, player_of)
                spread(steps, d, slot, paths, bit_of_slot, asked, 1 << bits, table, out)


@compiled
def add_values(
    layout: Any, group_tree: Any, first: int, last: int, most_slots: int, x: Any, start: int, stop: int,
    offsets: Any, parts: Any, tables_at: Any, tables: Any, values: Any,
) -> None:  # fmt: skip
    """Look rows start..stop up in the tables of groups first..last: adds to (features, rows)."""
    features_at, bits_at, _terms_at = offsets
    feature_id, bit_terms, term_slot, term_want = parts
    rows = stop - start
    bits, holds, outcome = np.empty((most_slots, rows), np.uint8), np.empty(rows, np.uint8), np.empty(rows, np.int32)
    tree = -1
    for g in range(first, last):
        if tables_at[g + 1] == tables_at[g]:
            continue
        if group_tree[g] != tree:
            tree = group_tree[g]
            answers(tree, x, start, stop, layout, bits)
        outcome[:] = 0
        for bit in range(bits_at[g + 1] - bits_at[g]):
            holds[:] = 1
            for term in range(bit_terms[bits_at[g] + bit], bit_terms[bits_at[g] + bit + 1]):
                answer, flip = bits[term_slot[term]], np.uint8(not term_want[term])
                for i in range(rows):
                    holds[i] &= answer[i] ^ flip
            for i in range(rows):
                outcome[i] |= np.int32(holds[i]) << bit
        size = 1 << (bits_at[g + 1] - bits_at[g])
        at = tables_at[g] - tables_at[first]
        for place in range(features_at[g + 1] - features_at[g]):
            table = tables[at + place * size : at + (place + 1) * size]
            column = values[feature_id[features_at[g] + place], start:stop]
            for i in range(rows):
                column[i] += table[outcome[i]]


@compiled
def add_sums(layout: Any, roots: Any, x: Any, out: Any) -> None:
    """What the leaves that each row reaches add up to."""
    left, right, feature, threshold, default_left, strict, _cover, value, _p, _d, _s, _n, _st = layout
    for i in range(x.shape[1]):
        for root in roots:
            node = root
            while left[node] >= 0:
                found, limit = x[feature[node], i], threshold[node]
                goes = found < limit if strict else found <= limit
                if np.isnan(found):
                    goes = default_left[node]
                node = left[node] if goes else right[node]
            out[i] += value[node]


@compiled
def remembered_sum(layout: Any, most: int) -> float:
    """The mean of all leaves over the training rows that the trees remember."""
    left, depth, value = layout[0], layout[9], layout[7]
    path, wants, players, player_of = buffers(most)
    kept = np.empty(most)
    total = 0.0
    for node in range(len(left)):
        if left[node] < 0 and depth[node] >= 0:
            d = path_of(node, layout, path, wants, players, player_of)
            kept_of(node, depth[node], layout, path, player_of, kept)
            share = value[node]
            for j in range(d):
                share *= kept[j]
            total += share
    return total

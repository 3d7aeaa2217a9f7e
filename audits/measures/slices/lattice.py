"""Sums over every combination of up to three columns, from few grouped counts of several columns each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from audits.intervals import Floats
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measures.slices.axes import Cut
    from audits.measures.sums import SumSet

DEPTH = 3
MOST_CELLS = 1 << 15
_MOST_DENSE = 1 << 21

Sums = dict[str, Floats]
"""Name of a sum to its values, one axis of the array per column."""


def combined_sums(
    cut: Cut,
    sums: SumSet,
    *,
    step: Callable[[float], None] | None = None,
) -> Iterator[tuple[tuple[int, ...], Sums]]:
    """For each combination of one to three axes: their indices, and arrays of sums with one dimension per axis.

    Parameters
    ----------
    sums
        What to sum; the row count ``n`` is there besides.
    step
        Called with the share of the counting done.

    Notes
    -----
    All columns of a block are grouped at once, and combinations are margins of it, so ten columns take not 120 passes over
    the data but about fifteen.

    Raises
    ------
    InvalidInput
        If three columns cross to more than two million cells.
    """
    blocks = _blocks([len(axis.names) for axis in cut.axes])
    done: set[tuple[int, ...]] = set()
    for index, block in enumerate(blocks):
        counted = _count(cut, block, sums)
        for chosen in _subsets(block):
            if chosen in done:
                continue
            done.add(chosen)
            others = tuple(place for place, axis in enumerate(block) if axis not in chosen)
            yield chosen, {name: values.sum(axis=others) for name, values in counted.items()}
        if step is not None:
            step((index + 1) / len(blocks))


def _subsets(block: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for depth in range(1, min(DEPTH, len(block)) + 1):
        yield from combinations(block, depth)


def _blocks(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Sets of axes that together hold every triple, each of at most :data:`MOST_CELLS` cells where triples allow it."""
    triples = list(combinations(range(len(sizes)), min(DEPTH, len(sizes))))
    missing = set(triples)
    blocks = []
    for triple in triples:
        if triple not in missing:
            continue
        block = set(triple)
        while True:
            room = MOST_CELLS // prod(sizes[i] for i in block)
            fitting = [i for i in range(len(sizes)) if i not in block and sizes[i] <= room]
            if not fitting:
                break
            block.add(max(fitting, key=lambda i: (_gained(block, i, missing), -sizes[i], -i)))
        missing -= set(combinations(sorted(block), len(triple)))
        blocks.append(tuple(sorted(block)))
    return blocks


def _gained(block: set[int], new: int, missing: set[tuple[int, ...]]) -> int:
    return sum(tuple(sorted((*pair, new))) in missing for pair in combinations(sorted(block), DEPTH - 1))


def _count(cut: Cut, block: tuple[int, ...], sums: SumSet) -> Sums:
    axes = [cut.axes[i] for i in block]
    shape = tuple(len(axis.names) for axis in axes)
    if prod(shape) > _MOST_DENSE:
        names = ", ".join(repr(axis.column) for axis in axes)
        raise InvalidInput(f"the columns {names} cross to {prod(shape):,} slices; bin one of them", field="slices")
    by = {f"axis{i}": axis.value for i, axis in enumerate(axes)}
    table = cut.engine.grouped(by, sums.measures(), of=cut.source).table
    codes = [axis.codes(table[f"axis{i}"]) for i, axis in enumerate(axes)]
    flat = np.ravel_multi_index(codes, shape)

    def dense(values: Floats) -> Floats:
        return np.bincount(flat, weights=values, minlength=prod(shape)).astype(np.float64).reshape(shape)

    return {name: dense(values) for name, values in sums.read(table).items()}

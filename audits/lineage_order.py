"""In which order boxes stand within the layers of a picture, so that few lines cross, and at which heights. Pure."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP, LANE_GAP, LANE = 14.0, 5.0, 7.0
"""Between two boxes of a layer, beside a lane, and the height of a lane, in pixels."""

_SWEEPS, _STRAIGHTENINGS = 8, 7


@dataclass(frozen=True, slots=True)
class Ladder:
    """Boxes in layers, and lanes in which lines pass the layers between their ends.

    Lines out of one box share one lane in a layer, so that they run together until they part.

    Attributes
    ----------
    rows
        The layers from left to right: vertices, which are the boxes and, numbered behind them, the lanes.
    left, right
        The neighbours of each vertex in the layer before and behind its own.
    lane
        ``(source, layer)`` to the lane there.
    boxes
        How many vertices are boxes.
    """

    rows: list[list[int]]
    left: list[list[int]]
    right: list[list[int]]
    lane: Mapping[tuple[int, int], int]
    boxes: int

    @classmethod
    def build(cls, rank: Mapping[int, int], layer: Sequence[int], links: Iterable[tuple[int, int]]) -> Ladder:
        """A ladder of boxes; every link leads to a later layer."""
        rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
        for box in sorted(rank, key=lambda box: rank[box]):
            rows[layer[box]].append(box)
        lane: dict[tuple[int, int], int] = {}
        left: list[list[int]] = [[] for _ in layer]
        right: list[list[int]] = [[] for _ in layer]

        def connect(one: int, other: int) -> None:
            if other not in right[one]:
                right[one].append(other)
                left[other].append(one)

        for source, target in links:
            here = source
            for number in range(layer[source] + 1, layer[target]):
                if (source, number) not in lane:
                    lane[source, number] = len(left)
                    rows[number].append(len(left))
                    left.append([])
                    right.append([])
                connect(here, lane[source, number])
                here = lane[source, number]
            connect(here, target)
        return cls(rows, left, right, lane, len(layer))


def order_layers(ladder: Ladder) -> list[list[int]]:
    """The layers in the order with the fewest crossings that a fixed number of sweeps comes by."""
    rows = [list(row) for row in ladder.rows]
    best, fewest = rows, _crossings(ladder, rows)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        rows = [list(row) for row in rows]
        rightward = sweep % 2 == 0
        order = range(1, len(rows)) if rightward else range(len(rows) - 2, -1, -1)
        for number in order:
            beside = rows[number - 1 if rightward else number + 1]
            _sort_by_neighbours(rows[number], beside, ladder.left if rightward else ladder.right)
        found = _crossings(ladder, rows)
        if found < fewest:
            best, fewest = rows, found
    return best


def _sort_by_neighbours(row: list[int], beside: Sequence[int], neighbours: Sequence[Sequence[int]]) -> None:
    """Put a layer into the order of the mean places of its neighbours; what has none stays where it is."""
    place = {vertex: number for number, vertex in enumerate(beside)}
    scale = len(beside) / max(len(row), 1)
    wanted = {
        vertex: sum(place[other] for other in neighbours[vertex]) / len(neighbours[vertex])
        if neighbours[vertex]
        else number * scale
        for number, vertex in enumerate(row)
    }
    row.sort(key=lambda vertex: wanted[vertex])


def _crossings(ladder: Ladder, rows: Sequence[Sequence[int]]) -> int:
    total = 0
    for row, following in pairwise(rows):
        place = {vertex: number for number, vertex in enumerate(following)}
        passed: list[int] = []
        for vertex in row:
            ends = [place[other] for other in ladder.right[vertex]]
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def place_layers(ladder: Ladder, rows: Sequence[Sequence[int]], heights: Sequence[float]) -> list[float]:
    """The upper edge of every vertex in pixels: near the middle of its neighbours, in the order of its layer, none over another."""
    size = [heights[vertex] if vertex < ladder.boxes else LANE for vertex in range(len(ladder.left))]
    middle = [0.0] * len(size)
    for row in rows:
        for vertex, top in zip(row, _stacked(ladder, row, size), strict=True):
            middle[vertex] = top + size[vertex] / 2
    for turn in range(_STRAIGHTENINGS):
        rightward = turn % 2 == 0
        for row in rows if rightward else reversed(rows):
            first = ladder.left if rightward else ladder.right
            wanted = [_mean(middle, first[vertex], middle[vertex]) for vertex in row]
            for vertex, value in zip(row, _apart(ladder, row, size, wanted), strict=True):
                middle[vertex] = value
    tops = [middle[vertex] - size[vertex] / 2 for vertex in range(len(size))]
    highest = min(tops, default=0.0)
    return [round(top - highest, 1) for top in tops]


def _mean(middle: Sequence[float], neighbours: Sequence[int], otherwise: float) -> float:
    return sum(middle[other] for other in neighbours) / len(neighbours) if neighbours else otherwise


def _stacked(ladder: Ladder, row: Sequence[int], size: Sequence[float]) -> list[float]:
    tops, top = [], 0.0
    for number, vertex in enumerate(row):
        tops.append(top)
        top += size[vertex] + (_gap(ladder, vertex, row[number + 1]) if number + 1 < len(row) else 0.0)
    return tops


def _gap(ladder: Ladder, upper: int, lower: int) -> float:
    return GAP if upper < ladder.boxes and lower < ladder.boxes else LANE_GAP


def _apart(ladder: Ladder, row: Sequence[int], size: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """The middles nearest to those wanted (least squares) that keep order and distance: isotonic regression."""
    offsets, offset = [], 0.0
    for number, vertex in enumerate(row):
        if number:
            before = row[number - 1]
            offset += (size[before] + size[vertex]) / 2 + _gap(ladder, before, vertex)
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for want, shift in zip(wanted, offsets, strict=True):
        total, count = want - shift, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    free = [total / count for total, count in pools for _ in range(count)]
    return [value + shift for value, shift in zip(free, offsets, strict=True)]

"""Where the boxes of a lineage stand: in layers from the sources at the left to what is made of them at the right. Pure.

The way is Sugiyama's: links that lead back are turned round, every box gets a layer behind all that it is made from, lines
that pass layers get lanes in them, sweeps put boxes near their neighbours (``audits.lineage_order``), and routes tell
where lines run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.lineage_order import LANE, Ladder, order_layers, place_layers
from registry.lineage.graph import Graph

BOX_WIDTH, BOX_HEIGHT = 232.0, 44.0
"""Of a box that shows no columns, in pixels."""

CHANNEL = 68.0
"""Between two layers, in pixels."""

Link = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box stands: left upper corner and size in pixels, and its layer, counted from the left."""

    x: float
    y: float
    width: float
    height: float
    layer: int


@dataclass(frozen=True, slots=True)
class Route:
    """How the lines from one box to another run.

    Attributes
    ----------
    back
        Whether they lead back to an earlier layer, as some do where a lineage goes in circles.
    lanes
        ``(x, y)`` in pixels where the lines enter the layers that they pass, from left to right; each is crossed level.
    """

    back: bool
    lanes: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by index, routes by ``(source, target)``, and the size of the whole in pixels."""

    boxes: tuple[Box, ...]
    routes: Mapping[Link, Route]
    width: float
    height: float


def layers(graph: Graph, *, heights: Sequence[float] | None = None) -> Layout:
    """Lay out the places of a graph; ``heights`` are those of their boxes in pixels.

    The same graph gives the same layout, in whatever order its places, nodes and edges come.
    """
    return arrange(place_keys(graph), place_links(graph), heights or [BOX_HEIGHT] * len(graph.places))


def layer_numbers(graph: Graph) -> list[int]:
    """The layer of every place, as :func:`layers` has it, without laying anything out."""
    order, _rank, wanted, turned = _prepared(place_keys(graph), place_links(graph))
    return _layer_of(order, _straightened(wanted, turned))


def place_links(graph: Graph) -> set[Link]:
    """Which place is made from which other one, as indices."""
    found = {
        (graph.nodes[edge.source].place, graph.nodes[edge.target].place)
        for edge in graph.edges
        if edge.level != "structure"
    }
    return {link for link in found if link[0] != link[1]}


def place_keys(graph: Graph) -> list[tuple[Any, ...]]:
    """By what places are put in order: their names and, where those are hidden, their lowest row."""
    lowest: dict[int, int] = {}
    for node in graph.nodes:
        lowest[node.place] = min(lowest.get(node.place, node.id), node.id)
    return [(place.namespace, place.name, lowest.get(index, 0)) for index, place in enumerate(graph.places)]


def arrange(
    keys: Sequence[tuple[Any, ...]],
    links: Iterable[Link],
    heights: Sequence[float],
    *,
    width: float = BOX_WIDTH,
    channel: float = CHANNEL,
) -> Layout:
    """Lay out boxes that ``links`` connect from left to right.

    Parameters
    ----------
    keys
        Of each box; they decide wherever there is a choice.
    links
        ``(source, target)`` as indices of different boxes.
    heights
        Of each box, in pixels.
    width
        Of every box, in pixels.
    channel
        Between two layers, in pixels.
    """
    order, rank, wanted, turned = _prepared(keys, links)
    straight = _straightened(wanted, turned)
    layer = _layer_of(order, straight)
    ladder = Ladder.build(rank, layer, straight)
    tops = place_layers(ladder, order_layers(ladder), heights)
    step = width + channel
    boxes = tuple(Box(layer[box] * step, tops[box], width, heights[box], layer[box]) for box in range(len(keys)))

    def route(link: Link) -> Route:
        start, end = (link[1], link[0]) if link in turned else link
        passed = range(layer[start] + 1, layer[end])
        lanes = tuple((number * step, tops[ladder.lane[start, number]] + LANE / 2) for number in passed)
        return Route(link in turned, lanes)

    return Layout(
        boxes,
        {link: route(link) for link in wanted},
        width=max((box.x + box.width for box in boxes), default=0.0),
        height=max([*(box.y + box.height for box in boxes), *(top + LANE for top in tops)], default=0.0),
    )


def _prepared(
    keys: Sequence[tuple[Any, ...]], links: Iterable[Link]
) -> tuple[list[int], dict[int, int], list[Link], set[Link]]:
    """Boxes in order, the place of each in it, links in order, and those that lead back."""
    order = sorted(range(len(keys)), key=lambda box: (keys[box], box))
    rank = {box: number for number, box in enumerate(order)}
    wanted = sorted(set(links), key=lambda link: (rank[link[0]], rank[link[1]]))
    return order, rank, wanted, _leading_back(order, wanted)


def _straightened(links: Sequence[Link], turned: set[Link]) -> list[Link]:
    """Links with those that lead back turned round."""
    return list(dict.fromkeys((link[1], link[0]) if link in turned else link for link in links))


def _next(order: Iterable[int], links: Iterable[Link]) -> dict[int, list[int]]:
    following: dict[int, list[int]] = {box: [] for box in order}
    for source, target in links:
        following[source].append(target)
    return following


def _leading_back(order: Sequence[int], links: Sequence[Link]) -> set[Link]:
    """Links to a box that is still being walked: without them nothing goes in circles.

    The walk goes depth first, and begins at what is made from nothing.
    """
    following = _next(order, links)
    made = {target for _, target in links}
    back: set[Link] = set()
    done: set[int] = set()
    for root in [*(box for box in order if box not in made), *order]:
        if root in done:
            continue
        done.add(root)
        under_way, walk = {root}, [(root, iter(following[root]))]
        while walk:
            here, rest = walk[-1]
            there = next(rest, None)
            if there is None:
                under_way.remove(here)
                walk.pop()
            elif there in under_way:
                back.add((here, there))
            elif there not in done:
                done.add(there)
                under_way.add(there)
                walk.append((there, iter(following[there])))
    return back


def _layer_of(order: Sequence[int], links: Sequence[Link]) -> list[int]:
    """The longest way from a source; what is made from nothing stands right before what is first made from it."""
    following = _next(order, links)
    waits = dict.fromkeys(order, 0)
    for _, target in links:
        waits[target] += 1
    sources = [box for box in order if not waits[box]]
    ready, layer = list(sources), [0] * len(order)
    for box in ready:
        for there in following[box]:
            layer[there] = max(layer[there], layer[box] + 1)
            waits[there] -= 1
            if not waits[there]:
                ready.append(there)
    for box in sources:
        if following[box]:
            layer[box] = min(layer[there] for there in following[box]) - 1
    return layer

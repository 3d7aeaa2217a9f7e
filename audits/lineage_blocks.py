"""Which places of a lineage share a box of the picture, so that it stays readable. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from audits.lineage_layers import Layout, Link, arrange, layer_numbers, place_keys, place_links
from registry.lineage.graph import Graph

MOST_PRINTED, _MOST_LAYERS, _MOST_IN_LAYER = 40, 5, 12
"""So many boxes, layers, and boxes of one layer are readable on one A4 page across."""


@dataclass(frozen=True, slots=True)
class Block:
    """One box: a single place, or several that share it. ``namespace`` is empty where theirs differ."""

    places: tuple[int, ...]
    namespace: str = ""

    @property
    def is_group(self) -> bool:
        """Whether several places share the box."""
        return len(self.places) > 1


def single_blocks(graph: Graph) -> list[Block]:
    """A box for every place."""
    return [Block((place,), graph.places[place].namespace) for place in range(len(graph.places))]


def folded_blocks(graph: Graph, *, keep: AbstractSet[int], namespaces: Collection[str]) -> list[Block]:
    """Places of the given namespaces share a box with those of the same namespace in the same layer.

    Parameters
    ----------
    keep
        Indices of places that have a box for themselves in any case.
    """
    numbers = layer_numbers(graph)
    shared: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    blocks = []
    for index, place in enumerate(graph.places):
        if index in keep or place.hidden or place.namespace not in namespaces:
            blocks.append(Block((index,), place.namespace))
        else:
            shared[numbers[index], place.namespace].append(index)
    blocks += [Block(tuple(members), namespace) for (_, namespace), members in sorted(shared.items())]
    return _in_order(blocks)


def printed_blocks(graph: Graph, *, keep: AbstractSet[int]) -> list[Block]:
    """At most 40 boxes in at most 5 layers. What is in ``keep`` shares a box last.

    Layers between the first and the last are joined where there are too many: what is made from each other in there
    shares a box. A layer of too many boxes puts those of one namespace together, and then all the rest.
    """
    bands = _bands(layer_numbers(graph), keep)
    most = min(_MOST_IN_LAYER, MOST_PRINTED // max(len(bands), 1))
    links = place_links(graph)
    blocks: list[Block] = []
    for band in bands:
        found = [Block(members, _namespace(graph, members)) for members in _connected(band, links)]
        blocks += _fewer(graph, found, keep, most)
    return _in_order(blocks)


def block_layout(
    graph: Graph, blocks: Sequence[Block], heights: Sequence[float], *, width: float, channel: float
) -> Layout:
    """Lay out boxes as :func:`audits.lineage_layers.layers` does places."""
    keys = place_keys(graph)
    of = block_of(blocks)
    links = {(of[source], of[target]) for source, target in place_links(graph) if of[source] != of[target]}
    return arrange(
        [min(keys[place] for place in block.places) for block in blocks], links, heights, width=width, channel=channel
    )


def block_of(blocks: Iterable[Block]) -> Mapping[int, int]:
    """The index of every place's box."""
    return {place: number for number, block in enumerate(blocks) for place in block.places}


def _in_order(blocks: Iterable[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block.places)


def _namespace(graph: Graph, members: Iterable[int]) -> str:
    names = {graph.places[place].namespace for place in members}
    return names.pop() if len(names) == 1 else ""


def _bands(layers: Sequence[int], keep: AbstractSet[int]) -> list[list[int]]:
    """The places by layer; where layers are too many, those between are joined, if possible without any that keeps a place."""
    last = max(layers, default=-1)
    number = {layer: layer for layer in range(last + 1)}
    if last >= _MOST_LAYERS:
        alone = {0, last} | {layers[place] for place in keep}
        starts = [layer for layer in range(last + 1) if layer in alone or layer - 1 in alone]
        if len(starts) <= _MOST_LAYERS:
            starts = _halved(starts, last)
            number = {layer: sum(start <= layer for start in starts) for layer in number}
        else:
            between = _MOST_LAYERS - 2
            number = {layer: 1 + (layer - 1) * between // (last - 1) for layer in range(1, last)}
            number |= {0: 0, last: between + 1}
    bands: defaultdict[int, list[int]] = defaultdict(list)
    for place, layer in enumerate(layers):
        bands[number[layer]].append(place)
    return [bands[key] for key in sorted(bands)]


def _halved(starts: list[int], last: int) -> list[int]:
    """Where joined layers begin, once the longest stretches are halved until there are as many as a page has room for."""
    while len(starts) < _MOST_LAYERS:
        ends = [*starts[1:], last + 1]
        length, start = max((end - start, -start) for start, end in zip(starts, ends, strict=True))
        if length == 1:
            break
        starts = sorted([*starts, -start + (length + 1) // 2])
    return starts


def _connected(band: Sequence[int], links: Iterable[Link]) -> list[tuple[int, ...]]:
    """The places of a band; those that links within it connect stand together."""
    home = {place: place for place in band}

    def root(place: int) -> int:
        while home[place] != place:
            home[place] = home[home[place]]
            place = home[place]
        return place

    for source, target in links:
        if source in home and target in home:
            home[max(root(source), root(target))] = min(root(source), root(target))
    together: defaultdict[int, list[int]] = defaultdict(list)
    for place in band:
        together[root(place)].append(place)
    return [tuple(members) for _, members in sorted(together.items())]


def _fewer(graph: Graph, blocks: list[Block], keep: AbstractSet[int], most: int) -> list[Block]:
    if len(blocks) <= most:
        return blocks
    kept = [block for block in blocks if not keep.isdisjoint(block.places)]
    others = [block for block in blocks if block not in kept]
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for block in others:
        by_name[block.namespace].extend(block.places)
    joined = [Block(tuple(sorted(members)), name) for name, members in sorted(by_name.items())]
    if len(kept) + len(joined) <= most:
        return [*kept, *joined]
    shown = kept[: most - 1]
    rest = tuple(sorted(place for block in [*kept[most - 1 :], *others] for place in block.places))
    return [*shown, Block(rest, _namespace(graph, rest))]

"""The picture and the table of a neighbourhood in the lineage, with the addresses behind its names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.urls import reverse

from audits.lineage_blocks import Block, block_of, folded_blocks, single_blocks
from audits.lineage_boxes import box_id
from audits.lineage_cut import ways_between
from audits.lineage_picture import Links, lineage_picture, lineage_table
from audits.lineage_words import way_words
from audits.tables import Table
from governance.page_selectors.lineage import Neighbourhood
from governance.page_selectors.lineage_asked import Asked
from registry.lineage.graph import COLUMN, IN, OUT, Graph, GraphEdge

MOST_BOXES = 60
"""More places than this share boxes by namespace, unless asked otherwise."""

_MOST_MATCHES = 30
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column whose ways stand out: its name, its own page, and a shortest way as a sentence, empty where there is none."""

    label: str
    address: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The picture and what stands around it.

    Attributes
    ----------
    matches
        ``(label, address)`` of what the reader looks for; ``more_matches`` are left out.
    folded
        Whether places share boxes.
    unlisted
        How many edges the table leaves out.
    """

    svg: str
    table: Table
    matches: list[tuple[str, str]] = field(default_factory=list)
    more_matches: int = 0
    chosen: Chosen | None = None
    folded: bool = False
    places: int = 0
    hidden: int = 0
    unlisted: int = 0
    truncated: bool = False

    @property
    def alone(self) -> bool:
        """Whether nothing is known but what was asked about."""
        return self.places == 1 and not self.table.rows


def draw(around: Neighbourhood, asked: Asked, *, title: str) -> Drawn:
    """Draw the neighbourhood as asked."""
    graph = around.graph
    chosen = _chosen(around, asked)
    highlight = [] if chosen is None else _ways(around, chosen)
    places, columns = _matches(graph, asked.find)
    found = {*places, *(graph.nodes[node].place for node in columns)}
    keep = {graph.nodes[node].place for edge in highlight for node in (edge.source, edge.target)}
    keep |= {graph.nodes[node].place for node in around.focus} | found
    blocks = _blocks(graph, asked, keep)
    rows = {row: place for place, row in around.places.items()}
    svg = lineage_picture(
        graph,
        open_places={rows[row] for row in asked.open_places if row in rows},
        classes=around.classes,
        terms=around.terms,
        highlight=highlight,
        focus=min(around.focus, key=lambda node: (graph.nodes[node].role == COLUMN, node))
        if len(around.focus) > 1
        else next(iter(around.focus)),
        links=_links(around, asked, blocks),
        blocks=blocks,
        found=found,
        title=title,
    )
    links = _match_links(graph, places, columns, asked, blocks)
    between = sum(edge.level != "structure" for edge in graph.edges)
    return Drawn(
        svg=svg,
        table=lineage_table(graph, most=_MOST_LISTED),
        matches=links[:_MOST_MATCHES],
        more_matches=max(len(links) - _MOST_MATCHES, 0),
        chosen=None if chosen is None else _told(around, chosen, highlight),
        folded=any(block.is_group for block in blocks or ()),
        places=len(graph.places),
        hidden=sum(place.hidden for place in graph.places),
        unlisted=max(between - _MOST_LISTED, 0),
        truncated=graph.truncated or around.spread.graph.truncated,
    )


def _chosen(around: Neighbourhood, asked: Asked) -> int | None:
    numbers = (index for index, node in enumerate(around.graph.nodes) if node.id and node.id == asked.way)
    found = next(numbers, None)
    return None if found is None or around.graph.place_of(found).hidden else found


def _heads(around: Neighbourhood) -> list[int]:
    """The nodes that stand for all that was asked about: a column itself, or the two nodes of a place."""
    nodes = around.graph.nodes
    ends = [node for node in sorted(around.focus) if nodes[node].role in {IN, OUT}]
    return ends or sorted(around.focus)


def _ways(around: Neighbourhood, chosen: int) -> list[GraphEdge]:
    edges = (edge for head in _heads(around) for edge in ways_between(around.graph, head, chosen))
    return list({id(edge): edge for edge in edges}.values())


def _told(around: Neighbourhood, chosen: int, highlight: Sequence[GraphEdge]) -> Chosen:
    graph = around.graph
    heads = _heads(around) if highlight else []
    ways = [graph.path(head, chosen, upstream=upward) for head in heads for upward in (True, False)]
    sentences = sorted((way_words(graph, way) for way in ways if way), key=lambda text: (len(text), text))
    told = next((text for text in sentences if text), "")
    return Chosen(graph.label(chosen), reverse("lineage-column", args=[graph.nodes[chosen].id]), told)


def _matches(graph: Graph, text: str) -> tuple[list[int], list[int]]:
    """Places, and nodes that are columns, whose name holds the text, whatever its case."""
    if not text:
        return [], []
    wanted = text.casefold()
    places = [
        number for number, place in enumerate(graph.places) if not place.hidden and wanted in place.name.casefold()
    ]
    columns = [
        number
        for number, node in enumerate(graph.nodes)
        if node.role == COLUMN and not graph.places[node.place].hidden and wanted in node.column.casefold()
    ]
    return places, columns


def _match_links(
    graph: Graph, places: Sequence[int], columns: Sequence[int], asked: Asked, blocks: Sequence[Block] | None
) -> list[tuple[str, str]]:
    """A place leads to its box, a column to its ways."""
    box = block_of(blocks if blocks is not None else single_blocks(graph))
    links = [(graph.places[place].name, f"#{box_id(box[place])}") for place in places]
    links += [(graph.label(node), f"{asked.query(way=graph.nodes[node].id)}#picture") for node in columns]
    return links


def _blocks(graph: Graph, asked: Asked, keep: set[int]) -> list[Block] | None:
    if asked.everything or len(graph.places) <= MOST_BOXES:
        return None
    known = [index for index, place in enumerate(graph.places) if place.kind != "table"]
    folded = {place.namespace for place in graph.places} - set(asked.unfolded)
    return folded_blocks(graph, keep=frozenset(keep | set(known[:MOST_BOXES])), namespaces=folded)


def _links(around: Neighbourhood, asked: Asked, blocks: Sequence[Block] | None) -> Links:
    """Names of places lead to their pages, names of columns to their ways, signs to a place with its columns open."""
    graph = around.graph
    alone = {block.places[0] for block in blocks if not block.is_group} if blocks is not None else set(around.places)
    with_columns = {node.place for node in graph.nodes if node.role == COLUMN}
    shown = [place for place in sorted(around.places) if place in alone]
    chosen = asked.query(way=0).replace("way=0", "way={}")
    namespaces = {graph.places[block.places[0]].namespace for block in blocks or () if block.is_group}
    return Links(
        places={place: reverse("lineage-place", args=[around.places[place]]) for place in shown},
        columns={
            index: f"{chosen.format(node.id)}#picture"
            for index, node in enumerate(graph.nodes)
            if node.role == COLUMN and node.id and node.place in alone
        },
        toggles={
            place: f"{asked.query(open_places=asked.open_places ^ {around.places[place]})}#picture"
            for place in shown
            if place in with_columns
        },
        namespaces={
            namespace: f"{asked.query(unfolded=(*asked.unfolded, namespace))}#picture"
            for namespace in sorted(namespaces)
        },
    )

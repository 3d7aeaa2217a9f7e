"""The picture of a lineage: places in layers from the sources at the left, lines from what to what, marks at both. Pure.

One ink, no inline style, readable in grey: personal data are letters with words, terms are a shape with words, and how
an edge is known is the way its line is drawn. The table behind the picture is :func:`lineage_table`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from audits.lineage_blocks import Block, block_layout, printed_blocks, single_blocks
from audits.lineage_boxes import Links, Shown, contents, draw_box
from audits.lineage_layers import BOX_WIDTH, CHANNEL
from audits.lineage_lines import WORDS, draw_key, draw_line, edge_style, key_width, lines
from audits.lineage_marks import TermsState
from audits.lineage_svg import element, number, words
from audits.tables import Cell, Table
from audits.wording import EN_DASH, stamp
from registry.lineage.graph import Graph, GraphEdge

__all__ = ["Links", "lineage_picture", "lineage_table"]

_MARGIN, _KEY = 8.0, 30.0
_PRINTED_WIDTH, _PRINTED_CHANNEL, _LEAST_PRINTED = 210.0, 40.0, 1000.0
MOST_TABLE_ROWS = 400
"""So many edges stand in a table; the API gives all."""


def lineage_picture(
    graph: Graph,
    *,
    open_places: Collection[int] = (),
    classes: Mapping[int, Collection[str]] | None = None,
    terms: Mapping[str, TermsState] | None = None,
    highlight: Iterable[GraphEdge] = (),
    focus: int | None = None,
    links: Links | None = None,
    blocks: Sequence[Block] | None = None,
    found: Collection[int] = (),
    for_print: bool = False,
    title: str = "Lineage",
) -> str:
    """Draw a graph.

    Parameters
    ----------
    open_places
        Indices of places whose columns are listed. Elsewhere only the columns of the highlighted way are.
    classes
        Index of a node to the classes of personal data that it holds.
    terms
        Slug of a registered dataset to the state of its terms.
    highlight
        Edges of the way that is to stand out; the rest is muted where there is any.
    focus
        Index of the node that was asked about.
    links
        Addresses behind names; without them the picture is an image, with them a group of links.
    blocks
        Which places share a box; each has its own by default.
    found
        Indices of places that a search has found.
    for_print
        At most 40 boxes in five layers, so that the letters stay readable across one A4 page; no ids and no links.

    Returns
    -------
    str
        An inline ``<svg>`` with title and description; the same input gives the same text.
    """
    way = {(edge.source, edge.target) for edge in highlight}
    touched = frozenset(node for ends in way for node in ends)
    shown = Shown(
        graph=graph, open_places=frozenset(open_places), classes=classes or {}, terms=terms or {}, touched=touched, focus=focus,
        links=links if links and not for_print else Links(), found=frozenset(found), muted=bool(way), ids=not for_print,
        width=_PRINTED_WIDTH if for_print else BOX_WIDTH,
    )  # fmt: skip
    if for_print:
        blocks = printed_blocks(graph, keep=_worth_a_box(shown))
    elif blocks is None:
        blocks = single_blocks(graph)
    inside = contents(shown, blocks)
    layout = block_layout(
        graph,
        blocks,
        [item.height for item in inside],
        width=shown.width,
        channel=_PRINTED_CHANNEL if for_print else CHANNEL,
    )
    drawn = lines(graph, blocks, inside, way)
    present = {line.style for line in drawn}
    top = _MARGIN + (_KEY if present else 0.0)
    body = element(
        "g",
        *(draw_line(graph, line, layout, muted=shown.muted) for line in drawn),
        *(draw_box(shown, index, *item) for index, item in enumerate(zip(blocks, inside, layout.boxes, strict=True))),
        transform=f"translate({number(_MARGIN)} {number(top)})",
    )
    width = max(layout.width, key_width(present)) + 2 * _MARGIN
    size = {} if for_print else {"width": width, "height": layout.height + top + _MARGIN}
    return element(
        "svg", element("title", words(title)), element("desc", words(_said(graph, blocks))),
        draw_key(present, _MARGIN, _MARGIN + _KEY / 3), body,
        xmlns="http://www.w3.org/2000/svg", class_="lineage-picture", fill="currentColor", role="group" if links and not for_print else "img",
        aria_label=f"{title}. {_said(graph, blocks)}",
        viewBox=f"0 0 {number(max(width, _LEAST_PRINTED) if for_print else width)} {number(layout.height + top + _MARGIN)}", **size,
    )  # fmt: skip


def _worth_a_box(shown: Shown) -> frozenset[int]:
    """Models, registered datasets, what may not be used, and the highlighted way, rather than steps between."""
    graph = shown.graph
    on_the_way = {graph.nodes[node].place for node in shown.touched}
    known = {index for index, place in enumerate(graph.places) if place.kind != "table"}
    asked = {graph.nodes[shown.focus].place} if shown.focus is not None else set()
    return frozenset(on_the_way | known | asked)


def _said(graph: Graph, blocks: Sequence[Block]) -> str:
    between = sum(edge.level != "structure" for edge in graph.edges)
    shared = sum(len(block.places) for block in blocks if block.is_group)
    parts = [f"{len(graph.places)} places and {between} edges between them, sources at the left."]
    parts += [f"{shared} places share boxes."] if shared else []
    parts += ["There is more than is shown."] if graph.truncated else []
    return " ".join(parts)


_HEADS: tuple[Cell, ...] = (
    ("text", "What"),
    ("text", "Is made from"),
    ("text", "How"),
    ("text", "Who says so"),
    ("text", "Last seen"),
)


def lineage_table(graph: Graph, *, most: int = MOST_TABLE_ROWS) -> Table:
    """The graph as a table: what is made from what, how, which job says so, and when it was said last (UTC)."""
    edges = sorted(
        (edge for edge in graph.edges if edge.level != "structure"),
        key=lambda edge: (graph.label(edge.target), graph.label(edge.source), edge_style(edge), edge.job),
    )
    return Table(heads=_HEADS, rows=tuple(_row(graph, edge) for edge in edges[:most]))


def _row(graph: Graph, edge: GraphEdge) -> tuple[Cell, ...]:
    how = [WORDS[edge_style(edge)]]
    how += [edge.subtype.lower().replace("_", " ")] if edge.subtype else []
    if edge.treatment:
        method = str(edge.treatment.get("method", "")).replace("-", " ")
        more = ", ".join(
            f"{key} {edge.treatment[key]}" for key in ("k", "epsilon") if edge.treatment.get(key) is not None
        )
        how.append(f"{method} ({more})" if more else method)
    elif edge.masking:
        how.append("masked")
    says = " · ".join(part for part in (edge.job, edge.by) if part)
    return (
        ("text", graph.label(edge.target)), ("text", graph.label(edge.source)), ("note", ", ".join(how)),
        ("note", says or EN_DASH), ("text", stamp(edge.seen) if edge.seen else EN_DASH),
    )  # fmt: skip

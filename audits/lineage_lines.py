"""The lines of the lineage's picture: which edges run together, how they look, and their paths. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from audits.lineage_blocks import Block, block_of
from audits.lineage_boxes import HEAD, Content
from audits.lineage_layers import Layout
from audits.lineage_svg import chevron, curve, element, label, words
from registry.lineage.graph import Graph, GraphEdge

_MIDDLE = HEAD / 2
_MOST_TOLD = 3
STYLES = ("column", "dataset", "indirect", "training")
WORDS = {
    "column": "from a column",
    "dataset": "from the whole, no column known",
    "indirect": "only decides (filter, join, sort)",
    "training": "trained on",
}
"""How an edge is known, in the words of the key beneath a picture and of its table."""

_DASHES = {"dataset": "7 4", "indirect": "1.5 3.5"}
_WIDTHS = {"column": 1.2, "dataset": 1.2, "indirect": 1.0, "training": 1.0}


@dataclass(frozen=True, slots=True)
class Line:
    """Edges that are drawn as one line: boxes at its ends, and how far below their upper edges it begins and ends."""

    source: int
    target: int
    start: float
    end: float
    style: str
    strong: bool
    edges: tuple[GraphEdge, ...]


def edge_style(edge: GraphEdge) -> str:
    """Which of the styles an edge is drawn in."""
    if edge.level == "training":
        return "training"
    if edge.manner == "indirect":
        return "indirect"
    return "dataset" if edge.level == "dataset" else "column"


def lines(
    graph: Graph, blocks: Sequence[Block], contents: Sequence[Content], highlight: Collection[tuple[int, int]]
) -> list[Line]:
    """Edges between boxes, joined where both ends are the same to the eye; the strong ones last, to be drawn on top."""
    home = block_of(blocks)
    rows = {node: content.row_y(number) for content in contents for number, node in enumerate(content.rows)}
    joined: defaultdict[tuple[int, int, float, float, str, bool], list[GraphEdge]] = defaultdict(list)
    for edge in graph.edges:
        source, target = home[graph.nodes[edge.source].place], home[graph.nodes[edge.target].place]
        if edge.level == "structure" or source == target:
            continue
        start, end = rows.get(edge.source, _MIDDLE), rows.get(edge.target, _MIDDLE)
        strong = (edge.source, edge.target) in highlight
        joined[source, target, start, end, edge_style(edge), strong].append(edge)
    found = [Line(*key, tuple(edges)) for key, edges in joined.items()]
    return sorted(found, key=lambda line: (line.strong, line.source, line.target, line.start, line.end, line.style))


def draw_line(graph: Graph, line: Line, layout: Layout, *, muted: bool) -> str:
    """One line as a path, with what it tells as its title."""
    route = layout.routes[line.source, line.target]
    one, other = (line.target, line.source) if route.back else (line.source, line.target)
    first, last = (line.end, line.start) if route.back else (line.start, line.end)
    left, right = layout.boxes[one], layout.boxes[other]
    points = [(left.x + left.width, left.y + first), *route.lanes, (right.x, right.y + last)]
    passes = [(x, left.width) for x, _ in route.lanes]
    path = "".join(
        curve(points, passes=passes, shift=shift) for shift in ((-1.3, 1.3) if line.style == "training" else (0.0,))
    )
    tip = points[0] if route.back else points[-1]
    head = chevron(tip[0] + (0.5 if route.back else -0.5), tip[1], -4.5 if route.back else 4.5)
    dim = muted and not line.strong
    look = {
        "stroke_width": _WIDTHS[line.style] + (1.2 if line.strong else 0.0),
        "stroke_opacity": 0.25 if dim else 1.0 if line.strong else 0.6,
    }
    names = f"lg-line {line.style}{' strong' if line.strong else ''}{' muted' if dim else ''}"
    dashes = _DASHES.get(line.style)
    parts = [element("title", words(_told(graph, line)))]
    if dashes:
        parts += [element("path", d=path, stroke_dasharray=dashes), element("path", d=head)]
    else:
        parts.append(element("path", d=path + head))
    return element("g", *parts, fill="none", stroke="currentColor", class_=names, **look)


def _told(graph: Graph, line: Line) -> str:
    told = [f"{graph.label(edge.target)} ← {graph.label(edge.source)}" for edge in line.edges[:_MOST_TOLD]]
    more = len(line.edges) - len(told)
    return f"{'; '.join(told)}{f' and {more} more' if more else ''} ({WORDS[line.style]})"


def draw_key(present: Collection[str], x: float, y: float) -> str:
    """What the styles mean, for those that occur."""
    parts = []
    for style in STYLES:
        if style not in present:
            continue
        shifts = (-1.3, 1.3) if style == "training" else (0.0,)
        path = "".join(f"M{x:.1f} {y + shift:.1f}h34" for shift in shifts)
        parts.append(
            element("path", d=path, fill="none", stroke="currentColor", stroke_width=_WIDTHS[style], stroke_dasharray=_DASHES.get(style))
        )  # fmt: skip
        parts.append(label(WORDS[style], x + 42, y + 4, 11.0))
        x += 42 + len(WORDS[style]) * 6.0 + 26
    return element("g", *parts, class_="lg-key") if parts else ""


def key_width(present: Collection[str]) -> float:
    """The width of :func:`draw_key`, in pixels."""
    return sum(42 + len(WORDS[style]) * 6.0 + 26 for style in STYLES if style in present)

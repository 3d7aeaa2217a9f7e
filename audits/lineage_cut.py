"""Parts of a lineage: what lies within some steps, on the ways between two columns, and two graphs as one. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from registry.lineage.graph import Graph, GraphEdge, GraphNode


def part_of(graph: Graph, nodes: Collection[int], *, truncated: bool | None = None) -> Graph:
    """The given nodes with their places and all edges between them, numbered anew in the same order."""
    kept = sorted(set(nodes))
    node_number = {old: new for new, old in enumerate(kept)}
    place_number = {old: new for new, old in enumerate(sorted({graph.nodes[old].place for old in kept}))}
    moved = (graph.nodes[old] for old in kept)
    return Graph(
        tuple(graph.places[old] for old in place_number),
        tuple(GraphNode(place=place_number[n.place], role=n.role, column=n.column, id=n.id) for n in moved),
        tuple(
            _moved(edge, node_number)
            for edge in graph.edges
            if edge.source in node_number and edge.target in node_number
        ),
        graph.truncated if truncated is None else truncated,
    )


def _moved(edge: GraphEdge, number: Mapping[int, int]) -> GraphEdge:
    return GraphEdge(
        source=number[edge.source],
        target=number[edge.target],
        level=edge.level,
        manner=edge.manner,
        subtype=edge.subtype,
        masking=edge.masking,
        treatment=edge.treatment,
        job=edge.job,
        by=edge.by,
        seen=edge.seen,
    )


def within(graph: Graph, start: Iterable[int], steps: int, *, upstream: bool) -> set[int]:
    """The nodes that are at most so many edges away; edges inside a place take no step."""
    ways = graph.incoming if upstream else graph.outgoing
    away = dict.fromkeys(start, 0)
    waiting = deque(away)
    while waiting:
        here = waiting.popleft()
        for edge in ways.get(here, ()):
            there = edge.source if upstream else edge.target
            inside = edge.level == "structure"
            far = away[here] + (not inside)
            if far <= steps and far < away.get(there, steps + 1):
                away[there] = far
                if inside:
                    waiting.appendleft(there)
                else:
                    waiting.append(there)
    return set(away)


def ways_between(graph: Graph, one: int, other: int) -> list[GraphEdge]:
    """Every edge that lies on any way between two nodes, whichever is made from the other; none where neither is."""
    for source, target in ((one, other), (other, one)):
        between = graph.reached(source, upstream=False) & graph.reached(target)
        if source in between:
            return [edge for edge in graph.edges if edge.source in between and edge.target in between]
    return []


def union(one: Graph, other: Graph) -> Graph:
    """Two graphs of the same rows as one; what is in both is there once."""
    places = list(one.places)
    nodes = list(one.nodes)
    number = {node.id: index for index, node in enumerate(one.nodes)}
    place_number = {
        other.nodes[index].place: one.nodes[number[node.id]].place
        for index, node in enumerate(other.nodes)
        if node.id in number
    }
    moved: dict[int, int] = {}
    for index, node in enumerate(other.nodes):
        if node.id in number:
            moved[index] = number[node.id]
            continue
        if node.place not in place_number:
            place_number[node.place] = len(places)
            places.append(other.places[node.place])
        moved[index] = number[node.id] = len(nodes)
        nodes.append(GraphNode(place=place_number[node.place], role=node.role, column=node.column, id=node.id))
    seen = {_key(edge) for edge in one.edges}
    more = [edge for edge in (_moved(edge, moved) for edge in other.edges) if _key(edge) not in seen]
    return Graph(tuple(places), tuple(nodes), (*one.edges, *more), one.truncated or other.truncated)


def _key(edge: GraphEdge) -> tuple[object, ...]:
    treatment = tuple(sorted((edge.treatment or {}).items(), key=str))
    return (
        edge.source, edge.target, edge.level, edge.manner, edge.subtype, edge.masking, treatment, edge.job, edge.by, edge.seen,
    )  # fmt: skip

"""Graphs to draw, by hand and at random."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import strategies as st

from registry.lineage.graph import Graph, GraphEdge, GraphNode, GraphPlace

WAREHOUSE = "postgres://warehouse:5432"


def graph_of(
    links: list[tuple[str, str]] | list[tuple[str, str, dict]], *, places: Mapping[str, GraphPlace] | None = None
) -> Graph:
    """A graph from ``(source, target)`` or ``(source, target, fields of the edge)``; ``table.column``, or ``table`` for the whole.

    As in the database, every column is tied to the two nodes of its place.
    """
    held = dict(places or {})
    index: dict[str, int] = {}
    numbers: dict[tuple[str, str, str], int] = {}
    nodes: list[GraphNode] = []

    def node(table: str, role: str, column: str = "") -> int:
        if table not in index:
            index[table] = len(index)
            held.setdefault(table, GraphPlace(namespace=WAREHOUSE, name=table))
        if (table, role, column) not in numbers:
            numbers[table, role, column] = len(nodes)
            nodes.append(GraphNode(place=index[table], role=role, column=column, id=len(nodes) + 1))
        return numbers[table, role, column]

    edges = []
    for source, target, *fields in links:
        (one, _, column), (other, _, made) = source.partition("."), target.partition(".")
        more = fields[0] if fields else {}
        start = node(one, "column", column) if column else node(one, "out")
        end = node(other, "column", made) if made else node(other, "out" if more.get("level") == "training" else "in")
        edges.append(GraphEdge(source=start, target=end, **more))
    for (table, role, _), number in list(numbers.items()):
        if role == "column":
            edges.append(GraphEdge(source=node(table, "in"), target=number, level="structure"))
            edges.append(GraphEdge(source=number, target=node(table, "out"), level="structure"))
    return Graph(tuple(held[table] for table in index), tuple(nodes), tuple(edges))


def shuffled(graph: Graph, seed: int) -> Graph:
    """The same graph with places, nodes and edges in another order."""
    draw = random.Random(seed)
    places, nodes = list(range(len(graph.places))), list(range(len(graph.nodes)))
    draw.shuffle(places)
    draw.shuffle(nodes)
    place = {old: new for new, old in enumerate(places)}
    number = {old: new for new, old in enumerate(nodes)}
    edges = [
        GraphEdge(source=number[edge.source], target=number[edge.target], level=edge.level, manner=edge.manner)
        for edge in graph.edges
    ]
    draw.shuffle(edges)
    return Graph(
        tuple(graph.places[old] for old in places),
        tuple(
            GraphNode(place=place[graph.nodes[old].place], role=graph.nodes[old].role, column=graph.nodes[old].column)
            for old in nodes
        ),
        tuple(edges),
    )


@st.composite
def graphs(draw, most: int = 12) -> Graph:
    """Any graph of a few places, cycles and isolated ones included."""
    count = draw(st.integers(1, most))
    tables = [f"t{number:02}" for number in range(count)]
    pairs = draw(st.lists(st.tuples(st.sampled_from(tables), st.sampled_from(tables)), max_size=3 * most))
    links = [(f"{one}.a", f"{other}.b") for one, other in pairs if one != other]
    alone = [(f"{table}.a", f"{table}.b") for table in tables]
    return graph_of([*links, *alone])


def warehouse(places: int, edges: int, *, layers: int = 8, seed: int = 1) -> Graph:
    """A layered warehouse without circles: most edges lead to the next layer, a fifth further."""
    draw = random.Random(seed)
    by_layer = [list(range(number, places, layers)) for number in range(layers)]
    found: set[tuple[str, str]] = set()
    while len(found) < edges:
        start = draw.randrange(layers - 1)
        end = draw.randrange(start + 1, layers) if draw.random() < 0.2 else start + 1
        one, other = draw.choice(by_layer[start]), draw.choice(by_layer[end])
        found.add((f"t{one}.c{draw.randrange(6)}", f"t{other}.c{draw.randrange(6)}"))
    return graph_of(sorted(found))

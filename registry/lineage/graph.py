"""A part of the lineage as plain data: what queries give, rules judge and pictures show. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

COLUMN, IN, OUT = "column", "in", "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPlace:
    """A place in the graph.

    Attributes
    ----------
    kind
        ``table``, ``dataset`` or ``model``.
    dataset
        Slug of the registered dataset that it is; None where nobody registered it.
    model, version
        For a model version.
    hidden
        The reader may not know what this is: namespace and name are empty.
    """

    namespace: str
    name: str
    kind: str = "table"
    dataset: str | None = None
    model: str | None = None
    version: str | None = None
    hidden: bool = False

    @property
    def title(self) -> str:
        """What people call it."""
        return "something you may not see" if self.hidden else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A column of a place (``role`` column), all that goes into it (``in``), or it as a whole (``out``).

    ``place`` is the index in the graph's places; ``id`` the row in the table, 0 where there is none.
    """

    place: int
    role: str = COLUMN
    column: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """``target`` is made from ``source``, both indices of nodes. The other fields are those of a stated edge.

    ``by`` and ``job`` tell who says so; ``seen`` when it was said last, as ISO 8601 in UTC.
    """

    source: int
    target: int
    level: str = "column"
    manner: str = "direct"
    subtype: str = ""
    masking: bool = False
    treatment: Mapping[str, Any] | None = None
    job: str = ""
    by: str = ""
    seen: str | None = None


@dataclass(frozen=True)
class Graph:
    """Places, nodes and edges. ``truncated`` says that there is more than was asked to be shown."""

    places: tuple[GraphPlace, ...] = ()
    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()
    truncated: bool = field(default=False)

    @cached_property
    def incoming(self) -> Mapping[int, tuple[GraphEdge, ...]]:
        """The edges into each node."""
        return _by_end(self.edges, "target")

    @cached_property
    def outgoing(self) -> Mapping[int, tuple[GraphEdge, ...]]:
        """The edges out of each node."""
        return _by_end(self.edges, "source")

    @cached_property
    def _numbers(self) -> Mapping[tuple[str, str, str, str], int]:
        return {
            (self.places[node.place].namespace, self.places[node.place].name, node.role, node.column): index
            for index, node in enumerate(self.nodes)
        }

    def find(self, namespace: str, name: str, column: str = "", role: str = COLUMN) -> int | None:
        """The index of a node by names; None where the graph does not hold it."""
        return self._numbers.get((namespace, name, role, column))

    def place_of(self, node: int) -> GraphPlace:
        """The place of a node."""
        return self.places[self.nodes[node].place]

    def label(self, node: int) -> str:
        """A node for people: ``public.customers.email``, or the place where it is the whole."""
        found = self.nodes[node]
        place = self.places[found.place]
        return f"{place.title}.{found.column}" if found.role == COLUMN and not place.hidden else place.title

    def path(self, start: int, goals: Iterable[int] | int, *, upstream: bool = True) -> list[GraphEdge]:
        """A shortest way from ``start`` against (or, downstream, along) the edges to the nearest of ``goals``.

        The same graph gives the same way. Empty where there is none, and where ``start`` is a goal itself.
        """
        wanted = {goals} if isinstance(goals, int) else set(goals)
        if start in wanted:
            return []
        steps = self.incoming if upstream else self.outgoing
        came: dict[int, GraphEdge] = {}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for edge in steps.get(here, ()):
                there = edge.source if upstream else edge.target
                if there == start or there in came:
                    continue
                came[there] = edge
                if there in wanted:
                    return _trace(came, start, there, upstream=upstream)
                waiting.append(there)
        return []

    def reached(self, start: int, *, upstream: bool = True) -> set[int]:
        """Every node that ``start`` is made from (or, downstream, that is made from it), itself included."""
        steps = self.incoming if upstream else self.outgoing
        found, waiting = {start}, [start]
        while waiting:
            for edge in steps.get(waiting.pop(), ()):
                there = edge.source if upstream else edge.target
                if there not in found:
                    found.add(there)
                    waiting.append(there)
        return found

    def canonical(self) -> Graph:
        """The same graph, numbered by names, so that equal graphs are equal whatever order they were read in."""
        place_order = sorted(range(len(self.places)), key=lambda i: (self.places[i].namespace, self.places[i].name, i))
        new_place = {old: new for new, old in enumerate(place_order)}
        node_order = sorted(
            range(len(self.nodes)),
            key=lambda i: (new_place[self.nodes[i].place], self.nodes[i].role, self.nodes[i].column),
        )
        new_node = {old: new for new, old in enumerate(node_order)}
        nodes = tuple(
            GraphNode(place=new_place[node.place], role=node.role, column=node.column, id=node.id)
            for node in (self.nodes[old] for old in node_order)
        )
        edges = [
            GraphEdge(
                source=new_node[edge.source],
                target=new_node[edge.target],
                level=edge.level,
                manner=edge.manner,
                subtype=edge.subtype,
                masking=edge.masking,
                treatment=edge.treatment,
                job=edge.job,
                by=edge.by,
                seen=edge.seen,
            )
            for edge in self.edges
        ]
        return Graph(
            tuple(self.places[old] for old in place_order), nodes, tuple(sorted(edges, key=_edge_order)), self.truncated
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON without row numbers: what facts hold. Call it on :meth:`canonical`."""
        return {
            "places": [
                {
                    "namespace": place.namespace,
                    "name": place.name,
                    "kind": place.kind,
                    "dataset": place.dataset,
                    "model": place.model,
                    "version": place.version,
                    **({"hidden": True} if place.hidden else {}),
                }
                for place in self.places
            ],
            "nodes": [{"place": node.place, "role": node.role, "column": node.column} for node in self.nodes],
            "edges": [
                {
                    "source": edge.source,
                    "target": edge.target,
                    "level": edge.level,
                    "manner": edge.manner,
                    "subtype": edge.subtype,
                    "masking": edge.masking,
                    "treatment": dict(edge.treatment) if edge.treatment else None,
                    "job": edge.job,
                    "by": edge.by,
                    "seen": edge.seen,
                }
                for edge in self.edges
            ],
            "truncated": self.truncated,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`as_json`, of data that were checked before."""
        return cls(
            tuple(GraphPlace(**place) for place in data["places"]),
            tuple(GraphNode(**node) for node in data["nodes"]),
            tuple(GraphEdge(**edge) for edge in data["edges"]),
            data["truncated"],
        )


def _edge_order(edge: GraphEdge) -> tuple[Any, ...]:
    treatment = sorted((edge.treatment or {}).items(), key=str)
    return (
        edge.target, edge.source, edge.level, edge.manner, edge.subtype, edge.masking, str(treatment),
        edge.job, edge.by, edge.seen or "",
    )  # fmt: skip


def _by_end(edges: Iterable[GraphEdge], end: str) -> dict[int, tuple[GraphEdge, ...]]:
    found: defaultdict[int, list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        found[getattr(edge, end)].append(edge)
    return {node: tuple(there) for node, there in found.items()}


def _trace(came: Mapping[int, GraphEdge], start: int, goal: int, *, upstream: bool) -> list[GraphEdge]:
    way = []
    here = goal
    while here != start:
        edge = came[here]
        way.append(edge)
        here = edge.target if upstream else edge.source
    return way[::-1]

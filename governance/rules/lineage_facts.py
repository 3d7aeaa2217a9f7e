"""The part of the facts that tells where a model comes from, read strictly. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.rules.reading import Reader
from registry.errors import InvalidInput
from registry.lineage.classification import CLASSES, SOURCES, Stated
from registry.lineage.graph import COLUMN, IN, OUT, Graph, GraphEdge, GraphNode, GraphPlace
from registry.terms import Terms

LINEAGE = "lineage"
"""The name by which rules say that they read this part."""

_KINDS = ("table", "dataset", "model")
_LEVELS = ("column", "dataset", "training", "structure")
_MANNERS = ("direct", "indirect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature that the manifest names, and its node; None where the lineage does not know it."""

    name: str
    node: int | None


@dataclass(frozen=True, kw_only=True)
class LineageFacts:
    """What is known of where a model version comes from.

    Attributes
    ----------
    purpose, regions
        What the model is used for, and where; empty where nobody says.
    graph
        Everything upstream of the features and of the model.
    features
        All that the manifest names.
    model
        The node of the model as a whole, where training edges end; None where the lineage does not know it.
    classes
        Personal data that nodes hold, as it was stated.
    datasets
        The terms of every registered dataset in the graph, by slug.
    """

    purpose: str
    regions: tuple[str, ...]
    graph: Graph
    features: tuple[Feature, ...]
    model: int | None
    classes: tuple[Stated, ...]
    datasets: Mapping[str, Terms]


def parse_lineage(reader: Reader) -> LineageFacts:
    """Read the object under ``lineage``.

    Raises
    ------
    InvalidInput
        Naming the path of an unknown or missing key, a wrong type, a number of no node, a registered dataset without
        terms, or a feature that stands there twice.
    """
    graph = _graph(reader.object("graph"))
    datasets = {slug: _terms(inner, slug) for slug, inner in reader.object("datasets").items()}
    for index, place in enumerate(graph.places):
        if place.dataset is not None and place.dataset not in datasets:
            path = f"{reader.path('graph')}.places[{index}].dataset"
            raise InvalidInput(f"{path} has no terms under {reader.path('datasets')}", field=path)
    lineage = LineageFacts(
        purpose=reader.text("purpose"),
        regions=reader.texts("regions"),
        graph=graph,
        features=_features(reader, graph),
        model=_node_or_none(reader, "model", graph),
        classes=tuple(_stated(inner, graph) for inner in reader.objects("classes")),
        datasets=datasets,
    )
    if lineage.model is not None and graph.nodes[lineage.model].role != OUT:
        raise InvalidInput(f"{reader.path('model')} must be the node of a place as a whole", field=reader.path("model"))
    reader.done()
    return lineage


def _features(reader: Reader, graph: Graph) -> tuple[Feature, ...]:
    found: list[Feature] = []
    for inner in reader.objects("features"):
        feature = Feature(name=inner.text("name"), node=_node_or_none(inner, "node", graph))
        inner.done()
        if feature.node is not None and graph.nodes[feature.node].role != COLUMN:
            raise InvalidInput(f"{inner.path('node')} must be the node of a column", field=inner.path("node"))
        if feature.name in {other.name for other in found}:
            raise InvalidInput(f"{inner.path('name')} is named twice", field=inner.path("name"))
        found.append(feature)
    return tuple(found)


def _graph(reader: Reader) -> Graph:
    places = tuple(_place(inner) for inner in reader.objects("places"))
    nodes = tuple(_node(inner, len(places)) for inner in reader.objects("nodes"))
    edges = tuple(_edge(inner, len(nodes)) for inner in reader.objects("edges"))
    graph = Graph(places, nodes, edges, reader.boolean("truncated"))
    reader.done()
    return graph


def _place(reader: Reader) -> GraphPlace:
    place = GraphPlace(
        namespace=reader.text("namespace"),
        name=reader.text("name"),
        kind=reader.choice("kind", _KINDS),
        dataset=reader.text_or_none("dataset"),
        model=reader.text_or_none("model"),
        version=reader.text_or_none("version"),
    )
    reader.done()
    return place


def _node(reader: Reader, places: int) -> GraphNode:
    node = GraphNode(
        place=_index(reader, "place", places),
        role=reader.choice("role", (COLUMN, IN, OUT)),
        column=reader.text("column"),
    )
    reader.done()
    return node


def _edge(reader: Reader, nodes: int) -> GraphEdge:
    seen = reader.moment_or_none("seen")
    edge = GraphEdge(
        source=_index(reader, "source", nodes),
        target=_index(reader, "target", nodes),
        level=reader.choice("level", _LEVELS),
        manner=reader.choice("manner", _MANNERS),
        subtype=reader.text("subtype"),
        masking=reader.boolean("masking"),
        treatment=_treatment(reader.object_or_none("treatment")),
        job=reader.text("job"),
        by=reader.text("by"),
        seen=None if seen is None else seen.isoformat(),
    )
    reader.done()
    return edge


def _treatment(reader: Reader | None) -> Mapping[str, Any] | None:
    if reader is None:
        return None
    # A method that is not known here is no error of the facts: it lowers nothing.
    treatment: dict[str, Any] = {"method": reader.text("method")}
    if "k" in reader.names():
        treatment["k"] = reader.integer("k")
    if "epsilon" in reader.names():
        treatment["epsilon"] = reader.number("epsilon")
    reader.done()
    return treatment


def _stated(reader: Reader, graph: Graph) -> Stated:
    stated = Stated(
        node=_index(reader, "node", len(graph.nodes)),
        label=reader.choice("class", CLASSES),
        source=reader.choice("source", SOURCES),
        detail=reader.text("detail"),
    )
    reader.done()
    return stated


def _terms(reader: Reader, slug: str) -> Terms:
    prohibited = reader.object("prohibited")
    terms = Terms(
        slug=reader.choice("slug", (slug,)),
        name=reader.text("name"),
        owner=reader.text("owner"),
        steward=reader.text("steward"),
        datasheet=reader.digest_or_none("datasheet"),
        licence=reader.text("licence"),
        licence_until=_day_or_none(reader, "licence_until"),
        withdrawn_at=_moment_text(reader, "withdrawn_at"),
        withdrawn_reason=reader.text("withdrawn_reason"),
        purposes=reader.texts("purposes"),
        prohibited={purpose: prohibited.texts(purpose) for purpose in prohibited.names()},
        retention_until=_day_or_none(reader, "retention_until"),
        regions=reader.texts("regions"),
        fresh_until=_day_or_none(reader, "fresh_until"),
        lawful_basis=reader.text("lawful_basis"),
        is_source=reader.boolean("is_source"),
    )
    reader.done()
    return terms


def _index(reader: Reader, key: str, size: int) -> int:
    index = reader.integer(key)
    if index >= size:
        raise InvalidInput(f"{reader.path(key)} is beyond the {size} there are", field=reader.path(key))
    return index


def _node_or_none(reader: Reader, key: str, graph: Graph) -> int | None:
    index = reader.integer_or_none(key)
    return None if index is None else _index(reader, key, len(graph.nodes))


def _day_or_none(reader: Reader, key: str) -> str | None:
    text = reader.text_or_none(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidInput(f"{reader.path(key)} must be a day, such as 2026-11-21", field=reader.path(key)) from None


def _moment_text(reader: Reader, key: str) -> str | None:
    moment = reader.moment_or_none(key)
    return None if moment is None else moment.isoformat()

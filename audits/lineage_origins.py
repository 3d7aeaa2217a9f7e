"""Reading a version's lineage report out of the facts that rules judge and the measurements beside them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from audits.lineage_marks import class_order, terms_state
from audits.lineage_report import ClassOrigin, DatasetUse, FeatureOrigin, LineageReport, Proxy, Source, Uniqueness
from audits.lineage_words import way_words
from audits.measurement import Measurement
from registry.lineage.classification import QUASI_IDENTIFIER, Accepted, Finding, Propagation, Stated, propagate
from registry.lineage.graph import COLUMN, IN, OUT, Graph
from registry.terms import Terms

Anonymity = tuple[Sequence[str], Sequence[Measurement]]
"""The quasi-identifiers of an evaluation of anonymity, and what it measured."""


def lineage_report(
    facts: Mapping[str, Any],
    *,
    on: date,
    graph: Graph | None = None,
    proxies: Sequence[Measurement] | None = None,
    anonymity: Sequence[Anonymity] = (),
    accepts: Accepted | None = None,
) -> LineageReport:
    """Gather what is known of a version's features.

    Parameters
    ----------
    facts
        What stands under ``lineage`` in the facts of a version: graph, features, model, classes, datasets, purpose.
    on
        The day for which the terms are read.
    graph
        The graph of the facts as the reader may see it, with the same numbers; the facts' own by default.
    proxies
        What the evaluation ``proxies`` measured; None where none was run.
    anonymity
        Of each evaluation ``anonymity``.
    accepts
        The treatments that lower a class; none by default, as without a policy that accepts any.
    """
    graph = Graph.from_json(facts["graph"]) if graph is None else graph
    stated = [Stated(item["node"], item["class"], item["source"], item["detail"]) for item in facts["classes"]]
    spread = propagate(graph, stated, accepts or Accepted())
    held: defaultdict[int, list[str]] = defaultdict(list)
    for (node, label), finding in spread.findings.items():
        if not finding.influence:
            held[node].append(label)
    strongest = _strongest(proxies or ())
    features = tuple(
        _feature(graph, spread, item["name"], item["node"], strongest.get(item["name"]), anonymity)
        for item in facts["features"]
    )
    return LineageReport(
        features=features,
        datasets=_datasets(graph, facts, on),
        graph=graph,
        classes={node: tuple(class_order(labels)) for node, labels in sorted(held.items())},
        unregistered=tuple(
            sorted({item.label for feature in features for item in feature.sources if not item.dataset})
        ),
        proxies_measured=proxies is not None,
        uniqueness_measured=bool(anonymity),
    )


def _feature(
    graph: Graph, spread: Propagation, name: str, node: int | None, proxy: Proxy | None, anonymity: Sequence[Anonymity]
) -> FeatureOrigin:
    if node is None:
        return FeatureOrigin(name=name, proxy=proxy, uniqueness=_uniqueness({name}, anonymity))
    reached = graph.reached(node)
    ends = source_nodes(graph, reached, node)
    findings = spread.of(node)
    names = {name, *(graph.nodes[other].column for other in reached)}
    return FeatureOrigin(
        name=name,
        node=node,
        sources=_sources(graph, ends),
        classes=tuple(_class(graph, spread, finding, name) for finding in findings),
        way=way_words(graph, graph.path(node, ends), feature=name),
        proxy=proxy,
        uniqueness=_uniqueness(names, anonymity),
        is_quasi=any(finding.label == QUASI_IDENTIFIER for finding in findings),
    )


def source_nodes(graph: Graph, reached: Iterable[int], start: int) -> list[int]:
    """Where the ways back from ``start`` end: columns into which nothing leads, or a place of which only the whole is known."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for node in sorted(reached):
        members[graph.nodes[node].place].append(node)
    members.pop(graph.nodes[start].place, None)
    return [node for place in sorted(members) for node in _ends(graph, members[place])]


def _ends(graph: Graph, nodes: Sequence[int]) -> list[int]:
    """The ends among the nodes of one place."""
    fed = {node for node in nodes if any(edge.level != "structure" for edge in graph.incoming.get(node, ()))}
    if any(graph.nodes[node].role == IN for node in fed):
        return []
    columns = [node for node in nodes if graph.nodes[node].role == COLUMN]
    whole = [node for node in nodes if graph.nodes[node].role == OUT]
    if whole and fed.isdisjoint(columns):
        return whole
    return [node for node in columns if node not in fed] if columns else list(nodes)


def _sources(graph: Graph, ends: Sequence[int]) -> tuple[Source, ...]:
    found = {Source(label=graph.label(node), dataset=graph.place_of(node).dataset) for node in ends}
    return tuple(sorted(found, key=lambda item: (item.label, item.dataset or "")))


def _class(graph: Graph, spread: Propagation, finding: Finding, name: str) -> ClassOrigin:
    return ClassOrigin(
        label=finding.label,
        influence=finding.influence,
        source=finding.stated.source,
        detail=finding.stated.detail,
        origin=graph.label(finding.stated.node),
        way=way_words(graph, spread.way(finding), feature=name),
    )


def _strongest(measured: Iterable[Measurement]) -> dict[str, Proxy]:
    """Each feature's strongest proxy: the attribute that it predicts best."""
    found: dict[str, Proxy] = {}
    for item in measured:
        feature, attribute = item.slice.get("feature"), item.slice.get("attribute")
        if item.metric != "proxy_roc_auc" or feature is None or attribute is None or item.value is None:
            continue
        known = found.get(feature)
        if known is None or item.value > known.value:
            found[feature] = Proxy(attribute=attribute, value=item.value, low=item.low, high=item.high)
    return found


def _uniqueness(names: set[str], anonymity: Sequence[Anonymity]) -> Uniqueness | None:
    """Of the quasi-identifiers among which one of the names is; of several sets the one with the smallest k."""
    found = []
    for among, measured in anonymity:
        if names.isdisjoint(among):
            continue
        whole = {item.metric: item.value for item in measured if not item.slice}
        found.append(Uniqueness(among=tuple(among), k=whole.get("k_anonymity"), unique=whole.get("sample_uniqueness")))
    return min(found, key=lambda item: (item.k is None, item.k or 0.0, item.among), default=None)


def _datasets(graph: Graph, facts: Mapping[str, Any], on: date) -> tuple[DatasetUse, ...]:
    nodes = [item["node"] for item in facts["features"] if item["node"] is not None]
    by_features = _places_behind(graph, nodes)
    trained = [edge.source for edge in graph.edges if edge.level == "training"]
    by_training = _places_behind(graph, trained)
    found = []
    for index, place in enumerate(graph.places):
        if not place.dataset:
            continue
        terms = facts["datasets"].get(place.dataset)
        state = terms_state(Terms(**_listed(terms)) if terms else None, on=on, purpose=facts.get("purpose") or "")
        found.append(
            DatasetUse(
                slug=place.dataset,
                name=terms["name"] if terms else place.dataset,
                state=state,
                feeds=index in by_features,
                trains=index in by_training,
            )
        )
    return tuple(sorted(found, key=lambda item: item.slug))


def _listed(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in terms.items()}


def _places_behind(graph: Graph, nodes: Iterable[int]) -> set[int]:
    return {graph.nodes[other].place for node in nodes for other in graph.reached(node)}

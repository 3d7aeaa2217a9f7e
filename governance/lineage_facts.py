"""Gathers what rules about lineage judge: all that a version's features and its training come from, with terms and classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from registry.datasheet_terms import terms_of_all
from registry.lineage.graph import Graph
from registry.lineage_queries import upstream
from registry.models import Dataset, LineageColumn, ModelVersion, Place
from registry.services.classifications import stated_classes

Role = LineageColumn.Role


def lineage_facts(version: ModelVersion, as_of: datetime) -> dict[str, Any]:
    """The facts under ``lineage`` as ``docs/policy.md`` describes them; JSON types only.

    The graph is everything upstream of the features and of the model as a whole, as it was known at ``as_of``.
    """
    names = version.facts["schema"]["features"]
    columns = _nodes_of(version)
    graph = upstream(columns.values(), at=as_of).canonical() if columns else Graph()
    numbers = {node.id: index for index, node in enumerate(graph.nodes)}
    found = {name: numbers.get(columns[role, name]) for role, name in columns if role == Role.COLUMN}
    use_case = version.model.use_case
    return {
        "purpose": use_case.stated_purpose,
        "regions": list(use_case.regions),
        "graph": graph.as_json(),
        "features": [{"name": name, "node": found.get(name)} for name in names],
        "model": numbers.get(columns[Role.OUT, ""]) if columns else None,
        "classes": _classes(numbers, as_of),
        "datasets": _datasets(graph),
    }


def _nodes_of(version: ModelVersion) -> dict[tuple[str, str], int]:
    """The rows of the version's features and of its whole, by role and name."""
    place = Place.objects.filter(version=version).first()
    if place is None:
        return {}
    rows = place.columns.exclude(role=Role.IN).values_list("role", "name", "pk")
    return {(role, name): pk for role, name, pk in rows}


def _classes(numbers: dict[int, int], at: datetime) -> list[dict[str, Any]]:
    found = [
        {"node": numbers[item.node], "class": item.label, "source": item.source, "detail": item.detail}
        for item in stated_classes(numbers, at=at)
    ]
    return sorted(found, key=lambda item: (item["node"], item["class"], item["source"], item["detail"]))


def _datasets(graph: Graph) -> dict[str, Any]:
    slugs = {place.dataset for place in graph.places if place.dataset}
    terms = terms_of_all(Dataset.objects.filter(slug__in=slugs))
    return {slug: terms[slug].as_json() for slug in sorted(terms)}

"""What the page of a place or column tells beside the picture: its facts, classes, the jobs that make it, what depends on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from audits.lineage_words import way_words
from governance.models import EnvironmentPointer
from governance.page_selectors.lineage import Neighbourhood
from registry.lineage_queries import models_depending_on_columns
from registry.models import Classification, LineageColumn, ModelVersion, Person
from registry.selectors import models_for

Role = LineageColumn.Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassShown:
    """A class of a column: its name, whether it only influences, why it is there, by which way, and who said so first."""

    label: str
    influence: bool
    source: str
    detail: str
    origin: str
    way: str
    by: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobShown:
    """A job that makes the column, who tells of it, and when it was last said (ISO 8601, UTC)."""

    name: str
    by: str
    seen: str


@dataclass(frozen=True, slots=True)
class Dependant:
    """A model version made from it, and the environments in which it runs."""

    version: ModelVersion
    environments: tuple[str, ...]


def classes_of(around: Neighbourhood, column: int) -> list[ClassShown]:
    """The classes that reach a column (row number), each with its reason and way."""
    graph = around.spread.graph
    node = next((index for index, item in enumerate(graph.nodes) if item.id == column), None)
    if node is None:
        return []
    findings = around.spread.of(node)
    rows = _stated_by(graph.nodes[finding.stated.node].id for finding in findings)
    shown = []
    for finding in findings:
        origin = graph.nodes[finding.stated.node]
        stated = (
            None
            if graph.place_of(finding.stated.node).hidden
            else rows.get((origin.id, finding.stated.source, finding.stated.detail))
        )
        shown.append(
            ClassShown(
                label=finding.label,
                influence=finding.influence,
                source=Classification.Source(finding.stated.source).label,
                detail=finding.stated.detail if stated else "",
                origin=graph.label(finding.stated.node),
                way=way_words(graph, around.spread.way(finding)),
                by=stated.by.printed_name if stated and stated.by else "",
                since=stated.since if stated else None,
            )
        )
    return shown


def _stated_by(columns: Iterable[int]) -> dict[tuple[int, str, str], Classification]:
    rows = Classification.objects.filter(column__in=set(columns)).select_related("by").order_by("-since")
    return {(row.column_id, row.source, row.detail): row for row in rows}


def jobs_of(around: Neighbourhood, columns: Collection[int]) -> list[JobShown]:
    """The jobs that make the columns (row numbers), as far as the graph holds them; none where it looks downstream only."""
    graph, latest = around.graph, dict[tuple[str, str], str]()
    for edge in graph.edges:
        if graph.nodes[edge.target].id in columns and edge.job:
            key = edge.job, edge.by
            latest[key] = max(latest.get(key, ""), edge.seen or "")
    return [JobShown(name=job, by=by, seen=seen) for (job, by), seen in sorted(latest.items())]


def dependants_of(person: Person, columns: Collection[int], *, at: datetime | None) -> tuple[list[Dependant], int]:
    """Model versions made from the columns, those that run first; and how many more there are that the person may not see."""
    every = models_depending_on_columns(columns, at=at)
    allowed = set(models_for(person).values_list("pk", flat=True))
    seen = [version for version in every if version.model_id in allowed]
    pointers = EnvironmentPointer.objects.filter(promotion__version__in=[version.pk for version in seen])
    running: defaultdict[int, list[str]] = defaultdict(list)
    for version, environment in pointers.order_by("environment").values_list("promotion__version_id", "environment"):
        running[version].append(environment)
    found = [Dependant(version, tuple(running[version.pk])) for version in seen]
    return sorted(found, key=lambda item: not item.environments), len(every) - len(seen)

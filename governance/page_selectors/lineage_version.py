"""Where a version's features come from, as one person may see it: the report, its picture and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from audits.lineage_blocks import folded_blocks
from audits.lineage_origins import Anonymity, lineage_report
from audits.lineage_picture import Links, lineage_picture, lineage_table
from audits.lineage_report import FeatureOrigin, LineageReport
from audits.measurement import Measurement
from audits.models import Evaluation, JobStatus
from audits.tables import Table
from governance.lineage_facts import lineage_facts
from governance.page_selectors.evidence import current_by_kind
from governance.page_selectors.lineage_drawn import MOST_BOXES
from registry.errors import NotFound
from registry.lineage.graph import COLUMN, Graph, GraphEdge
from registry.lineage.names import PlaceName
from registry.lineage_visibility import visible
from registry.models import ModelVersion, Person, Place

_MOST_EDGES = 100
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLineage:
    """The page: the report, the feature whose ways stand out, the picture and the table behind it."""

    version: ModelVersion
    report: LineageReport
    chosen: FeatureOrigin | None
    svg: str
    table: Table
    unlisted: int
    places: dict[str, str]

    @property
    def features(self) -> list[FeatureOrigin]:
        """The features, those with personal data first, then those of which nothing is known."""
        return sorted(self.report.features, key=lambda item: (not item.classes, bool(item.sources)))


def report_for(person: Person, version: ModelVersion) -> LineageReport:
    """The lineage of a version's features as it is now, without the names of what the person may not see."""
    now = timezone.now()
    facts = lineage_facts(version, now)
    evaluations = [item for item in current_by_kind(version).values() if item.status == JobStatus.SUCCEEDED]
    return lineage_report(
        facts,
        on=now.date(),
        graph=visible(Graph.from_json(facts["graph"]), person),
        proxies=proxies_of(evaluations),
        anonymity=anonymity_of(evaluations),
    )


def proxies_of(evaluations: Iterable[Evaluation]) -> list[Measurement] | None:
    """What evaluations measured of proxies; None where none did."""
    found = [item for item in evaluations if item.kind == "proxies"]
    return [row.as_measurement() for item in found for row in item.measurements.all()] if found else None


def anonymity_of(evaluations: Iterable[Evaluation]) -> list[Anonymity]:
    """The quasi-identifiers of each evaluation of anonymity, and what it measured."""
    return [
        (item.parameters.get("quasi", []), [row.as_measurement() for row in item.measurements.all()])
        for item in evaluations
        if item.kind == "anonymity"
    ]


def version_lineage(person: Person, version: ModelVersion, feature: str = "") -> VersionLineage:
    """Gather the page.

    Raises
    ------
    NotFound
        If the version has no such feature.
    """
    report = report_for(person, version)
    chosen = next((item for item in report.features if item.name == feature), None)
    if feature and chosen is None:
        raise NotFound(f"{version} has no feature {feature!r}")
    graph = report.graph
    between = sum(edge.level != "structure" for edge in graph.edges)
    addresses = _addresses(graph)
    return VersionLineage(
        version=version,
        report=report,
        chosen=chosen,
        svg=_picture(version, report, chosen, addresses) if graph.places else "",
        table=lineage_table(graph, most=_MOST_EDGES),
        unlisted=max(between - _MOST_EDGES, 0),
        places={graph.places[index].name: address for index, address in addresses.items()},
    )


def _picture(
    version: ModelVersion, report: LineageReport, chosen: FeatureOrigin | None, addresses: dict[int, str]
) -> str:
    graph = report.graph
    highlight = _ways_of(graph, chosen.node) if chosen and chosen.node is not None else []
    model = {graph.nodes[item.node].place for item in report.features if item.node is not None}
    touched = {graph.nodes[node].place for edge in highlight for node in (edge.source, edge.target)}
    known = {index for index, place in enumerate(graph.places) if place.kind != "table"}
    namespaces = {place.namespace for place in graph.places}
    few = len(graph.places) <= MOST_BOXES
    here = reverse("version-lineage", args=[version.model.name, version.name])
    return lineage_picture(
        graph,
        open_places=model | (_with_classes(report) if few else set()),
        classes=report.classes,
        terms=report.terms,
        highlight=highlight,
        focus=chosen.node if chosen else None,
        links=Links(
            places=addresses,
            columns={
                item.node: f"{here}?{_query(item.name)}#picture" for item in report.features if item.node is not None
            },
        ),
        blocks=None if few else folded_blocks(graph, keep=frozenset(model | touched | known), namespaces=namespaces),
        title=f"Where the features of {version} come from",
    )


def _query(name: str) -> str:
    return urlencode({"feature": name})


def _with_classes(report: LineageReport) -> set[int]:
    return {report.graph.nodes[node].place for node in report.classes if report.graph.nodes[node].role == COLUMN}


def _ways_of(graph: Graph, node: int) -> list[GraphEdge]:
    behind = graph.reached(node)
    return [edge for edge in graph.edges if edge.source in behind and edge.target in behind]


def _addresses(graph: Graph) -> dict[int, str]:
    """The page of every place that is not hidden."""
    keys = {
        PlaceName(place.namespace, place.name).key: index
        for index, place in enumerate(graph.places)
        if not place.hidden
    }
    rows: list[tuple[str, int]] = []
    listed: Sequence[str] = sorted(keys)
    for start in range(0, len(listed), _CHUNK):
        rows += Place.objects.filter(key__in=listed[start : start + _CHUNK]).values_list("key", "pk")
    return {keys[key]: reverse("lineage-place", args=[pk]) for key, pk in rows}

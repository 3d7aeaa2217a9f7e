"""What depends on a dataset: which model versions, where they run and by which way; and where its records went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from audits.lineage_words import way_words
from governance.models import EnvironmentPointer
from registry.dataset_selectors import datasets_for
from registry.errors import NotFound
from registry.lineage.graph import IN, OUT, Graph, GraphPlace
from registry.lineage_queries import downstream, models_depending_on_columns, nodes_of_place
from registry.lineage_visibility import visible
from registry.models import Dataset, DatasetVersion, Deployment, ModelVersion, Person, Place
from registry.selectors import models_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One place where a version runs.

    Attributes
    ----------
    promoted
        Whether the gate let it in; else somebody recorded that it runs there.
    location
        Where exactly, as recorded; empty for what was promoted.
    noncompliant_since
        Since when it would not be let in again.
    """

    environment: str
    promoted: bool
    location: str = ""
    noncompliant_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A model version that was made from a dataset.

    Attributes
    ----------
    running
        Where it runs, what was promoted first.
    way
        By which way, in one sentence.
    trained
        Whether it was trained on it, as far as anybody said, or as not everything was looked at; else only features are
        made from it.
    treatments
        What was stated to protect people on that way.
    """

    version: ModelVersion
    running: tuple[Running, ...]
    way: str
    trained: bool
    treatments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """All that depends on a dataset or a column of it, as one person may see it.

    Attributes
    ----------
    columns
        Names of the columns that the lineage knows of.
    column
        The one that was asked about; None for the whole dataset.
    hidden
        How many more versions depend on it that the person may not see.
    truncated
        The ways are longer than were looked at; the versions are all there nevertheless.
    datasets
        Registered datasets made from it that the person may see, with their versions.
    tables
        Tables, files and topics made from it that are no registered datasets.
    hidden_places
        How many more places are made from it that the person may not see, model versions aside.
    """

    dataset: Dataset
    columns: tuple[str, ...]
    column: str | None
    dependents: tuple[Dependent, ...]
    hidden: int
    truncated: bool
    datasets: tuple[tuple[Dataset, tuple[DatasetVersion, ...]], ...] = ()
    tables: tuple[GraphPlace, ...] = ()
    hidden_places: int = 0

    @property
    def running(self) -> int:
        """How many of the versions run somewhere."""
        return sum(bool(item.running) for item in self.dependents)


def impact_of(person: Person, dataset: Dataset, column: str | None = None, *, ever: bool = False) -> Impact:
    """What was made from a dataset that the person may see, or from one column of it.

    Parameters
    ----------
    ever
        Through steps that are no longer taken too, for what has to be found wherever it may have gone.

    Raises
    ------
    NotFound
        If nobody told of a column of that name.
    """
    place = Place.objects.filter(dataset=dataset).first()
    nodes = nodes_of_place(place) if place else None
    columns = dict(nodes.columns) if nodes else {}
    if column is not None and column not in columns:
        raise NotFound(f"nobody told of a column {column!r} of {dataset.slug}")
    start = [columns[column]] if column is not None else nodes.all if nodes else []
    graph = visible(downstream(start, ever=ever), person) if start else Graph()
    pks = {version.pk for version in models_depending_on_columns(start, ever=ever)} if start else set()
    if column is None:
        pks |= set(ModelVersion.objects.filter(training_dataset__dataset=dataset).values_list("pk", flat=True))
    seen = ModelVersion.objects.filter(pk__in=pks, model__in=models_for(person))
    versions = list(seen.select_related("model__use_case", "training_dataset__dataset").defer("manifest"))
    ways = _Ways(graph, start[0] if column is not None else nodes.into if nodes else 0)
    running = running_of(versions)
    found = [_dependent(version, dataset, ways, running[version.pk]) for version in versions]
    places = _places_of(graph)
    return Impact(
        dataset=dataset,
        columns=tuple(sorted(columns)),
        column=column,
        dependents=tuple(sorted(found, key=_urgency)),
        hidden=len(pks) - len(versions),
        truncated=graph.truncated,
        datasets=_derived(person, dataset, places),
        tables=tuple(sorted(filter(_is_table, places), key=lambda place: (place.namespace, place.name))),
        hidden_places=sum(place.hidden and place.kind != Place.Kind.MODEL for place in places),
    )


def running_of(versions: Collection[ModelVersion]) -> defaultdict[int, tuple[Running, ...]]:
    """Where versions run, by row number: as promoted, and as recorded."""
    keys = [version.pk for version in versions]
    found: defaultdict[int, tuple[Running, ...]] = defaultdict(tuple)
    pointers = EnvironmentPointer.objects.filter(promotion__version__in=keys).select_related("promotion")
    for pointer in pointers.order_by("environment"):
        if pointer.promotion is not None:
            found[pointer.promotion.version_id] += (
                Running(environment=pointer.environment, promoted=True, noncompliant_since=pointer.noncompliant_since),
            )
    for deployment in Deployment.objects.filter(version__in=keys, until__isnull=True):
        found[deployment.version_id] += (
            Running(environment=deployment.environment, promoted=False, location=deployment.location),
        )
    return found


def _urgency(item: Dependent) -> tuple[bool, bool, str, int]:
    """Promoted first, then running at all, then by model and the newest version."""
    promoted = any(place.promoted for place in item.running)
    return (not promoted, not item.running, item.version.model.name, -item.version.pk)


class _Ways:
    """The shortest way from where one starts to each model version of a graph."""

    def __init__(self, graph: Graph, start: int) -> None:
        self.graph = graph
        self.start = next((index for index, node in enumerate(graph.nodes) if node.id and node.id == start), None)
        self.goals: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for index, node in enumerate(graph.nodes):
            place = graph.places[node.place]
            if place.model is not None and place.version is not None:
                self.goals[place.model, place.version].add(index)

    def trained(self, version: ModelVersion) -> bool:
        """Whether an edge of training ends at the version."""
        goals = self.goals[version.model.name, version.name]
        return any(edge.level == "training" for goal in goals for edge in self.graph.incoming.get(goal, ()))

    def told(self, version: ModelVersion) -> tuple[str, tuple[str, ...]]:
        """The way in one sentence, and the protecting treatments on it; empty where the graph has none."""
        goals = self.goals[version.model.name, version.name]
        if self.start is None or not goals:
            return "", ()
        way = self.graph.path(self.start, goals, upstream=False)
        methods = [str(edge.treatment["method"]) for edge in way if edge.treatment and edge.treatment.get("method")]
        return way_words(self.graph, way), tuple(dict.fromkeys(methods))


def _dependent(version: ModelVersion, dataset: Dataset, ways: _Ways, running: tuple[Running, ...]) -> Dependent:
    declared = version.training_dataset is not None and version.training_dataset.dataset_id == dataset.pk
    way, treatments = ways.told(version)
    if not way and declared:
        said = _("%(version)s was trained on %(dataset)s, as its manifest says.")
        way = said % {"version": version, "dataset": version.training_dataset}
    return Dependent(
        version=version,
        running=running,
        way=way or _("By a way longer than what is looked at here."),
        # Of a graph that was cut off nobody knows which steps are left out.
        trained=declared or ways.graph.truncated or ways.trained(version),
        treatments=treatments,
    )


def _places_of(graph: Graph) -> list[GraphPlace]:
    """The places of which something is reached that stands for all of them; a column always reaches its place's whole."""
    return [graph.places[number] for number in {node.place for node in graph.nodes if node.role in (IN, OUT)}]


def _is_table(place: GraphPlace) -> bool:
    return not place.hidden and place.dataset is None and place.kind != Place.Kind.MODEL


def _derived(
    person: Person, dataset: Dataset, places: Iterable[GraphPlace]
) -> tuple[tuple[Dataset, tuple[DatasetVersion, ...]], ...]:
    """The dataset and the registered ones made from it, with their versions."""
    slugs = {place.dataset for place in places if not place.hidden and place.dataset} - {dataset.slug}
    made = datasets_for(person).filter(slug__in=slugs).order_by("slug") if slugs else Dataset.objects.none()
    listed = (dataset, *made.select_related("owner").prefetch_related("versions"))
    return tuple((item, _newest_first(item.versions.all())) for item in listed)


def _newest_first(versions: Iterable[DatasetVersion]) -> tuple[DatasetVersion, ...]:
    return tuple(sorted(versions, key=lambda version: -version.pk))

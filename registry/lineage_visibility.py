"""Who may see what of the lineage. What a person may not see stays in the graph without names, so that ways stay connected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Q

from registry.dataset_selectors import datasets_for
from registry.lineage.graph import Graph, GraphEdge, GraphNode, GraphPlace
from registry.models import Dataset, Person, Place
from registry.selectors import models_for, use_cases_for


@dataclass(frozen=True, slots=True)
class _Sight:
    """What of a graph one person may see.

    Attributes
    ----------
    anything
        Whether they have to do with models or data at all.
    models, datasets
        Names and slugs, of those that were asked about.
    """

    anything: bool
    models: frozenset[str]
    datasets: frozenset[str]

    def holds(self, place: GraphPlace) -> bool:
        """Whether the place may be seen."""
        if not self.anything or place.hidden:
            return False
        if place.kind == Place.Kind.MODEL or place.model is not None:
            return _model_of(place) in self.models
        return place.dataset is None or place.dataset in self.datasets


def visible(graph: Graph, person: Person) -> Graph:
    """The graph with what ``person`` may not see hidden; places, nodes and edges keep their order and number.

    Model versions are seen with a role on the model; registered datasets as ``datasets_for`` says; all else by whoever
    holds a role somewhere or answers for a dataset. A hidden place has no names, its nodes neither names nor rows, and
    the steps into and out of it tell no job and nothing that its producer wrote.
    """
    sight = _sight(person, graph.places)
    places = tuple(place if sight.holds(place) else _without_names(place) for place in graph.places)
    nodes = tuple(
        GraphNode(place=node.place, role=node.role) if places[node.place].hidden else node for node in graph.nodes
    )
    hidden = {index for index, node in enumerate(nodes) if places[node.place].hidden}
    edges = tuple(_without_words(edge) if {edge.source, edge.target} & hidden else edge for edge in graph.edges)
    return Graph(places, nodes, edges, graph.truncated)


def sees_place(person: Person, place: Place) -> bool:
    """Whether the person may see the place."""
    return not visible(Graph((_as_graph_place(place),)), person).places[0].hidden


def _as_graph_place(place: Place) -> GraphPlace:
    version = place.version
    return GraphPlace(
        namespace=place.namespace,
        name=place.name,
        kind=place.kind,
        dataset=place.dataset.slug if place.dataset else None,
        model=version.model.name if version else None,
        version=version.name if version else None,
    )


def _sight(person: Person, places: Iterable[GraphPlace]) -> _Sight:
    if not _has_to_do(person):
        return _Sight(anything=False, models=frozenset(), datasets=frozenset())
    listed = list(places)
    slugs = {place.dataset for place in listed if place.dataset is not None}
    names = {_model_of(place) for place in listed if place.kind == Place.Kind.MODEL or place.model is not None}
    seen_models = set(models_for(person).values_list("name", flat=True)) if names else set()
    seen_slugs = set(datasets_for(person).values_list("slug", flat=True)) if slugs else set()
    return _Sight(anything=True, models=frozenset(names & seen_models), datasets=frozenset(slugs & seen_slugs))


def _has_to_do(person: Person) -> bool:
    """Whether the person holds any role, or answers for a dataset."""
    if not person.is_active:
        return False
    return use_cases_for(person).exists() or Dataset.objects.filter(Q(owner=person) | Q(steward=person)).exists()


def _model_of(place: GraphPlace) -> str:
    """The model of a place; of a version that was told of before it was registered, by the place's name."""
    return place.model if place.model is not None else place.name.partition("@")[0]


def _without_names(place: GraphPlace) -> GraphPlace:
    return GraphPlace(namespace="", name="", kind=place.kind, hidden=True)


def _without_words(edge: GraphEdge) -> GraphEdge:
    return replace(edge, job="", subtype="", treatment=None)

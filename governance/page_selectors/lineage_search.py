"""Looking for places and columns by name, among those that one may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from registry.errors import NotFound
from registry.lineage.graph import Graph, GraphNode, GraphPlace
from registry.lineage_visibility import visible
from registry.models import LineageColumn, Person, Place

MOST_FOUND = 50
_LOOKED_AT = 400
Role = LineageColumn.Role


@dataclass(frozen=True, slots=True)
class Found:
    """A place, with the column that was found where it was one."""

    place: Place
    column: LineageColumn | None = None


def search_lineage(person: Person, text: str) -> tuple[list[Found], bool]:
    """Places and columns whose name holds the text, by name; and whether there may be more.

    Without a text, the places that were told of last.
    """
    places = Place.objects.filter(alias_of=None).select_related("dataset", "version__model")
    if not text:
        latest = list(places.order_by("-last_seen", "name")[:_LOOKED_AT])
        seen = _seen(person, latest)
        return [Found(place) for place in latest if place.pk in seen][:MOST_FOUND], len(latest) == _LOOKED_AT
    named = list(places.filter(name__icontains=text).order_by("name", "namespace")[:_LOOKED_AT])
    columns = LineageColumn.objects.filter(role=Role.COLUMN, name__icontains=text, place__alias_of=None)
    listed = list(
        columns.select_related("place__dataset", "place__version__model").order_by("name", "place__name")[:_LOOKED_AT]
    )
    seen = _seen(person, [*named, *(column.place for column in listed)])
    found = [Found(place) for place in named if place.pk in seen]
    found += [Found(column.place, column) for column in listed if column.place_id in seen]
    return found[:MOST_FOUND], len(found) > MOST_FOUND or _LOOKED_AT in {len(named), len(listed)}


def place_for(person: Person, pk: int) -> Place:
    """The place, or the one that it is an alias of.

    Raises
    ------
    NotFound
        If it is not there, or not to be seen.
    """
    found = (
        Place.objects.select_related("alias_of__dataset", "dataset", "alias_of__version__model", "version__model")
        .filter(pk=pk)
        .first()
    )
    if found is not None:
        found = found.alias_of or found
    if found is None or found.pk not in _seen(person, [found]):
        raise NotFound("there is no such place that you can see")
    return found


def column_for(person: Person, pk: int) -> LineageColumn:
    """The column.

    Raises
    ------
    NotFound
        If it is not there, or its place not to be seen.
    """
    found = LineageColumn.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("there is no such column that you can see")
    found.place = place_for(person, found.place_id)
    return found


def _seen(person: Person, places: Iterable[Place]) -> set[int]:
    """Which of the places the person may see."""
    listed = list({place.pk: place for place in places}.values())
    graph = Graph(
        tuple(_as_graph_place(place) for place in listed),
        tuple(GraphNode(place=number, role=Role.OUT, id=place.pk) for number, place in enumerate(listed)),
    )
    shown = visible(graph, person)
    return {node.id for index, node in enumerate(shown.nodes) if node.id and not shown.place_of(index).hidden}


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

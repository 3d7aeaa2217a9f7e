"""Asking the lineage: what a column was made from, what was made from it, as of any moment, to any depth.

Each question is one recursive query over the edges, whose ``UNION`` is on the node alone, so that cycles end. Names of
nodes, places and jobs come with two further queries, whatever the size.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from registry.lineage.graph import Graph, GraphEdge, GraphNode, GraphPlace
from registry.lineage.names import PlaceName
from registry.lineage_sql import datasets_behind_sql, depending_versions_sql, nodes_sql, reach_sql, statements_sql
from registry.models import LineageColumn, ModelVersion, Place

Role = LineageColumn.Role
LIMIT = 20_000
_EDGES_PER_NODE = 5


@dataclass(frozen=True, slots=True)
class PlaceNodes:
    """The rows of a place: whatever goes into it, it as a whole, and its columns by name."""

    into: int
    out: int
    columns: dict[str, int]

    @property
    def all(self) -> list[int]:
        """Every row of the place."""
        return [self.into, self.out, *self.columns.values()]


def upstream(columns: Iterable[int], *, at: datetime | None = None, limit: int = LIMIT) -> Graph:
    """All that the columns (or whole places) were made from.

    Parameters
    ----------
    columns
        Row numbers of :class:`~registry.models.LineageColumn`; unknown ones are passed over.
    at
        Only edges that held at this moment, with time zone; None: now.
    limit
        At most so many nodes, the nearest, and five times as many edges. Where there is more, the graph says
        ``truncated``.

    Returns
    -------
    The nodes with ``id``, the edges among them and their places; in no particular order (see ``Graph.canonical``).
    """
    return _reach(columns, at=at, limit=limit, up=True)


def downstream(columns: Iterable[int], *, at: datetime | None = None, ever: bool = False, limit: int = LIMIT) -> Graph:
    """All that was made from the columns (or whole places), with parameters as :func:`upstream`.

    With ``ever``, through steps of any time, those no longer taken too: what came over then may still be there.
    """
    return _reach(columns, at=at, limit=limit, up=False, ever=ever)


def place_named(name: PlaceName) -> Place | None:
    """The place of that name, or the one that the name is an alias of."""
    found = Place.objects.select_related("alias_of").filter(key=name.key).first()
    return (found.alias_of or found) if found else None


def column_of(place: PlaceName, column: str) -> int | None:
    """Row number of a column by names, aliases followed; None where nobody told of it."""
    found = place_named(place)
    if found is None:
        return None
    rows = LineageColumn.objects.filter(place=found, role=Role.COLUMN, name=column)
    return rows.values_list("pk", flat=True).first()


def place_nodes(place: PlaceName) -> PlaceNodes | None:
    """The rows of a place by its name, aliases followed; None where nobody told of it."""
    found = place_named(place)
    return nodes_of_place(found) if found else None


def nodes_of_place(place: Place) -> PlaceNodes:
    """The rows of a place."""
    ends, columns = {}, {}
    for role, name, pk in place.columns.order_by("name").values_list("role", "name", "pk"):
        if role == Role.COLUMN:
            columns[name] = pk
        else:
            ends[role] = pk
    return PlaceNodes(ends[Role.IN], ends[Role.OUT], columns)


def models_depending_on(places: Iterable[int], *, at: datetime | None = None, ever: bool = False) -> list[ModelVersion]:
    """Every model version that was made from any column of the places, however far away; without limit.

    Aliases count as what they stand for, and the other way round. With ``ever``, through steps of any time.
    """
    return models_depending_on_columns(_columns_of(places), at=at, ever=ever)


def models_depending_on_columns(
    columns: Iterable[int], *, at: datetime | None = None, ever: bool = False
) -> list[ModelVersion]:
    """Every model version that was made from any of the columns; otherwise as :func:`models_depending_on`."""
    found = _numbers(depending_versions_sql(connection.vendor, ever=ever), columns, at)
    return list(ModelVersion.objects.filter(pk__in=found).select_related("model__use_case").order_by("model", "-pk"))


def versions_depending_on(places: Iterable[int]) -> list[int]:
    """As :func:`models_depending_on` now, but only their row numbers: of many, without reading their manifests."""
    return _numbers(depending_versions_sql(connection.vendor), _columns_of(places), None)


def datasets_behind(versions: Iterable[int]) -> list[int]:
    """Row numbers of the registered datasets that any of the model versions (by row number) was made from, as of now."""
    columns = LineageColumn.objects.filter(place__version__in=list(versions)).values_list("pk", flat=True)
    return _numbers(datasets_behind_sql(connection.vendor), columns, None)


def _columns_of(places: Iterable[int]) -> Iterable[int]:
    wanted = list(places)
    same = Place.objects.filter(Q(pk__in=wanted) | Q(aliases__in=wanted) | Q(alias_of__in=wanted))
    return LineageColumn.objects.filter(place__in=same).values_list("pk", flat=True)


def _numbers(query: str, columns: Iterable[int], at: datetime | None) -> list[int]:
    """The row numbers that a query gives for these nodes."""
    with connection.cursor() as cursor:
        cursor.execute(query, {"start": _ids(columns), "at": _moment(at)})
        return [row[0] for row in cursor.fetchall()]


def _ids(numbers: Iterable[int]) -> Any:
    """Row numbers as one parameter, however many they are."""
    listed = sorted(set(numbers))
    return json.dumps(listed) if connection.vendor == "sqlite" else listed


def _moment(at: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(at or timezone.now())


def _reach(columns: Iterable[int], *, at: datetime | None, limit: int, up: bool, ever: bool = False) -> Graph:
    options = {
        "start": _ids(columns),
        "at": _moment(at),
        "nodes": limit + 1,
        "edges": _EDGES_PER_NODE * limit + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(reach_sql(connection.vendor, up=up, ever=ever), options)
        rows = cursor.fetchall()
    truncated = len(rows) >= options["edges"]
    rows = rows[: options["edges"] - 1]
    kept = dict.fromkeys(row[0] for row in rows)
    if len(kept) > limit:
        truncated = True
        kept = dict.fromkeys(list(kept)[:limit])
    edges = [row[1:] for row in rows if row[1] is not None and row[1] in kept and row[2] in kept]
    places, nodes = _read_nodes(kept)
    numbers = {node.id: index for index, node in enumerate(nodes)}
    said = _read_statements({row[6] for row in edges if row[6] is not None})
    return Graph(places, nodes, tuple(_edge(row, numbers, said) for row in edges), truncated)


def _edge(
    row: tuple[Any, ...], numbers: dict[int, int], said: dict[int | None, tuple[str, str, str | None]]
) -> GraphEdge:
    source, target, level, manner, subtype, masking, statement, treatment = row
    job, by, seen = said[statement]
    return GraphEdge(
        source=numbers[source],
        target=numbers[target],
        level=level,
        manner=manner,
        subtype=subtype,
        masking=bool(masking),
        treatment=json.loads(treatment) if isinstance(treatment, str) else treatment,
        job=job,
        by=by,
        seen=seen,
    )


def _read_nodes(numbers: Collection[int]) -> tuple[tuple[GraphPlace, ...], tuple[GraphNode, ...]]:
    """The nodes of these rows and their places."""
    with connection.cursor() as cursor:
        cursor.execute(nodes_sql(connection.vendor), {"start": _ids(numbers)})
        rows = cursor.fetchall()
    index: dict[int, int] = {}
    places: list[GraphPlace] = []
    nodes = []
    for pk, role, column, place, namespace, name, kind, dataset, model, version in rows:
        if place not in index:
            index[place] = len(places)
            places.append(
                GraphPlace(namespace=namespace, name=name, kind=kind, dataset=dataset, model=model, version=version)
            )
        nodes.append(GraphNode(place=index[place], role=role, column=column, id=pk))
    return tuple(places), tuple(nodes)


def _read_statements(numbers: Collection[int]) -> dict[int | None, tuple[str, str, str | None]]:
    """Job, by and when it was said last, of these statements; of None, the ties within a place, nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statements_sql(connection.vendor), {"start": _ids(numbers)})
        rows = cursor.fetchall()
    found: dict[int | None, tuple[str, str, str | None]] = {None: ("", "", None)}
    for pk, namespace, name, by, seen in rows:
        found[pk] = (f"{namespace} {name}", by, _iso(seen))
    return found


def _iso(seen: datetime | str) -> str:
    """ISO 8601 in UTC; SQLite gives the text that it keeps, which is UTC without saying so."""
    moment = datetime.fromisoformat(seen).replace(tzinfo=UTC) if isinstance(seen, str) else seen
    return moment.astimezone(UTC).isoformat()

"""Column lineage out of the SQL that events bring along, where their senders know no columns themselves."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from registry.errors import InvalidInput
from registry.lineage.names import PlaceName
from registry.lineage.openlineage_facets import Query
from registry.lineage.statement import StatedEdge, Statement
from registry.models import LineageColumn, LineageEdge, LineageEvent
from registry.services.lineage import apply_statements
from registry.services.lineage_runs import SQL, Slot, Told, query_behind, read_stored
from registry.services.places import ensure_places, lock_lineage
from registry.services.statement_runs import Stream

_DIALECTS = {"postgresql": "postgres", "sparksql": "spark", "mssql": "tsql", "sqlserver": "tsql"}
_LONGEST_NOTE = 500
_MOST_KNOWN = 20_000


def read_query_of(*, event: int, place: PlaceName) -> None:
    """Parse the query of the run that an event belongs to, and state what it tells of ``place``.

    The edges from whole places that the event itself stated go, where the query tells columns of the same place.
    """
    row = LineageEvent.objects.select_related("job").get(pk=event)
    told = Told(row, read_stored(row))
    found = query_behind(told, place)
    if found is None:
        return
    at, query = found
    try:
        edges = _edges(query, place)
    except InvalidInput as error:
        _note(event, f"The SQL could not be read: {error.message}"[:_LONGEST_NOTE])
        return
    if edges is None:
        _note(event, f"The SQL does not write {place.name}; its columns stay unknown.")
        return
    with transaction.atomic():
        lock_lineage()
        target = ensure_places([place], at)[place]
        job = told.reading.job
        apply_statements([Statement(job=job, place=place, at=at, by=SQL, edges=edges)], event=row)
        _drop_what_is_known_better(Slot(row.job_id or 0, target.pk, at), edges)


def _edges(query: Query, place: PlaceName) -> tuple[StatedEdge, ...] | None:
    """What the query makes ``place`` from; None where it does not write it."""
    from registry.lineage.sql import column_lineage

    dialect = query.dialect.strip().lower()
    found = column_lineage(
        query.sql,
        dialect=_DIALECTS.get(dialect, dialect) or None,
        namespace=place.namespace,
        schemas=_schemas(place.namespace),
    )
    written = [table for table in found.tables if table.place is None or _is_same(table.place, place)]
    if not written:
        return None
    # A query that only selects makes the one place that the run writes.
    return tuple(edge for table in written for edge in table.edges)


def _is_same(written: PlaceName, place: PlaceName) -> bool:
    """Queries name tables by less than events do: ``public.orders`` is ``shop.public.orders``."""
    said, known = written.name.lower(), place.name.lower()
    return written.namespace == place.namespace and (known == said or known.endswith(f".{said}"))


def _schemas(namespace: str) -> dict[str, Sequence[str]]:
    """The columns of every place of the namespace that are there."""
    rows = (
        LineageColumn.objects.filter(place__namespace=namespace, role=LineageColumn.Role.COLUMN, dropped_at=None)
        .order_by("place_id", "pk")
        .values_list("place__name", "name")
    )
    found: dict[str, list[str]] = {}
    for table, column in rows[:_MOST_KNOWN]:
        found.setdefault(table, []).append(column)
    return dict(found)


def _drop_what_is_known_better(slot: Slot, edges: Sequence[StatedEdge]) -> None:
    names = {edge.source for edge in edges if edge.level == "column"}
    sources = {place.pk for place in ensure_places(names, slot.at).values()}
    row = Stream(slot.job, slot.place, "openlineage").rows.filter(since=slot.at).first()
    if row is not None:
        LineageEdge.objects.filter(
            statement=row.head_id or row.pk, level="dataset", source__place__in=sources, target__role="in"
        ).delete()


def _note(event: int, text: str) -> None:
    with transaction.atomic():
        row = LineageEvent.objects.select_for_update().get(pk=event)
        if text not in row.notes:
            row.notes = [*row.notes, text]
            row.save(update_fields=["notes"])

"""Writing what jobs state of places into the graph. The same statements give the same graph, in whatever order they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from registry.canonical import canonical_json
from registry.lineage.names import PlaceName
from registry.lineage.statement import StatedEdge, Statement, digest_of_edges
from registry.models import LineageColumn, LineageEdge, LineageEvent, LineageStatement, Place
from registry.services.place_schemas import ToldSchema, tell_schemas
from registry.services.places import ensure_columns, ensure_jobs, ensure_places, lock_lineage
from registry.services.statement_runs import EDGE_FIELDS, Stream, StreamWriter, Word

Role = LineageColumn.Role
_LONGEST_SUBTYPE, _LONGEST_DESCRIPTION = 50, 500


@transaction.atomic
def apply_statements(statements: Sequence[Statement], *, event: LineageEvent | None = None) -> None:
    """Write statements into the graph.

    What a job says of a place replaces what it said of it before, from that moment on; a statement that comes late
    takes its place in between. Two different ones of the same moment add up.
    """
    lock_lineage()
    writer = StreamWriter()
    for statement in sorted(statements, key=lambda item: (item.at, item.job, item.place)):
        _apply(statement, event, writer)
    writer.flush()


def _apply(statement: Statement, event: LineageEvent | None, writer: StreamWriter) -> None:
    at = statement.at
    job = ensure_jobs([statement.job], at)[statement.job]
    place = ensure_places([statement.place], at)[statement.place]
    if statement.columns is not None:
        tell_schemas([ToldSchema(place.pk, statement.columns, at)])
    stream = Stream(job.pk, place.pk, statement.by)
    edges = frozenset(tidied(edge) for edge in statement.edges)
    latest = writer.latest(stream)
    if latest is not None and at <= latest.seen:
        writer.flush()
        here = stream.rows.filter(since=at).select_related("head").first()
        if here is not None and here.digest != digest_of_edges(edges):
            edges |= _stated(here.head or here)
    writer.put(stream, word(edges, place, at, event))


def word(edges: frozenset[StatedEdge], place: Place, at: datetime, event: LineageEvent | None) -> Word:
    """What a stream is to say at a time: that ``place`` is made by ``edges``."""
    return Word(at, digest_of_edges(edges), edge_rows(edges, place, at), event)


def tidied(edge: StatedEdge) -> StatedEdge:
    """The edge as it can be kept: its texts no longer than their columns."""
    if len(edge.subtype) <= _LONGEST_SUBTYPE and len(edge.description) <= _LONGEST_DESCRIPTION:
        return edge
    return replace(edge, subtype=edge.subtype[:_LONGEST_SUBTYPE], description=edge.description[:_LONGEST_DESCRIPTION])


def edge_rows(stated: frozenset[StatedEdge], place: Place, at: datetime) -> Callable[[], list[LineageEdge]]:
    """What makes the rows of stated edges, without repetition, when it is called."""
    return lambda: _resolve(stated, place, at)


def _resolve(stated: Iterable[StatedEdge], place: Place, at: datetime) -> list[LineageEdge]:
    listed = sorted(stated, key=lambda edge: canonical_json(edge.as_json()))
    places = ensure_places({edge.source for edge in listed}, at)
    wanted: defaultdict[int, set[str | None]] = defaultdict(set)
    for edge in listed:
        wanted[places[edge.source].pk].add(edge.source_column)
    sources = ensure_columns(wanted, at, whole=Role.OUT)
    targets = ensure_columns({place.pk: {edge.target_column for edge in listed}}, at, whole=Role.IN)
    # A model was trained on all of the data: that is about the model as a whole, not about where each feature is from.
    whole = ensure_columns({place.pk: [None]}, at, whole=Role.OUT)[place.pk, None]
    made = {}
    for edge in listed:
        target = whole if edge.level == "training" else targets[place.pk, edge.target_column]
        row = LineageEdge(
            source_id=sources[places[edge.source].pk, edge.source_column],
            target_id=target,
            level=edge.level,
            manner=edge.manner,
            subtype=edge.subtype,
            masking=edge.masking,
            treatment=dict(edge.treatment) or None,
            description=edge.description,
        )
        if row.source_id != row.target_id:
            made[edge_values(row)] = row
    return list(made.values())


def edge_values(edge: LineageEdge) -> tuple[Any, ...]:
    """What two rows share that state the same edge."""
    values = {name: getattr(edge, name) for name in EDGE_FIELDS}
    values["treatment"] = canonical_json(edge.treatment) if edge.treatment else None
    return tuple(values.values())


def _stated(head: LineageStatement) -> frozenset[StatedEdge]:
    """The edges that a run holds, as they could have been stated."""
    rows = head.edges.select_related("source__place", "target")
    return frozenset(
        StatedEdge(
            source=PlaceName(row.source.place.namespace, row.source.place.name),
            source_column=row.source.name if row.source.role == Role.COLUMN else None,
            target_column=row.target.name if row.target.role == Role.COLUMN else None,
            level=row.level,  # type: ignore[arg-type]
            manner=row.manner,  # type: ignore[arg-type]
            subtype=row.subtype,
            masking=row.masking,
            treatment=tuple(sorted((row.treatment or {}).items())),
            description=row.description,
        )
        for row in rows
    )


def tell_columns(place: Place, columns: Mapping[str, str], at: datetime) -> None:
    """Take over the schema of a place as stated at ``at``: columns that it lacks are dropped, unless told of later."""
    tell_schemas([ToldSchema(place.pk, columns, at)])

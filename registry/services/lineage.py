"""Writing what jobs state of places into the graph. The same statements give the same graph, in whatever order they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from registry.canonical import canonical_json, sha256_hex
from registry.lineage.names import PlaceName
from registry.lineage.statement import StatedEdge, Statement
from registry.models import LineageColumn, LineageEdge, LineageEvent, LineageJob, LineageStatement, Place
from registry.services.places import ensure_columns, ensure_jobs, ensure_places

Role = LineageColumn.Role
_EDGE_FIELDS = ("source_id", "target_id", "level", "manner", "subtype", "masking", "treatment", "description")
_LONGEST_DESCRIPTION = 500


@transaction.atomic
def apply_statements(statements: Sequence[Statement], *, event: LineageEvent | None = None) -> None:
    """Write statements into the graph.

    What a job says of a place replaces what it said of it before, from that moment on; a statement that comes late
    takes its place in between. Two different ones of the same moment add up.
    """
    for statement in sorted(statements, key=lambda item: (item.job, item.place, item.at)):
        _apply(statement, event)


def _apply(statement: Statement, event: LineageEvent | None) -> None:
    at = statement.at
    job = ensure_jobs([statement.job], at)[statement.job]
    # One writer per job at a time: two statements of one stream would both find themselves the latest.
    LineageJob.objects.select_for_update().get(pk=job.pk)
    names = {statement.place, *(edge.source for edge in statement.edges)}
    places = ensure_places(names, at)
    place = places[statement.place]
    stream = LineageStatement.objects.filter(job=job, place=place, by=statement.by)
    last = stream.order_by("-since").select_related("head").first()
    edges = _resolve(statement.edges, place, places, at)
    if statement.columns is not None:
        tell_columns(place, statement.columns, at)
    digest = _digest(edges)
    new = LineageStatement(job=job, place=place, by=statement.by, digest=digest, since=at, seen=at, event=event)
    if last is not None and at <= last.since:
        _insert_late(new, edges)
        return
    if last is not None and last.digest == digest:
        new.head = last.head or last
        new.save()
        LineageStatement.objects.filter(pk=new.head.pk).update(seen=at)
        return
    if last is not None:
        _close(last.head or last, at)
    new.save()
    _save_edges(new, edges)


def _resolve(
    stated: Iterable[StatedEdge], place: Place, places: dict[PlaceName, Place], at: datetime
) -> list[LineageEdge]:
    """The stated edges between rows, without repetition."""
    listed = sorted(set(stated), key=lambda edge: canonical_json(edge.as_json()))
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
            subtype=edge.subtype[:50],
            masking=edge.masking,
            treatment=dict(edge.treatment) or None,
            description=edge.description[:_LONGEST_DESCRIPTION],
        )
        if row.source_id != row.target_id:
            made[canonical_json(_values(row))] = row
    return [made[key] for key in sorted(made)]


def _values(edge: LineageEdge) -> list[object]:
    return [getattr(edge, field) for field in _EDGE_FIELDS]


def _digest(edges: Sequence[LineageEdge]) -> str:
    return sha256_hex(canonical_json([_values(edge) for edge in edges]))


def _close(head: LineageStatement, at: datetime) -> None:
    LineageStatement.objects.filter(pk=head.pk).update(until=at)
    head.edges.update(until=at)


def _save_edges(head: LineageStatement, edges: Iterable[LineageEdge], until: datetime | None = None) -> None:
    for edge in edges:
        edge.pk, edge.statement, edge.since, edge.until = None, head, head.since, until
    LineageEdge.objects.bulk_create(edges)


def _insert_late(new: LineageStatement, edges: list[LineageEdge]) -> None:
    """Take a statement into the middle of its stream, and form the runs of the stream anew."""
    rows = list(
        LineageStatement.objects.filter(job=new.job, place=new.place, by=new.by).order_by("since").select_for_update()
    )
    known = {row.pk: row for row in rows}
    held: defaultdict[int, list[LineageEdge]] = defaultdict(list)
    for edge in LineageEdge.objects.filter(statement__in=[row.pk for row in rows if row.head_id is None]):
        held[edge.statement_id or 0].append(edge)
    said = {row.pk: held[row.head_id or row.pk] for row in rows}
    same = next((row for row in rows if row.since == new.since), None)
    if same is not None:
        union = {canonical_json(_values(edge)): edge for edge in [*said[same.pk], *edges]}
        merged = [union[key] for key in sorted(union)]
        if _digest(merged) == same.digest:
            return
        same.digest, said[same.pk] = _digest(merged), merged
    else:
        new.save()
        rows.append(new)
        known[new.pk], said[new.pk] = new, edges
    rows.sort(key=lambda row: row.since)
    LineageEdge.objects.filter(statement__in=list(known)).delete()
    LineageStatement.objects.filter(pk__in=list(known)).update(head=None)
    _form_runs(rows, said)


def _form_runs(rows: list[LineageStatement], said: dict[int, list[LineageEdge]]) -> None:
    runs: list[list[LineageStatement]] = []
    for row in rows:
        if runs and runs[-1][0].digest == row.digest:
            runs[-1].append(row)
        else:
            runs.append([row])
    ends = [following[0].since for _, following in pairwise(runs)]
    for run, until in zip(runs, [*ends, None], strict=True):
        head = run[0]
        head.head, head.until, head.seen = None, until, run[-1].since
        head.save()
        for row in run[1:]:
            row.head, row.until, row.seen = head, None, row.since
            row.save()
        _save_edges(head, [_copy(edge) for edge in said[head.pk]], until)


def _copy(edge: LineageEdge) -> LineageEdge:
    return LineageEdge(**{field: getattr(edge, field) for field in _EDGE_FIELDS})


def tell_columns(place: Place, columns: Mapping[str, str], at: datetime) -> None:
    """Take over the schema of a place as stated at ``at``: columns that it lacks are dropped, unless told of later."""
    ensure_columns({place.pk: list(columns)}, at, whole=Role.OUT)
    rows = LineageColumn.objects.filter(place=place, role=Role.COLUMN)
    for row in rows:
        if row.name in columns:
            row.type = columns[row.name][:200] if at >= row.last_seen else row.type
            row.dropped_at = None if row.dropped_at is None or row.dropped_at <= at else row.dropped_at
            row.last_seen = max(row.last_seen, at)
            row.save()
        elif row.dropped_at is None and row.last_seen < at:
            LineageColumn.objects.filter(pk=row.pk).update(dropped_at=at)


def seen_places(names: Iterable[PlaceName], at: datetime) -> None:
    """Note that places were told of at ``at``."""
    found = ensure_places(names, at)
    Place.objects.filter(pk__in=[place.pk for place in found.values()]).update(
        last_seen=Greatest(F("last_seen"), at), dropped_at=None
    )

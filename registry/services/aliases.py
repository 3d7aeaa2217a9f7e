"""Places of several names: told by symlinks and renamings, they become one place at the time of writing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, Q

from registry.models import (
    Classification,
    LineageAssertions,
    LineageColumn,
    LineageEdge,
    LineageSchema,
    LineageStatement,
    Place,
)
from registry.services.lineage import edge_values
from registry.services.place_schemas import settle_columns
from registry.services.places import chunks, ensure_columns
from registry.services.statement_runs import Stream, copy_edge, save_edges

Role = LineageColumn.Role


def merge_places(one: Place, other: Place, *, keep: Place | None = None) -> tuple[Place, str]:
    """Make two names of the same data one place. Call it under the lineage's lock.

    A registered dataset stays what it is and the other becomes a name of it; else ``keep`` stays, else the one whose name
    comes first. Everything that was said of the one that goes (edges, statements, schemas, classifications) is moved.

    Returns
    -------
    tuple
        The place that both names lead to now, and a note for people where they could not be merged: no two registered
        datasets are one, and no model version is another name of anything.
    """
    one, other = _current(one), _current(other)
    if one.pk == other.pk:
        return one, ""
    if Place.Kind.MODEL in (one.kind, other.kind):
        return one, f"{one} and {other} stay apart: a model version has one name."
    if one.dataset_id and other.dataset_id:
        return one, f"{one} and {other} stay apart: both are registered datasets."
    kept, gone = _which_stays(one, other, _current(keep) if keep else None)
    _move(gone, kept)
    return kept, ""


def _current(place: Place) -> Place:
    """The row as it is now, its alias followed; there is never a chain of them."""
    row = Place.objects.select_related("alias_of").get(pk=place.pk)
    return row.alias_of or row


def _which_stays(one: Place, other: Place, keep: Place | None) -> tuple[Place, Place]:
    first, second = sorted(
        (one, other),
        key=lambda place: (
            place.dataset_id is None,
            keep is not None and place.pk != keep.pk,
            place.namespace,
            place.name,
        ),
    )
    return first, second


def _move(gone: Place, kept: Place) -> None:
    _merge_schemas(gone, kept)
    _move_columns(gone, kept)
    _move_statements(gone, kept)
    for note in LineageAssertions.objects.filter(place=gone):
        LineageAssertions.objects.get_or_create(event_id=note.event_id, place=kept)
        note.delete()
    Place.objects.filter(alias_of=gone).update(alias_of=kept)
    described = max((gone, kept), key=lambda place: (place.described_at is not None, place.described_at or 0))
    kept.description, kept.described_at = described.description, described.described_at
    kept.first_seen, kept.last_seen = min(gone.first_seen, kept.first_seen), max(gone.last_seen, kept.last_seen)
    dropped = [place.dropped_at for place in (gone, kept) if place.dropped_at and place.dropped_at >= kept.last_seen]
    kept.dropped_at = max(dropped, default=None)
    kept.save()
    gone.alias_of, gone.description, gone.described_at = kept, "", None
    gone.save()
    settle_columns(kept.pk)


def _merge_schemas(gone: Place, kept: Place) -> None:
    there = {schema.digest: schema for schema in LineageSchema.objects.filter(place=kept)}
    for schema in LineageSchema.objects.filter(place=gone):
        same = there.get(schema.digest)
        if same is None:
            schema.place = kept
            schema.save(update_fields=["place"])
            continue
        same.first_seen = min(same.first_seen, schema.first_seen)
        same.last_seen = max(same.last_seen, schema.last_seen)
        same.save(update_fields=["first_seen", "last_seen"])
        schema.delete()


def _move_columns(gone: Place, kept: Place) -> None:
    """Every edge of a column of ``gone`` becomes one of the column of the same name of ``kept``."""
    columns = list(LineageColumn.objects.filter(place=gone))
    by_time: defaultdict[datetime, list[str | None]] = defaultdict(list)
    for column in columns:
        if column.role == Role.COLUMN:
            by_time[column.first_seen].append(column.name)
    for at, names in by_time.items():
        ensure_columns({kept.pk: names}, at, whole=Role.OUT)
    heirs = {(column.role, column.name): column.pk for column in LineageColumn.objects.filter(place=kept)}
    numbers = [column.pk for column in columns]
    for part in chunks(numbers):
        LineageEdge.objects.filter(Q(source__in=part) | Q(target__in=part), statement__isnull=True).delete()
    touched: set[int] = set()
    for column in columns:
        heir = heirs[column.role, column.name]
        for end in ("source", "target"):
            edges = LineageEdge.objects.filter(**{end: column.pk})
            touched |= {statement for statement in edges.values_list("statement_id", flat=True) if statement}
            edges.update(**{end: heir})
        _move_classifications(column.pk, heir)
    LineageEdge.objects.filter(statement__isnull=False, source=F("target")).delete()
    _drop_repeated_edges(touched)
    for part in chunks(numbers):
        LineageColumn.objects.filter(pk__in=part).delete()


def _drop_repeated_edges(statements: Iterable[int]) -> None:
    for part in chunks(sorted(statements)):
        seen: set[tuple[object, ...]] = set()
        repeated = []
        for edge in LineageEdge.objects.filter(statement__in=part).order_by("pk"):
            key = (edge.statement_id, *edge_values(edge))
            if key in seen:
                repeated.append(edge.pk)
            seen.add(key)
        LineageEdge.objects.filter(pk__in=repeated).delete()


def _move_classifications(column: int, heir: int) -> None:
    held = set(Classification.objects.filter(column=heir, until__isnull=True).values_list("label", "source", "detail"))
    for row in Classification.objects.filter(column=column):
        if row.until is None and (row.label, row.source, row.detail) in held:
            # The same is held of the heir already; of the two, the earlier moment counts.
            same = Classification.objects.get(
                column=heir, until__isnull=True, label=row.label, source=row.source, detail=row.detail
            )
            same.since = min(same.since, row.since)
            same.save(update_fields=["since"])
            row.delete()
            continue
        row.column_id = heir
        row.save(update_fields=["column"])


def _move_statements(gone: Place, kept: Place) -> None:
    streams = set(LineageStatement.objects.filter(place=gone).values_list("job_id", "by"))
    for job, by in sorted(streams):
        stream = Stream(job, kept.pk, by)
        moved = LineageStatement.objects.filter(place=gone, job=job, by=by)
        if stream.rows.exists():
            _interleave(list(stream.rows), list(moved), kept)
        else:
            moved.update(place=kept)


def _interleave(stream: Sequence[LineageStatement], moved: Sequence[LineageStatement], kept: Place) -> None:
    """Make one stream of two: statements of the same moment add up, and the runs are formed anew."""
    rows = [*stream, *moved]
    said = _taken_apart(rows)
    left: list[LineageStatement] = []
    for row in sorted(rows, key=lambda item: (item.since, item.place_id != kept.pk)):
        if left and left[-1].since == row.since:
            _add_up(left[-1], row, said)
        else:
            left.append(row)
    previous: LineageStatement | None = None
    for row in left:
        row.place, row.head, row.until, row.seen = kept, None, None, row.since
        if previous is not None and previous.digest == row.digest:
            row.head, previous.seen = previous, row.since
            continue
        if previous is not None:
            previous.until = row.since
        previous = row
    for row in left:
        row.save()
        if row.head is None:
            save_edges(row, said[row.pk])


def _taken_apart(rows: Sequence[LineageStatement]) -> dict[int, list[LineageEdge]]:
    """What each statement says by itself; no run is left, and no edge."""
    heads = [row.pk for row in rows if row.head_id is None]
    held: defaultdict[int, list[LineageEdge]] = defaultdict(list)
    for part in chunks(heads):
        for edge in LineageEdge.objects.filter(statement__in=part):
            held[edge.statement_id or 0].append(edge)
    said = {row.pk: [copy_edge(edge) for edge in held[row.head_id or row.pk]] for row in rows}
    for part in chunks(heads):
        LineageEdge.objects.filter(statement__in=part).delete()
    for part in chunks([row.pk for row in rows]):
        LineageStatement.objects.filter(pk__in=part).update(head=None)
    return said


def _add_up(row: LineageStatement, same: LineageStatement, said: dict[int, list[LineageEdge]]) -> None:
    if row.digest != same.digest:
        union = {edge_values(edge): edge for edge in [*said[row.pk], *said[same.pk]]}
        said[row.pk] = list(union.values())
        row.digest = max(row.digest, same.digest)
    same.delete()

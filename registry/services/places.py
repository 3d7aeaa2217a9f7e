"""Finding places, columns and jobs by name, and making those that are told of for the first time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.db.models import Model

from registry.lineage.names import OUR_DATASETS, OUR_MODELS, JobName, PlaceName
from registry.models import Dataset, LineageColumn, LineageEdge, LineageJob, ModelVersion, Place

Role = LineageColumn.Role
_CHUNK = 500
_ADVISORY_LOCK = 0x0C0F_FEE1_ED6E_4002
T = TypeVar("T")
Row = TypeVar("Row", bound=Model)


def lock_lineage() -> None:
    """Let nobody else write lineage until this transaction ends.

    What is written depends on what is there: on the latest word of a job, on who is whose alias. Take this lock before
    the ledger's, as every service does that records its entry last.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    # SQLite's IMMEDIATE transactions hold the one write lock since they began.


def chunks(listed: Sequence[T]) -> Iterator[Sequence[T]]:
    """``listed`` in parts that fit into one query."""
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


def ensure_places(names: Iterable[PlaceName], at: datetime) -> dict[PlaceName, Place]:
    """The place behind each name, aliases followed, new ones made with their two whole-place nodes."""
    return _canonical(_find_or_make(dict.fromkeys(names, (at, at))))


def places_seen(when: Mapping[PlaceName, tuple[datetime, datetime]]) -> dict[PlaceName, Place]:
    """The same, where each was told of first and last at the times given; one that was dropped before is there again."""
    places = _canonical(_find_or_make(when))
    _note_seen((places[name], *times) for name, times in when.items())
    return places


def _canonical(found: Mapping[PlaceName, Place]) -> dict[PlaceName, Place]:
    """Aliases followed, and one object for each row."""
    rows: dict[int, Place] = {}
    places = {}
    for name, place in found.items():
        row = place.alias_of or place
        places[name] = rows.setdefault(row.pk, row)
    return places


def _find_or_make(when: Mapping[PlaceName, tuple[datetime, datetime]]) -> dict[PlaceName, Place]:
    wanted = {name.key: name for name in when}
    found = _places(wanted)
    missing = sorted(wanted[key] for key in wanted.keys() - found.keys())
    if missing:
        found |= _make_places({name: when[name][0] for name in missing})
    ours = [place for place in found.values() if place.namespace == OUR_DATASETS]
    if sum(_take_name_back(place) for place in sorted(ours, key=lambda place: place.name)):
        found = _places(wanted)
    _tie_to_ours([place for place in found.values() if place.namespace in (OUR_DATASETS, OUR_MODELS)])
    return {name: found[key] for key, name in wanted.items()}


def _make_places(when: Mapping[PlaceName, datetime]) -> dict[str, Place]:
    Place.objects.bulk_create(
        [
            Place(namespace=name.namespace, name=name.name, key=name.key, first_seen=at, last_seen=at)
            for name, at in when.items()
        ],
        ignore_conflicts=True,
    )
    found = _places({name.key: name for name in when})
    LineageColumn.objects.bulk_create(
        [
            LineageColumn(place=place, role=role, name="", first_seen=place.first_seen, last_seen=place.first_seen)
            for place in found.values()
            for role in (Role.IN, Role.OUT)
        ],
        ignore_conflicts=True,
    )
    _tie((into, out) for into, out in _ends([place.pk for place in found.values()]).values())
    return found


def _places(wanted: Mapping[str, PlaceName]) -> dict[str, Place]:
    found = {}
    for keys in chunks(list(wanted)):
        for place in Place.objects.filter(key__in=keys).select_related("alias_of"):
            found[place.key] = place
    return found


def _tie_to_ours(places: Iterable[Place]) -> None:
    """Places that are registered datasets and model versions point to them, also when those are registered later."""
    for place in places:
        kind, dataset, version = place.kind, place.dataset_id, place.version_id
        if place.namespace == OUR_DATASETS:
            place.kind = Place.Kind.DATASET
            place.dataset = place.dataset or Dataset.objects.filter(slug=place.name).first()
        else:
            place.kind = Place.Kind.MODEL
            model, _, name = place.name.partition("@")
            place.version = place.version or ModelVersion.objects.filter(model__name=model, name=name).first()
        if (kind, dataset, version) != (place.kind, place.dataset_id, place.version_id):
            place.save(update_fields=["kind", "dataset", "version"])


def _take_name_back(ours: Place) -> bool:
    """Let a place that was told to be ``ours`` before that dataset was registered bear its name; whether anything changed.

    So it is as if the dataset had been registered first. A place that is another registered dataset stays that.
    """
    dataset = Dataset.objects.filter(slug=ours.name).first() if ours.alias_of_id else None
    held = Place.objects.filter(aliases=ours, dataset=None).first() if dataset else None
    if held is None:
        return False
    was = held.namespace, held.name, held.key
    held.namespace, held.name, held.key = ours.namespace, ours.name, ours.key
    held.kind, held.dataset = Place.Kind.DATASET, dataset
    ours.namespace, ours.name, ours.key = was
    ours.kind, ours.dataset = Place.Kind.TABLE, None
    # No two rows may have one key, not even for a moment.
    Place.objects.filter(pk=ours.pk).update(key=f"being renamed {ours.pk}", dataset=None)
    held.save(update_fields=["namespace", "name", "key", "kind", "dataset"])
    ours.save(update_fields=["namespace", "name", "key", "kind", "dataset"])
    return True


def _note_seen(seen: Iterable[tuple[Place, datetime, datetime]]) -> None:
    changed: dict[int, Place] = {}
    for place, first, last in seen:
        if first < place.first_seen:
            whole = LineageColumn.objects.filter(place=place, role__in=[Role.IN, Role.OUT], name="")
            whole.update(first_seen=first)
        if first < place.first_seen or last > place.last_seen:
            place.first_seen, place.last_seen = min(first, place.first_seen), max(last, place.last_seen)
            changed[place.pk] = place
        if place.dropped_at is not None and place.dropped_at < place.last_seen:
            place.dropped_at = None
            changed[place.pk] = place
    update_rows(Place, list(changed.values()), ("first_seen", "last_seen", "dropped_at"))


def update_rows(model: type[Row], rows: Sequence[Row], fields: tuple[str, ...]) -> None:
    """Save these fields of the rows.

    By hand, because this is what most of the work of a repeated event is: ``bulk_update`` builds one expression for each
    value, which costs more than all the rest of the event together.
    """
    if not rows:
        return
    meta, quote = model._meta, connection.ops.quote_name
    columns = [column for column in meta.concrete_fields if column.name in fields]
    assigned = ", ".join(f"{quote(column.column or column.attname)} = %s" for column in columns)
    # Names of our own tables and columns; every value is a parameter.
    statement = f"UPDATE {quote(meta.db_table)} SET {assigned} WHERE {quote(meta.pk.attname)} = %s"  # noqa: S608
    values = [
        [*(column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns), row.pk]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def ensure_columns(
    wanted: Mapping[int, Iterable[str | None]], at: datetime, *, whole: str
) -> dict[tuple[int, str | None], int]:
    """Row numbers of columns by ``(place, name)``; the name None is the whole-place node of the role ``whole``.

    New columns are tied to their place. Which columns are dropped is for the schemas of a place to say.
    """
    asked = {place: set(columns) for place, columns in wanted.items()}
    names = {(place, name) for place, columns in asked.items() for name in columns if name is not None}
    found: dict[tuple[int, str | None], int] = {}
    missing, known = set(names), _columns(names)
    for key, (pk, _) in known.items():
        found[key] = pk
        missing.discard(key)
    _note_earlier([pk for pk, first in known.values() if first > at], at)
    whole_wanted = [place for place, columns in asked.items() if None in columns]
    ends = _ends(sorted({*whole_wanted, *(place for place, _ in missing)}))
    for place in whole_wanted:
        found[place, None] = ends[place][0] if whole == Role.IN else ends[place][1]
    if missing:
        LineageColumn.objects.bulk_create(
            [LineageColumn(place_id=place, name=name, first_seen=at, last_seen=at) for place, name in sorted(missing)],
            ignore_conflicts=True,
        )
        made = {key: pk for key, (pk, _) in _columns(missing).items()}
        _tie(edge for (place, _), pk in made.items() for edge in ((ends[place][0], pk), (pk, ends[place][1])))
        found.update({(place, name): pk for (place, name), pk in made.items()})
    return found


def _note_earlier(columns: Sequence[int], at: datetime) -> None:
    for part in chunks(columns):
        LineageColumn.objects.filter(pk__in=part).update(first_seen=at)


def _ends(places: list[int]) -> dict[int, tuple[int, int]]:
    """The ``in`` and ``out`` nodes of places."""
    found: dict[int, dict[str, int]] = {place: {} for place in places}
    for part in chunks(places):
        rows = LineageColumn.objects.filter(place__in=part, role__in=[Role.IN, Role.OUT], name="")
        for place, role, pk in rows.values_list("place_id", "role", "pk"):
            found[place][role] = pk
    return {place: (ends[Role.IN], ends[Role.OUT]) for place, ends in found.items()}


def _columns(wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, datetime]]:
    """Row number and first sight of the columns that are there."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for place, name in wanted:
        names[place].append(name)
    found: dict[tuple[int, str], tuple[int, datetime]] = {}
    for place, listed in names.items():
        for part in chunks(listed):
            rows = LineageColumn.objects.filter(place=place, role=Role.COLUMN, name__in=part)
            found |= {(place, name): (pk, first) for name, pk, first in rows.values_list("name", "pk", "first_seen")}
    return found


def _tie(pairs: Iterable[tuple[int, int]]) -> None:
    LineageEdge.objects.bulk_create(
        [LineageEdge(source_id=source, target_id=target, level="structure") for source, target in pairs],
        ignore_conflicts=True,
    )


def ensure_jobs(names: Iterable[JobName], at: datetime) -> dict[JobName, LineageJob]:
    """The job behind each name, made where it is new."""
    return jobs_seen(dict.fromkeys(names, (at, at)))


def jobs_seen(when: Mapping[JobName, tuple[datetime, datetime]]) -> dict[JobName, LineageJob]:
    """The job behind each name, made where it is new; each was told of first and last at the times given."""
    wanted = {name.key: name for name in when}
    found = _jobs(wanted)
    missing = sorted(wanted[key] for key in wanted.keys() - found.keys())
    if missing:
        LineageJob.objects.bulk_create(
            [
                LineageJob(
                    namespace=name.namespace,
                    name=name.name,
                    key=name.key,
                    first_seen=when[name][0],
                    last_seen=when[name][1],
                )
                for name in missing
            ],
            ignore_conflicts=True,
        )
        found |= _jobs({name.key: name for name in missing})
    changed = []
    for key, name in wanted.items():
        job, (first, last) = found[key], when[name]
        if first < job.first_seen or last > job.last_seen:
            job.first_seen, job.last_seen = min(first, job.first_seen), max(last, job.last_seen)
            changed.append(job)
    update_rows(LineageJob, changed, ("first_seen", "last_seen"))
    return {name: found[key] for key, name in wanted.items()}


def _jobs(wanted: Mapping[str, JobName]) -> dict[str, LineageJob]:
    return {job.key: job for keys in chunks(list(wanted)) for job in LineageJob.objects.filter(key__in=keys)}

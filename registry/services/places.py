"""Finding places, columns and jobs by name, and making those that are told of for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from registry.lineage.names import OUR_DATASETS, OUR_MODELS, JobName, PlaceName
from registry.models import Dataset, LineageColumn, LineageEdge, LineageJob, ModelVersion, Place

Role = LineageColumn.Role
_CHUNK = 500


def ensure_places(names: Iterable[PlaceName], at: datetime) -> dict[PlaceName, Place]:
    """The place behind each name, aliases followed, new ones made with their two whole-place nodes."""
    wanted = {name.key: name for name in names}
    found = _places(wanted)
    missing = sorted(wanted[key] for key in set(wanted) - set(found))
    if missing:
        Place.objects.bulk_create([_new_place(name, at) for name in missing], ignore_conflicts=True)
        found |= _places({name.key: name for name in missing})
        made = [found[name.key] for name in missing]
        LineageColumn.objects.bulk_create(
            [
                LineageColumn(place=place, role=role, name="", first_seen=at, last_seen=at)
                for place in made
                for role in (Role.IN, Role.OUT)
            ],
            ignore_conflicts=True,
        )
        ends = _ends([place.pk for place in made])
        _tie((into, out) for into, out in ends.values())
    return {name: found[key].alias_of or found[key] for key, name in wanted.items()}


def _places(wanted: Mapping[str, PlaceName]) -> dict[str, Place]:
    keys, found = list(wanted), {}
    for start in range(0, len(keys), _CHUNK):
        for place in Place.objects.filter(key__in=keys[start : start + _CHUNK]).select_related("alias_of"):
            found[place.key] = place
    return found


def _new_place(name: PlaceName, at: datetime) -> Place:
    place = Place(namespace=name.namespace, name=name.name, key=name.key, first_seen=at, last_seen=at)
    if name.namespace == OUR_DATASETS:
        place.kind, place.dataset = Place.Kind.DATASET, Dataset.objects.filter(slug=name.name).first()
    elif name.namespace == OUR_MODELS:
        model, _, version = name.name.partition("@")
        place.kind = Place.Kind.MODEL
        place.version = ModelVersion.objects.filter(model__name=model, name=version).first()
    return place


def ensure_columns(
    wanted: Mapping[int, Iterable[str | None]], at: datetime, *, whole: str
) -> dict[tuple[int, str | None], int]:
    """Row numbers of columns by ``(place, name)``; the name None is the whole-place node of the role ``whole``.

    New columns are tied to their place, and one that was dropped and is told of again later is there again.
    """
    names = {(place, name) for place, columns in wanted.items() for name in columns}
    places = sorted(wanted)
    found: dict[tuple[int, str | None], int] = {}
    ends = _ends(places)
    for place in places:
        found[place, None] = ends[place][0] if whole == Role.IN else ends[place][1]
    missing = {key for key in names if key[1] is not None}
    known = _columns(places, {name for _, name in missing if name is not None})
    found |= {key: pk for key, pk in known.items() if key in missing}
    missing -= set(known)
    if missing:
        new = sorted((place, name) for place, name in missing if name is not None)
        LineageColumn.objects.bulk_create(
            [LineageColumn(place_id=place, name=name, first_seen=at, last_seen=at) for place, name in new],
            ignore_conflicts=True,
        )
        made = {key: pk for key, pk in _columns(places, {name for _, name in new}).items() if key in missing}
        _tie(edge for (place, _), pk in made.items() for edge in ((ends[place][0], pk), (pk, ends[place][1])))
        found |= made
    return found


def _ends(places: list[int]) -> dict[int, tuple[int, int]]:
    """The ``in`` and ``out`` nodes of places."""
    found: dict[int, dict[str, int]] = {place: {} for place in places}
    for start in range(0, len(places), _CHUNK):
        rows = LineageColumn.objects.filter(place__in=places[start : start + _CHUNK], role__in=[Role.IN, Role.OUT])
        for place, role, pk in rows.values_list("place_id", "role", "pk"):
            found[place][role] = pk
    return {place: (ends[Role.IN], ends[Role.OUT]) for place, ends in found.items()}


def _columns(places: list[int], names: set[str]) -> dict[tuple[int, str | None], int]:
    listed = sorted(names)
    found: dict[tuple[int, str | None], int] = {}
    for first in range(0, len(places), _CHUNK):
        for start in range(0, len(listed), _CHUNK):
            rows = LineageColumn.objects.filter(
                place__in=places[first : first + _CHUNK], role=Role.COLUMN, name__in=listed[start : start + _CHUNK]
            )
            found |= {(place, name): pk for place, name, pk in rows.values_list("place_id", "name", "pk")}
    return found


def _tie(pairs: Iterable[tuple[int, int]]) -> None:
    LineageEdge.objects.bulk_create(
        [LineageEdge(source_id=source, target_id=target, level="structure") for source, target in pairs],
        ignore_conflicts=True,
    )


def ensure_jobs(names: Iterable[JobName], at: datetime) -> dict[JobName, LineageJob]:
    """The job behind each name, made where it is new."""
    wanted = {name.key: name for name in names}
    found = {job.key: job for job in LineageJob.objects.filter(key__in=wanted)}
    missing = sorted(wanted[key] for key in set(wanted) - set(found))
    if missing:
        LineageJob.objects.bulk_create(
            [
                LineageJob(namespace=name.namespace, name=name.name, key=name.key, first_seen=at, last_seen=at)
                for name in missing
            ],
            ignore_conflicts=True,
        )
        found |= {job.key: job for job in LineageJob.objects.filter(key__in=[name.key for name in missing])}
    return {name: found[key] for key, name in wanted.items()}

"""What events say of datasets beside their lineage: names, schemas, tags, words about them, and that they are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from registry.lineage.classification import class_of_tag
from registry.lineage.names import PlaceName
from registry.lineage.openlineage_facets import Assertion, ToldPlace
from registry.models import LineageAssertions, Person, Place
from registry.services.aliases import merge_places
from registry.services.lineage_runs import Told, read_stored
from registry.services.place_schemas import ToldSchema, tell_schemas
from registry.services.places import ensure_places


def write_places(
    told: Sequence[Told], places: dict[PlaceName, Place], *, actor: Person
) -> tuple[dict[PlaceName, Place], dict[int, list[str]]]:
    """Write all of it. Gives the places by name as they are afterwards, and notes by the row of the event."""
    places, notes = _merge(told, dict(places))
    tell_schemas(
        ToldSchema(places[place.name].pk, place.columns, item.event.event_time)
        for item in told
        for place in item.reading.places
        if place.columns is not None and not place.dropped
    )
    checks = []
    for item in told:
        for place in item.reading.places:
            if place.dropped:
                _drop(place.name, item.event.event_time)
            else:
                _describe(places[place.name], place, item.event.event_time)
            _tag(place, actor)
            if place.assertions and place.name in places:
                checks.append(LineageAssertions(place=places[place.name], event=item.event))
    if checks:
        LineageAssertions.objects.bulk_create(checks, ignore_conflicts=True)
    return places, notes


def _merge(told: Sequence[Told], places: dict[PlaceName, Place]) -> tuple[dict[PlaceName, Place], dict[int, list[str]]]:
    notes: defaultdict[int, list[str]] = defaultdict(list)
    merged = False
    for item in told:
        at = item.event.event_time
        for place in item.reading.places:
            others = [*place.aliases, *([place.previous] if place.previous else [])]
            if not others:
                continue
            found = ensure_places([place.name, *others], at)
            for name in others:
                if found[name].pk == found[place.name].pk:
                    continue
                keep = found[place.name] if name == place.previous else None
                _, note = merge_places(found[place.name], found[name], keep=keep)
                merged = True
                if note:
                    notes[item.event.pk].append(note)
                found = ensure_places([place.name, *others], at)
    if merged:
        # Every row that was read before may be out of date now.
        places = ensure_places(places, told[0].event.event_time)
    return places, notes


def _drop(name: PlaceName, at: datetime) -> None:
    place = ensure_places([name], at)[name]
    if at >= place.last_seen and (place.dropped_at is None or place.dropped_at < at):
        place.dropped_at = at
        place.save(update_fields=["dropped_at"])


def _describe(place: Place, told: ToldPlace, at: datetime) -> None:
    text = told.description
    if not text or (place.description == text and place.described_at is not None and place.described_at >= at):
        return
    later = place.described_at is None or (at, text) > (place.described_at, place.description)
    if later and place.version_id is None:
        place.description, place.described_at = text, at
        place.save(update_fields=["description", "described_at"])


def _tag(told: ToldPlace, actor: Person) -> None:
    from registry.services.classifications import record_tags

    tags: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for tag in told.tags:
        if class_of_tag((tag.key, tag.value)) is not None:
            tags[tag.column].append((tag.key, tag.value))
    for column, said in tags.items():
        record_tags(actor=actor, place=told.name, column=column or None, tags=said)


def assertions_of(place: Place, *, limit: int = 20) -> list[tuple[datetime, tuple[Assertion, ...]]]:
    """The results of checks on a place that events told of, the latest event first; at most ``limit`` events."""
    rows = LineageAssertions.objects.filter(place=place).select_related("event").order_by("-event__event_time", "-pk")
    found = []
    for row in rows[:limit]:
        results = [
            assertion
            for told in read_stored(row.event).places
            for assertion in told.assertions
            if ensure_places([told.name], row.event.event_time)[told.name].pk == place.pk
        ]
        found.append((row.event.event_time, tuple(results)))
    return found

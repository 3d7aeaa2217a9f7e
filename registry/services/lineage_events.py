"""Receiving OpenLineage events: kept as they are, then taken into the graph, all or nothing per request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from registry.canonical import parse_json, sha256_hex
from registry.errors import InvalidInput, NotAllowed
from registry.lineage.names import OUR_DATASETS, JobName, PlaceName
from registry.lineage.openlineage import Reading, at_index, read_event
from registry.lineage.openlineage_json import canonical_event, check_not_ahead, refuse
from registry.models import Dataset, LineageEvent, Person
from registry.selectors import use_cases_for
from registry.services.lineage_places import write_places
from registry.services.lineage_runs import FORMAT, RunWriter, Told, UnknownColumns, read_stored
from registry.services.places import chunks, jobs_seen, lock_lineage, places_seen
from registry.services.repeated_events import keep_repetition

MOST_EVENTS = 5_000
MOST_BYTES = 2_500_000
Times = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of one event: its digest, whether it was new, and what could not be read of it."""

    sha256: str
    new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of each event of a request, in its order."""

    events: tuple[Kept, ...]

    @property
    def new(self) -> int:
        """How many of them were not known yet."""
        return sum(event.new for event in self.events)


@dataclass(frozen=True, slots=True)
class _Sent:
    sha256: str
    body: bytes
    reading: Reading


def record_events(*, actor: Person, events: Sequence[bytes | Mapping[str, Any]], format: str = FORMAT) -> Receipt:
    """Keep events and take what they say into the graph.

    An event that was sent before is accepted and changes nothing. Events may come in any order and any number of times.
    No entry is written to the ledger for each: :func:`registry.services.sealing.seal_events` covers them together.

    Parameters
    ----------
    events
        JSON as bytes, or parsed.
    format
        ``openlineage``; other forms of lineage have services of their own.

    Raises
    ------
    NotAllowed
        Unless the actor is a service account or holds a role: lineage decides what may run.
    InvalidInput
        Where an event is malformed; ``field`` is the path in it (``$.outputs[0].name``), after the number of the event
        where there are several (``$[3].outputs[0].name``). Nothing of the request is kept then.
    """
    check_sender(actor)
    if format != FORMAT:
        raise InvalidInput(f"format is to be {FORMAT}", field="format")
    if len(events) > MOST_EVENTS:
        raise InvalidInput(f"a request holds at most {MOST_EVENTS} events; send them in parts", field="$")
    sent = _read_all(events)
    with transaction.atomic():
        lock_lineage()
        return (_repeat(actor, sent[0]) if len(sent) == 1 else None) or _record(actor, sent)


def _repeat(actor: Person, sent: _Sent) -> Receipt | None:
    """Take an event in the short way, if it goes."""
    new = keep_repetition(actor=actor, sha256=sent.sha256, body=sent.body, reading=sent.reading)
    return None if new is None else Receipt((Kept(sha256=sent.sha256, new=new, notes=sent.reading.notes),))


def check_sender(actor: Person) -> None:
    """Refuse who is neither a service account nor holds a role on a use case or model: lineage decides what may run.

    Raises
    ------
    NotAllowed
        To everybody else.
    """
    # Owning a dataset is not enough: anybody may register one.
    if not actor.is_service and not use_cases_for(actor).exists():
        raise NotAllowed("lineage is sent by service accounts, and by people who hold a role")


def _read_all(events: Sequence[bytes | Mapping[str, Any]]) -> list[_Sent]:
    now = timezone.now()
    sent = []
    for index, event in enumerate(events):
        try:
            sent.append(_read(event, now))
        except InvalidInput as error:
            if len(events) == 1:
                raise
            raise at_index(error, index) from error
    return sent


def _read(event: bytes | Mapping[str, Any], now: datetime) -> _Sent:
    if isinstance(event, bytes):
        if len(event) > MOST_BYTES:
            raise refuse("$", f"the event is larger than {MOST_BYTES} bytes")
        try:
            event = parse_json(event, what="the event")
        except InvalidInput as error:
            raise refuse("$", error.message) from error
    body = canonical_event(event)
    if len(body) > MOST_BYTES:
        raise refuse("$", f"the event is larger than {MOST_BYTES} bytes")
    reading = read_event(event)
    check_not_ahead(reading.at, now, "$.eventTime")
    return _Sent(sha256_hex(body), body, reading)


def _record(actor: Person, sent: Sequence[_Sent]) -> Receipt:
    _check_datasets(sent)
    known: set[str] = set()
    for part in chunks([item.sha256 for item in sent]):
        known |= set(LineageEvent.objects.filter(sha256__in=part).values_list("sha256", flat=True))
    fresh = {item.sha256: item for item in sent if item.sha256 not in known}
    notes = _take_in_new(actor, list(fresh.values())) if fresh else {}
    receipt = []
    for item in sent:
        new = item.sha256 in fresh
        receipt.append(Kept(sha256=item.sha256, new=new, notes=tuple(notes.get(item.sha256, ())) or item.reading.notes))
        fresh.pop(item.sha256, None)
    return Receipt(tuple(receipt))


def _check_datasets(sent: Sequence[_Sent]) -> None:
    """Registered datasets can be written only where they are registered."""
    written: dict[str, tuple[int, str]] = {}
    for index, item in enumerate(sent):
        for name, path in _written(item.reading):
            if name.namespace == OUR_DATASETS:
                written.setdefault(name.name, (index, path))
    if not written:
        return
    known = set(Dataset.objects.filter(slug__in=list(written)).values_list("slug", flat=True))
    for slug, (index, path) in written.items():
        if slug not in known:
            error = refuse(path, f"there is no registered dataset {slug!r}; register it before it is written")
            raise at_index(error, index) if len(sent) > 1 else error


def _written(reading: Reading) -> list[tuple[PlaceName, str]]:
    found = [(place.name, f"{place.path}.name") for place in reading.places if place.written]
    found += [(entry.place, f"{entry.path}.name") for entry in reading.made]
    for place in reading.places:
        found += [
            (alias, f"{place.path}.facets.symlinks.identifiers[{index}].name")
            for index, alias in enumerate(place.aliases)
        ]
        if place.previous is not None:
            found.append((place.previous, f"{place.path}.facets.lifecycleStateChange.previousIdentifier.name"))
    return found


def _take_in_new(actor: Person, sent: Sequence[_Sent]) -> dict[str, list[str]]:
    jobs = jobs_seen(_times((item.reading.job, item.reading.at) for item in sent))
    rows = LineageEvent.objects.bulk_create(
        [
            LineageEvent(
                sha256=item.sha256,
                body=item.body,
                format=FORMAT,
                kind=item.reading.kind,
                event_time=item.reading.at,
                run_id=item.reading.run_id,
                says=item.reading.says,
                job=jobs[item.reading.job],
                sent_by=actor,
                notes=list(item.reading.notes),
            )
            for item in sent
        ]
    )
    for item in sent:
        job = jobs[item.reading.job]
        if item.reading.job_description and job.description != item.reading.job_description:
            job.description = item.reading.job_description
            job.save(update_fields=["description"])
    told = [Told(row, item.reading) for row, item in zip(rows, sent, strict=True)]
    asked, notes = take_in(told, actor=actor)
    if asked:
        transaction.on_commit(lambda: _ask_queries(asked))
    for row in rows:
        if extra := notes.get(row.pk):
            row.notes = [*row.notes, *extra]
            row.save(update_fields=["notes"])
    return {row.sha256: row.notes for row in rows}


def _ask_queries(asked: Sequence[UnknownColumns]) -> None:
    from registry.lineage_tasks import read_query

    for question in asked:
        read_query.enqueue(question.event, question.place.namespace, question.place.name)


def take_in(told: Sequence[Told], *, actor: Person) -> tuple[list[UnknownColumns], dict[int, list[str]]]:
    """Take stored events, none of which was taken in before, into the graph; in the order of their rows.

    Returns
    -------
    tuple
        Of which places only a query can tell the columns; and notes for people by the row of the event.
    """
    runs = RunWriter(told, min(item.event.pk for item in told))
    when = _times((name, item.reading.at) for item in told for name in item.reading.names)
    places = places_seen(when)
    places, notes = write_places(told, places, actor=actor)
    return runs.write(places), notes


def _times(told: Any) -> dict[Any, Times]:
    found: defaultdict[JobName | PlaceName, list[datetime]] = defaultdict(list)
    for name, at in told:
        found[name].append(at)
    return {name: (min(times), max(times)) for name, times in found.items()}


def replay(events: Sequence[LineageEvent], *, actor: Person | None = None) -> list[UnknownColumns]:
    """Take events in that are stored but not in the graph; see ``manage.py rebuild_lineage``."""
    told = [Told(event, read_stored(event)) for event in events]
    return take_in(told, actor=actor or events[0].sent_by)[0] if told else []

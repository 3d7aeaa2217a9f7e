"""What runs state by all of their events together, and taking that into the graph."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max, Min

from registry.canonical import parse_json, sha256_hex
from registry.lineage.names import PlaceName
from registry.lineage.openlineage import Reading, read_event
from registry.lineage.openlineage_facets import Query
from registry.lineage.openlineage_runs import BY, RunLineage, lineage_of
from registry.lineage.statement import StatedEdge, digest_of_edges
from registry.models import LineageEvent, Place
from registry.services.lineage import edge_rows, tidied
from registry.services.places import chunks, ensure_places
from registry.services.statement_runs import Stream, StreamWriter, Word

FORMAT = "openlineage"
SQL = "sql"


class Unit(NamedTuple):
    """Events that speak together: those of one run of a job, or one event by itself (``run`` empty)."""

    job: int
    run: str
    event: int


class Slot(NamedTuple):
    """What a job says of a place (row numbers) at a time."""

    job: int
    place: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A stored event and what it says."""

    event: LineageEvent
    reading: Reading

    @property
    def unit(self) -> Unit:
        """With which others it speaks."""
        run = self.event.run_id
        return Unit(self.event.job_id or 0, run, 0 if run else self.event.pk)


@dataclass(slots=True)
class _Content:
    edges: set[StatedEdge] = field(default_factory=set)
    queries: list[Query] = field(default_factory=list)
    event: LineageEvent | None = None
    name: PlaceName | None = None


class UnknownColumns(NamedTuple):
    """An event whose query may tell of which columns a place is made."""

    event: int
    place: PlaceName


def read_stored(event: LineageEvent) -> Reading:
    """Read an event as it is kept."""
    return _read(event.body)


def _read(body: bytes | memoryview) -> Reading:
    return read_event(parse_json(bytes(body), what="event"))


def _stored_units(runs: Iterable[Unit], before: int) -> dict[Unit, list[Reading]]:
    """What the runs have said in events up to the row ``before``: each thing they said once, at its earliest time."""
    wanted = set(runs)
    found: defaultdict[Unit, list[Reading]] = defaultdict(list)
    for part in chunks(sorted(wanted)):
        rows = (
            LineageEvent.objects.filter(
                job__in={unit.job for unit in part},
                run_id__in={unit.run for unit in part},
                format=FORMAT,
                pk__lt=before,
            )
            .exclude(says="")
            .order_by()
            .values_list("job_id", "run_id", "says")
            .annotate(Min("event_time"), Max("pk"))
        )
        first = {pk: (Unit(job, run, 0), at) for job, run, _, at, pk in rows if Unit(job, run, 0) in wanted}
        bodies = LineageEvent.objects.filter(pk__in=list(first)).values_list("pk", "body") if first else ()
        for pk, body in bodies:
            unit, at = first[pk]
            found[unit].append(_at(_read(body), at))
    return found


def said_in_run(job: int, run: str) -> list[Reading]:
    """What the stored events of a run have said: each thing once, at its earliest time."""
    unit = Unit(job, run, 0)
    return _stored_units([unit], sys.maxsize).get(unit, [])


def _at(reading: Reading, at: datetime) -> Reading:
    return reading if reading.at == at else replace(reading, at=at)


def query_behind(told: Told, place: PlaceName) -> tuple[datetime, Query] | None:
    """The query that alone can tell of which columns the run of an event makes ``place``, and from when on it counts."""
    said = _stored_units([told.unit], told.event.pk + 1).get(told.unit) if told.unit.run else [told.reading]
    lineage = lineage_of(said or [])
    query = lineage.unknown.get(place) if lineage else None
    return (lineage.at, query) if lineage and query else None


class RunWriter:
    """Takes what new events state, together with the others of their runs, into the graph."""

    def __init__(self, told: Sequence[Told], before: int) -> None:
        self._before = before
        self._new: defaultdict[Unit, list[Told]] = defaultdict(list)
        for item in told:
            if item.event.says:
                self._new[item.unit].append(item)
        stored = _stored_units((unit for unit in self._new if unit.run), before)
        self.now: dict[Unit, RunLineage] = {}
        self._was: dict[Unit, RunLineage] = {}
        for unit, items in self._new.items():
            said = stored.get(unit, [])
            now = lineage_of([*said, *(item.reading for item in items)])
            was = lineage_of(said)
            if now is not None:
                self.now[unit] = now
            if was is not None:
                self._was[unit] = was

    def write(self, places: dict[PlaceName, Place]) -> list[UnknownColumns]:
        """Write it; gives the places of which only a query can tell the columns, where that may have changed."""
        rows = dict(places)
        affected = self._affected(rows)
        contents = self._contents(affected, rows)
        numbers = {place.pk: place for place in rows.values()}
        writer = StreamWriter(
            Stream(slot.job, slot.place, by) for slot in affected for by in (BY, SQL) if slot in contents
        )
        asked = []
        for slot in sorted(affected, key=lambda item: (item.at, item.job, item.place)):
            stream = Stream(slot.job, slot.place, BY)
            content = contents.get(slot)
            if content is None:
                writer.remove(stream, slot.at)
                continue
            changed = writer.put(stream, _word(content, numbers[slot.place], slot.at))
            if content.queries:
                if changed and content.event is not None and content.name is not None:
                    asked.append(UnknownColumns(content.event.pk, content.name))
                elif not changed:
                    _repeat_query(writer, slot)
            elif changed:
                _end_query(writer, slot)
        writer.flush()
        return asked

    def _affected(self, rows: dict[PlaceName, Place]) -> set[Slot]:
        """The slots in which something other may stand than before."""
        affected: set[Slot] = set()
        for unit, now in self.now.items():
            was = self._was.get(unit)
            if was is not None and (was.at, was.edges, was.unknown) == (now.at, now.edges, now.unknown):
                continue
            for lineage in (now, was) if was is not None else (now,):
                missing = [name for name in lineage.edges if name not in rows]
                if missing:
                    rows |= ensure_places(missing, lineage.at)
                affected |= {Slot(unit.job, rows[name].pk, lineage.at) for name in lineage.edges}
        return affected

    def _contents(self, affected: set[Slot], rows: dict[PlaceName, Place]) -> dict[Slot, _Content]:
        """What is to stand in each slot: all that is said there by any run, new or not."""
        contents: dict[Slot, _Content] = {}
        others = self._others_of_the_moment(affected)
        for unit, lineage in [*self.now.items(), *others.items()]:
            event = self._new[unit][-1].event if unit in self._new else None
            missing = [name for name in lineage.edges if name not in rows]
            if missing:
                rows |= ensure_places(missing, lineage.at)
            for name, edges in lineage.edges.items():
                slot = Slot(unit.job, rows[name].pk, lineage.at)
                if slot not in affected:
                    continue
                content = contents.setdefault(slot, _Content())
                content.edges |= {tidied(edge) for edge in edges}
                content.event = content.event or event
                if name in lineage.unknown:
                    content.queries.append(lineage.unknown[name])
                    content.name = name
        return contents

    def _others_of_the_moment(self, affected: set[Slot]) -> dict[Unit, RunLineage]:
        """Units that are not new and may have something to say in the same slots: those of the very same time."""
        moments = {(slot.job, slot.at) for slot in affected}
        rows = (
            LineageEvent.objects.filter(
                job__in={job for job, _ in moments},
                event_time__in={at for _, at in moments},
                format=FORMAT,
                pk__lt=self._before,
            )
            .exclude(says="")
            .values_list("job_id", "run_id", "pk", "event_time")
        )
        known = {
            Unit(job, run, 0 if run else pk) for job, run, pk, at in rows if (job, at) in moments
        } - self.now.keys()
        stored = _stored_units((unit for unit in known if unit.run), self._before)
        single = [unit.event for unit in known if not unit.run]
        for event in LineageEvent.objects.filter(pk__in=single) if single else ():
            stored[Unit(event.job_id or 0, "", event.pk)] = [read_stored(event)]
        found = {unit: lineage_of(said) for unit, said in stored.items()}
        return {unit: lineage for unit, lineage in found.items() if lineage is not None}


def _word(content: _Content, place: Place, at: datetime) -> Word:
    edges = frozenset(content.edges)
    return Word(at, said_digest(edges, content.queries), edge_rows(edges, place, at), content.event)


def said_digest(edges: frozenset[StatedEdge], queries: Iterable[Query]) -> str:
    """The digest of what is said of a place: by the edges, and by the queries that alone could tell more."""
    digest, texts = digest_of_edges(edges), sorted({f"{query.dialect}\0{query.sql}" for query in queries})
    # Another query is another word, even where inputs and outputs are the same: it may read other columns.
    return sha256_hex("\0".join([digest, *texts]).encode()) if texts else digest


def _repeat_query(writer: StreamWriter, slot: Slot) -> None:
    """The same query again: what was read out of it is said again, too."""
    stream = Stream(slot.job, slot.place, SQL)
    read, stated = writer.latest(stream), writer.latest(Stream(slot.job, slot.place, BY))
    if read is not None and stated is not None and stated.since <= read.seen < slot.at:
        writer.put(stream, Word(slot.at, read.digest, list))


def _end_query(writer: StreamWriter, slot: Slot) -> None:
    """The job tells its columns, or runs no query any more: what was read out of the last one holds no longer."""
    stream = Stream(slot.job, slot.place, SQL)
    read = writer.latest(stream)
    if read is not None and read.seen < slot.at:
        writer.put(stream, Word(slot.at, digest_of_edges(frozenset()), list))

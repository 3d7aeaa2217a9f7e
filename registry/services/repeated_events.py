"""The short way for an event that tells nothing new, as most do: known names, known schemas, the same lineage as before.

It does what :mod:`registry.services.lineage_events` does for any event, only with a handful of statements written by hand:
building a dozen queries costs more than all the rest of such an event. Whatever is not plainly a repetition is left to
the long way; nothing is written then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import BinaryField
from django.utils import timezone

from registry.lineage.classification import class_of_tag
from registry.lineage.names import PlaceName
from registry.lineage.openlineage import Reading
from registry.lineage.openlineage_facets import ToldPlace
from registry.lineage.openlineage_runs import BY, lineage_of
from registry.models import Person
from registry.services.lineage import tidied
from registry.services.lineage_runs import FORMAT, SQL, said_digest, said_in_run
from registry.services.place_schemas import ToldSchema

_OURS = "countersign:"
_MOST_PLACES = 100
_REMEMBERED = 4096
_BODY = BinaryField()
Key = TypeVar("Key")
Value = TypeVar("Value")

_KNOWN = """
    SELECT EXISTS (SELECT 1 FROM registry_lineageevent WHERE sha256 = %s),
        job.id, job.description, job.first_seen, job.last_seen,
        place.key, place.id, place.alias_of_id, place.version_id, place.dropped_at, place.first_seen, place.last_seen,
        place.description, place.described_at, told.id, told.digest, told.first_seen, told.last_seen
    FROM registry_lineagejob job
    LEFT JOIN registry_place place ON place.key IN ({})
    LEFT JOIN registry_lineageschema told ON told.place_id = place.id
    WHERE job.key = %s"""
_PLACE_FROM, _SCHEMA_FROM = 5, 14
_RUN = """
    SELECT says, MIN(event_time), 0 FROM registry_lineageevent
    WHERE job_id = %s AND run_id = %s AND format = %s AND says <> '' GROUP BY says
    UNION ALL
    SELECT says, event_time, 1 FROM registry_lineageevent
    WHERE job_id = %s AND event_time = %s AND format = %s AND says <> '' AND run_id <> %s"""
_LATEST = """
    SELECT place_id, "by", id, digest, since, seen FROM registry_lineagestatement
    WHERE job_id = %s AND place_id IN ({}) AND head_id IS NULL AND until IS NULL"""
_KEEP_EVENT = """
    INSERT INTO registry_lineageevent
        (sha256, body, format, kind, event_time, run_id, says, job_id, sent_by_id, received_at, notes)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_KEEP_STATEMENT = """
    INSERT INTO registry_lineagestatement (job_id, place_id, "by", digest, since, seen, head_id, event_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, (SELECT id FROM registry_lineageevent WHERE sha256 = %s))"""


class _Job(NamedTuple):
    pk: int
    description: str
    first_seen: datetime
    last_seen: datetime


class _Schema(NamedTuple):
    pk: int
    digest: str
    first_seen: datetime
    last_seen: datetime


@dataclass(slots=True)
class _Place:
    pk: int
    alias: bool
    version: int | None
    dropped: bool
    first_seen: datetime
    last_seen: datetime
    description: str
    described_at: datetime | None
    schemas: dict[str, _Schema] = field(default_factory=dict)


class _Head(NamedTuple):
    pk: int
    digest: str
    since: datetime
    seen: datetime


class _Follower(NamedTuple):
    """One more statement that says what the head of a run says."""

    place: int
    by: str
    head: _Head
    tells_event: bool


class _NewsError(Exception):
    """The event is not plainly a repetition."""


def keep_repetition(*, actor: Person, sha256: str, body: bytes, reading: Reading) -> bool | None:
    """Keep an event that repeats what is known already, and note that it did. The caller holds the lock on lineage.

    Returns
    -------
    bool or None
        Whether the event itself was new; None where it may tell something new, and nothing was done.
    """
    names = reading.names
    if not _is_plain(reading, names):
        return None
    wanted = {name.key: name for name in names}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN.format(_marks(len(wanted)) or "NULL"), [sha256, *wanted, reading.job.key])
        rows = cursor.fetchall()
        if not rows:
            return None
        kept, pk, description, first, last = rows[0][:_PLACE_FROM]
        if kept:
            return False
        job, says = _Job(pk, description, _utc(first), _utc(last)), reading.says
        try:
            places = _places(rows, wanted)
            writes = _Writes(reading.at)
            _see(job, places.values(), reading, writes)
            _tell(places, reading, writes)
            followers = _statements(cursor, job, places, reading, says) if says else []
        except _NewsError:
            return None
        writes.event(actor, sha256, body, reading, says, job)
        writes.statements(job, followers, sha256)
        writes.send(cursor)
    return True


def _is_plain(reading: Reading, names: set[PlaceName]) -> bool:
    """Whether it is an event of a run that could be a repetition, by itself."""
    return (
        reading.run_id != ""
        and len(names) <= _MOST_PLACES
        and not any(name.namespace.startswith(_OURS) for name in names)
        and not any(_tells_more(place) for place in reading.places)
    )


def _tells_more(place: ToldPlace) -> bool:
    return bool(
        place.aliases
        or place.previous
        or place.dropped
        or place.assertions
        or any(class_of_tag((tag.key, tag.value)) is not None for tag in place.tags)
    )


def _utc(value: Any) -> datetime:
    """A time as the database gives it: with its zone, or as SQLite does without, even as a text."""
    found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _marks(number: int) -> str:
    return ", ".join(["%s"] * number)


def _places(rows: Iterable[Sequence[Any]], wanted: Mapping[str, PlaceName]) -> dict[PlaceName, _Place]:
    """The places of all the names that are wanted, with their schemas; one schema in each row."""
    found: dict[PlaceName, _Place] = {}
    for row in rows:
        key, pk, alias, version, dropped, first, last, text, described = row[_PLACE_FROM:_SCHEMA_FROM]
        if key is None:
            continue
        place = found.get(wanted[key])
        if place is None:
            place = found[wanted[key]] = _Place(
                pk, alias is not None, version, dropped is not None, _utc(first), _utc(last), text,
                None if described is None else _utc(described),
            )  # fmt: skip
        schema, digest, first, last = row[_SCHEMA_FROM:]
        if schema is not None:
            place.schemas[digest] = _Schema(schema, digest, _utc(first), _utc(last))
    if len(found) < len(wanted):
        raise _NewsError
    return found


def _see(job: _Job, places: Iterable[_Place], reading: Reading, writes: _Writes) -> None:
    at = reading.at
    if at < job.first_seen or (reading.job_description and reading.job_description != job.description):
        raise _NewsError
    if at > job.last_seen:
        writes.times("UPDATE registry_lineagejob SET last_seen = %s WHERE id IN ({})", [job.pk])
    for place in places:
        if place.alias or place.dropped or at < place.first_seen:
            raise _NewsError
    seen = [place.pk for place in places if at > place.last_seen]
    writes.times("UPDATE registry_place SET last_seen = %s WHERE id IN ({})", seen)


def _tell(places: Mapping[PlaceName, _Place], reading: Reading, writes: _Writes) -> None:
    """Schemas and descriptions, which have to be the latest that are known."""
    at = reading.at
    schemas: dict[int, str] = {}
    bumped, described = [], []
    for told in reading.places:
        place = places[told.name]
        if text := told.description:
            if text != place.description or place.described_at is None or place.version is not None:
                raise _NewsError
            if place.described_at < at:
                described.append(place.pk)
        if told.columns is None:
            continue
        digest = ToldSchema(place.pk, told.columns, at).digest
        schema = place.schemas.get(digest)
        if schema is None or at < schema.first_seen or schemas.setdefault(place.pk, digest) != digest:
            raise _NewsError
        if at > schema.last_seen:
            if any(other.last_seen >= schema.last_seen for other in place.schemas.values() if other is not schema):
                raise _NewsError
            bumped.append(schema.pk)
    writes.times("UPDATE registry_lineageschema SET last_seen = %s WHERE id IN ({})", bumped)
    writes.times("UPDATE registry_place SET described_at = %s WHERE id IN ({})", described)


def _statements(
    cursor: Any, job: _Job, places: Mapping[PlaceName, _Place], reading: Reading, says: str
) -> list[_Follower]:
    """What is to be noted of the lineage: nothing, where the run has said it all before."""
    at, moment = reading.at, connection.ops.adapt_datetimefield_value(reading.at)
    cursor.execute(_RUN, [job.pk, reading.run_id, FORMAT, job.pk, moment, FORMAT, reading.run_id])
    rows = [(_utc(time), said, other) for said, time, other in cursor.fetchall()]
    before = sorted((time, said) for time, said, other in rows if not other)
    if before:
        # What the run says counts from its earliest event on; an earlier one, or one at the same time, may move it.
        if at <= before[-1][0] or not _adds_nothing(job.pk, tuple(said for _, said in before), says, reading):
            raise _NewsError
        return []
    if rows:
        raise _NewsError
    words = _words(says, reading)
    numbers = {places[name].pk: word for name, word in words.items()}
    return _followers(_latest(cursor, job, list(numbers)), numbers, at)


def _latest(cursor: Any, job: _Job, places: list[int]) -> dict[tuple[int, str], _Head]:
    if not places:
        return {}
    cursor.execute(_LATEST.format(_marks(len(places))), [job.pk, *places])
    return {
        (place, by): _Head(pk, digest, _utc(since), _utc(seen))
        for place, by, pk, digest, since, seen in cursor.fetchall()
    }


def _followers(
    latest: Mapping[tuple[int, str], _Head], words: Mapping[int, tuple[str, bool]], at: datetime
) -> list[_Follower]:
    found = []
    for place, (digest, asks) in words.items():
        stated, read = latest.get((place, BY)), latest.get((place, SQL))
        if stated is None or stated.digest != digest or at <= stated.seen:
            raise _NewsError
        found.append(_Follower(place, BY, stated, True))
        # The same query again: what was read out of it is said again, too.
        if asks and read is not None and stated.since <= read.seen < at:
            found.append(_Follower(place, SQL, read, False))
    return found


def _words(says: str, reading: Reading) -> dict[PlaceName, tuple[str, bool]]:
    """The digest of what is said of each place that is made, and whether only a query can tell its columns."""
    known = _WORDS.get(says)
    if known is not None:
        return known
    lineage = lineage_of([reading])
    found = {}
    for name, edges in lineage.edges.items() if lineage is not None else ():
        query = lineage.unknown.get(name) if lineage is not None else None
        digest = said_digest(frozenset(tidied(edge) for edge in edges), [query] if query else [])
        found[name] = (digest, query is not None)
    return _WORDS.keep(says, found)


def _adds_nothing(job: int, before: tuple[str, ...], says: str, reading: Reading) -> bool:
    """Whether a run that has said ``before``, in this order, says no more when it says ``says`` afterwards."""
    if says in before:
        return True
    known = _ADDITIONS.get((before, says))
    if known is not None:
        return known
    said = said_in_run(job, reading.run_id)
    was, now = lineage_of(said), lineage_of([*said, reading])
    return _ADDITIONS.keep(
        (before, says),
        was is not None and now is not None and (was.edges, was.unknown) == (now.edges, now.unknown),
    )


class _Memory(Generic[Key, Value]):
    """Answers that follow from digests alone, so that they never grow stale; forgotten when they become many."""

    def __init__(self) -> None:
        self._known: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The answer, if it is remembered."""
        return self._known.get(key)

    def keep(self, key: Key, answer: Value) -> Value:
        """Remember an answer."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = answer
        return answer


_WORDS: _Memory[str, dict[PlaceName, tuple[str, bool]]] = _Memory()
_ADDITIONS: _Memory[tuple[tuple[str, ...], str], bool] = _Memory()


class _Writes:
    """Statements to be sent together."""

    def __init__(self, at: datetime) -> None:
        self._at = connection.ops.adapt_datetimefield_value(at)
        self._statements: list[tuple[str, list[Any]]] = []

    def times(self, statement: str, rows: list[int]) -> None:
        """Set a time of rows to that of the event."""
        if rows:
            self._statements.append((statement.format(_marks(len(rows))), [self._at, *rows]))

    def event(self, actor: Person, sha256: str, body: bytes, reading: Reading, says: str, job: _Job) -> None:
        """Keep the event itself."""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        kept = _BODY.get_db_prep_value(body, connection)
        row = [sha256, kept, FORMAT, reading.kind, self._at, reading.run_id, says, job.pk, actor.pk, now]
        self._statements.append((_KEEP_EVENT, [*row, json.dumps(list(reading.notes))]))

    def statements(self, job: _Job, followers: Iterable[_Follower], sha256: str) -> None:
        """Note that heads of runs were said again."""
        heads = []
        for place, by, head, tells_event in followers:
            row = [job.pk, place, by, head.digest, self._at, self._at, head.pk, sha256 if tells_event else ""]
            self._statements.append((_KEEP_STATEMENT, row))
            heads.append(head.pk)
        self.times("UPDATE registry_lineagestatement SET seen = %s WHERE id IN ({})", heads)

    def send(self, cursor: Any) -> None:
        """Send all of them; to PostgreSQL in one message, which SQLite does not take."""
        if connection.vendor == "postgresql":
            together = ";".join(statement for statement, _ in self._statements)
            cursor.execute(together, [value for _, values in self._statements for value in values])
            return
        for statement, values in self._statements:
            cursor.execute(statement, values)

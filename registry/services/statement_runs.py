"""The stream of what one job says of one place: statements in the order of their time, equal ones in runs.

The head of a run holds its edges; the others only point to it. Taking a statement in or out touches no more than the
runs beside it, so that a late word costs the same however long the stream is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from registry.models import LineageEdge, LineageEvent, LineageStatement
from registry.services.places import update_rows

EDGE_FIELDS = ("source_id", "target_id", "level", "manner", "subtype", "masking", "treatment", "description")


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """What the job ``job`` says of ``place``, as told by ``by``; both by row number."""

    job: int
    place: int
    by: str

    @property
    def rows(self) -> QuerySet[LineageStatement]:
        """All of its statements."""
        return LineageStatement.objects.filter(job=self.job, place=self.place, by=self.by)


@dataclass(frozen=True, slots=True)
class Word:
    """One statement to take in. ``edges`` makes its rows, and is called only where they are needed."""

    at: datetime
    digest: str
    edges: Callable[[], list[LineageEdge]]
    event: LineageEvent | None = None


class StreamWriter:
    """Takes statements into streams. Repetitions of the latest word are gathered and written at :meth:`flush`."""

    def __init__(self, streams: Iterable[Stream] = ()) -> None:
        self._latest: dict[Stream, LineageStatement | None] = {}
        self._repeated: list[LineageStatement] = []
        self._seen: dict[int, LineageStatement] = {}
        self._read(set(streams))

    def _read(self, streams: set[Stream]) -> None:
        rows = LineageStatement.objects.filter(
            job__in={stream.job for stream in streams},
            place__in={stream.place for stream in streams},
            head__isnull=True,
            until__isnull=True,
        )
        self._latest |= dict.fromkeys(streams)
        if streams:
            self._latest |= {Stream(row.job_id, row.place_id, row.by): row for row in rows}

    def latest(self, stream: Stream) -> LineageStatement | None:
        """The head of the last run of a stream; None where there is nothing in it."""
        if stream not in self._latest:
            self._read({stream})
        return self._latest[stream]

    def put(self, stream: Stream, word: Word) -> bool:
        """Let the stream say ``word`` at its time, whatever it said then. Gives whether edges may have changed."""
        latest = self.latest(stream)
        if latest is None:
            self._latest[stream] = _begin(stream, word, None)
            return True
        if word.at > latest.seen:
            if latest.digest == word.digest:
                self._repeated.append(_row(stream, word, latest))
                latest.seen = word.at
                self._seen[latest.pk] = latest
                return False
            self.flush()
            _end(latest, word.at)
            self._latest[stream] = _begin(stream, word, None)
            return True
        self.flush()
        here = stream.rows.filter(since=word.at).select_related("head").first()
        if here is not None and here.digest == word.digest:
            return False
        if here is not None:
            _take_out(stream, here)
        _take_in(stream, word)
        self._forget(stream)
        return True

    def remove(self, stream: Stream, at: datetime) -> None:
        """Let the stream say nothing at a time."""
        self.flush()
        here = stream.rows.filter(since=at).select_related("head").first()
        if here is not None:
            _take_out(stream, here)
            self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        self._latest.pop(stream, None)

    def flush(self) -> None:
        """Write what was gathered."""
        LineageStatement.objects.bulk_create(self._repeated)
        update_rows(LineageStatement, list(self._seen.values()), ("seen",))
        self._repeated, self._seen = [], {}


def copy_edge(edge: LineageEdge) -> LineageEdge:
    """The same edge, of no statement yet."""
    return LineageEdge(**{field: getattr(edge, field) for field in EDGE_FIELDS})


def save_edges(head: LineageStatement, edges: Iterable[LineageEdge]) -> None:
    """Write edges as those of a run."""
    made = list(edges)
    for edge in made:
        edge.statement, edge.since, edge.until = head, head.since, head.until
    LineageEdge.objects.bulk_create(made)


def _row(stream: Stream, word: Word, head: LineageStatement | None) -> LineageStatement:
    return LineageStatement(
        job_id=stream.job,
        place_id=stream.place,
        by=stream.by,
        digest=word.digest,
        since=word.at,
        seen=word.at,
        head=head,
        event=word.event,
    )


def _begin(stream: Stream, word: Word, until: datetime | None) -> LineageStatement:
    head = _row(stream, word, None)
    head.until = until
    head.save()
    save_edges(head, word.edges())
    return head


def _end(head: LineageStatement, until: datetime | None) -> None:
    head.until = until
    head.save(update_fields=["until"])
    head.edges.update(until=until)


def _head_before(stream: Stream, at: datetime) -> LineageStatement | None:
    row = stream.rows.filter(since__lt=at).order_by("-since").select_related("head").first()
    return row and (row.head or row)


def _take_out(stream: Stream, row: LineageStatement) -> None:
    at = row.since
    before = stream.rows.filter(since__lt=at).order_by("-since").first()
    if row.head is not None:
        head = row.head
        row.delete()
        if head.seen == at and before is not None:
            head.seen = before.since
            head.save(update_fields=["seen"])
        return
    heir = row.followers.order_by("since").first()
    if heir is not None:
        _inherit(row, heir)
        row.delete()
    else:
        row.edges.all().delete()
        row.delete()
    previous = _head_before(stream, at)
    following = stream.rows.filter(since__gt=at).order_by("since").first()
    if previous is None:
        return
    if following is not None and following.digest == previous.digest:
        _join(previous, following)
    else:
        _end(previous, following.since if following else None)


def _inherit(head: LineageStatement, heir: LineageStatement) -> None:
    """The next statement of a run becomes its head."""
    heir.head, heir.until, heir.seen = None, head.until, head.seen
    heir.save()
    head.edges.update(statement=heir, since=heir.since)
    head.followers.exclude(pk=heir.pk).update(head=heir)


def _join(previous: LineageStatement, following: LineageStatement) -> None:
    """Two runs that say the same become one."""
    following.edges.all().delete()
    previous.seen = following.seen
    previous.save(update_fields=["seen"])
    _end(previous, following.until)
    following.followers.update(head=previous)
    following.head, following.until, following.seen = previous, None, following.since
    following.save()


def _take_in(stream: Stream, word: Word) -> None:
    """Take a word in at a time at which the stream says nothing."""
    before = stream.rows.filter(since__lt=word.at).order_by("-since").select_related("head").first()
    after = stream.rows.filter(since__gt=word.at).order_by("since").select_related("head").first()
    previous = before and (before.head or before)
    if previous is not None and previous.digest == word.digest:
        _row(stream, word, previous).save()
        if word.at > previous.seen:
            previous.seen = word.at
            previous.save(update_fields=["seen"])
        return
    if before is not None and previous is not None and after is not None and after.head_id == previous.pk:
        _split(previous, after, before.since)
    if previous is not None:
        _end(previous, word.at)
    if after is not None and after.digest == word.digest:
        head = _row(stream, word, None)
        head.save()
        # The edges are there already; but their columns are known from an earlier time on now.
        word.edges()
        _inherit_back(head, after)
    else:
        _begin(stream, word, after.since if after else None)


def _split(head: LineageStatement, after: LineageStatement, last: datetime) -> None:
    """The later part of a run becomes a run of its own, from ``after`` on."""
    after.head, after.until, after.seen = None, head.until, head.seen
    after.save()
    save_edges(after, [copy_edge(edge) for edge in head.edges.all()])
    head.followers.filter(since__gt=after.since).update(head=after)
    head.seen = last
    head.save(update_fields=["seen"])


def _inherit_back(head: LineageStatement, later: LineageStatement) -> None:
    """An earlier statement becomes the head of a run that says the same."""
    head.until, head.seen = later.until, later.seen
    head.save()
    later.edges.update(statement=head, since=head.since)
    later.followers.update(head=head)
    later.head, later.until, later.seen = head, None, later.since
    later.save()

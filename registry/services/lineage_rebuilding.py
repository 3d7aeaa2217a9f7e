"""Making the graph again from the events as they were kept."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from registry.models import LineageEdge, LineageEvent, LineageStatement, Person
from registry.services.job_queries import read_query_of
from registry.services.lineage_events import replay
from registry.services.lineage_runs import FORMAT
from registry.services.places import lock_lineage

_BATCH = 500


def rebuild_lineage(*, actor: Person | None = None, batch: int = _BATCH) -> int:
    """Throw away what OpenLineage events stated, and take the kept events in again, in the order of their arrival.

    One transaction: nobody sees a graph that is half made, and nobody sends events meanwhile. What manifests, imports
    and people stated stays, as do the names, aliases and classifications of places.

    Parameters
    ----------
    actor
        In whose name new classifications by tags are noted; whoever sent the event unless given.
    batch
        How many events are taken in at a time.

    Returns
    -------
    int
        How many events were taken in.
    """
    with transaction.atomic():
        lock_lineage()
        _forget()
        number = 0
        for events in _batches(batch):
            number += len(events)
            for question in replay(events, actor=actor):
                read_query_of(event=question.event, place=question.place)
        return number


def _forget() -> None:
    told = LineageStatement.objects.filter(event__format=FORMAT)
    LineageEdge.objects.filter(statement__event__format=FORMAT).delete()
    told.exclude(head=None).delete()
    told.delete()


def _batches(size: int) -> Iterator[list[LineageEvent]]:
    last = 0
    while events := list(
        LineageEvent.objects.filter(format=FORMAT, pk__gt=last).select_related("sent_by").order_by("pk")[:size]
    ):
        yield events
        last = events[-1].pk

"""Events that are received become a graph: runs add up, late ones take their place, and saying it twice changes nothing."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from registry.errors import InvalidInput
from registry.models import LineageColumn, LineageEdge, LineageEvent, LineageStatement, Place
from registry.services.lineage_events import record_events
from tests.registry.openlineage_cases import CRM, MART, T0, column_lineage, dataset, event, schema

pytestmark = pytest.mark.django_db


def graph() -> list[tuple]:
    """Every edge that is no structure, by names, with the times from which and until which it counts."""
    rows = LineageEdge.objects.exclude(level="structure").select_related("source__place", "target__place", "statement")
    return sorted(
        (
            f"{row.source.place.name}.{row.source.name}", f"{row.target.place.name}.{row.target.name}", row.level, row.manner,
            row.subtype, row.masking, (row.since - T0).total_seconds() / 3600,
            (row.until - T0).total_seconds() / 3600 if row.until else None,
        )
        for row in rows
    )  # fmt: skip


def brief() -> list[str]:
    """The edges that count now, as ``source -> target``."""
    return [f"{row[0]} -> {row[1]}" for row in graph() if row[-1] is None]


def test_a_column_is_made_from_a_column(emitter):
    mart = dataset(MART, columnLineage=column_lineage(income=[(CRM, "salary")]))
    record_events(actor=emitter, events=[event("COMPLETE", inputs=[dataset(CRM)], outputs=[mart])])
    assert graph() == [("customers.salary", "applicants.income", "column", "direct", "IDENTITY", False, 0, None)]


def test_without_column_facts_the_whole_is_made_from_the_whole(emitter):
    record_events(actor=emitter, events=[event("COMPLETE", inputs=[dataset(CRM)], outputs=[dataset(MART)])])
    assert graph() == [("customers.", "applicants.", "dataset", "direct", "", False, 0, None)]


def test_an_input_that_the_column_facts_leave_out_still_counts(emitter):
    mart = dataset(MART, columnLineage=column_lineage(income=[(CRM, "salary")]))
    record_events(actor=emitter, events=[event("COMPLETE", inputs=[dataset(CRM), dataset("rates")], outputs=[mart])])
    assert brief() == ["customers.salary -> applicants.income", "rates. -> applicants."]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_events_of_a_run_add_up_in_any_order(emitter, order):
    events = [
        event("START", 0, inputs=[dataset(CRM)]),
        event("RUNNING", 1, inputs=[dataset("rates")]),
        event("COMPLETE", 2, outputs=[dataset(MART, columnLineage=column_lineage(income=[(CRM, "salary")]))]),
    ]
    for index in order:
        record_events(actor=emitter, events=[events[index]])
    assert graph() == [
        ("customers.salary", "applicants.income", "column", "direct", "IDENTITY", False, 0, None),
        ("rates.", "applicants.", "dataset", "direct", "", False, 0, None),
    ]


def test_what_failed_has_made_nothing(emitter):
    for kind in ("FAIL", "ABORT"):
        record_events(actor=emitter, events=[event(kind, inputs=[dataset(CRM)], outputs=[dataset(MART)])])
    assert graph() == []
    assert LineageEvent.objects.count() == 2


def test_an_event_that_is_sent_twice_is_kept_once(emitter):
    sent = event("COMPLETE", inputs=[dataset(CRM)], outputs=[dataset(MART)])
    first = record_events(actor=emitter, events=[sent])
    again = record_events(actor=emitter, events=[json.dumps(sent, indent=3).encode(), sent])
    assert (first.new, again.new) == (1, 0)
    assert {kept.sha256 for kept in again.events} == {first.events[0].sha256}
    assert (LineageEvent.objects.count(), len(graph())) == (1, 1)


def test_a_repeated_run_adds_no_edges_but_is_seen(emitter):
    for day in range(4):
        sent = event("COMPLETE", 24 * day, run=day, inputs=[dataset(CRM)], outputs=[dataset(MART)])
        record_events(actor=emitter, events=[sent])
    assert len(graph()) == 1
    assert LineageStatement.objects.get(head=None).seen == T0 + timedelta(days=3)
    assert LineageStatement.objects.count() == 4


def test_nothing_of_a_request_is_kept_if_one_event_is_wrong(emitter):
    good = event("COMPLETE", inputs=[dataset(CRM)], outputs=[dataset(MART)])
    with pytest.raises(InvalidInput) as caught:
        record_events(actor=emitter, events=[good, {**good, "eventTime": "yesterday"}])
    assert caught.value.field == "$[1].eventTime"
    assert not LineageEvent.objects.exists()
    assert not Place.objects.exists()


def test_an_event_from_the_future_is_refused(emitter):
    ahead = {**event("COMPLETE"), "eventTime": (datetime.now(UTC) + timedelta(days=2)).isoformat()}
    with pytest.raises(InvalidInput) as caught:
        record_events(actor=emitter, events=[ahead])
    assert caught.value.field == "$.eventTime"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_columns_are_dropped_and_come_back_in_any_order(emitter, order):
    events = [
        event("COMPLETE", hour, run=hour, outputs=[dataset(MART, schema=schema(*columns))])
        for hour, columns in enumerate((["x", "y"], ["x"], ["x", "y", "z"], ["x", "z"]))
    ]
    for index in order:
        record_events(actor=emitter, events=[events[index]])
    dropped = {row.name: row.dropped_at for row in LineageColumn.objects.filter(role="column")}
    assert dropped == {"x": None, "y": T0 + timedelta(hours=3), "z": None}


def test_a_dropped_place_is_gone_until_it_is_told_of_again(emitter):
    gone = dataset(MART, lifecycleStateChange={"lifecycleStateChange": "DROP"})
    record_events(actor=emitter, events=[event("COMPLETE", 0, outputs=[dataset(MART)])])
    record_events(actor=emitter, events=[event("COMPLETE", 2, run=2, outputs=[gone])])
    assert Place.objects.get(name=MART).dropped_at == T0 + timedelta(hours=2)
    record_events(actor=emitter, events=[event("COMPLETE", 1, run=3, outputs=[dataset(MART)])])
    assert Place.objects.get(name=MART).dropped_at == T0 + timedelta(hours=2)
    record_events(actor=emitter, events=[event("COMPLETE", 3, run=4, outputs=[dataset(MART)])])
    assert Place.objects.get(name=MART).dropped_at is None

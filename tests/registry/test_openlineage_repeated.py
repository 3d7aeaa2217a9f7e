"""The short way for repeated events leaves behind what the long way does, and is taken where it can be."""

import random
from datetime import timedelta

import pytest

from registry.models import LineageEvent, LineageStatement
from registry.services import lineage_events
from registry.services.lineage_events import record_events
from registry.services.repeated_events import keep_repetition
from tests.registry.openlineage_cases import T0, column_lineage, dataset, event, schema
from tests.registry.test_openlineage_order import forget_everything, whole_graph

pytestmark = pytest.mark.django_db
SQL = {"sql": {"query": "SELECT * FROM a"}}


def nights(seed: int, number: int = 60) -> list[dict]:
    """Runs of three jobs, mostly alike; some change, fail, come late or twice, or tell more."""
    draw = random.Random(seed)
    made = []
    for run in range(number):
        job, hour = run % 3, run + (draw.choice([-7, 0]) if draw.random() < 0.1 else 0)
        source, target = f"source_{job}", f"target_{job}"
        facets = {"schema": schema("x", "y", *(["z"] if draw.random() < 0.1 else []))}
        if job != 2:
            facets["columnLineage"] = column_lineage(x=[(source, "x" if draw.random() < 0.9 else "y")])
        if job == 1 or draw.random() < 0.1:
            facets["documentation"] = {"description": "two" if draw.random() < 0.1 else "one"}
        if draw.random() < 0.05:
            facets["lifecycleStateChange"] = {"lifecycleStateChange": "DROP"}
        if draw.random() < 0.05:
            facets["symlinks"] = {"identifiers": [{"namespace": "s3://lake", "name": target, "type": "TABLE"}]}
        said = {
            "run": run,
            "job": f"job_{job}",
            "outputs": [dataset(target, **facets)],
            "job_facets": SQL if job == 2 and draw.random() < 0.8 else None,
        }
        made.append(event("START", hour, inputs=[dataset(source, schema=schema("x", "y"))], **said))
        made.append(event("FAIL" if draw.random() < 0.1 else "COMPLETE", hour + draw.choice([0, 0.5, 0.5]), **said))
        if draw.random() < 0.2:
            made.append(draw.choice(made))
    return made


def kept() -> list[tuple]:
    rows = LineageEvent.objects.order_by("sha256").select_related("job", "sent_by")
    return [
        (row.sha256, bytes(row.body), row.format, row.kind, row.event_time, row.run_id, row.says, str(row.job),
         row.sent_by_id, row.notes, row.sealed_in)
        for row in rows
    ]  # fmt: skip


def told_by() -> list[tuple[str, str | None]]:
    """Which event each statement came with."""
    return sorted(
        (str(row), row.event and row.event.sha256) for row in LineageStatement.objects.select_related("event")
    )


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_lead_to_the_same(emitter, monkeypatch, seed):
    listed, short = nights(seed), []

    def watched(**given):
        short.append(keep_repetition(**given))
        return short[-1]

    monkeypatch.setattr(lineage_events, "keep_repetition", watched)
    receipts = [record_events(actor=emitter, events=[item]) for item in listed]
    got = whole_graph(), kept(), told_by()
    assert short.count(True) > len(listed) // 4
    assert None in short
    forget_everything()
    monkeypatch.setattr(lineage_events, "keep_repetition", lambda **given: None)
    assert [record_events(actor=emitter, events=[item]) for item in listed] == receipts
    assert (whole_graph(), kept(), told_by()) == got


def test_a_repeated_run_costs_few_queries(emitter, django_assert_max_num_queries):
    def night(hour, run, kind):
        made = dataset("mart", schema=schema("x"), columnLineage=column_lineage(x=[("raw", "x")]))
        return event(kind, hour, run=run, inputs=[dataset("raw", schema=schema("x"))], outputs=[made])

    record_events(actor=emitter, events=[night(0, 0, "START")])
    with django_assert_max_num_queries(12):
        record_events(actor=emitter, events=[night(24, 1, "START")])
    with django_assert_max_num_queries(9):
        record_events(actor=emitter, events=[night(25, 1, "COMPLETE")])
    head = LineageStatement.objects.get(head=None)
    assert head.seen == T0 + timedelta(hours=24)
    assert head.followers.get().since == T0 + timedelta(hours=24)


def test_the_same_event_again_is_not_new(emitter):
    said = event("COMPLETE", 1, outputs=[dataset("mart", schema=schema("x"))])
    assert [record_events(actor=emitter, events=[said]).new for _ in range(3)] == [1, 0, 0]
    assert LineageEvent.objects.count() == 1

"""SQL that an event brings along tells the columns, where its sender does not."""

import pytest

from registry.models import LineageEdge, LineageEvent, LineageStatement, Person
from registry.services.lineage_events import record_events
from registry.services.lineage_rebuilding import rebuild_lineage
from tests.registry.openlineage_cases import column_lineage, dataset, event, schema
from tests.scenario import run_tasks

pytestmark = pytest.mark.django_db


def made_with(query: str, hour=0, **facets) -> dict:
    return event(
        hour=hour, run=hour, inputs=[dataset("shop.public.customers", schema=schema("id", "mail", "salary"))],
        outputs=[dataset("shop.public.mart", **facets)], job_facets={"sql": {"query": query, "dialect": "postgresql"}},
    )  # fmt: skip


def now() -> set[str]:
    rows = (
        LineageEdge.objects.exclude(level="structure")
        .filter(until=None)
        .select_related("source", "target", "statement")
    )
    return {f"{row.source.name} -> {row.target.name} ({row.statement.by})" for row in rows}


@pytest.fixture
def send(emitter, django_capture_on_commit_callbacks):
    def record(*events):
        with django_capture_on_commit_callbacks(execute=True):
            receipt = record_events(actor=emitter, events=events)
        run_tasks()
        return receipt

    return record


INCOME = "INSERT INTO public.mart (income) SELECT salary FROM public.customers"
MAIL = "INSERT INTO public.mart (income) SELECT mail FROM public.customers"


def test_until_the_query_is_read_the_whole_is_known_and_then_the_columns(emitter, send):
    record_events(actor=emitter, events=[made_with(INCOME)])
    assert now() == {" ->  (openlineage)"}
    send(made_with(INCOME, 1))
    rebuild_lineage(actor=Person.objects.get(pk=emitter.pk))
    assert now() == {"salary -> income (sql)"}


def test_a_repeated_query_is_seen_and_another_replaces_it(send):
    send(made_with(INCOME), made_with(INCOME, 1))
    send(made_with(INCOME, 2))
    assert now() == {"salary -> income (sql)"}
    assert len(set(LineageStatement.objects.filter(head=None).values_list("seen", flat=True))) == 1
    send(made_with(MAIL, 3))
    assert now() == {"mail -> income (sql)"}


def test_columns_that_the_sender_tells_end_what_was_read(send):
    send(made_with(INCOME))
    facet = column_lineage(income=[("shop.public.customers", "id")])
    send(made_with(INCOME, 1, columnLineage=facet))
    assert now() == {"id -> income (openlineage)"}


def test_what_cannot_be_parsed_stays_known_as_a_whole(send):
    send(made_with("SELEC nothing FRM"))
    assert now() == {" ->  (openlineage)"}
    event_row = LineageEvent.objects.get()
    assert "SQL" in event_row.notes[0]

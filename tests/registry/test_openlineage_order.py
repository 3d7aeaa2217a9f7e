"""Whatever order events come in, alone or in batches, the graph is the same; and it can be made again from them."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry.models import (
    LineageColumn,
    LineageEdge,
    LineageEvent,
    LineageJob,
    LineageSchema,
    LineageStatement,
    Place,
)
from registry.services.lineage_events import record_events
from tests.registry.openlineage_cases import T0, column_lineage, dataset, event, schema

pytestmark = pytest.mark.django_db
TABLES = ("a", "b", "c", "d")
COLUMNS = ("x", "y")
names = st.sampled_from(TABLES)


def whole_graph() -> dict[str, list]:
    """All that is derived from events, by names and times alone."""
    edges = LineageEdge.objects.select_related(
        "source__place", "target__place", "statement__job", "statement__place", "statement"
    )
    statements = LineageStatement.objects.select_related("job", "place", "head")
    return {
        "edges": sorted(
            [
                [str(row.source), row.source.role, str(row.target), row.target.role, row.level, row.manner, row.subtype,
                 str(row.treatment), str(row.since), str(row.until), str(row.statement)]
                for row in edges
            ]
        ),
        "statements": sorted(
            [str(row), row.digest, str(row.until), str(row.head), str(row.seen if row.head is None else "")]
            for row in statements
        ),
        "columns": sorted(
            [str(row), row.role, row.type, str(row.dropped_at), str(row.first_seen)]
            for row in LineageColumn.objects.select_related("place")
        ),
        "places": sorted(
            [str(row), row.description, str(row.dropped_at), str(row.first_seen), str(row.last_seen), str(row.alias_of)]
            for row in Place.objects.select_related("alias_of")
        ),
        "jobs": sorted([str(row), str(row.first_seen), str(row.last_seen)] for row in LineageJob.objects.all()),
        "schemas": sorted([str(row), row.digest, str(row.last_seen)] for row in LineageSchema.objects.all()),
    }  # fmt: skip


def forget_everything() -> None:
    LineageEdge.objects.all().delete()
    LineageStatement.objects.exclude(head=None).delete()
    LineageStatement.objects.all().delete()
    LineageSchema.objects.all().delete()
    LineageColumn.objects.all().delete()
    LineageEvent.objects.all().delete()
    LineageJob.objects.all().delete()
    Place.objects.exclude(alias_of=None).delete()
    Place.objects.all().delete()


@st.composite
def outputs(draw):
    facets = {}
    if draw(st.booleans()):
        facets["schema"] = schema(*draw(st.sets(st.sampled_from(("x", "y", "z")), min_size=1)))
    if draw(st.booleans()):
        facets["columnLineage"] = column_lineage(
            **{
                column: [(draw(names), draw(st.sampled_from(COLUMNS)))]
                for column in draw(st.sets(st.sampled_from(COLUMNS)))
            }
        )
    if draw(st.integers(0, 9)) == 0:
        facets["lifecycleStateChange"] = {"lifecycleStateChange": "DROP"}
    if draw(st.integers(0, 4)) == 0:
        facets["documentation"] = {"description": draw(st.sampled_from(("one", "two")))}
    return dataset(draw(names), **facets)


@st.composite
def events(draw):
    return event(
        draw(st.sampled_from(("START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL"))),
        draw(st.integers(0, 5)),
        run=draw(st.integers(0, 3)),
        job=draw(st.sampled_from(("daily", "hourly"))),
        inputs=[dataset(name) for name in draw(st.lists(names, max_size=2))],
        outputs=draw(st.lists(outputs(), max_size=2)),
    )


@given(data=st.data(), listed=st.lists(events(), min_size=1, max_size=8))
@settings(
    max_examples=40, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_order_and_the_batches_do_not_matter(emitter, data, listed):
    actor = emitter
    forget_everything()
    record_events(actor=actor, events=listed)
    expected = whole_graph()
    forget_everything()
    order = data.draw(st.permutations(listed))
    while order:
        size = data.draw(st.integers(1, len(order)))
        record_events(actor=actor, events=order[:size])
        order = order[size:]
    got = whole_graph()
    for key in got:
        assert got[key] == expected[key], key


@given(listed=st.lists(events(), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_graph_can_be_made_again_from_the_events(emitter, listed):
    from registry.services.lineage_rebuilding import rebuild_lineage

    forget_everything()
    record_events(actor=emitter, events=listed[::2])
    for item in listed[1::2]:
        record_events(actor=emitter, events=[item])
    before = whole_graph()
    rebuild_lineage(actor=emitter, batch=3)
    assert whole_graph() == before


def test_the_time_of_a_run_moves_to_its_earliest_event(emitter):
    mart = dataset("b", columnLineage=column_lineage(x=[("a", "x")]))
    record_events(actor=emitter, events=[event("COMPLETE", 5, outputs=[mart])])
    record_events(actor=emitter, events=[event("START", 2, inputs=[dataset("a")])])
    (row,) = LineageStatement.objects.all()
    assert row.since == T0 + timedelta(hours=2)

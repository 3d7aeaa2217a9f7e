"""What jobs state of places becomes a graph: each job's latest word counts, from the moment of it, in whatever order it came."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from registry.lineage.names import JobName, PlaceName
from registry.lineage.statement import StatedEdge, Statement
from registry.models import LineageColumn, LineageEdge
from registry.services.lineage import apply_statements

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 11, 1, tzinfo=UTC)
CRM, MART = PlaceName("pg://crm", "public.customers"), PlaceName("pg://mart", "public.applicants")
JOB = JobName("airflow", "daily.applicants")


def said(day: int, *columns: str, job: JobName = JOB, schema=None) -> Statement:
    """On a day the job says that ``x`` is made from these columns of the CRM."""
    edges = tuple(StatedEdge(source=CRM, source_column=name, target_column="x") for name in columns)
    return Statement(job=job, place=MART, at=T0 + timedelta(days=day), by="openlineage", edges=edges, columns=schema)


def history() -> list[tuple[str, str, int, int | None]]:
    """Every edge that is no structure: source, target, first day, last day."""
    found = LineageEdge.objects.exclude(level="structure").select_related("source", "target")
    return sorted(
        (
            edge.source.name,
            edge.target.name,
            (edge.since - T0).days,
            (edge.until - T0).days if edge.until else None,
        )
        for edge in found
    )


def test_the_latest_word_of_a_job_counts_and_the_earlier_one_stays_known():
    apply_statements([said(1, "a", "b"), said(3, "a")])
    assert history() == [("a", "x", 1, 3), ("a", "x", 3, None), ("b", "x", 1, 3)]


def test_saying_the_same_again_adds_no_edges_but_is_seen():
    apply_statements([said(1, "a"), said(2, "a"), said(5, "a")])
    assert history() == [("a", "x", 1, None)]
    head = LineageEdge.objects.exclude(level="structure").get().statement
    assert head.seen == T0 + timedelta(days=5)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_which_statements_arrive_does_not_matter(order):
    statements = [said(1, "a"), said(2, "b"), said(3, "a"), said(4, "a", "c")]
    for index in order:
        apply_statements([statements[index]])
    assert history() == [("a", "x", 1, 2), ("a", "x", 3, 4), ("a", "x", 4, None), ("b", "x", 2, 3), ("c", "x", 4, None)]


def test_two_words_of_one_moment_add_up():
    apply_statements([said(1, "a")])
    apply_statements([said(1, "b")])
    assert history() == [("a", "x", 1, None), ("b", "x", 1, None)]


def test_another_job_does_not_end_what_the_first_says():
    apply_statements([said(1, "a"), said(2, "b", job=JobName("airflow", "weekly"))])
    assert history() == [("a", "x", 1, None), ("b", "x", 2, None)]


def test_a_column_that_the_schema_lacks_is_dropped_and_comes_back():
    apply_statements([said(1, "a", schema={"x": "int", "y": "text"}), said(2, "a", schema={"x": "bigint"})])
    assert LineageColumn.objects.get(name="y").dropped_at == T0 + timedelta(days=2)
    assert LineageColumn.objects.get(name="x", place__name=MART.name).type == "bigint"
    apply_statements([said(4, "a", schema={"x": "bigint", "y": "text"})])
    assert LineageColumn.objects.get(name="y").dropped_at is None


def test_every_column_is_tied_to_its_place():
    apply_statements([said(1, "a")])
    column = LineageColumn.objects.get(name="a")
    tied = LineageEdge.objects.filter(level="structure")
    assert {(edge.source.role, edge.target.role) for edge in tied.filter(target=column)} == {("in", "column")}
    assert {(edge.source.role, edge.target.role) for edge in tied.filter(source=column)} == {("column", "out")}

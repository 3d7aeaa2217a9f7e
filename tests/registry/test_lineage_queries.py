"""Asking the lineage gives exactly what can be reached, at any moment, in any graph; networkx is the oracle."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import networkx as nx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.lineage.names import JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.lineage_queries import (
    column_of,
    downstream,
    models_depending_on,
    models_depending_on_columns,
    place_named,
    place_nodes,
    upstream,
)
from registry.models import LineageColumn, LineageEdge, Place
from registry.services.lineage import apply_statements

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 11, 1, tzinfo=UTC)
RAW, CLEAN, MART = (PlaceName("pg://warehouse", name) for name in ("raw.people", "clean.people", "mart.people"))
LOAD, BUILD = JobName("airflow", "load"), JobName("airflow", "build")


def day(number: float) -> datetime:
    """So many days after the first."""
    return T0 + timedelta(days=number)


def state(place: PlaceName, *edges: StatedEdge, on: float = 0, job: JobName = LOAD) -> None:
    """A job says how a place is made."""
    apply_statements([Statement(job=job, place=place, at=day(on), by="openlineage", edges=edges)])


def column(source: PlaceName, name: str, target: str, **more) -> StatedEdge:
    """One column from one column."""
    return StatedEdge(source=source, source_column=name, target_column=target, **more)


def names(graph) -> set[str]:
    """The columns in a graph as people call them."""
    return {graph.label(index) for index, node in enumerate(graph.nodes) if node.role == "column"}


@pytest.fixture
def warehouse(db):
    """raw -> clean -> mart, by column."""
    state(CLEAN, column(RAW, "mail", "mail", masking=True, subtype="HASH"), column(RAW, "pay", "pay"))
    state(MART, column(CLEAN, "mail", "domain"), column(CLEAN, "pay", "income"), job=BUILD)


class TestOneColumn:
    """What people ask first."""

    def test_what_made_it(self, warehouse):
        graph = upstream([column_of(MART, "domain")])
        assert names(graph) == {"mart.people.domain", "clean.people.mail", "raw.people.mail"}
        assert not graph.truncated

    def test_what_depends_on_it(self, warehouse):
        graph = downstream([column_of(RAW, "pay")])
        assert names(graph) == {"raw.people.pay", "clean.people.pay", "mart.people.income"}

    def test_an_edge_says_how_by_whom_and_when(self, warehouse):
        state(CLEAN, column(RAW, "mail", "mail", masking=True, subtype="HASH"), column(RAW, "pay", "pay"), on=2.5)
        graph = upstream([column_of(CLEAN, "mail")])
        [edge] = [edge for edge in graph.edges if edge.level == "column"]
        assert (graph.label(edge.source), graph.label(edge.target)) == ("raw.people.mail", "clean.people.mail")
        assert (edge.masking, edge.subtype, edge.job, edge.by) == (True, "HASH", "airflow load", "openlineage")
        assert edge.seen == "2026-11-03T12:00:00+00:00"

    def test_a_treatment_comes_as_it_was_stated(self):
        treatment = (("k", 10), ("method", "aggregation"))
        state(CLEAN, column(RAW, "pay", "mean_pay", treatment=treatment))
        [edge] = [edge for edge in upstream([column_of(CLEAN, "mean_pay")]).edges if edge.level == "column"]
        assert edge.treatment == {"k": 10, "method": "aggregation"}

    def test_nodes_carry_their_rows(self, warehouse):
        asked = column_of(MART, "income")
        graph = upstream([asked])
        index = graph.find("pg://warehouse", "mart.people", "income")
        assert index is not None
        assert graph.nodes[index].id == asked

    def test_dataset_level_knowledge_reaches_every_column_of_the_source(self, warehouse):
        state(MART, StatedEdge(source=CLEAN, level="dataset"), on=1, job=JobName("airflow", "other"))
        assert "raw.people.pay" in names(upstream([column_of(MART, "domain")]))

    def test_unknown_rows_give_an_empty_graph(self):
        graph = upstream([10**9])
        assert (graph.places, graph.nodes, graph.edges, graph.truncated) == ((), (), (), False)

    def test_nothing_asked_nothing_given(self, warehouse):
        assert upstream([]).nodes == ()


class TestTime:
    """The graph as of any moment."""

    @pytest.mark.parametrize(
        ("at", "source"), [(0, "raw.people.pay"), (0.99, "raw.people.pay"), (1, "raw.people.bonus")]
    )
    def test_an_edge_holds_from_its_beginning_to_just_before_its_end(self, at, source):
        state(CLEAN, column(RAW, "pay", "pay"), on=0)
        state(CLEAN, column(RAW, "bonus", "pay"), on=1)
        assert names(upstream([column_of(CLEAN, "pay")], at=day(at))) == {"clean.people.pay", source}

    def test_before_anybody_said_so_nothing_is_known(self, warehouse):
        assert names(upstream([column_of(MART, "domain")], at=day(-1))) == {"mart.people.domain"}

    def test_without_a_moment_it_is_now(self):
        state(CLEAN, column(RAW, "pay", "pay"), on=-3000)
        state(CLEAN, on=-2999)
        assert names(upstream([column_of(CLEAN, "pay")])) == {"clean.people.pay"}

    def test_parts_of_a_second_count(self):
        state(CLEAN, column(RAW, "pay", "pay"), on=0)
        second = timedelta(seconds=1).total_seconds() / 86_400
        state(CLEAN, column(RAW, "bonus", "pay"), on=second / 2)
        assert "raw.people.pay" in names(upstream([column_of(CLEAN, "pay")], at=T0 + timedelta(seconds=0.4)))
        assert "raw.people.bonus" in names(upstream([column_of(CLEAN, "pay")], at=T0 + timedelta(seconds=1)))


class TestBounds:
    """A large graph is cut, and says so."""

    @pytest.fixture
    def wide(self):
        state(CLEAN, *(column(RAW, f"c{number}", "sum") for number in range(50)))
        return column_of(CLEAN, "sum")

    def test_more_than_asked_for_is_said(self, wide):
        graph = upstream([wide], limit=10)
        assert graph.truncated
        assert len(graph.nodes) <= 10
        assert all(edge.source < len(graph.nodes) for edge in graph.edges)

    def test_a_graph_that_just_fits_is_whole(self, wide):
        whole = upstream([wide])
        again = upstream([wide], limit=len(whole.nodes))
        assert not again.truncated
        assert again.canonical() == whole.canonical()
        assert upstream([wide], limit=len(whole.nodes) - 1).truncated

    def test_many_edges_between_few_nodes_are_bounded_too(self):
        for number in range(30):
            state(CLEAN, column(RAW, "a", "b"), job=JobName("airflow", f"copy {number}"))
        graph = upstream([column_of(CLEAN, "b")], limit=4)
        assert len(graph.edges) <= 20
        assert graph.truncated

    def test_the_number_of_queries_does_not_grow(self, wide, warehouse):
        for start in (wide, column_of(MART, "domain")):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                upstream([start])
            assert len(queries) == 3

    def test_more_rows_at_once_than_a_statement_has_parameters(self, warehouse):
        asked = column_of(MART, "domain")
        assert names(upstream([asked, *range(10**6, 10**6 + 300_000)])) == names(upstream([asked]))


class TestNames:
    """Finding rows by names."""

    def test_the_nodes_of_a_place(self, warehouse):
        found = place_nodes(CLEAN)
        assert set(found.columns) == {"mail", "pay"}
        rows = dict(LineageColumn.objects.filter(pk__in=[found.into, found.out]).values_list("role", "pk"))
        assert rows == {"in": found.into, "out": found.out}
        assert sorted(found.all) == sorted([found.into, found.out, *found.columns.values()])

    def test_what_nobody_told_of_is_not_there(self, warehouse):
        assert place_nodes(PlaceName("pg://elsewhere", "raw.people")) is None
        assert column_of(RAW, "shoe_size") is None
        assert column_of(PlaceName("pg://elsewhere", "raw.people"), "pay") is None

    def test_an_alias_is_followed(self, warehouse):
        other = PlaceName("s3://lake", "people")
        Place.objects.create(
            namespace=other.namespace, name=other.name, key=other.key, alias_of=place_named(RAW),
            first_seen=T0, last_seen=T0,
        )  # fmt: skip
        assert column_of(other, "pay") == column_of(RAW, "pay")


class TestModelsDependingOn:
    """Who must be judged again when a source changes."""

    @pytest.fixture
    def version(self, world, brisk):
        return world.submit(measured=False)

    def place(self, name: PlaceName) -> int:
        return place_named(name).pk

    def test_through_features(self, version, warehouse):
        state(model_place("mortgage-approval", "1"), column(MART, "income", "income"), job=JobName("us", "m"))
        assert models_depending_on([self.place(RAW)]) == [version]
        assert models_depending_on_columns([column_of(RAW, "pay")]) == [version]
        assert models_depending_on_columns([column_of(RAW, "mail")]) == []

    def test_through_training(self, version, warehouse):
        training = StatedEdge(source=MART, level="training")
        state(model_place("mortgage-approval", "1"), training, job=JobName("us", "m"))
        assert models_depending_on([self.place(RAW)]) == [version]

    def test_as_of_a_moment(self, version, warehouse):
        ours = JobName("us", "m")
        state(model_place("mortgage-approval", "1"), StatedEdge(source=MART, level="training"), job=ours, on=1)
        assert models_depending_on([self.place(RAW)], at=day(0.5)) == []
        assert models_depending_on([self.place(RAW)], at=day(1)) == [version]

    def test_by_an_alias_of_the_place(self, version, warehouse):
        state(model_place("mortgage-approval", "1"), StatedEdge(source=MART, level="training"), job=JobName("us", "m"))
        alias = Place.objects.create(
            namespace="s3", name="p", key="0" * 64, alias_of=place_named(RAW), first_seen=T0, last_seen=T0
        )
        assert models_depending_on([alias.pk]) == [version]

    def test_what_nothing_was_made_from_has_no_dependents(self, version, warehouse):
        assert models_depending_on([self.place(MART)]) == []

    def test_a_long_way_is_followed_to_its_end(self, version):
        chain = [dataset_place(f"step-{number}") for number in range(120)]
        for before, after in itertools.pairwise(chain):
            state(after, StatedEdge(source=before, level="dataset"), job=JobName("us", after.name))
        state(model_place("mortgage-approval", "1"), StatedEdge(source=chain[-1], level="training"), job=LOAD)
        assert models_depending_on([self.place(chain[0])]) == [version]


SIZE = 12
MOMENTS = [None, *(day(number) for number in range(4))]
EDGES = st.lists(
    st.tuples(
        st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.sampled_from(MOMENTS), st.sampled_from(MOMENTS)
    ),
    max_size=40,
)  # fmt: skip


@given(edges=EDGES, start=st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=3), at=st.sampled_from(MOMENTS[1:]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_what_can_be_reached_through_edges_that_hold(db, edges, start, at):
    LineageEdge.objects.all().delete()
    place, _ = Place.objects.get_or_create(
        key="f" * 64, defaults={"namespace": "random", "name": "graph", "first_seen": T0, "last_seen": T0}
    )
    rows = [
        LineageColumn.objects.get_or_create(place=place, name=f"n{number}", defaults={"first_seen": T0, "last_seen": T0})[0].pk
        for number in range(SIZE)
    ]  # fmt: skip
    # Edges of no statement are ties, of which there is one between two nodes; level and times are free.
    distinct = {(source, target): (since, until) for source, target, since, until in edges}
    LineageEdge.objects.bulk_create(
        [
            LineageEdge(source_id=rows[a], target_id=rows[b], level="column", since=since, until=until)
            for (a, b), (since, until) in distinct.items()
        ]
    )
    oracle = nx.DiGraph()
    oracle.add_nodes_from(rows)
    for (a, b), (since, until) in distinct.items():
        if (since is None or since <= at) and (until is None or until > at):
            oracle.add_edge(rows[a], rows[b])
    asked = {rows[number] for number in start}
    for ask, walk in ((upstream, nx.ancestors), (downstream, nx.descendants)):
        expected = asked.union(*(walk(oracle, row) for row in asked))
        graph = ask(asked, at=at)
        assert {node.id for node in graph.nodes} == expected
        assert len(graph.nodes) == len(expected)
        told = sorted((graph.nodes[edge.source].id, graph.nodes[edge.target].id) for edge in graph.edges)
        assert told == sorted(oracle.subgraph(expected).edges)

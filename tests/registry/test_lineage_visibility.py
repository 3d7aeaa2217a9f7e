"""Of the lineage everybody sees what their roles show; the rest has no names, and ways stay connected."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.ledger import SYSTEM
from registry.lineage.graph import COLUMN, OUT, Graph, GraphEdge, GraphNode, GraphPlace
from registry.lineage.names import OUR_DATASETS, OUR_MODELS, JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from registry.lineage_visibility import visible
from registry.models import Dataset
from registry.roles import Role
from registry.services.lineage import apply_statements
from registry.services.people import assign_role
from tests.cast import make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
T0 = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = GraphPlace(namespace="pg://crm", name="public.customers")
OPEN = GraphPlace(namespace=OUR_DATASETS, name="hmda", kind="dataset", dataset="hmda")
SECRET = GraphPlace(namespace=OUR_DATASETS, name="payroll", kind="dataset", dataset="payroll")
MODEL = GraphPlace(
    namespace=OUR_MODELS, name="mortgage-approval@1", kind="model", model="mortgage-approval", version="1"
)
UNTOLD = GraphPlace(namespace=OUR_MODELS, name="mortgage-approval@77", kind="model")
FOREIGN = GraphPlace(namespace=OUR_MODELS, name="fraud@1", kind="model")


def seen(person, *places: GraphPlace) -> list[str]:
    """The names of those places that the person sees."""
    return [place.name for place in visible(Graph(places), person).places if not place.hidden]


@pytest.fixture
def data(world):
    """An open and a restricted dataset, the restricted one owned by tony; the mortgage model; a person without roles."""
    Dataset.objects.create(slug="hmda", name="HMDA")
    Dataset.objects.create(slug="payroll", name="Payroll", visibility="restricted", owner=world.tony)
    world.version = world.submit(measured=False)
    return world


class TestUnregisteredTablesAndOpenDatasets:
    """Whoever has to do with models or data sees them."""

    def test_with_any_role(self, data):
        assert seen(data.barbara, TABLE, OPEN) == ["public.customers", "hmda"]

    def test_without_any_role_nothing(self, data):
        assert seen(data.mallory, TABLE, OPEN, SECRET, MODEL, FOREIGN) == []

    @pytest.mark.parametrize("part", ["owner", "steward"])
    def test_whoever_answers_for_a_dataset(self, data, part):
        Dataset.objects.create(slug="other", name="Other", **{part: data.mallory})
        assert seen(data.mallory, TABLE, OPEN, MODEL) == ["public.customers", "hmda"]

    def test_superusers_and_people_who_left_see_no_more(self, data):
        boss = make_person("boss", "The", "Boss", is_superuser=True)
        assert seen(boss, TABLE, OPEN, SECRET, MODEL) == []
        data.ada.is_active = False
        data.ada.save()
        assert seen(data.ada, TABLE, OPEN, MODEL) == []


class TestModels:
    """Only with a role on the model or its use case."""

    def test_with_a_role(self, data):
        assert seen(data.ada, MODEL, FOREIGN) == ["mortgage-approval@1"]

    def test_a_version_told_of_before_it_was_submitted_is_seen_like_its_model(self, data):
        assert seen(data.ada, UNTOLD) == ["mortgage-approval@77"]

    def test_with_a_role_on_something_else_only(self, data):
        Dataset.objects.create(slug="other", name="Other", owner=data.mallory)
        assert seen(data.mallory, MODEL, UNTOLD) == []


class TestRestrictedDatasets:
    """Only their owner, their steward, and people of models that depend on them."""

    def test_owner(self, data):
        assert seen(data.tony, SECRET) == ["payroll"]

    def test_not_everybody_with_a_role(self, data):
        assert seen(data.ada, SECRET) == []

    def test_people_of_a_model_that_depends_on_it(self, data):
        table = PlaceName("pg://mart", "pay")
        ours = model_place("mortgage-approval", "1")
        for place, edge in (
            (table, StatedEdge(source=dataset_place("payroll"), level="dataset")),
            (ours, StatedEdge(source=table, level="training")),
        ):
            apply_statements(
                [Statement(job=JobName("j", place.name), place=place, at=T0, by="declared", edges=(edge,))]
            )
        assert seen(data.ada, SECRET) == ["payroll"]
        Dataset.objects.create(slug="other", name="Other", owner=data.mallory)
        assert seen(data.mallory, SECRET) == []


class TestWhatIsLeftOfAHiddenPlace:
    """No names, but the way through it."""

    GRAPH = Graph(
        (TABLE, SECRET, MODEL),
        (
            GraphNode(place=0, column="salary", id=1),
            GraphNode(place=1, column="gross_pay", id=2),
            GraphNode(place=2, column="income", id=3),
        ),
        (
            GraphEdge(source=0, target=1, job="airflow load.payroll", by="openlineage", masking=True, subtype="SECRETLY"),
            GraphEdge(source=1, target=2, job="dbt payroll_features", by="dbt"),
        ),
    )  # fmt: skip

    def test_ways_stay_connected(self, data):
        graph = visible(self.GRAPH, data.ada)
        way = graph.path(2, 0)
        assert [graph.label(edge.source) for edge in way] == ["something you may not see", "public.customers.salary"]
        assert way[1].masking

    def test_its_columns_rows_and_jobs_are_not_told(self, data):
        graph = visible(self.GRAPH, data.ada)
        assert graph.nodes[1] == GraphNode(place=1, column="", id=0)
        assert [edge.job for edge in graph.edges] == ["", ""]
        assert graph.nodes[2] == self.GRAPH.nodes[2]

    def test_who_sees_all_gets_the_graph_as_it_is(self, data):
        assign_role(actor=SYSTEM, person=data.tony, role=Role.AUDITOR, on=data.use_case)
        assert visible(self.GRAPH, data.tony) == self.GRAPH

    def test_what_is_hidden_stays_hidden(self, data):
        once = visible(self.GRAPH, data.ada)
        assert visible(once, data.tony).places[1].hidden


PLACES = st.lists(
    st.sampled_from(["table", "hmda", "payroll", "mortgage-approval", "fraud"]), min_size=1, max_size=6
)  # fmt: skip
ENDS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12)


def _place(number: int, kind: str) -> GraphPlace:
    namespace, name = f"namespace-{number}", f"name-{number}"
    if kind == "table":
        return GraphPlace(namespace=namespace, name=name)
    if kind in ("hmda", "payroll"):
        return GraphPlace(namespace=namespace, name=name, kind="dataset", dataset=kind)
    return GraphPlace(namespace=namespace, name=name, kind="model", model=kind, version=f"version-{number}")


@given(kinds=PLACES, ends=ENDS, who=st.sampled_from(["ada", "tony", "mallory"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_string_of_a_hidden_place_is_in_the_answer(data, kinds, ends, who):
    places = tuple(_place(number, kind) for number, kind in enumerate(kinds))
    nodes = tuple(
        GraphNode(place=number, role=role, column=f"column-{number}" if role == COLUMN else "", id=1000 + number)
        for number in range(len(places))
        for role in (COLUMN, OUT)
    )
    edges = tuple(
        GraphEdge(source=a, target=b, job=f"job-{nodes[a].place}-{nodes[b].place}.", subtype=f"how-{nodes[a].place}.")
        for a, b in ends
        if a < len(nodes) and b < len(nodes)
    )
    whole = Graph(places, nodes, edges)
    shown = visible(whole, getattr(data, who))
    told = json.dumps(shown.canonical().as_json())
    for number, (before, after) in enumerate(zip(places, shown.places, strict=True)):
        if not after.hidden:
            assert after == before
            continue
        strings = [f"namespace-{number}", f"name-{number}", f"column-{number}", f"version-{number}", f"how-{number}."]
        strings += [text for text in (before.dataset, before.model) if text]
        strings += [edge.job for edge in edges if number in (nodes[edge.source].place, nodes[edge.target].place)]
        assert [text for text in strings if f'"{text}"' in told] == []
    assert [(edge.source, edge.target) for edge in shown.edges] == [(edge.source, edge.target) for edge in edges]

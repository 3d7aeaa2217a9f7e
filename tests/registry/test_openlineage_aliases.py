"""Places of several names become one: symlinks, renamings, chains and rings of them, and what must stay apart."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from registry.dataset_selectors import addresses_of
from registry.lineage.names import dataset_place
from registry.models import Classification, Dataset, LineageColumn, LineageEdge, LineageEvent, LineageStatement, Place
from registry.services.datasets import register_dataset
from registry.services.lineage_events import record_events
from registry.services.places import ensure_places
from tests.registry.openlineage_cases import T0, column_lineage, dataset, event, schema

pytestmark = pytest.mark.django_db


def linked(name: str, *others: str, namespace=None, **facets) -> dict:
    identifiers = [
        {"namespace": "countersign:datasets" if ":" in other else "postgres://warehouse:5432",
         "name": other.removeprefix("ours:"), "type": "TABLE"}
        for other in others
    ]  # fmt: skip
    return dataset(name, symlinks={"identifiers": identifiers}, **facets)


def now() -> set[str]:
    rows = (
        LineageEdge.objects.exclude(level="structure")
        .filter(until=None)
        .select_related("source__place", "target__place")
    )
    return {f"{r.source.place.name}.{r.source.name} -> {r.target.place.name}.{r.target.name}" for r in rows}


def a_makes_b_makes_c():
    """b is written under one name and read under another."""
    return [
        event(job="first", run=1, inputs=[dataset("a")], outputs=[dataset("b", columnLineage=column_lineage(x=[("a", "x")]))]),
        event(job="second", run=2, inputs=[dataset("B")], outputs=[dataset("c", columnLineage=column_lineage(x=[("B", "x")]))]),
        event(job="third", run=3, inputs=[linked("b", "B")]),
    ]  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_two_names_were_told_of_joins(emitter, order):
    events = a_makes_b_makes_c()
    for index in order:
        record_events(actor=emitter, events=[events[index]])
    assert now() == {"a.x -> B.x", "B.x -> c.x"}
    assert Place.objects.get(name="b").alias_of == Place.objects.get(name="B")
    assert not LineageColumn.objects.filter(place__name="b").exists()


def test_a_statement_after_the_merging_is_the_same_as_before(emitter):
    first, *rest = a_makes_b_makes_c()
    record_events(actor=emitter, events=[first, *rest])
    again = {**first, "run": {"runId": "again"}, "eventTime": (T0 + timedelta(days=1)).isoformat()}
    record_events(actor=emitter, events=[again])
    assert now() == {"a.x -> B.x", "B.x -> c.x"}
    assert LineageStatement.objects.filter(place__name="B", head=None).count() == 1


def test_one_job_under_both_names_is_one_stream(emitter):
    for day, (name, source) in enumerate((("b", "a"), ("B", "z"), ("b", "a"))):
        made = dataset(name, columnLineage=column_lineage(x=[(source, "x")]))
        record_events(actor=emitter, events=[event(hour=day, run=day, outputs=[made])])
    record_events(actor=emitter, events=[event(job="other", run=9, inputs=[linked("b", "B")])])
    assert now() == {"a.x -> B.x"}
    heads = LineageStatement.objects.filter(head=None, place__name="B").order_by("since")
    assert [(head.since - T0, head.until and head.until - T0) for head in heads] == [
        (timedelta(hours=0), timedelta(hours=1)), (timedelta(hours=1), timedelta(hours=2)), (timedelta(hours=2), None),
    ]  # fmt: skip


def test_chains_and_rings_of_symlinks_end(emitter):
    for run, (one, other) in enumerate((("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("b", "d"))):
        record_events(actor=emitter, events=[event(run=run, inputs=[linked(one, other)])])
    (kept,) = Place.objects.filter(alias_of=None)
    assert {place.alias_of_id for place in Place.objects.exclude(pk=kept.pk)} == {kept.pk}


def test_a_registered_dataset_keeps_its_name_and_two_stay_apart(emitter, ada):
    for slug in ("one", "two"):
        register_dataset(actor=ada, slug=slug, name=slug, source="us")
    record_events(actor=emitter, events=[event(run=1, inputs=[linked("aaa", "ours:one")])])
    assert str(Place.objects.get(name="aaa").alias_of) == "countersign:datasets one"
    receipt = record_events(actor=emitter, events=[event(run=2, inputs=[linked("aaa", "ours:two")])])
    assert "both are registered datasets" in receipt.events[0].notes[0]
    assert LineageEvent.objects.get(run_id__endswith="2").notes == list(receipt.events[0].notes)
    assert Place.objects.get(name="two").alias_of is None


def read_as_ours(slug: str, *tables: tuple[str, str]) -> dict:
    """An input under our name for a dataset, and what else its data are called."""
    identifiers = [{"namespace": namespace, "name": name, "type": "TABLE"} for namespace, name in tables]
    return dataset(slug, namespace="countersign:datasets", symlinks={"identifiers": identifiers})


@pytest.mark.parametrize("tables", [[("bigquery", "t"), ("postgres", "u")], [("postgres", "u"), ("bigquery", "t")]])
def test_a_place_told_to_be_a_dataset_before_that_is_registered_becomes_it(emitter, ada, tables):
    source = {"namespace": "bigquery", "name": "t", "field": "x", "transformations": []}
    made = dataset("made", columnLineage=column_lineage(x=[source]))
    told = event(run=1, inputs=[read_as_ours("one", *tables)], outputs=[made])
    record_events(actor=emitter, events=[told])
    assert now() == {"t.x -> made.x"}  # "bigquery" comes before "countersign:datasets", so its table stays
    registered = register_dataset(actor=ada, slug="one", name="One", source="us")
    place = Place.objects.get(alias_of=None, name="one")
    assert (place.dataset, place.kind) == (registered, "dataset")
    assert {str(alias) for alias in addresses_of(registered)} == {"bigquery t", "postgres u"}
    assert now() == {"one.x -> made.x"}
    record_events(actor=emitter, events=[event(hour=1, run=2, inputs=told["inputs"], outputs=[made])])
    assert now() == {"one.x -> made.x"}
    assert Place.objects.get(dataset=registered) == place
    assert Place.objects.filter(alias_of=place, dataset=None, kind="table").count() == 2


def test_a_name_that_leads_to_another_registered_dataset_does_not_take_its_place(emitter, ada):
    first = register_dataset(actor=ada, slug="one", name="One", source="us")
    record_events(actor=emitter, events=[event(run=1, inputs=[linked("aaa", "ours:one")])])
    ours = read_as_ours("two", ("postgres://warehouse:5432", "aaa"))
    record_events(actor=emitter, events=[event(hour=1, run=2, inputs=[ours])])
    second = register_dataset(actor=ada, slug="two", name="Two", source="us")
    assert Place.objects.get(alias_of=None, name="one").dataset == first
    assert Place.objects.get(dataset=second).alias_of.dataset == first


def test_of_two_datasets_that_were_told_to_be_one_place_the_first_becomes_it(emitter):
    for run, slug in enumerate(("one", "two")):
        record_events(actor=emitter, events=[event(run=run, inputs=[read_as_ours(slug, ("bigquery", "t"))])])
    for slug in ("one", "two"):
        Dataset.objects.create(slug=slug, name=slug)
    names = [dataset_place("one"), dataset_place("two")]
    first, second = ensure_places(names, timezone.now()).values()
    assert first == second == Place.objects.get(alias_of=None, name="one")
    assert first.dataset.slug == "one"
    assert {str(alias) for alias in first.aliases.all()} == {"bigquery t", "countersign:datasets two"}


def test_a_renamed_table_keeps_its_past_under_the_new_name(emitter):
    made = dataset("old", columnLineage=column_lineage(x=[("a", "x")]))
    record_events(actor=emitter, events=[event(outputs=[made])])
    change = {
        "lifecycleStateChange": "RENAME",
        "previousIdentifier": {"namespace": "postgres://warehouse:5432", "name": "old"},
    }
    record_events(
        actor=emitter, events=[event(hour=1, run=1, job="dba", outputs=[dataset("zzz", lifecycleStateChange=change)])]
    )
    assert now() == {"a.x -> zzz.x"}


def test_schemas_and_classes_move_along(emitter, ada):
    record_events(actor=emitter, events=[event(outputs=[dataset("b", schema=schema("mail", "age"))])])
    column = LineageColumn.objects.get(name="mail")
    Classification.objects.create(column=column, label="identifier", source="tag", detail="pii", since=T0)
    record_events(actor=emitter, events=[event(hour=1, run=1, inputs=[linked("b", "B", schema=schema("mail"))])])
    there = {row.name: row.dropped_at for row in LineageColumn.objects.filter(place__name="B", role="column")}
    assert there == {"mail": None, "age": T0 + timedelta(hours=1)}
    assert Classification.objects.get().column.place.name == "B"

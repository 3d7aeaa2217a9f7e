"""Where features come from and what of people is in them, read from the facts that rules judge."""

from __future__ import annotations

from datetime import date

import pytest

from audits.lineage_cut import part_of, union, ways_between, within
from audits.lineage_origins import lineage_report
from audits.lineage_report import dataset_table, feature_table
from audits.lineage_words import way_words
from audits.measurement import Measurement
from registry.lineage.graph import GraphPlace
from registry.terms import Terms
from tests.audits.lineage_graphs import graph_of

HMDA = GraphPlace(namespace="countersign:datasets", name="hmda", kind="dataset", dataset="hmda")
MODEL = GraphPlace(namespace="countersign:models", name="m@1", kind="model", model="m", version="1")
GRAPH = graph_of(
    [
        ("customers.email", "applicants.domain", {"treatment": {"method": "hash"}}),
        ("customers.birth_date", "applicants.age"),
        ("customers.sex", "applicants", {"manner": "indirect", "subtype": "FILTER"}),
        ("lake", "hmda", {"level": "dataset"}),
        ("applicants.domain", "m.domain"),
        ("applicants.age", "m.age"),
        ("hmda.ratio", "m.ratio"),
        ("hmda", "m", {"level": "training"}),
        ("m.bare", "m.bare2"),
    ],
    places={"hmda": HMDA, "m": MODEL},
)
WAREHOUSE = "postgres://warehouse:5432"


def node(place: str, column: str) -> int:
    namespace = {"m@1": "countersign:models", "hmda": "countersign:datasets"}.get(place, WAREHOUSE)
    found = GRAPH.find(namespace, place, column)
    assert found is not None
    return found


FACTS = {
    "purpose": "mortgage-underwriting",
    "regions": ["US"],
    "graph": GRAPH.as_json(),
    "features": [
        {"name": "domain", "node": node("m@1", "domain")},
        {"name": "age", "node": node("m@1", "age")},
        {"name": "ratio", "node": node("m@1", "ratio")},
        {"name": "bare", "node": node("m@1", "bare")},
        {"name": "unknown", "node": None},
    ],
    "model": None,
    "classes": [
        {"node": node("customers", "email"), "class": "identifier", "source": "scan", "detail": "email"},
        {"node": node("customers", "birth_date"), "class": "quasi-identifier", "source": "declared", "detail": ""},
        {"node": node("customers", "sex"), "class": "sensitive", "source": "tag", "detail": "sensitive"},
    ],
    "datasets": {"hmda": Terms(slug="hmda", name="HMDA Boston", datasheet="0" * 64, purposes=("*",)).as_json()},
}


def proxy(attribute: str, feature: str | None, value: float | None) -> Measurement:
    where = {"attribute": attribute, **({"feature": feature} if feature else {})}
    return Measurement(metric="proxy_roc_auc", slice=where, value=value, low=0.5, high=0.9, n=100, method="x")


def report(**options):
    return lineage_report(FACTS, on=date(2026, 11, 21), **options)


def feature(name: str, **options):
    return next(item for item in report(**options).features if item.name == name)


def test_ways_back_end_at_columns_and_at_places_of_which_only_the_whole_is_known():
    assert {item.name: [source.label for source in item.sources] for item in report().features} == {
        "domain": ["customers.email", "customers.sex"],
        "age": ["customers.birth_date", "customers.sex"],
        "ratio": ["lake"],
        "bare": [],
        "unknown": [],
    }
    assert report().known == 3
    assert report().unregistered == ("customers.birth_date", "customers.email", "customers.sex", "lake")


def test_a_class_comes_with_its_reason_and_way_and_an_unkeyed_hash_lowers_nothing():
    direct, by_filter = feature("domain").classes
    assert (direct.letters, direct.words, direct.why) == (
        "ID",
        "identifier",
        "customers.email is found by a scan (email)",
    )
    assert direct.way == (
        "domain is made from applicants.domain, which is made from customers.email, hashed without a key."
    )
    assert (by_filter.words, by_filter.way) == (
        "influenced by: sensitive",
        "domain is made from applicants.domain, which is influenced by customers.sex (filter).",
    )


def test_the_strongest_proxy_is_told_and_where_none_was_measured_that():
    measured = [
        proxy("sex", None, 0.99), proxy("sex", "age", 0.71), proxy("race", "age", 0.8), proxy("race", "ratio", None),
    ]  # fmt: skip
    told = {item.name: item.proxy_words for item in report(proxies=measured).features}
    assert told == {
        "age": "race: 0.800 (0.500–0.900)", "domain": "not measured", "ratio": "not measured", "bare": "not measured",
        "unknown": "not measured",
    }  # fmt: skip
    assert report(proxies=measured).proxies_measured
    assert not report().proxies_measured


def test_uniqueness_is_that_of_the_quasi_identifiers_among_which_the_source_is():
    def of(metric, value):
        return Measurement(metric=metric, slice={}, value=value, n=100, method="exact")

    rough = (("zip", "birth_date"), [of("k_anonymity", 7.0), of("sample_uniqueness", 0.0)])
    fine = (("zip", "birth_date", "name"), [of("k_anonymity", 1.0), of("sample_uniqueness", 0.42)])
    told = {item.name: item.uniqueness_words for item in report(anonymity=[rough, fine]).features}
    assert told["age"] == "k 1 among zip, birth_date, name, 42 % unique"
    assert told["ratio"] == "–"
    assert feature("age").uniqueness_words == "not measured"


def test_datasets_say_what_they_are_used_for_and_whether_they_may_be():
    rows = dataset_table(report()).rows
    assert rows == (
        (("text", "HMDA Boston (hmda)"), ("text", "features and training"), ("pass", "✓ permitted for mortgage-underwriting")),
    )  # fmt: skip


def test_the_table_says_where_nothing_is_known():
    rows = {row[0][1]: [text for _, text in row[1:3]] for row in feature_table(report()).rows}
    assert rows["unknown"] == ["not known", "not known"]
    assert rows["bare"] == ["not known", "not known"]
    assert rows["ratio"] == ["lake", "–"]


@pytest.mark.parametrize("upstream", [True, False])
def test_a_way_is_told_from_its_end_whichever_way_it_was_walked(upstream):
    one, other = node("customers", "birth_date"), node("m@1", "age")
    way = GRAPH.path(other, one) if upstream else GRAPH.path(one, other, upstream=False)
    assert way_words(GRAPH, way) == "m@1.age is made from applicants.age, which is made from customers.birth_date."


def test_a_way_through_the_whole_of_a_place_says_that_no_column_is_known():
    lake = GRAPH.find(WAREHOUSE, "lake", role="out")
    assert lake is not None
    assert way_words(GRAPH, GRAPH.path(node("m@1", "ratio"), lake), feature="ratio") == (
        "ratio is made from hmda.ratio, which is made from lake as a whole, no column known."
    )


def test_a_step_is_an_edge_between_places():
    start = [node("m@1", "age")]
    near = part_of(GRAPH, within(GRAPH, start, 1, upstream=True))
    assert {place.name for place in near.places} == {"m@1", "applicants"}
    assert {place.name for place in part_of(GRAPH, within(GRAPH, start, 2, upstream=True)).places} == {
        "m@1", "applicants", "customers",
    }  # fmt: skip


def test_the_ways_between_two_columns_are_the_same_from_either_end():
    one, other = node("m@1", "age"), node("customers", "birth_date")
    assert ways_between(GRAPH, one, other) == ways_between(GRAPH, other, one)
    assert {GRAPH.label(edge.source) for edge in ways_between(GRAPH, one, other)} == {
        "applicants.age",
        "customers.birth_date",
    }
    assert ways_between(GRAPH, node("hmda", "ratio"), node("customers", "email")) == []


def test_two_halves_make_the_whole_again():
    middle = node("applicants", "age")
    up = part_of(GRAPH, GRAPH.reached(middle))
    down = part_of(GRAPH, GRAPH.reached(middle, upstream=False))
    whole = part_of(GRAPH, GRAPH.reached(middle) | GRAPH.reached(middle, upstream=False))
    assert union(up, down).canonical() == whole.canonical()

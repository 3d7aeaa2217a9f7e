"""Feature definitions: in the words of a feature store, as YAML or as its registry's JSON, and in our own small form."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.errors import InvalidInput
from registry.lineage.feature_store import parse_features
from registry.lineage.names import JobName, PlaceName

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "features.yaml"
LAKE = "s3://lake"
WAREHOUSE = "postgres://warehouse:5432"

STORE = f"""
project: driver_ranking
entities:
  - {{name: driver, join_keys: [driver_id]}}
data_sources:
  - {{name: trips, type: BATCH_FILE, path: "{LAKE}/trips/daily.parquet", timestamp_field: event_timestamp}}
feature_views:
  - name: driver_stats
    entities: [driver]
    ttl: 1d
    source: trips
    schema:
      - {{name: conv_rate, dtype: Float32}}
      - {{name: phone, dtype: String, tags: {{pii: "true"}}}}
  - name: driver_profile
    entities: [driver]
    tags: {{owner: risk}}
    source:
      namespace: "{WAREHOUSE}"
      dialect: postgres
      query: >
        select d.id as driver_id, md5(d.email) as email_key, count(t.id) as trips
        from public.drivers d join public.trips t on t.driver = d.id where t.ok group by 1, 2
    schema: [{{name: email_key}}, {{name: trips, dtype: Int64}}]
on_demand_feature_views:
  - name: rates
    sources:
      stats: driver_stats
      asked: {{request_source: {{name: question, schema: {{base: Float64}}}}}}
    features:
      - {{name: adjusted, dtype: Float64, inputs: ["stats:conv_rate", "asked:base"]}}
      - {{name: anything}}
feature_services:
  - {{name: ranking, features: [driver_profile, {{feature_view: driver_stats, features: [conv_rate]}}, rates]}}
"""


def edges(found, place):
    """``(source place, source column, target column, subtype)`` of what makes a place."""
    (one,) = [one for one in found.places if one.place.name == place]
    return {(edge.source.name, edge.source_column, edge.target_column, edge.subtype) for edge in one.edges}


def test_a_view_of_a_file_has_its_columns_from_the_file():
    found = parse_features(STORE.encode())
    assert edges(found, "driver_stats") == {
        ("trips/daily.parquet", "conv_rate", "conv_rate", "IDENTITY"),
        ("trips/daily.parquet", "phone", "phone", "IDENTITY"),
        ("trips/daily.parquet", "driver_id", "driver_id", "IDENTITY"),
    }
    view = found.places[0]
    assert view.place == PlaceName("feast:driver_ranking", "driver_stats")
    assert view.columns == {"driver_id": "", "conv_rate": "Float32", "phone": "String"}
    assert {edge.source.namespace for edge in view.edges} == {LAKE}


def test_a_view_of_a_query_has_the_columns_behind_it():
    found = parse_features(STORE.encode())
    rows = {("public.trips", "driver", "JOIN"), ("public.drivers", "id", "JOIN"), ("public.trips", "ok", "FILTER")}
    rows |= {("public.drivers", "id", "GROUP_BY"), ("public.drivers", "email", "GROUP_BY")}
    direct = {
        ("public.drivers", "id", "driver_id", "IDENTITY"),
        ("public.drivers", "email", "email_key", "TRANSFORMATION"),
        ("public.trips", "id", "trips", "AGGREGATION"),
    }
    every = {(place, column, to, kind) for place, column, kind in rows for to in ("driver_id", "email_key", "trips")}
    assert edges(found, "driver_profile") == direct | every
    hashed = [edge for one in found.places for edge in one.edges if edge.treatment]
    assert [(edge.source_column, edge.target_column, edge.treatment) for edge in hashed] == [
        ("email", "email_key", (("method", "hash"),))
    ]


def test_an_on_demand_view_comes_from_its_inputs_and_from_all_of_them_unless_it_says_which():
    found = parse_features(STORE.encode())
    assert edges(found, "rates") == {
        ("driver_stats", "conv_rate", "adjusted", "TRANSFORMATION"),
        ("request:question", "base", "adjusted", "TRANSFORMATION"),
        ("driver_stats", "conv_rate", "anything", "TRANSFORMATION"),
        ("driver_stats", "phone", "anything", "TRANSFORMATION"),
        ("request:question", "base", "anything", "TRANSFORMATION"),
    }
    assert edges(found, "request:question") == set()


def test_a_service_passes_its_features_on():
    found = parse_features(STORE.encode())
    assert edges(found, "service:ranking") == {
        ("driver_profile", "email_key", "email_key", "IDENTITY"),
        ("driver_profile", "trips", "trips", "IDENTITY"),
        ("driver_stats", "conv_rate", "conv_rate", "IDENTITY"),
        ("rates", "adjusted", "adjusted", "IDENTITY"),
        ("rates", "anything", "anything", "IDENTITY"),
    }


def test_two_features_of_one_name_bear_that_of_their_view_in_a_service():
    text = f"""
project: p
feature_views:
  - {{name: a, source: {{table: t, namespace: "{WAREHOUSE}"}}, features: [{{name: x}}, {{name: y}}]}}
  - {{name: b, source: {{table: u, namespace: "{WAREHOUSE}"}}, features: [{{name: x}}]}}
feature_services: [{{name: s, features: [a, b]}}]
"""
    assert edges(parse_features(text.encode()), "service:s") == {
        ("a", "x", "a__x", "IDENTITY"),
        ("a", "y", "y", "IDENTITY"),
        ("b", "x", "b__x", "IDENTITY"),
    }


def test_tags_of_fields_and_views_are_handed_on():
    tags = {(place.name, column): tags for place, column, tags in parse_features(STORE.encode()).tags}
    assert tags == {("driver_stats", "phone"): (("pii", "true"),), ("driver_profile", None): (("owner", "risk"),)}


REGISTRY = {
    "project": "driver_ranking",
    "entities": [{"spec": {"name": "driver", "joinKey": "driver_id"}, "meta": {"createdTimestamp": "2026-01-01T00:00:00Z"}}],
    "featureViews": [
        {
            "spec": {
                "name": "driver_stats",
                "entities": ["driver"],
                "features": [{"name": "convRate", "valueType": "FLOAT", "tags": {"dataClass": "personal"}}],
                "batchSource": {
                    "type": "BATCH_SNOWFLAKE",
                    "name": "stats",
                    "fieldMapping": {"CONV_RATE": "convRate"},
                    "snowflakeOptions": {"database": "PROD", "schema": "PUBLIC", "table": "STATS"},
                },
            },
            "meta": {},
        },
        {
            "spec": {
                "name": "city_stats",
                "entities": ["__dummy"],
                "features": [{"name": "riders", "valueType": "INT64"}],
                "streamSource": {"type": "PUSH_SOURCE", "batchSource": {"type": "BATCH_BIGQUERY",
                                 "bigqueryOptions": {"table": "project.set.cities"}}},
            }
        },
    ],
    "onDemandFeatureViews": [
        {
            "spec": {
                "name": "per_rider",
                "features": [{"name": "rate", "valueType": "DOUBLE"}],
                "sources": {
                    "driver": {"featureViewProjection": {"featureViewName": "driver_stats", "featureColumns": [{"name": "convRate"}]}},
                    "city": {"featureView": {"spec": {"name": "x"}, "name": "city_stats"}},
                },
            }
        }
    ],
    "featureServices": [
        {"spec": {"name": "all", "features": [{"featureViewName": "driver_stats", "featureColumns": [{"name": "convRate"}]}]}}
    ],
}  # fmt: skip


def test_the_registry_of_a_feature_store_is_read_in_its_own_words():
    found = parse_features(json.dumps(REGISTRY).encode(), namespace="snowflake://org-account")
    assert edges(found, "driver_stats") == {
        ("PROD.PUBLIC.STATS", "CONV_RATE", "convRate", "IDENTITY"),
        ("PROD.PUBLIC.STATS", "driver_id", "driver_id", "IDENTITY"),
    }
    assert {edge.source.namespace for one in found.places for edge in one.edges if one.place.name == "city_stats"} == {
        "bigquery"
    }
    assert edges(found, "city_stats") == {("project.set.cities", "riders", "riders", "IDENTITY")}
    assert edges(found, "per_rider") == {
        ("driver_stats", "convRate", "rate", "TRANSFORMATION"),
        ("city_stats", "riders", "rate", "TRANSFORMATION"),
    }
    assert edges(found, "service:all") == {("driver_stats", "convRate", "convRate", "IDENTITY")}
    assert found.tags[0][2] == (("dataClass", "personal"),)


def test_the_statements_are_of_one_job_and_moment():
    job, at = JobName("countersign:jobs", "features"), datetime(2026, 6, 1, tzinfo=UTC)
    made = parse_features(STORE.encode()).statements(job=job, at=at)
    assert [statement.place.name for statement in made] == [
        "driver_stats", "driver_profile", "request:question", "rates", "service:ranking",
    ]  # fmt: skip
    assert {(statement.job, statement.at, statement.by) for statement in made} == {(job, at, "features")}


def test_our_own_form_makes_a_set():
    text = f"""
set: credit
namespace: "{WAREHOUSE}"
features:
  - {{name: age, type: int, from: [{{name: public.people, column: birth_date}}], transformation: years since, tags: [pii]}}
  - {{name: income, from: [{{dataset: hmda-boston, column: income}}]}}
  - name: debt
    sql: select sum(l.amount) / max(p.income) as debt from loans l join people p on p.id = l.person
    dialect: postgres
    from: [{{name: public.loans}}, {{name: public.people}}]
    treatment: {{method: differential-privacy, epsilon: 0.5}}
"""
    found = parse_features(text.encode())
    assert edges(found, "credit") == {
        ("public.people", "birth_date", "age", "TRANSFORMATION"),
        ("hmda-boston", "income", "income", "IDENTITY"),
        ("public.loans", "amount", "debt", "AGGREGATION"),
        ("public.people", "income", "debt", "AGGREGATION"),
        ("public.people", "id", "debt", "JOIN"),
        ("public.loans", "person", "debt", "JOIN"),
    }
    treated = {(edge.source_column, edge.treatment) for edge in found.places[0].edges if edge.treatment}
    assert treated == {
        (column, (("epsilon", 0.5), ("method", "differential-privacy"))) for column in ("amount", "income")
    }
    assert found.tags == ((PlaceName("countersign:features", "credit"), "age", ("pii",)),)
    assert found.places[0].columns == {"age": "int", "income": "", "debt": ""}
    (edge,) = found.edges_of("age")
    assert (edge.source.name, edge.source_column, edge.target_column) == ("credit", "age", "age")
    assert found.edges_of("height") == ()


def test_a_set_without_a_name_ties_features_straight_to_their_sources():
    found = parse_features(b"features: [{name: income, from: [{dataset: hmda-boston, column: income}]}]")
    assert found.places == ()
    (edge,) = found.edges_of("income")
    assert (edge.source.name, edge.source_column, edge.subtype) == ("hmda-boston", "income", "IDENTITY")


def test_the_example_in_the_documentation_is_read():
    found = parse_features(EXAMPLE.read_bytes())
    assert len(found.places) == 1
    assert {edge.target_column for edge in found.places[0].edges} == set(found.places[0].columns)


VIEW = "project: p\nfeature_views: [{name: v, source: {table: t, namespace: n}, features: [{name: x}]}]\n"
WRONG = {
    "nothing": (b"{}", "features"),
    "a list": (b"[1]", None),
    "no project": (b"feature_views: [{name: v}]", "project"),
    "no source": (b"project: p\nfeature_views: [{name: v, features: [{name: x}]}]", "feature_views[0].source"),
    "an unknown source": (
        b"project: p\nfeature_views: [{name: v, source: s, features: [{name: x}]}]", "feature_views[0].source",
    ),
    "an unknown entity": (
        b"project: p\nfeature_views: [{name: v, entities: [e], source: {table: t, namespace: n}, features: [{name: x}]}]",
        "feature_views[0].entities[0]",
    ),
    "no namespace": (
        b"project: p\nfeature_views: [{name: v, source: {table: t}, features: [{name: x}]}]",
        "feature_views[0].source.namespace",
    ),
    "no table": (
        b"project: p\nfeature_views: [{name: v, source: {namespace: n}, features: [{name: x}]}]",
        "feature_views[0].source.table",
    ),
    "SQL that is none": (
        b"project: p\nfeature_views: [{name: v, source: {query: 'select (', namespace: n}, features: [{name: x}]}]",
        "feature_views[0].source.query",
    ),
    "a query without the column": (
        b"project: p\nfeature_views: [{name: v, source: {query: 'select y from t', namespace: n}, features: [{name: x}]}]",
        "feature_views[0].source.query",
    ),
    "a field twice": (
        b"project: p\nfeature_views: [{name: v, source: {table: t, namespace: n}, features: [{name: x}, {name: x}]}]",
        "feature_views[0].features[1].name",
    ),
    "a view twice": (
        VIEW.replace("]}]", "]}, {name: v, source: {table: t, namespace: n}, features: [{name: x}]}]").encode(),
        "feature_views[1].name",
    ),
    "an on-demand view of nothing": (
        (VIEW + "on_demand_feature_views: [{name: o, features: [{name: y}]}]").encode(), "on_demand_feature_views[0].sources",
    ),
    "an input that is none": (
        (VIEW + "on_demand_feature_views: [{name: o, sources: [w], features: [{name: y}]}]").encode(),
        "on_demand_feature_views[0].sources[0]",
    ),
    "an input's feature that is none": (
        (VIEW + 'on_demand_feature_views: [{name: o, sources: [v], features: [{name: y, inputs: ["v:z"]}]}]').encode(),
        "on_demand_feature_views[0].features[0].inputs[0]",
    ),
    "a service of nothing known": (
        (VIEW + "feature_services: [{name: s, features: [{feature_view: v, features: [z]}]}]").encode(),
        "feature_services[0].features[0]",
    ),
    "text where a list is": (b"project: p\nfeature_views: x", "feature_views"),
    "a control character": (
        b'project: p\nfeature_views: [{name: "a\\nb", source: {table: t, namespace: n}, features: [{name: x}]}]',
        "feature_views[0].name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_by_its_field(case):
    text, field = WRONG[case]
    with pytest.raises(InvalidInput) as refused:
        parse_features(text)
    assert refused.value.field == field


def test_there_is_an_end_to_the_sql_of_one_document():
    features = [
        {"name": f"f{n}", "namespace": "n", "sql": f"select a as f{n} from t -- {'x' * 5000}"} for n in range(50)
    ]
    with pytest.raises(InvalidInput, match="characters of SQL") as refused:
        parse_features(json.dumps({"set": "s", "features": features}).encode())
    assert refused.value.field == "features"


def test_deep_documents_are_refused():
    with pytest.raises(InvalidInput, match="deep"):
        parse_features(b"[" * 60 + b"]" * 60)

"""A dbt project: relations as places, compiled SQL as edges of columns, what else is known as edges of tables."""

import copy

import pytest

from registry.errors import InvalidInput
from registry.lineage.dbt import read_dbt
from registry.lineage.names import JobName, PlaceName

WAREHOUSE = "postgres://warehouse:5432"


def node(kind, name, *, sql=None, depends=(), **more):
    """One node as dbt 1.8 writes it, without what is of no interest."""
    return {
        "database": "prod", "schema": "main", "name": name, "alias": name, "resource_type": kind, "package_name": "shop",
        "unique_id": f"{kind}.shop.{name}", "original_file_path": f"{kind}s/{name}.sql", "language": "sql",
        "config": {"enabled": True, "materialized": "view", "tags": [], "meta": {}, "contract": {"enforced": False}},
        "tags": [], "meta": {}, "columns": {}, "compiled_code": sql, "relation_name": f'"prod"."main"."{name}"',
        "depends_on": {"macros": [], "nodes": list(depends)}, **more,
    }  # fmt: skip


def column(name, **more):
    return {"name": name, "description": "", "meta": {}, "data_type": None, "constraints": [], "tags": [], **more}


SOURCE = {
    "database": "prod", "schema": "raw", "name": "people", "identifier": "people_v2", "resource_type": "source",
    "package_name": "shop", "unique_id": "source.shop.crm.people", "source_name": "crm", "source_meta": {"team": "crm"},
    "columns": {"email": column("email", meta={"contains_pii": True})}, "tags": ["crm"], "meta": {}, "config": {"enabled": True},
}  # fmt: skip


def project():
    nodes = [
        node("seed", "countries", original_file_path="seeds/countries.csv", compiled_code=None),
        node("model", "staged", sql='with source as (select * from "prod"."raw"."people_v2") select id as person, email, country from source',
             depends=["source.shop.crm.people"],
             columns={"person": column("person", data_type="bigint"), "email": column("email", tags=["pii"])}),
        node("model", "light", sql="select person, country from prod.main.staged", depends=["model.shop.staged"],
             config={"materialized": "ephemeral"}),
        node("model", "mart",
             sql='with __dbt__cte__light as (select person, country from prod.main.staged) '
                 'select l.*, c.name, md5(s.email) as mail from __dbt__cte__light l '
                 'join "prod"."main"."countries" c on c.code = l.country join prod.main.staged s on s.person = l.person',
             depends=["model.shop.light", "seed.shop.countries", "model.shop.staged"],
             tags=["finance"], config={"materialized": "table", "tags": ["finance"], "meta": {"pii": False, "owners": ["ada"]}}),
        node("snapshot", "history", sql="select * from prod.main.mart", depends=["model.shop.mart"]),
        node("model", "scored", sql="def model(dbt, session): ...", depends=["model.shop.light"], language="python"),
        node("test", "unique_mart", sql="select person from prod.main.mart", depends=["model.shop.mart"]),
    ]  # fmt: skip
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "generated_at": "2026-06-01T02:03:04.5Z", "project_name": "shop", "adapter_type": "postgres",
        },
        "nodes": {each["unique_id"]: each for each in nodes},
        "sources": {SOURCE["unique_id"]: copy.deepcopy(SOURCE)},
        "macros": {}, "exposures": {},
    }  # fmt: skip


CATALOG = {
    "sources": {"source.shop.crm.people": {"columns": {
        "id": {"name": "id", "type": "bigint"}, "email": {"name": "email", "type": "text"},
        "country": {"name": "country", "type": "char(2)"}}}},
    "nodes": {"seed.shop.countries": {"columns": {"code": {"name": "code", "type": "text"}, "name": {"name": "name", "type": "text"}}}},
}  # fmt: skip


def read(change=None, **options):
    manifest = project()
    if change is not None:
        change(manifest)
    return read_dbt(manifest, **{"namespace": WAREHOUSE, **options})


def edges(found, place):
    (one,) = [one for one in found.statements if one.place.name == place]
    return {(edge.source.name, edge.source_column, edge.target_column, edge.subtype) for edge in one.edges}


def test_each_relation_is_a_place_and_each_node_a_job():
    found = read()
    assert {statement.place for statement in found.statements} == {
        PlaceName(WAREHOUSE, f"prod.main.{name}") for name in ("countries", "staged", "mart", "history", "scored")
    }
    assert {statement.job for statement in found.statements} >= {JobName("dbt:shop", "model.shop.mart")}
    assert {(statement.by, statement.at.isoformat()) for statement in found.statements} == {
        ("dbt", "2026-06-01T02:03:04.500000+00:00")
    }


def test_a_model_has_the_columns_behind_its_sql():
    assert edges(read(), "prod.main.staged") == {
        ("prod.raw.people_v2", "id", "person", "IDENTITY"),
        ("prod.raw.people_v2", "email", "email", "IDENTITY"),
        ("prod.raw.people_v2", "country", "country", "IDENTITY"),
    }


def test_a_model_is_read_through_stars_and_ephemeral_models():
    found = read(catalog=CATALOG)
    assert edges(found, "prod.main.mart") == {
        ("prod.main.staged", "person", "person", "IDENTITY"),
        ("prod.main.staged", "country", "country", "IDENTITY"),
        ("prod.main.countries", "name", "name", "IDENTITY"),
        ("prod.main.staged", "email", "mail", "TRANSFORMATION"),
        ("prod.main.countries", "code", None, "JOIN"),
        ("prod.main.staged", "country", None, "JOIN"),
        ("prod.main.staged", "person", None, "JOIN"),
    }
    hashed = [edge for one in found.statements for edge in one.edges if edge.treatment]
    assert [edge.treatment for edge in hashed] == [(("method", "hash"),)]
    assert edges(found, "prod.main.history") == {
        ("prod.main.mart", name, name, "IDENTITY") for name in ("person", "country", "name", "mail")
    }


def test_columns_and_types_are_told_where_all_are_known():
    told = {statement.place.name: statement.columns for statement in read(catalog=CATALOG).statements}
    assert told["prod.main.countries"] == {"code": "text", "name": "text"}
    assert told["prod.main.staged"] == {"person": "bigint", "email": "", "country": ""}
    assert told["prod.main.scored"] is None
    assert told["prod.main.history"] is None  # a snapshot has columns of its own besides
    assert read(catalog=CATALOG).schemas == {
        PlaceName(WAREHOUSE, "prod.raw.people_v2"): {"id": "bigint", "email": "text", "country": "char(2)"}
    }


def test_documented_columns_are_not_taken_for_all_columns():
    def star(manifest):
        manifest["nodes"]["model.shop.staged"]["compiled_code"] = "select * from prod.raw.people_v2"

    assert edges(read(star), "prod.main.staged") == {("prod.raw.people_v2", None, None, "IDENTITY")}


def test_columns_of_an_enforced_contract_are_all_columns():
    def contract(manifest):
        manifest["nodes"]["seed.shop.countries"]["config"]["contract"] = {"enforced": True}
        manifest["nodes"]["seed.shop.countries"]["columns"] = {
            "code": column("code"),
            "name": column("name", data_type="text"),
        }
        manifest["nodes"]["snapshot.shop.history"]["compiled_code"] = "select * from prod.main.countries"

    assert edges(read(contract), "prod.main.history") >= {("prod.main.countries", "name", "name", "IDENTITY")}


def test_a_seed_comes_from_its_file():
    (edge,) = [one for one in read().statements if one.place.name == "prod.main.countries"][0].edges  # noqa: RUF015
    assert (edge.source, edge.level) == (PlaceName("dbt:shop", "seeds/countries.csv"), "dataset")


def test_what_is_no_sql_is_tied_to_what_it_depends_on_behind_ephemeral_models():
    found = read()
    assert edges(found, "prod.main.scored") == {("prod.main.staged", None, None, "")}
    assert any(note.startswith("model.shop.scored: there is no compiled SQL") for note in found.notes)


@pytest.mark.parametrize("sql", ["select (", None, "", "call refresh()", "create table x as select 1 as a"])
def test_sql_that_cannot_be_read_leaves_the_tables_known_and_a_note(sql):
    def broken(manifest):
        manifest["nodes"]["model.shop.staged"]["compiled_code"] = sql

    found = read(broken)
    assert edges(found, "prod.main.staged") == {("prod.raw.people_v2", None, None, "")}
    assert any(note.startswith("model.shop.staged: ") for note in found.notes)


def test_what_sql_does_not_show_but_dbt_knows_is_there_too():
    def more(manifest):
        manifest["nodes"]["model.shop.staged"]["depends_on"]["nodes"].append("seed.shop.countries")

    assert ("prod.main.countries", None, None, "") in edges(read(more), "prod.main.staged")


def test_tags_and_meta_are_handed_on():
    tags = {(place.name, name): tags for place, name, tags in read().tags}
    assert tags == {
        ("prod.main.mart", None): ("finance", ("pii", "false"), ("owners", "ada")),
        ("prod.main.staged", "email"): ("pii",),
        ("prod.raw.people_v2", None): ("crm", ("team", "crm")),
        ("prod.raw.people_v2", "email"): (("contains_pii", "true"),),
    }


def test_names_are_as_dbt_writes_them_also_where_the_database_has_no_databases():
    def spark(manifest):
        manifest["metadata"]["adapter_type"] = "spark"
        for each in (*manifest["nodes"].values(), *manifest["sources"].values()):
            each["database"] = None
        manifest["nodes"]["model.shop.staged"]["compiled_code"] = "select id as person from raw.people_v2"

    assert edges(read(spark), "main.staged") == {("raw.people_v2", "id", "person", "IDENTITY")}


def test_snowflake_writes_capitals_but_dbts_names_stay():
    def snowflake(manifest):
        manifest["metadata"]["adapter_type"] = "snowflake"
        manifest["nodes"]["model.shop.staged"]["compiled_code"] = "select id as person, email from prod.raw.people_v2"

    catalog = {
        "sources": {
            "source.shop.crm.people": {
                "columns": {"ID": {"name": "ID", "type": "NUMBER"}, "EMAIL": {"name": "EMAIL", "type": "TEXT"}}
            }
        }
    }
    assert edges(read(snowflake, catalog=catalog), "prod.main.staged") == {
        ("prod.raw.people_v2", "ID", "PERSON", "IDENTITY"),
        ("prod.raw.people_v2", "EMAIL", "EMAIL", "IDENTITY"),
    }  # fmt: skip


@pytest.mark.parametrize("version", ["v10.json", "v11.json", "v12.json", "v12/index.html", "v20.json"])
def test_versions_that_are_read(version):
    found = read(
        lambda manifest: manifest["metadata"].update(
            dbt_schema_version=f"https://schemas.getdbt.com/dbt/manifest/{version}"
        )
    )
    assert len(found.statements) == 5


WRONG = {
    "another version": (lambda m: m["metadata"].update(dbt_schema_version="https://x/manifest/v4.json"), "metadata.dbt_schema_version"),
    "another file": (lambda m: m["metadata"].update(dbt_schema_version="https://x/catalog/v1.json"), "metadata.dbt_schema_version"),
    "no metadata": (lambda m: m.pop("metadata"), "metadata"),
    "no time": (lambda m: m["metadata"].update(generated_at="yesterday"), "metadata.generated_at"),
    "a node without a name": (lambda m: m["nodes"]["model.shop.mart"].update(name=None, alias=None), "nodes.model.shop.mart.identifier"),
    "a node of no kind": (lambda m: m["nodes"]["model.shop.mart"].update(resource_type=3), "nodes.model.shop.mart.resource_type"),
    "nodes in a list": (lambda m: m.update(nodes=[]), "nodes"),
    "columns in a list": (lambda m: m["nodes"]["model.shop.mart"].update(columns=["a"]), "nodes.model.shop.mart.columns"),
    "tags of numbers": (lambda m: m["nodes"]["model.shop.mart"].update(tags=[3]), "nodes.model.shop.mart.tags[0]"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_by_its_field(case):
    change, field = WRONG[case]
    with pytest.raises(InvalidInput) as refused:
        read(change)
    assert refused.value.field == field


@pytest.mark.parametrize("namespace", [None, "", "countersign:models"])
def test_where_the_database_is_must_be_said(namespace):
    with pytest.raises(InvalidInput) as refused:
        read(namespace=namespace)
    assert refused.value.field == "namespace"


def test_of_bigquery_the_namespace_is_known():
    found = read(lambda manifest: manifest["metadata"].update(adapter_type="bigquery"), namespace=None)
    assert {statement.place.namespace for statement in found.statements} == {"bigquery"}


def test_a_circle_of_nodes_ends():
    def circle(manifest):
        manifest["nodes"]["model.shop.staged"]["depends_on"]["nodes"] = ["model.shop.mart"]

    assert len(read(circle).statements) == 5

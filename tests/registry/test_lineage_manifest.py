"""What a manifest says of its features and its training becomes lineage, at the moment of submission."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from registry.canonical import parse_json
from registry.errors import InvalidInput
from registry.lineage.names import OUR_DATASETS, OUR_MODELS, dataset_place
from registry.manifest import bind, parse_manifest, stated_features
from registry.models import (
    Dataset,
    LineageColumn,
    LineageEdge,
    LineageJob,
    LineageSchema,
    LineageStatement,
    ModelVersion,
    Place,
)
from registry.services.places import ensure_places
from registry.services.versions import register_version
from tests.scenario import ledger_actions, manifest_yaml

WAREHOUSE = "postgres://warehouse:5432"
FEATURES = f"""
features:
  - name: income
    sources: [{{namespace: "{WAREHOUSE}", name: prod.public.people, column: salary}}]
    treatment: {{method: aggregation, k: 10}}
  - name: ratio
    sources: [{{dataset: hmda-boston, column: loan}}, {{dataset: hmda-boston, column: income}}]
    transformation: loan / income
"""


def submit(world, version="1", *, extra="", change=lambda text: text, files=None):
    held = {"model.skops": b"model", "predictions.csv": b"approve,predicted\n1,1\n", **(files or {})}
    manifest = change(manifest_yaml(version, extra=extra).decode()).encode()
    digests = {path: world.upload(data) for path, data in held.items()}
    made, _ = register_version(actor=world.ada, manifest=manifest, files=digests)
    return made


def with_file(name):
    return lambda text: text.replace("artifacts: [", f"artifacts: [{{role: feature-definitions, path: {name}}}, ")


def edges_into(version):
    """``(source, column or None, target or 'in' or 'out', level, subtype)`` of all that is stated of a version's place."""
    rows = LineageEdge.objects.filter(target__place__version=version, statement__isnull=False)
    return {
        (
            row.source.place.name,
            row.source.name or None,
            row.target.name or row.target.role,
            row.level,
            row.subtype,
        )
        for row in rows.select_related("source__place", "target")
    }


BY_DEFAULT = {
    ("hmda-boston", None, "out", "training", ""),
    ("hmda-boston", "income", "income", "column", "BY_NAME"),
    ("hmda-boston", "ratio", "ratio", "column", "BY_NAME"),
}

database = pytest.mark.django_db


@database
def test_without_more_a_feature_is_the_column_of_the_training_data(world):
    version = submit(world)
    assert edges_into(version) == BY_DEFAULT
    place = Place.objects.get(version=version)
    assert (place.namespace, place.name, place.kind) == (OUR_MODELS, "mortgage-approval@1", "model")
    assert Place.objects.get(dataset__slug="hmda-boston").namespace == OUR_DATASETS
    assert {column.name for column in place.columns.filter(role="column")} == {"income", "ratio"}
    statement = LineageStatement.objects.get(place=place)
    assert (statement.by, statement.since, statement.until) == ("manifest", version.created_at, None)
    assert statement.job.name == "manifest of mortgage-approval@1"
    assert ledger_actions(model_name="mortgage-approval")[-2:] == ["version.registered", "lineage.declared"]


@database
def test_stated_sources_and_treatments_take_the_place_of_names(world):
    version = submit(world, extra=FEATURES)
    assert edges_into(version) == {
        ("hmda-boston", None, "out", "training", ""),
        ("prod.public.people", "salary", "income", "column", "AGGREGATION"),
        ("hmda-boston", "loan", "ratio", "column", "TRANSFORMATION"),
        ("hmda-boston", "income", "ratio", "column", "TRANSFORMATION"),
    }
    income = LineageEdge.objects.get(target__name="income", target__place__version=version, statement__isnull=False)
    assert income.treatment == {"method": "aggregation", "k": 10}
    assert parse_json(bytes(version.manifest), what="m")["features"][0]["treatment"] == {
        "method": "aggregation",
        "k": 10,
    }


@database
def test_sql_tells_the_columns_behind_a_feature(world):
    sql = "select md5(p.email) as income from people p join gone g on g.id = p.id"
    extra = f"""
features:
  - {{name: income, namespace: "{WAREHOUSE}", dialect: postgres, sql: "{sql}",
     sources: [{{namespace: "{WAREHOUSE}", name: prod.public.people}}]}}
"""
    version = submit(world, extra=extra)
    assert {edge for edge in edges_into(version) if edge[2] == "income"} == {
        ("prod.public.people", "email", "income", "column", "TRANSFORMATION"),
        ("prod.public.people", "id", "income", "column", "JOIN"),
        ("gone", "id", "income", "column", "JOIN"),
    }
    treated = LineageEdge.objects.get(source__name="email", target__name="income")
    assert (treated.treatment, treated.masking) == ({"method": "hash"}, False)


@database
def test_a_file_of_definitions_joins_by_name(world):
    definitions = f"""
set: credit
features:
  - {{name: income, from: [{{namespace: "{WAREHOUSE}", name: people, column: salary}}]}}
  - {{name: unused, from: [{{namespace: "{WAREHOUSE}", name: people, column: shoe}}]}}
""".encode()
    version = submit(world, change=with_file("features.yaml"), files={"features.yaml": definitions})
    assert edges_into(version) == {
        ("hmda-boston", None, "out", "training", ""),
        ("credit", "income", "income", "column", "IDENTITY"),
        ("hmda-boston", "ratio", "ratio", "column", "BY_NAME"),
    }
    behind = LineageEdge.objects.get(target__place__name="credit", target__name="income", statement__isnull=False)
    assert (behind.source.place.name, behind.source.name) == ("people", "salary")


@database
def test_a_file_of_a_feature_store_joins_by_name_of_feature_and_view(world):
    definitions = f"""
project: bank
feature_views:
  - {{name: people, source: {{table: public.people, namespace: "{WAREHOUSE}"}}, schema: [{{name: income}}]}}
  - {{name: loans, source: {{table: public.loans, namespace: "{WAREHOUSE}"}}, schema: [{{name: ratio}}]}}
""".encode()
    version = submit(
        world,
        change=lambda text: with_file("features.yaml")(text).replace("[income, ratio]", "[income, loans__ratio]"),
        files={"features.yaml": definitions},
    )
    assert {edge for edge in edges_into(version) if edge[3] == "column"} == {
        ("people", "income", "income", "column", "IDENTITY"),
        ("loans", "ratio", "loans__ratio", "column", "IDENTITY"),
    }


@database
def test_what_was_trained_on_several_datasets_knows_no_columns_by_name(world):
    version = submit(
        world,
        change=lambda text: text.replace(
            "dataset: hmda-boston@1990,", "dataset: hmda-boston@1990, datasets: [census@2000],"
        ),
    )
    assert edges_into(version) == {
        ("hmda-boston", None, "out", "training", ""),
        ("census", None, "out", "training", ""),
    }
    assert str(version.training_dataset) == "hmda-boston@1990"
    assert set(Dataset.objects.values_list("slug", flat=True)) == {"hmda-boston", "census"}


@database
def test_several_versions_of_one_dataset_are_one_dataset(world):
    version = submit(
        world,
        change=lambda text: text.replace(
            "dataset: hmda-boston@1990,", "datasets: [hmda-boston@1990, hmda-boston@1991],"
        ),
    )
    assert edges_into(version) == BY_DEFAULT
    assert str(version.training_dataset) == "hmda-boston@1990"


@database
def test_a_component_is_a_source_as_a_whole(world):
    version = submit(world, extra="components: [{model: geocoder, version: '3'}]\n")
    assert ("geocoder@3", None, "in", "dataset", "") in edges_into(version)


@database
def test_a_component_that_is_submitted_later_is_linked_to_its_place(world):
    submit(world, extra="components: [{model: mortgage-approval, version: '2'}]\n")
    later = submit(world, "2")
    assert Place.objects.get(name="mortgage-approval@2").version == later
    assert edges_into(later) == BY_DEFAULT


@database
def test_a_dataset_that_events_told_of_first_is_linked_to_its_place(world):
    from django.utils import timezone

    ensure_places([dataset_place("hmda-boston")], timezone.now())
    submit(world)
    assert Place.objects.get(name="hmda-boston").dataset.slug == "hmda-boston"


@database
def test_stating_it_again_changes_nothing(world):
    version = submit(world)
    before = (LineageEdge.objects.count(), LineageStatement.objects.count(), ledger_actions())
    from registry.services.manifest_lineage import state_version_lineage

    assert state_version_lineage(version=version, actor=world.ada) is False
    assert (LineageEdge.objects.count(), LineageStatement.objects.count(), ledger_actions()) == before


@database
def test_versions_from_before_get_their_lineage_once(world, capsys):
    version = submit(world)
    LineageEdge.objects.all().delete()
    LineageStatement.objects.all().delete()
    LineageJob.objects.all().delete()
    LineageColumn.objects.all().delete()
    LineageSchema.objects.all().delete()
    Place.objects.all().delete()
    call_command("state_lineage")
    assert edges_into(version) == BY_DEFAULT
    assert LineageStatement.objects.get().since == version.created_at
    call_command("state_lineage")
    assert capsys.readouterr().out.splitlines() == [
        "stated the lineage of 1 versions",
        "stated the lineage of 0 versions",
    ]


@database
@pytest.mark.parametrize(
    ("definitions", "field"),
    [
        (b"features: [{name: income}]", "features.yaml: features[0]"),
        (b"features: {}", "features.yaml: features"),
        (b"{", "features.yaml"),
        (b"project: p\nfeature_views: [{name: v}]", "features.yaml: feature_views[0].features"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_nothing_behind(world, definitions, field):
    before = ledger_actions()
    with pytest.raises(InvalidInput) as refused:
        submit(world, change=with_file("features.yaml"), files={"features.yaml": definitions})
    assert refused.value.field == field
    assert not ModelVersion.objects.exists()
    assert not LineageStatement.objects.exists()
    assert set(ledger_actions()) - {"artifact.stored"} == set(before) - {"artifact.stored"}


WRONG = {
    "a name that the model lacks": ("[{name: age, sources: [{dataset: d, column: c}]}]", "features[0].name"),
    "a name twice": (
        "[{name: income, sources: [{dataset: d}]}, {name: income, sources: [{dataset: d}]}]", "features[1].name",
    ),
    "no source": ("[{name: income}]", "features[0]"),
    "an unknown key": ("[{name: income, source: x}]", "features[0].source"),
    "two kinds of place": ("[{name: income, sources: [{dataset: d, namespace: n, name: x}]}]", "features[0].sources[0]"),
    "no namespace": ("[{name: income, sources: [{name: x}]}]", "features[0].sources[0].namespace"),
    "no name": ("[{name: income, sources: [{namespace: n}]}]", "features[0].sources[0].name"),
    "an unknown treatment": (
        "[{name: income, sources: [{dataset: d}], treatment: {method: prayer}}]", "features[0].treatment.method",
    ),
    "a k of nobody": (
        "[{name: income, sources: [{dataset: d}], treatment: {method: aggregation, k: 0}}]", "features[0].treatment.k",
    ),
    "SQL that is none": ("[{name: income, namespace: n, sql: 'select ('}]", "features[0].sql"),
    "SQL of a table that is no source": (
        "[{name: income, sources: [{dataset: d}], sql: 'select a as income from t'}]", "features[0].sql",
    ),
    "SQL of several columns": ("[{name: income, namespace: n, sql: 'select a, b from t'}]", "features[0].sql"),
    "SQL of a star": ("[{name: income, namespace: n, sql: 'select * from t'}]", "features[0].sql"),
    "SQL that writes": ("[{name: income, namespace: n, sql: 'create table t as select a from u'}]", "features[0].sql"),
    "a dialect that nobody speaks": (
        "[{name: income, namespace: n, dialect: klingon, sql: 'select a from t'}]", "features[0].dialect",
    ),
    "a control character": ('[{name: income, sources: [{dataset: d, column: "a\\nb"}]}]', "features[0].sources[0].column"),
    "none at all": ("[]", "features"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_features_are_refused_with_their_field(case):
    listed, field = WRONG[case]
    with pytest.raises(InvalidInput) as refused:
        parse_manifest(manifest_yaml("1", extra=f"features: {listed}\n"))
    assert refused.value.field == field
    assert str(refused.value).startswith("manifest: ")


@pytest.mark.parametrize("part", ["datasets: []", "datasets: [nameless]", "datasets: [a@1, a@1]", "datasets: a@1"])
def test_training_datasets_are_named_with_their_versions(part):
    text = manifest_yaml("1").replace(b"dataset: hmda-boston@1990", part.encode())
    with pytest.raises(InvalidInput) as refused:
        parse_manifest(text)
    assert refused.value.field.startswith("training.datasets")


def test_two_files_of_definitions_are_one_too_many():
    twice = with_file("b.yaml")(with_file("a.yaml")(manifest_yaml("1").decode())).encode()
    with pytest.raises(InvalidInput, match="more than one file has the role feature-definitions"):
        parse_manifest(twice)


def test_a_manifest_without_the_new_keys_keeps_its_identity():
    files = {"model.skops": ("a" * 64, 1), "predictions.csv": ("b" * 64, 2)}
    content, digest = bind(parse_manifest(manifest_yaml("1")), files)
    assert b'"features":[{' not in content
    assert b"datasets" not in content
    # Computed with the code before this key was known.
    assert digest == "009a19737ff606ca2536f27595728df91253db2a7caec4ac204974084b86903a"


def test_the_example_in_the_documentation_is_a_manifest():
    text = (Path(__file__).resolve().parents[2] / "docs" / "lineage.md").read_text()
    (example,) = re.findall(r"```yaml\n(training:.*?)```", text, re.DOTALL)
    example = example.replace("artifacts:\n", "artifacts:\n  - {role: model, path: model.bin}\n")
    schema = "{label: y, prediction: p, features: [applicant_income, debt_ratio, loans_before, area_income]}"
    manifest = parse_manifest(f"model: m\nversion: '1'\nuse_case: u\nschema: {schema}\n{example}".encode())
    assert manifest.training_datasets == ("hmda-boston@1990", "census@2000", "bureau@2026-05")
    assert set(stated_features(manifest.document)) == set(manifest.document["schema"]["features"])

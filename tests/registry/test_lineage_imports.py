"""Imports: a document is kept as it came, taken in wholly or not at all, and counts from then on."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.canonical import parse_json, sha256_hex
from registry.models import Classification, LineageColumn, LineageEdge, LineageEvent, LineageStatement, Place
from tests.registry.test_lineage_dbt import CATALOG, WAREHOUSE, project
from tests.scenario import caller, ledger_actions

pytestmark = pytest.mark.django_db

FEATURES = {
    "set": "credit",
    "features": [{"name": "income", "tags": ["pii"], "from": [{"dataset": "hmda", "column": "income"}]}],
}


def dbt(**more):
    return {"format": "dbt", "namespace": WAREHOUSE, "document": project(), "catalog": CATALOG, **more}


@pytest.fixture
def sender(emitter):
    """The scheduler, a service account: that entitles to tell of lineage."""
    return emitter


def post(person, body, **options):
    return caller(person, "lineage").post("/lineage/imports", body, **options)


def live(place):
    """``(source column, target column)`` of the live edges into the columns of a place."""
    rows = LineageEdge.objects.filter(
        target__place__name=place, statement__isnull=False, until=None, target__role="column"
    )
    return {(row.source.name, row.target.name) for row in rows.select_related("source", "target")}


def test_a_dbt_project_is_kept_and_taken_in(sender):
    answer = post(sender, dbt())
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["new"], told["places"]) == (True, 5)
    assert live("prod.main.staged") == {("id", "person"), ("email", "email"), ("country", "country")}
    event = LineageEvent.objects.get()
    body = bytes(event.body)
    assert (event.sha256, sha256_hex(body), event.format, event.sent_by) == (
        told["sha256"],
        event.sha256,
        "dbt",
        sender,
    )
    assert parse_json(body, what="event")["document"] == project()
    assert set(LineageStatement.objects.values_list("event", "by")) == {(event.pk, "dbt")}
    assert ledger_actions().count("lineage.imported") == 1
    source = LineageColumn.objects.get(place__name="prod.raw.people_v2", name="id")
    assert (source.type, source.dropped_at) == ("bigint", None)


def test_tags_classify_columns(sender):
    post(sender, dbt())
    assert set(Classification.objects.values_list("column__place__name", "column__name", "source")) >= {
        ("prod.main.staged", "email", "tag")
    }
    assert "classification.added" in ledger_actions()


def test_the_same_project_again_changes_nothing(sender):
    first = post(sender, dbt()).json()
    before = (LineageEdge.objects.count(), LineageStatement.objects.count(), Classification.objects.count())
    again = post(sender, dbt())
    assert again.status_code == 200
    assert again.json() == {**first, "new": False}
    assert (LineageEdge.objects.count(), LineageStatement.objects.count(), Classification.objects.count()) == before
    assert ledger_actions().count("lineage.imported") == 1


def test_a_later_project_takes_the_place_of_the_earlier_and_ends_what_is_gone(sender):
    post(sender, dbt())
    later = project()
    later["metadata"]["generated_at"] = "2026-07-01T00:00:00Z"
    later["nodes"]["model.shop.staged"]["compiled_code"] = "select id as person from prod.raw.people_v2"
    del later["nodes"]["model.shop.scored"]
    assert post(sender, dbt(document=later)).status_code == 201
    assert live("prod.main.staged") == {("id", "person")}
    assert not LineageEdge.objects.filter(
        target__place__name="prod.main.scored", statement__isnull=False, until=None
    ).exists()
    assert LineageColumn.objects.get(place__name="prod.main.staged", name="email").dropped_at is not None


def test_an_earlier_project_that_comes_late_is_history(sender):
    later = project()
    later["metadata"]["generated_at"] = "2026-07-01T00:00:00Z"
    later["nodes"]["model.shop.staged"]["compiled_code"] = "select id as person from prod.raw.people_v2"
    post(sender, dbt(document=later))
    assert post(sender, dbt()).status_code == 201
    assert live("prod.main.staged") == {("id", "person")}


def test_features_are_taken_in_from_json_and_from_yaml(sender):
    assert post(sender, {"format": "features", "document": FEATURES}).status_code == 201
    assert live("credit") == {("income", "income")}
    assert post(sender, {"format": "features", "document": FEATURES}).status_code == 200
    yaml = "set: credit\nfeatures: [{name: income, from: [{dataset: hmda, column: salary}]}]"
    assert post(sender, {"format": "features", "document": yaml}).status_code == 201
    assert live("credit") == {("salary", "income")}
    # An older document is news again where it brings no time of its own.
    assert post(sender, {"format": "features", "document": FEATURES}).status_code == 201
    assert live("credit") == {("income", "income")}


WRONG = {
    "another format": (lambda: {"format": "csv", "document": {}}, "format"),
    "no document": (lambda: {"format": "dbt", "namespace": WAREHOUSE}, "document"),
    "no manifest": (lambda: dbt(document={}), "metadata"),
    "the text of a manifest": (lambda: dbt(document=json.dumps(project())), "document"),
    "no namespace": (lambda: dbt(namespace=None), "namespace"),
    "a place of ours": (lambda: dbt(namespace="countersign:models"), "namespace"),
    "a catalog of features": (lambda: {"format": "features", "document": FEATURES, "catalog": {}}, "catalog"),
    "features without a name": (lambda: {"format": "features", "document": {"features": FEATURES["features"]}}, "set"),
    "a feature without a source": (
        lambda: {"format": "features", "document": {"set": "s", "features": [{"name": "x"}]}}, "features[0]",
    ),
    "a project of nothing": (lambda: dbt(document={**project(), "nodes": {}}), "nodes"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_leaves_nothing(sender, case):
    body, field = WRONG[case]
    before = ledger_actions()
    answer = post(sender, body())
    assert answer.status_code in {400, 422}, answer.content
    assert field in json.dumps(answer.json())
    assert not LineageEvent.objects.exists()
    assert not LineageStatement.objects.exists()
    assert set(ledger_actions()) - {"token.issued"} == set(before) - {"token.issued"}


def test_a_project_of_tomorrow_is_refused(sender):
    document = project()
    document["metadata"]["generated_at"] = (timezone.now() + timedelta(days=1)).isoformat()
    answer = post(sender, dbt(document=document))
    assert "lies in the future" in answer.json()["detail"]


def test_nothing_is_left_of_an_import_that_fails_at_its_end(sender, monkeypatch):
    from registry.services import lineage_imports

    def broken(**entry):
        assert Place.objects.filter(name="credit").exists()
        raise OSError("disk full")

    calls = caller(sender, "lineage")
    monkeypatch.setattr(lineage_imports.ledger, "record", broken)
    document = {"set": "credit", "features": [{"name": "income", "from": [{"dataset": "hmda", "column": "income"}]}]}
    with pytest.raises(OSError, match="disk full"):
        calls.post("/lineage/imports", {"format": "features", "document": document})
    assert not LineageEvent.objects.exists()
    assert not Place.objects.filter(name="credit").exists()


def test_it_needs_its_scope(sender):
    assert caller(sender, "submit").post("/lineage/imports", dbt()).status_code == 403


def test_who_is_nobody_here_imports_nothing(mallory):
    answer = post(mallory, dbt())
    assert (answer.status_code, LineageEvent.objects.count()) == (403, 0)


def test_files_are_imported_from_the_shell(sender, tmp_path, capsys):
    manifest, catalog, features = tmp_path / "manifest.json", tmp_path / "catalog.json", tmp_path / "features.yaml"
    manifest.write_text(json.dumps(project()))
    catalog.write_text(json.dumps(CATALOG))
    features.write_text(json.dumps(FEATURES))
    call_command("import_lineage", str(manifest), format="dbt", by="scheduler", namespace=WAREHOUSE, catalog=catalog)
    call_command("import_lineage", str(features), format="features", by="scheduler")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" and ")[0] for line in lines] == ["imported 5 places", "imported 1 places"]
    assert live("prod.main.history") == {(name, name) for name in ("person", "country", "name", "mail")}
    with pytest.raises(CommandError, match="no active person"):
        call_command("import_lineage", str(features), format="features", by="nobody")
    with pytest.raises(CommandError, match="namespace is required"):
        call_command("import_lineage", str(manifest), format="dbt", by="scheduler")
    with pytest.raises(CommandError):
        call_command("import_lineage", str(tmp_path / "none.json"), format="dbt", by="scheduler")

"""Pages of datasets: may it be used, for what, until when; writing the datasheet; withdrawing, naming what stands on it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from governance.datasheet_form import FIELDS, form_of
from governance.page_selectors.datasets import standing_of
from registry.models import Classification, Dataset, LineageColumn
from registry.services.classifications import classify_column
from registry.services.dataset_standing import change_visibility, name_steward, withdraw_dataset
from registry.services.datasets import register_dataset, register_dataset_version
from registry.services.datasheets import revise_datasheet
from registry.terms import Terms

pytestmark = pytest.mark.django_db

SHEET = {
    "description": "Applications <b>of 1990</b>.",
    "licence": {"name": "Public domain", "url": "https://fed.example/licence", "until": "2090-06-30"},
    "purposes": ["mortgage-underwriting"],
    "prohibited": [{"purpose": "*", "columns": ["race"], "reason": "ECOA"}],
    "columns": {"income": {"type": "decimal", "description": "a year"}, "race": {}},
}
ON_THE_MODEL = ("ada", "grace", "edsger", "tony", "barbara")


@pytest.fixture
def dataset(world):
    made = register_dataset(actor=world.tony, slug="hmda", name="HMDA Boston", source="Federal Reserve")
    revise_datasheet(actor=world.tony, dataset=made, sheet=SHEET, base=0)
    register_dataset_version(
        actor=world.tony, dataset=made, label="1990", sha256="a" * 64, rows=2380,
        columns=[{"name": "income", "type": "double"}, {"name": "race", "type": "text"}, {"name": "email", "type": "text"}],
    )  # fmt: skip
    return made


def body(client, address, **asked) -> str:
    answer = client.get(address, asked)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


def filled(dataset, **changes) -> dict[str, str]:
    sheet = dataset.datasheets.first()
    return {"base": str(sheet.number), "step": "preview", **form_of(sheet.sheet), **changes}


TODAY = timezone.now().date()


@pytest.mark.parametrize(
    ("terms", "key"),
    [
        ({}, "alive"),
        ({"withdrawn_at": "2026-01-01T00:00:00+00:00", "licence_until": "2020-01-01"}, "withdrawn"),
        ({"licence_until": (TODAY - timedelta(days=1)).isoformat()}, "ended"),
        ({"licence_until": TODAY.isoformat()}, "soon"),
        ({"retention_until": (TODAY + timedelta(days=30)).isoformat()}, "soon"),
        ({"retention_until": (TODAY + timedelta(days=31)).isoformat()}, "alive"),
        ({"retention_until": (TODAY - timedelta(days=1)).isoformat(), "datasheet": None}, "ended"),
        ({"fresh_until": (TODAY - timedelta(days=1)).isoformat()}, "soon"),
        ({"owner": ""}, "declared"),
        ({"datasheet": None}, "undescribed"),
        ({"purposes": ()}, "nothing"),
    ],
)
def test_how_a_dataset_stands(terms, key):
    whole = {"slug": "d", "name": "D", "owner": "Tony", "datasheet": "a" * 64, "purposes": ("*",)} | terms
    standing = standing_of(Terms(**whole), TODAY)
    assert standing.key == key
    assert (standing.status == "pass") == (key == "alive")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, {"hmda", "crm", "gone"}),
        ({"q": "FEDERAL"}, {"hmda"}),
        ({"q": "crm"}, {"crm"}),
        ({"state": "alive"}, {"hmda"}),
        ({"state": "withdrawn"}, {"gone"}),
        ({"state": "undescribed"}, {"crm"}),
        ({"owner": "grace"}, {"crm"}),
        ({"owner": "nobody"}, set()),
        ({"state": "ended"}, set()),
    ],
)
def test_datasets_are_searched_and_filtered(world, dataset, client, asked, shown):
    register_dataset(actor=world.grace, slug="crm", name="Customers", source="CRM")
    gone = register_dataset(actor=world.tony, slug="gone", name="Gone", source="Bureau")
    withdraw_dataset(actor=world.tony, dataset=gone, reason="Contract ended")
    client.force_login(world.ada)
    said = body(client, "/data", **asked)
    assert {slug for slug in ("hmda", "crm", "gone") if f'href="/data/{slug}"' in said} == shown
    assert ("No dataset matches." in said) == (not shown)


def test_the_list_asks_as_often_for_many_as_for_few(world, client, django_assert_max_num_queries):
    for number in range(20):
        made = register_dataset(actor=world.tony, slug=f"d{number}", name="D", source="s")
        revise_datasheet(actor=world.tony, dataset=made, sheet=SHEET, base=0)
        register_dataset_version(actor=world.tony, dataset=made, label="1", sha256="a" * 64)
    client.force_login(world.ada)
    with django_assert_max_num_queries(14):
        body(client, "/data")


def test_without_datasets_the_page_says_how_they_appear(world, client):
    client.force_login(world.ada)
    assert "No datasets yet." in body(client, "/data")


def test_the_page_says_for_what_until_when_and_by_whom(world, dataset, client):
    client.force_login(world.ada)
    said = body(client, "/data/hmda")
    for words in (
        "may be used", "The licence holds until 2090-06-30.", "mortgage-underwriting", "ECOA", "Tony Hoare", "Public domain",
        "Applications &lt;b&gt;of 1990&lt;/b&gt;.", "prohibited for", "2,380", "email", 'href="/data/hmda/impact"', "?dataset=hmda",
    ):  # fmt: skip
        assert words in said, words
    for action in ("/data/hmda/edit", "/data/hmda/withdraw", "/data/hmda/settings"):
        assert action not in said


def test_nobody_without_a_role_finds_any_of_it(world, dataset, client):
    change_visibility(actor=world.tony, dataset=dataset, visibility="restricted")
    pages = (
        "dataset",
        "edit-datasheet",
        "withdraw-dataset",
        "restore-dataset",
        "dataset-settings",
        "dataset-croissant",
    )
    for person in (world.mallory, world.ada):
        client.force_login(person)
        for name in pages:
            assert client.get(reverse(name, args=["hmda"])).status_code == 404, name
        assert client.get("/data/hmda/datasheets/1").status_code == 404
        assert client.post("/data/hmda/classes", {"column": "1"}).status_code == 404
        assert "hmda" not in body(client, "/data")


@pytest.mark.parametrize("who", ["ada", "grace", "edsger", "barbara"])
def test_who_does_not_tend_it_changes_nothing(world, dataset, client, who):
    client.force_login(getattr(world, who))
    for name in ("edit-datasheet", "withdraw-dataset", "restore-dataset", "dataset-settings"):
        assert client.get(reverse(name, args=["hmda"])).status_code == 403, name
        assert client.post(reverse(name, args=["hmda"]), {"reason": "r", "step": "save"}).status_code == 403, name
    column = LineageColumn.objects.get(place__dataset=dataset, name="email")
    assert client.post("/data/hmda/classes", {"column": column.pk, "label": "identifier"}).status_code == 403
    assert dataset.datasheets.count() == 1


def test_the_form_shows_what_changes_and_then_saves_it(world, dataset, client):
    client.force_login(world.tony)
    form = body(client, "/data/hmda/edit")
    assert all(f'name="{field.name}"' in form for field in FIELDS)
    asked = filled(dataset, purposes="mortgage-underwriting, churn", biases="Few of some groups.")
    preview = client.post("/data/hmda/edit", asked).content.decode()
    assert "Permitted purposes" in preview
    assert "<del>mortgage-underwriting</del>" in preview
    assert "Licence holds until" not in preview
    assert dataset.datasheets.count() == 1
    assert client.post("/data/hmda/edit", asked | {"step": "write"}).content.decode().count("Few of some groups.") == 1
    answer = client.post("/data/hmda/edit", asked | {"step": "save"}, follow=True)
    assert "Datasheet 2 is saved." in answer.content.decode()
    assert dataset.datasheets.first().sheet == SHEET | {
        "purposes": ["churn", "mortgage-underwriting"], "biases": "Few of some groups.",
    }  # fmt: skip


@pytest.mark.parametrize("step", ["preview", "save"])
def test_an_error_stands_at_its_field_and_nothing_is_lost(world, dataset, client, step):
    client.force_login(world.tony)
    asked = filled(dataset, regions="Mars", motivation="A long text & more", step=step)
    answer = client.post("/data/hmda/edit", asked)
    said = answer.content.decode()
    assert answer.status_code == 422
    assert "A long text &amp; more" in said
    at = said.index('id="regions"')
    assert 'aria-invalid="true"' in said[at : at + 400]
    assert said.count('aria-invalid="true"') == 1
    assert dataset.datasheets.count() == 1


def test_who_saved_in_the_meantime_is_named_before_anything_is_overwritten(world, dataset, client):
    dataset = name_steward(actor=world.tony, dataset=dataset, steward=world.ada)
    asked = filled(dataset, contact="Tony", step="save")
    revise_datasheet(actor=world.ada, dataset=dataset, sheet=SHEET | {"biases": "Ada knows."}, base=1)
    client.force_login(world.tony)
    answer = client.post("/data/hmda/edit", asked)
    said = answer.content.decode()
    assert answer.status_code == 409
    assert "Ada Lovelace saved datasheet 2 while you wrote from datasheet 1" in said
    assert "<del>Ada knows.</del>" in said
    assert 'name="base" value="2"' in said
    assert dataset.datasheets.count() == 2
    assert client.post("/data/hmda/edit", asked | {"base": "2"}).status_code == 302
    assert dataset.datasheets.first().author == world.tony


def test_a_description_fills_the_form_and_saves_nothing(world, dataset, client):
    client.force_login(world.tony)
    document = {"@type": "sc:Dataset", "name": "x", "rai:dataBiases": "Few of some groups.", "keywords": "k"}
    file = SimpleUploadedFile("c.json", json.dumps(document).encode())
    said = client.post("/data/hmda/edit", filled(dataset, step="croissant", croissant=file)).content.decode()
    assert "Few of some groups." in said
    assert "Public domain" in said
    assert "$.keywords: has no place in a datasheet" in said
    assert dataset.datasheets.count() == 1
    wrong = SimpleUploadedFile("c.json", b"{")
    answer = client.post("/data/hmda/edit", filled(dataset, step="croissant", croissant=wrong))
    assert answer.status_code == 422


def test_a_revision_shows_what_it_changed(world, dataset, client):
    revise_datasheet(actor=world.tony, dataset=dataset, sheet=SHEET | {"purposes": ["*"]}, base=1)
    client.force_login(world.barbara)
    said = body(client, "/data/hmda/datasheets/2")
    assert "What changed since datasheet 1" in said
    assert "<ins>*</ins>" in said
    assert client.get("/data/hmda/datasheets/3").status_code == 404


def test_withdrawing_names_what_stands_on_it_and_asks_why(world, client, brisk, django_capture_on_commit_callbacks):
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    Dataset.objects.filter(slug="hmda-boston").update(owner=world.tony)
    client.force_login(world.tony)
    said = body(client, "/data/hmda-boston/withdraw")
    assert "mortgage-approval@1" in said
    assert "production" in said
    answer = client.post("/data/hmda-boston/withdraw", {"reason": " "})
    assert answer.status_code == 422
    assert Dataset.objects.get(slug="hmda-boston").withdrawn_at is None
    said = client.post("/data/hmda-boston/withdraw", {"reason": "Contract <ended>"}, follow=True).content.decode()
    assert "hmda-boston is withdrawn." in said
    assert "Contract &lt;ended&gt;" in said
    assert client.post("/data/hmda-boston/withdraw", {"reason": "again"}).status_code == 409
    said = client.post("/data/hmda-boston/restore", {"reason": "New contract"}, follow=True).content.decode()
    assert "hmda-boston may be used again." in said


def test_a_compliance_officer_withdraws_what_their_models_stand_on(world, client):
    world.submit("1", measured=False)
    client.force_login(world.edsger)
    assert "/data/hmda-boston/withdraw" in body(client, "/data/hmda-boston")
    assert client.post("/data/hmda-boston/withdraw", {"reason": "r"}).status_code == 302
    assert Dataset.objects.get(slug="hmda-boston").withdrawn_at is not None


def test_models_that_one_may_not_see_are_counted_not_named(world, client):
    world.submit("1", measured=False)
    Dataset.objects.filter(slug="hmda-boston").update(owner=world.mallory)
    client.force_login(world.mallory)
    said = body(client, "/data/hmda-boston/withdraw")
    assert "mortgage-approval" not in said
    assert "One more version of a model that you may not see" in said


def test_a_steward_declares_and_dismisses_what_a_column_holds(world, dataset, client):
    name_steward(actor=world.tony, dataset=dataset, steward=world.ada)
    column = LineageColumn.objects.get(place__dataset=dataset, name="email")
    client.force_login(world.ada)
    sent = {"column": column.pk, "label": "identifier", "detail": "email"}
    said = client.post("/data/hmda/classes", sent, follow=True).content.decode()
    assert "email is declared to hold: identifier." in said
    held = Classification.objects.get()
    assert (held.by, held.detail) == (world.ada, "email")
    address = f"/data/hmda/classes/{held.pk}/end"
    assert address in said
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "It is hashed with a key."}).status_code == 302
    held.refresh_from_db()
    assert (held.ended_by, held.ended_reason) == (world.ada, "It is hashed with a key.")
    assert client.get(address).status_code == 404


def test_a_column_of_another_dataset_is_not_classified_here(world, dataset, client):
    other = register_dataset(actor=world.ada, slug="other", name="Other", source="s")
    register_dataset_version(actor=world.ada, dataset=other, label="1", sha256="b" * 64, columns=[{"name": "x"}])
    column = LineageColumn.objects.get(place__dataset=other, name="x")
    held = classify_column(actor=world.ada, column=column, label="identifier")
    client.force_login(world.tony)
    assert client.post("/data/hmda/classes", {"column": column.pk, "label": "identifier"}).status_code == 404
    assert client.post(f"/data/hmda/classes/{held.pk}/end", {"reason": "r"}).status_code == 404


def test_settings_name_a_steward_bind_tables_and_restrict(world, dataset, client):
    client.force_login(world.tony)
    at = "/data/hmda/settings"
    assert client.post(at, {"what": "steward", "steward": "ada"}).status_code == 302
    assert client.post(at, {"what": "steward", "steward": "nobody"}).status_code == 422
    assert client.post(at, {"what": "visibility", "visibility": "restricted"}).status_code == 302
    address = {"namespace": "postgres://warehouse", "name": "public.loans"}
    assert client.post(at, {"what": "add", **address}).status_code == 302
    assert client.post(at, {"what": "add", "namespace": "countersign:models", "name": "x"}).status_code == 422
    assert "public.loans" in body(client, "/data/hmda")
    dataset.refresh_from_db()
    assert (dataset.steward, dataset.visibility) == (world.ada, "restricted")
    client.force_login(world.ada)
    assert client.post(at, {"what": "steward", "steward": ""}).status_code == 403
    assert client.post(at, {"what": "remove", **address}).status_code == 302
    assert "No table or file is bound" in body(client, "/data/hmda")


def test_a_dataset_is_registered_by_name_or_from_its_description(world, dataset, client):
    client.force_login(world.grace)
    answer = client.post("/register-dataset", {"slug": "mine", "name": "Mine", "source": "Me"}, follow=True)
    assert "mine is registered; you answer for it." in answer.content.decode()
    answer = client.post("/register-dataset", {"slug": "A B", "name": "Mine", "source": "Me"})
    assert answer.status_code == 422
    assert 'value="A B"' in answer.content.decode()
    assert client.post("/register-dataset", {"slug": "hmda", "name": "x", "source": "s"}).status_code == 422
    file = SimpleUploadedFile("c.json", client.get("/data/hmda/croissant.json").content)
    client.post("/register-dataset", {"slug": "copy", "croissant": file})
    copy = Dataset.objects.get(slug="copy")
    assert (copy.owner, copy.name, copy.source) == (world.grace, "HMDA Boston", "Federal Reserve")
    assert copy.datasheets.get().sheet == SHEET
    assert (copy.versions.get().sha256, copy.versions.get().rows) == ("a" * 64, 2380)


def test_the_description_is_kept_as_a_file(world, dataset, client):
    client.force_login(world.ada)
    answer = client.get("/data/hmda/croissant.json")
    assert answer["Content-Disposition"] == 'attachment; filename="hmda.croissant.json"'
    assert json.loads(answer.content)["distribution"][0]["sha256"] == "a" * 64

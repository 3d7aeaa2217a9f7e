"""The inbox sorts what is under way by what it wants of the reader."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.page_selectors.inbox import inbox_for, signing_objections, training_datasets
from governance.page_selectors.roles import roles_by_model
from governance.page_selectors.standing import active_reviews, newest_versions, standings_of
from governance.services.sign_offs import current_stage, objections_to
from registry.models import Dataset, RegisteredModel
from registry.roles import Role
from registry.selectors import models_for, roles_of
from registry.services.datasets import register_dataset
from registry.services.people import assign_role
from tests.scenario import predictions_csv

pytestmark = pytest.mark.django_db

CAST = ("ada", "grace", "edsger", "tony", "barbara", "mallory")


def boxes(world) -> dict[str, list[str]]:
    return {who: [item.box for item in inbox_for(getattr(world, who))] for who in CAST}


def test_a_review_goes_from_hand_to_hand(world):
    version = world.submit("1")
    assert boxes(world) == {
        "ada": ["wait"], "grace": ["wait"], "edsger": ["wait"], "tony": ["sign"], "barbara": ["wait"], "mallory": [],
    }  # fmt: skip
    world.sign(world.tony, version)
    assert boxes(world)["grace"] == ["sign"]
    assert boxes(world)["tony"] == ["wait"]
    world.sign(world.grace, version)
    world.sign(world.edsger, version)
    assert boxes(world) == {
        "ada": ["promote"], "grace": ["wait"], "edsger": ["promote"], "tony": ["promote"], "barbara": ["wait"],
        "mallory": [],
    }  # fmt: skip
    world.promote(version)
    assert boxes(world) == {who: [] for who in CAST}


def test_a_blocked_version_is_its_makers_to_fix_and_says_why(world, client):
    world.submit("1", predictions=predictions_csv(ratio=0.6))
    assert boxes(world)["ada"] == ["fix"]
    assert boxes(world)["grace"] == ["wait"]
    client.force_login(world.ada)
    body = client.get("/").content.decode()
    assert re.search(r"The impact ratio by race is 0\.(5|6)\d\d \(95 % interval", body)
    assert "Yours to fix" in body
    client.force_login(world.grace)
    assert "Waiting for Ada Lovelace" in client.get("/").content.decode()


def test_a_newer_version_takes_the_place_of_a_blocked_one(world):
    world.submit("1", predictions=predictions_csv(ratio=0.6))
    world.submit("2")
    assert [item.standing.version.name for item in inbox_for(world.ada)] == ["2"]


def test_changes_that_a_reviewer_asks_for_stand_in_the_makers_inbox_with_the_reason(world):
    version = world.submit("1")
    world.sign(world.tony, version, meaning="request_changes", comment="Say who looks at refusals.")
    (item,) = inbox_for(world.ada)
    assert (item.box, item.reason) == ("fix", "Tony Hoare: Say who looks at refusals.")


def test_what_is_being_measured_waits(world):
    world.submit("1", measured=False)
    (item,) = inbox_for(world.ada)
    assert (item.box, item.standing.word) == ("wait", "being measured")


def test_who_submitted_is_never_asked_to_sign(world):
    assign_role(actor=world.tony, person=world.ada, role=Role.VALIDATOR, on=world.use_case)
    version = world.submit("1")
    world.sign(world.tony, version)
    assert [item.box for item in inbox_for(world.ada)] == ["wait"]


def test_the_inbox_agrees_with_the_service_about_who_may_sign(world):
    assign_role(actor=world.tony, person=world.ada, role=Role.VALIDATOR, on=world.use_case)
    assign_role(actor=world.edsger, person=world.tony, role=Role.COMPLIANCE_OFFICER, on=world.use_case)
    version = world.submit("1")
    for signer in (world.tony, world.grace, world.edsger):
        review = world.assess(version).review
        for who in CAST:
            person = getattr(world, who)
            models = list(RegisteredModel.objects.all())
            (standing,) = standings_of(list(newest_versions(models)), list(active_reviews(models)))
            mine = roles_by_model(person, models)[version.model_id]
            assert mine == roles_of(person, version.model)
            expected = objections_to(person, review, current_stage(review))
            assert signing_objections(person, standing, mine, set(), {}) == expected
        world.sign(signer, version)


TWO_DATASETS = """training: {dataset: hmda-boston@1990, datasets: [hmda-boston@1990, bureau@2024], parameters: {}}
"""


def submit_trained_on_two(world, monkeypatch, version: str, model: str = "mortgage-approval"):
    from tests import scenario

    plain = scenario.manifest_yaml

    def with_two(*parts, **options) -> bytes:
        lines = plain(*parts, **options).decode().splitlines(keepends=True)
        return "".join(TWO_DATASETS if line.startswith("training:") else line for line in lines).encode()

    with monkeypatch.context() as patched:
        patched.setattr(scenario, "manifest_yaml", with_two)
        return world.submit(version, model=model)


def test_who_owns_a_further_training_dataset_is_not_asked_to_sign_as_signing_refuses_it(world, monkeypatch):
    version = submit_trained_on_two(world, monkeypatch, "1")
    world.sign(world.tony, version)
    assert boxes(world)["grace"] == ["sign"]
    Dataset.objects.filter(slug="bureau").update(owner=world.grace)
    review = world.assess(version).review
    refused = objections_to(world.grace, review, current_stage(review))
    assert refused == ["This stage must be independent of the data owner, and you own bureau."]
    assert boxes(world)["grace"] == ["wait"]
    models = list(RegisteredModel.objects.all())
    (standing,) = standings_of(list(newest_versions(models)), list(active_reviews(models)))
    mine = roles_by_model(world.grace, models)[version.model_id]
    assert signing_objections(world.grace, standing, mine, {"bureau"}, training_datasets([standing])) == refused


def test_the_datasets_of_many_versions_are_read_at_once(world, monkeypatch):
    register_dataset(actor=world.grace, slug="census", name="Census", source="Bureau of the census")
    world.sign(world.tony, submit_trained_on_two(world, monkeypatch, "1"))
    with CaptureQueriesContext(connection) as few:
        assert [item.box for item in inbox_for(world.grace)] == ["sign"]
    for name in ("overdraft", "cards"):
        world.sign(world.tony, submit_trained_on_two(world, monkeypatch, "1", model=name))
    with CaptureQueriesContext(connection) as many_of_them:
        assert [item.box for item in inbox_for(world.grace)] == ["sign"] * 3
    assert len(many_of_them) == len(few)


def test_tabs_count_and_filter(world, client):
    world.submit("1")
    world.submit("7", model="overdraft", predictions=predictions_csv(ratio=0.6))
    client.force_login(world.tony)
    body = client.get("/").content.decode()
    for words in ('All <span class="count">2', 'To sign <span class="count">1', 'To fix <span class="count">1'):
        assert words in body
    only = client.get("/?box=sign").content.decode()
    assert "mortgage-approval 1" in only
    assert "overdraft 7" not in only


@pytest.mark.parametrize("box", ["", "sign", "fix", "promote", "wait", "nonsense"])
def test_an_empty_box_says_what_belongs_there(world, client, box):
    client.force_login(world.mallory)
    assert "come here" in client.get(f"/?box={box}").content.decode()


def many(world, count: int) -> None:
    for number in range(count):
        world.submit("1", model=f"model-{number}", measured=False)


@pytest.mark.parametrize(("url", "most"), [("/", 26), ("/models", 34), ("/use-cases/mortgage-underwriting", 31)])
def test_lists_ask_the_database_as_often_for_many_models_as_for_few(world, client, url, most):
    client.force_login(world.tony)
    version = world.submit("1")
    world.sign(world.tony, version)
    many(world, 2)
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    second = world.submit("2", model="model-0")
    world.sign(world.tony, second)
    for number in range(3):
        world.submit("1", model=f"more-{number}", measured=False)
    with CaptureQueriesContext(connection) as lots:
        client.get(url)
    assert len(lots) == len(few)
    assert len(lots) <= most
    assert models_for(world.tony).count() == 6

"""Datasets over the API: registered, described, stated, withdrawn; and nothing shown to who may not see it."""

from __future__ import annotations

import pytest

from registry.models import Dataset, DatasetVersion
from tests.scenario import caller

pytestmark = pytest.mark.django_db

DIGEST = "a" * 64


@pytest.fixture
def owner(world):
    calls = caller(world.tony)
    answer = calls.call("POST", "/datasets", {"slug": "hmda", "name": "HMDA", "source": "Federal Reserve"})
    assert answer.status_code == 201, answer.content
    return calls


def test_a_dataset_says_whose_it_is_and_on_which_terms(world, owner):
    sheet = {"purposes": ["mortgage-underwriting"], "licence": {"name": "Public domain"}}
    answer = owner.call("POST", "/datasets/hmda/datasheets", {"sheet": sheet, "base": 0})
    assert (answer.status_code, answer.json()["number"], answer.json()["author"]) == (201, 1, "tony")
    said = caller(world.ada).get("/datasets/hmda").json()
    assert (said["owner"], said["steward"], said["withdrawn_at"]) == ("tony", None, None)
    assert said["terms"]["purposes"] == ["mortgage-underwriting"]
    assert said["terms"]["datasheet"] == answer.json()["sha256"]
    assert caller(world.ada).get("/datasets/hmda/datasheets/1").json()["sheet"] == sheet
    assert caller(world.ada).get("/datasets/hmda/datasheets/2").status_code == 404


def test_a_wrong_field_of_a_datasheet_is_named(owner):
    answer = owner.call("POST", "/datasets/hmda/datasheets", {"sheet": {"regions": ["Mars"]}, "base": 0})
    assert answer.status_code == 422
    assert "regions[0]" in answer.content.decode()


def test_a_revision_from_an_old_base_is_a_conflict_that_names_whose(owner):
    owner.call("POST", "/datasets/hmda/datasheets", {"sheet": {"contact": "a"}, "base": 0})
    answer = owner.call("POST", "/datasets/hmda/datasheets", {"sheet": {"contact": "b"}, "base": 0})
    assert answer.status_code == 409
    assert "Tony Hoare wrote revision 1" in answer.json()["detail"]


def test_a_version_holds_schema_profile_and_its_last_day(owner):
    stated = {
        "label": "1990", "sha256": f"sha256:{DIGEST}", "rows": 2380, "columns": [{"name": "income", "type": "double"}],
        "profile": {"income": {"nulls": 0}}, "data_until": "1990-12-31",
    }  # fmt: skip
    for _ in range(2):
        answer = owner.call("POST", "/datasets/hmda/versions", stated)
        assert answer.status_code == 201, answer.content
    version = DatasetVersion.objects.get()
    assert (version.sha256, version.rows, version.profile) == (DIGEST, 2380, {"income": {"nulls": 0}})
    (listed,) = owner.get("/datasets/hmda/versions").json()["results"]
    assert (listed["data_until"], listed["columns"]) == ("1990-12-31", [{"name": "income", "type": "double"}])
    assert owner.call("POST", "/datasets/hmda/versions", stated | {"rows": 1}).status_code == 409


def test_a_dataset_is_withdrawn_and_restored(world, owner):
    assert owner.call("POST", "/datasets/hmda/withdraw", {"reason": ""}).status_code == 422
    said = owner.call("POST", "/datasets/hmda/withdraw", {"reason": "Contract ended"}, key="k").json()
    assert said["terms"]["withdrawn_reason"] == "Contract ended"
    # The same request again is the same withdrawal.
    assert owner.call("POST", "/datasets/hmda/withdraw", {"reason": "Contract ended"}, key="k").json() == said
    assert owner.call("POST", "/datasets/hmda/withdraw", {"reason": "Again"}).status_code == 409
    assert caller(world.ada).call("POST", "/datasets/hmda/restore", {"reason": "r"}).status_code == 403
    assert owner.call("POST", "/datasets/hmda/restore", {"reason": "Renewed"}).json()["withdrawn_at"] is None
    listed = owner.get("/datasets?withdrawn_at__isnull=false").json()["results"]
    assert listed == []


def test_owner_steward_and_visibility(world, owner):
    changed = owner.call("PATCH", "/datasets/hmda", {"steward": "ada", "visibility": "restricted"})
    assert (changed.json()["steward"], changed.json()["visibility"]) == ("ada", "restricted")
    assert caller(world.grace).get("/datasets/hmda").status_code == 404
    assert caller(world.grace).get("/datasets").json()["results"] == []
    assert caller(world.ada).call("PATCH", "/datasets/hmda", {"steward": "mallory"}).status_code == 403
    # Nothing of a change that fails halfway is kept.
    assert owner.call("PATCH", "/datasets/hmda", {"visibility": "everyone", "steward": "nobody"}).status_code == 404
    assert Dataset.objects.get().visibility == "restricted"


def test_addresses_are_bound_listed_and_taken_away(owner):
    address = {"namespace": "postgres://warehouse", "name": "public.loans"}
    assert owner.call("POST", "/datasets/hmda/addresses", address).status_code == 201
    assert owner.get("/datasets/hmda/addresses").json() == [address]
    assert owner.call("DELETE", "/datasets/hmda/addresses", address).status_code == 204
    assert owner.call("DELETE", "/datasets/hmda/addresses", address).status_code == 404


def test_a_description_goes_out_and_registers_the_same_elsewhere(world, owner):
    owner.call("POST", "/datasets/hmda/datasheets", {"sheet": {"purposes": ["*"], "biases": "Some."}, "base": 0})
    owner.call("POST", "/datasets/hmda/versions", {"label": "1990", "sha256": DIGEST})
    document = caller(world.ada).get("/datasets/hmda/croissant").json()
    assert (document["@type"], document["rai:dataBiases"]) == ("sc:Dataset", "Some.")
    answer = caller(world.grace).call("POST", "/croissant?slug=copy", document)
    assert answer.status_code == 201, answer.content
    assert answer.json() == {"dataset": "copy", "datasheet": 1, "version": "1990", "unread": []}
    assert caller(world.grace).get("/datasets/copy/datasheets/1").json()["sheet"] == {
        "biases": "Some.",
        "purposes": ["*"],
    }
    # The same again: the name is taken, and nothing is half-written.
    assert caller(world.ada).call("POST", "/croissant?slug=copy", document).status_code == 409


def test_a_description_revises_what_it_speaks_of_and_leaves_the_rest(owner):
    owner.call("POST", "/datasets/hmda/datasheets", {"sheet": {"purposes": ["churn"], "biases": "Some."}, "base": 0})
    document = {"@type": "sc:Dataset", "name": "x", "rai:dataBiases": ["More."], "keywords": ["k"]}
    assert owner.call("PUT", "/datasets/hmda/croissant", document).status_code == 422
    assert owner.call("PUT", "/datasets/hmda/croissant?base=0", document).status_code == 409
    said = owner.call("PUT", "/datasets/hmda/croissant?base=1", document).json()
    assert said["unread"] == ["$.keywords: has no place in a datasheet"]
    assert owner.get("/datasets/hmda/datasheets/2").json()["sheet"] == {"biases": "More.", "purposes": ["churn"]}


def test_a_bad_description_registers_nothing(world, owner):
    document = {"@type": "sc:Dataset", "name": "x", "identifier": "bad", "license": {"name": "L", "url": "ftp://x"}}
    answer = owner.call("POST", "/croissant", document)
    assert answer.status_code == 422
    assert "licence.url" in answer.content.decode()
    assert not Dataset.objects.filter(slug="bad").exists()


def test_who_has_no_role_finds_none_of_it(owner, world):
    calls = caller(world.mallory)
    for path in ("", "/versions", "/datasheets", "/datasheets/1", "/addresses", "/croissant"):
        assert calls.get(f"/datasets/hmda{path}").status_code == 404, path
    assert calls.call("POST", "/datasets/hmda/withdraw", {"reason": "r"}).status_code == 404

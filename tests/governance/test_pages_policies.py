"""Policies as people read them, and how officers register them."""

from __future__ import annotations

import base64
import io

import pytest
from django.urls import reverse

from governance.models import PolicyVersion
from governance.page_selectors.policies import difference
from tests.scenario import POLICY, predictions_csv

pytestmark = pytest.mark.django_db

NEXT = POLICY.replace(b"version: 1", b"version: 2").replace(b"at_least: 0.70", b"at_least: 0.72")
NEW = "/policies/new"


@pytest.mark.parametrize("who", ["ada", "mallory", "barbara"])
def test_everybody_reads_policies_as_sentences(world, client, who):
    client.force_login(getattr(world, who))
    assert "consumer-credit v1" in client.get("/policies").content.decode()
    body = client.get("/policies/consumer-credit/1").content.decode()
    assert (
        "The impact ratio by race must be at least 0.80 with 95 % confidence. If the data cannot tell, it blocks."
        in body
    )
    assert "One validator must sign, who is not also developer or data owner of the version." in body
    assert "metric: demographic_parity_ratio" in body
    assert f"sha256:{world.policy.sha256}" in body


def test_unknown_policies_are_not_there(world, client):
    client.force_login(world.ada)
    for url in ("/policies/consumer-credit/2", "/policies/other/1", "/policies/consumer-credit/99999999999999999999"):
        assert client.get(url).status_code == 404


def test_a_rule_tells_how_often_it_blocked(world, client):
    world.submit("1")
    world.submit("2", predictions=predictions_csv(ratio=0.6))
    client.force_login(world.grace)
    body = client.get("/policies/consumer-credit/1").content.decode()
    assert "blocked 1 of 2 versions in a year" in body
    assert "blocked 0 of 2 versions in a year" in body
    client.force_login(world.mallory)
    assert "not judged yet" in client.get("/policies/consumer-credit/1").content.decode()


class TestRegistering:
    def send(self, client, **said):
        return client.post(NEW, said)

    @pytest.mark.parametrize("who", ["ada", "tony", "barbara", "mallory"])
    def test_is_the_officers_duty(self, world, client, who):
        client.force_login(getattr(world, who))
        assert client.get(NEW).status_code == 403
        packed = base64.b64encode(NEXT).decode()
        assert self.send(client, packed=packed, step="register").status_code == 403
        assert PolicyVersion.objects.count() == 1

    def test_shows_what_changes_and_registers_only_when_confirmed(self, world, client):
        client.force_login(world.edsger)
        seen = self.send(client, yaml=NEXT.decode().replace("\n", "\r\n")).content.decode()
        assert "Register consumer-credit v2?" in seen
        assert '<span class="added">' in seen
        assert "must be at least 0.72" in seen
        assert PolicyVersion.objects.count() == 1
        done = client.post(NEW, {"packed": base64.b64encode(NEXT).decode(), "step": "register"}, follow=True)
        assert "consumer-credit v2 is registered." in done.content.decode()
        assert bytes(PolicyVersion.objects.get(number=2).content) == NEXT
        against = client.get("/policies/consumer-credit/2", {"against": "1"}).content.decode()
        assert "What changed since consumer-credit v1" in against

    def test_what_was_shown_is_packed_byte_for_byte(self, world, client):
        client.force_login(world.edsger)
        windows = NEXT.replace(b"\n", b"\r\n")
        answer = client.post(NEW, {"file": io.BytesIO(windows)})
        assert base64.b64decode(answer.context["packed"]) == windows

    def test_names_the_place_of_every_mistake_and_keeps_the_text(self, world, client):
        client.force_login(world.edsger)
        wrong = NEXT.decode().replace("at_least: 0.80", "at_lest: 0.80")
        refused = self.send(client, yaml=wrong)
        body = refused.content.decode()
        assert refused.status_code == 422
        assert "rules[1].at_lest" in body
        assert "did you mean at_least" in body
        assert "at_lest: 0.80" in body

    @pytest.mark.parametrize("text", ["", "   ", "- a list", "policy: ["])
    def test_refuses_what_is_no_policy(self, world, client, text):
        client.force_login(world.edsger)
        assert self.send(client, yaml=text).status_code == 422

    def test_refuses_a_damaged_form(self, world, client):
        client.force_login(world.edsger)
        refused = self.send(client, packed="%%%", step="register")
        assert refused.status_code == 422
        assert "damaged on its way" in refused.content.decode()

    def test_says_that_a_number_is_taken(self, world, client):
        client.force_login(world.edsger)
        taken = POLICY.replace(b"at_least: 0.70", b"at_least: 0.72")
        refused = self.send(client, packed=base64.b64encode(taken).decode(), step="register")
        assert refused.status_code == 422
        assert "a change needs the next version number" in refused.content.decode()

    def test_begins_with_the_text_of_the_version_before(self, world, client):
        client.force_login(world.edsger)
        assert "roc_auc_score" in client.get(NEW, {"policy": "consumer-credit"}).content.decode()
        assert reverse("register-policy") in client.get("/policies").content.decode()


def test_a_difference_marks_lines_by_sign_as_well_as_colour():
    lines = difference(b"a\nb\nc\n", b"a\nB\nc\nd\n", names=("1", "2"))
    assert [line.text for line in lines if line.kind == "same"] == ["a", "c"]
    assert [(line.sign, line.text) for line in lines if line.kind in ("added", "removed")] == [
        ("−", "b"), ("+", "B"), ("+", "d"),
    ]  # fmt: skip

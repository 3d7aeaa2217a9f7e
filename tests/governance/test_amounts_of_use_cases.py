"""What decisions are worth is said when a use case is registered, strictly, once, and comparisons are told in it."""

from __future__ import annotations

import pytest

from audits.models import Evaluation
from registry.errors import InvalidInput
from registry.ledger import SYSTEM
from registry.models import UseCase
from registry.services.people import grant_duty
from registry.services.use_cases import create_use_case
from tests.governance.test_comparison_page import another
from tests.scenario import caller, ledger_actions

pytestmark = pytest.mark.django_db

AMOUNTS = {"true_positive": 100, "false_positive": -500, "true_negative": 0, "false_negative": -20, "currency": "EUR"}
LENDING = {
    "slug": "lending", "name": "Lending", "objective": "Lend.", "affected_people": "Borrowers", "risk_tier": "high",
    "owner": "tony",
}  # fmt: skip


def test_amounts_are_kept_and_shown(world, client):
    answer = caller(world.edsger).post("/use-cases", {**LENDING, "amounts": AMOUNTS})
    assert answer.status_code == 201
    assert answer.json()["amounts"] == AMOUNTS
    assert UseCase.objects.get(slug="lending").details["amounts"] == AMOUNTS
    client.force_login(world.tony)
    body = client.get("/use-cases/lending").content.decode()
    assert "A positive decision that is wrong" in body
    assert "−500.00 EUR" in body


def test_a_use_case_without_amounts_says_nothing_of_them(world, client):
    answer = caller(world.edsger).post("/use-cases", LENDING)
    assert answer.status_code == 201
    assert "amounts" not in answer.json()
    client.force_login(world.tony)
    assert "What a decision is worth" not in client.get("/use-cases/lending").content.decode()


@pytest.mark.parametrize(
    ("amounts", "field"),
    [
        ({**AMOUNTS, "currency": "€"}, "amounts.currency"),
        ({**AMOUNTS, "false_negative": "much"}, "amounts.false_negative"),
        ({**AMOUNTS, "maybe": 1}, "amounts"),
        ({key: value for key, value in AMOUNTS.items() if key != "true_negative"}, "amounts.true_negative"),
        ([1, 2], "amounts"),
    ],
)
def test_amounts_that_are_not_whole_register_nothing(world, amounts, field):
    answer = caller(world.edsger).post("/use-cases", {**LENDING, "amounts": amounts})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not UseCase.objects.filter(slug="lending").exists()
    assert "use_case.created" not in ledger_actions(object_type="use case", object_id="lending")


def test_a_comparison_is_told_in_the_amounts_of_the_use_case(world, brisk):
    world.use_case.details = {"amounts": AMOUNTS}
    world.use_case.save()
    first = world.submit("1")
    world.approve(first)
    world.promote(first)
    world.submit("2", predictions=another())
    measured = Evaluation.objects.get(kind="comparison").measurements
    found = measured.get(metric="benefit_difference", slice={})
    assert found.note.endswith("in 1,000 decisions")
    assert "EUR" in found.note


def test_the_service_refuses_what_the_api_would(world):
    grant_duty(actor=SYSTEM, person=world.tony, permission="registry.create_use_case")
    with pytest.raises(InvalidInput, match="every decision is worth the same"):
        create_use_case(
            actor=world.tony, kpis=[], **{**LENDING, "owner": world.tony},
            amounts={**AMOUNTS, "true_positive": -20, "false_positive": 0},
        )  # fmt: skip

"""Intakes and risk by API: written bit by bit, refused with the names of fields, submitted, assessed, overridden."""

from __future__ import annotations

import pytest

from registry.models import UseCase
from registry.services.intake import start_intake
from tests.registry.intake_cases import CREDIT, OVERDRAFT, QUIET
from tests.scenario import at_once, caller

pytestmark = pytest.mark.django_db
MORTGAGE = "/use-cases/mortgage-underwriting/risk"


def test_an_intake_is_written_bit_by_bit_and_submitted(world):
    calls = caller(world.edsger)
    begun = calls.post("/intakes", {"answers": {"name": "Overdraft limits"}})
    assert begun.status_code == 201
    at = f"/intakes/{begun.json()['id']}"
    refused = calls.post(f"{at}/submit", {"revision": 0})
    assert refused.status_code == 422
    assert {"field": "problem", "message": "Business problem: not answered yet"} in refused.json()["errors"]
    saved = calls.call("PATCH", at, {"revision": 0, "answers": OVERDRAFT}).json()
    assert (saved["revision"], saved["problems"]) == (1, [])
    late = calls.call("PATCH", at, {"revision": 0, "answers": {"name": "Mine"}})
    assert late.status_code == 409
    assert late.json()["revision"] == 1
    assert late.json()["answers"]["name"] == "Overdraft limits"
    made = calls.post(f"{at}/submit", {"revision": 1}, key="once")
    assert made.status_code == 201
    assert made.json() | {"created_at": None} == {
        "slug": "overdraft-limits", "name": "Overdraft limits", "objective": "Same limit for same means.",
        "kpis": ["default rate: 2.8 → 2.2 %"], "affected_people": "Holders of current accounts.", "risk_tier": "high",
        "purpose": "credit-scoring", "regions": ["EU", "US-NY"], "owner": "tony", "created_at": None,
    }  # fmt: skip
    assert calls.post(f"{at}/submit", {"revision": 1}, key="once").json() == made.json()
    assert calls.get(at).json()["use_case"] == "overdraft-limits"


def test_a_discarded_intake_is_gone(world):
    draft = start_intake(actor=world.ada)
    assert caller(world.ada).call("DELETE", f"/intakes/{draft.pk}").status_code == 204
    assert caller(world.ada).get(f"/intakes/{draft.pk}").status_code == 404


def test_the_present_way_to_register_a_use_case_still_works_and_takes_purpose_and_regions(world):
    body = {
        "slug": "letters",
        "name": "Letters",
        "objective": "o",
        "affected_people": "p",
        "risk_tier": "low",
        "owner": "tony",
    }
    made = caller(world.edsger).post("/use-cases", body)
    assert made.status_code == 201
    assert (made.json()["purpose"], made.json()["regions"], made.json()["kpis"]) == ("", [], [])
    more = {"slug": "letters-2", "purpose": "sorting", "regions": ["US-NY", "EU"]}
    assert caller(world.edsger).post("/use-cases", body | more).json()["regions"] == ["EU", "US-NY"]
    wrong = caller(world.edsger).post("/use-cases", body | {"slug": "letters-3", "regions": ["Europe"]})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "regions")
    assert UseCase.objects.filter(slug__startswith="letters").count() == 2


def test_the_questionnaire_is_told_as_it_is_asked(world):
    card = caller(world.mallory).get("/scorecard").json()
    assert (card["scorecard"], card["version"]) == ("eu-ai-act-annex-iii", 1)
    assert set(QUIET) < {question["id"] for question in card["questions"]}


def test_risk_is_assessed_and_overridden_by_two_people(world):
    tony, edsger = caller(world.tony), caller(world.edsger)
    assert tony.get(MORTGAGE).json() == {"tier": "high", "assessments": []}
    assert tony.post(f"{MORTGAGE}/override", {"tier": "low", "reason": "r"}).status_code == 422
    first = tony.post(MORTGAGE, {"answers": CREDIT})
    assert (first.status_code, first.json()["result"]["outcome"]) == (201, "high")
    assert tony.post(f"{MORTGAGE}/override", {"tier": "limited", "reason": "A clerk decides."}).status_code == 201
    assert tony.post(f"{MORTGAGE}/override/answer", {"accept": True, "reason": "Mine."}).status_code == 403
    assert tony.get(MORTGAGE).json()["tier"] == "high"
    answered = edsger.post(f"{MORTGAGE}/override/answer", {"accept": True, "reason": "So it is."})
    assert (answered.status_code, answered.json()["answered_by"]) == (200, "edsger")
    shown = caller(world.barbara).get(MORTGAGE).json()
    assert shown["tier"] == "limited"
    assert [item["override_state"] for item in shown["assessments"]] == ["confirmed"]


@pytest.mark.parametrize("answers", [None, [], "x", {"people": {}}, {"mood": "good"}, {"people": "3"}])
def test_answers_of_another_shape_are_refused(world, answers):
    assert caller(world.tony).post(MORTGAGE, {"answers": answers}).status_code == 422


def test_of_two_who_save_at_once_one_is_told(shared_world):
    from registry.errors import Conflict
    from registry.services.intake import save_intake

    draft = start_intake(actor=shared_world.ada)

    def save(person, text):
        return lambda: save_intake(actor=person, intake=draft.pk, revision=0, changes={"problem": text})

    outcomes = at_once(save(shared_world.ada, "First."), save(shared_world.edsger, "Second."))
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    kept = next(outcome for outcome in outcomes if not isinstance(outcome, Exception))
    draft.refresh_from_db()
    assert (draft.revision, draft.answers["problem"]) == (1, kept.answers["problem"])


def test_of_two_who_answer_a_proposal_at_once_one_is_told(shared_world):
    from registry.errors import Conflict
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role
    from registry.services.risk import answer_override, assess_use_case, propose_override

    world = shared_world
    assign_role(actor=SYSTEM, person=world.grace, role=Role.COMPLIANCE_OFFICER, on=world.use_case)
    assess_use_case(actor=world.tony, use_case=world.use_case, answers=CREDIT)
    propose_override(actor=world.tony, use_case=world.use_case, tier="low", reason="A pilot.")

    def answer(person, accept):
        return lambda: answer_override(actor=person, use_case=world.use_case, accept=accept, reason="Because.")

    outcomes = at_once(answer(world.edsger, True), answer(world.grace, False))
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    done = next(outcome for outcome in outcomes if not isinstance(outcome, Exception))
    expected = "low" if done.override_state == "confirmed" else "high"
    assert UseCase.objects.get(pk=world.use_case.pk).risk_tier == expected

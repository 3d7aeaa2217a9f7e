"""The main path through the services: submit, measure, judge, sign, promote."""

import pytest

from governance.services.gate import decide
from tests.scenario import predictions_csv, run_tasks

pytestmark = pytest.mark.django_db


def test_a_fair_version_is_signed_by_all_stages_and_promoted(world):
    version = world.submit("1")
    decision = decide(actor=world.ada, version=version, environment="production")
    assert (decision.result, decision.answer["waiting_for"]) == ("pending", ["sign-off"])
    world.approve(version)
    assert decide(actor=world.ada, version=version, environment="production").result == "allow"
    promotion = world.promote(version)
    assert promotion.version == version
    assert decide(actor=world.ada, version=version, environment="production").answer["attestation_url"]


def test_an_unfair_version_is_denied_for_what_was_measured(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    decision = decide(actor=world.ada, version=version, environment="production")
    assert decision.result == "deny"
    rules = {rule["id"]: rule["status"] for rule in decision.answer["rules"]}
    assert rules == {
        "discrimination-power": "pass",
        "impact-ratio": "fail",
        "no-worse-than-champion": "pass",
        "card-complete": "pass",
    }


def test_nothing_is_decided_before_it_is_measured(world):
    version = world.submit("1", measured=False)
    decision = decide(actor=world.ada, version=version, environment="production")
    assert (decision.result, decision.answer["waiting_for"]) == ("pending", ["evaluation"])


def test_a_pipeline_hears_all_reasons_at_once_when_the_measuring_is_done(world):
    version = world.submit("1", card={}, predictions=predictions_csv(ratio=0.6), measured=False)
    early = decide(actor=world.ada, version=version, environment="production")
    assert (early.result, early.answer["waiting_for"]) == ("pending", ["evaluation"])
    assert early.answer["reason"].endswith("Not met already: card-complete (missing).")
    run_tasks()
    late = decide(actor=world.ada, version=version, environment="production")
    assert late.answer["reason"] == "The policy is not met: impact-ratio (fail), card-complete (missing)."

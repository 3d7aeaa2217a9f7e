"""The rule over re-scoring, and what it does to the trust that evidence is given."""

from __future__ import annotations

import pytest

from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from tests.governance.rules_factory import (
    auc,
    auc_rule,
    evaluation,
    facts,
    impact_rule,
    judged,
    pii_rule,
    policy,
    rescored,
    rescoring_rule,
)

STRICT = {"minimum_trust": "recomputed"}
SCHEMA = {
    "label": "approve",
    "prediction": "predicted",
    "score": "score",
    "sensitive": ["race"],
    "key": ["application"],
}


def test_predictions_that_are_the_models_pass():
    rule = judged(rescoring_rule(), facts(*rescored()))
    assert rule["status"] == "pass"
    assert rule["sentence"] == "The predictions submitted are what the model gives on 1,000 rows."


def test_doctored_predictions_fail_and_say_how_many():
    rule = judged(rescoring_rule(), facts(*rescored(same=0.0, verified=0.0, note="34 decisions differ")))
    assert rule["status"] == "fail"
    assert "34 decisions differ" in rule["sentence"]
    assert "this very model" in rule["fix"]


def test_what_could_not_be_checked_is_missing_not_passed():
    note = "the test data have no race"
    rule = judged(rescoring_rule(), facts(*rescored(verified=0.0, note=note)))
    assert rule["status"] == "missing"
    assert note in rule["sentence"]


@pytest.mark.parametrize("metric", ["prediction_agreement", "predictions_verified"])
def test_half_a_comparison_is_missing(metric):
    rows = [row for row in rescored() if row["metric"] != metric]
    assert (
        judged(rescoring_rule(), facts(*rows, evaluations={"rescoring": evaluation("rescoring")}))["status"]
        == "missing"
    )


def test_a_contradiction_is_an_error():
    assert judged(rescoring_rule(), facts(*rescored(), *rescored(same=0.0)))["status"] == "error"


def test_never_rescored_is_missing():
    assert judged(rescoring_rule(), facts())["status"] == "missing"


def test_where_no_model_can_be_run_the_rule_is_missing_and_says_so():
    why = {"message": "bubblewrap is not installed", "file": None, "column": None, "row": None}
    none = evaluation("rescoring", status="unavailable", sha256=None, error=why)
    rule = judged(rescoring_rule(), facts(evaluations={"rescoring": none}))
    assert rule["status"] == "missing"
    assert "no model can be run here: bubblewrap is not installed" in rule["sentence"]
    assert "probe_sandbox" in rule["fix"]


def known(status):
    again = evaluation("rescoring", status=status, sha256=None, finished_at=None)
    return facts(auc(), evaluations={"performance": evaluation("performance", trust="claimed"), "rescoring": again})


@pytest.mark.parametrize(
    ("status", "expected"),
    [("queued", "pending"), ("running", "pending"), ("error", "missing"), ("cancelled", "missing")],
)
def test_claimed_evidence_waits_while_it_is_being_rescored_and_no_longer(status, expected):
    assert judged(auc_rule(), known(status), evidence=STRICT)["status"] == expected


def test_evidence_on_doctored_predictions_points_to_the_rescoring():
    rows = rescored(same=0.0, verified=0.0, note="34 decisions differ")
    both = {"performance": evaluation("performance", trust="claimed"), "rescoring": evaluation("rescoring")}
    rule = judged(auc_rule(), facts(auc(), *rows, evaluations=both), evidence=STRICT)
    assert rule["status"] == "missing"
    assert "what the re-scoring of the predictions found" in rule["fix"]


def planned(*rules, evidence, schema=SCHEMA):
    return {
        item["kind"]: item for item in plan(parse_policy(policy(*rules, evidence=evidence)), schema, has_champion=False)
    }


def test_a_policy_that_wants_recomputed_evidence_has_predictions_rescored():
    plans = planned(auc_rule(), impact_rule(), evidence=STRICT)
    assert plans["rescoring"]["roles"] == ["model", "test-data", "test-predictions"]
    assert plans["rescoring"]["parameters"] == {
        "label": "approve",
        "prediction": "predicted",
        "score": "score",
        "sensitive": ["race"],
        "key": ["application"],
    }
    assert "rescoring" not in planned(auc_rule(), evidence={"minimum_trust": "claimed"})
    assert "rescoring" not in planned(pii_rule(**{"in": "training-data"}), evidence=STRICT)


def test_the_policy_sets_the_tolerances():
    plans = planned(rescoring_rule(score_tolerance=0.0001), evidence=STRICT)
    assert plans["rescoring"]["parameters"]["score_tolerance"] == 0.0001

"""Rules over what a model's scores rest on: shares, places, groups; and that nothing passes by not being there."""

from __future__ import annotations

import pytest

from audits.evaluate import evaluate
from audits.scoring import opening
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.audits.explanation_cases import INPUTS, applicants, lender, written
from tests.audits.model_cases import opened
from tests.governance.rules_factory import auc, evaluation, facts, judged, measurement, policy


def rule(**changes):
    return {"check": "explanation", **changes}


def forbidden(*features, **changes):
    return rule(forbid_top=list(features), top=2, confidence=0.95, **changes)


def place(feature, value, low, high, **changes):
    return measurement("explanation", "importance_rank", value, low, high, slice={"feature": feature}, **changes)


def share(feature, value, low=None, high=None, **changes):
    return measurement("explanation", "importance_share", value, low, high, slice={"feature": feature}, **changes)


def gap(value, low, high, feature=None, over="race", **changes):
    where = {"slice": {"feature": feature}} if feature else {}
    return measurement("explanation", "importance_share_difference", value, low, high, over=[over], **where, **changes)


@pytest.mark.parametrize(
    ("low", "value", "high", "status"),
    [(3, 3, 3, "pass"), (3, 4, 6, "pass"), (1, 2, 2, "fail"), (2, 3, 4, "inconclusive"), (2, 2, 3, "inconclusive")],
)
def test_a_forbidden_feature_must_surely_be_after_the_first(low, value, high, status):
    entry = judged(forbidden("zip"), facts(place("zip", value, low, high)))
    assert entry["status"] == status
    assert entry["expected"] == "a place after the 2 most important features"
    assert entry["sentence"].startswith(f"The place of zip by importance is {value}")


def test_a_feature_that_the_model_does_not_read_is_not_among_its_most_important():
    entry = judged(forbidden("county"), facts(place("income", 1, 1, 1)))
    assert entry["status"] == "pass"
    assert "none (the model does not read it)" in entry["sentence"]
    assert (
        judged(rule(metric="importance_share", feature="county", at_most=0.1), facts(share("zip", 0.9)))["status"]
        == "pass"
    )


def test_nothing_passes_by_not_having_been_explained():
    known = facts(
        auc(), evaluations={"performance": evaluation("performance"), "explanation": evaluation("explanation")}
    )
    for asked in (
        forbidden("zip"),
        rule(metric="importance_share", at_most=0.9),
        rule(metric="importance_share", feature="zip", at_most=0.9),
        rule(metric="importance_share_difference", at_most=0.9),
        rule(metric="importance_share_difference", over=["sex"], at_most=0.9),
        rule(metric="stability", at_least=0.1),
    ):
        assert judged(asked, known)["status"] == "missing"
    entry = judged(forbidden("zip"), facts(auc()))
    assert entry["status"] == "missing"
    assert "role test-data" in entry["fix"]


def test_a_sandbox_that_does_not_work_is_an_error_and_no_pass():
    failed = evaluation(
        "explanation",
        status="error",
        sha256=None,
        error={"message": "no sandbox works here", "file": None, "column": None, "row": None},
    )
    entry = judged(
        forbidden("zip"), facts(auc(), evaluations={"performance": evaluation("performance"), "explanation": failed})
    )
    assert entry["status"] == "error"


def test_every_feature_must_clear_where_none_is_named():
    known = facts(share("income", 0.7, 0.65, 0.75), share("zip", 0.3, 0.25, 0.35))
    entry = judged(rule(metric="importance_share", at_most=0.6, confidence=0.95), known)
    assert entry["status"] == "fail"
    assert entry["sentence"].startswith("The share of the importance of income is 0.700")
    assert judged(rule(metric="importance_share", feature="zip", at_most=0.6), known)["status"] == "pass"


def test_groups_for_whom_the_score_rests_on_other_things_are_judged_by_the_interval():
    asked = rule(metric="importance_share_difference", over=["race"], at_most=0.2, confidence=0.95)
    assert judged(asked, facts(gap(0.1, 0.05, 0.15)))["status"] == "pass"
    assert judged(asked, facts(gap(0.3, 0.25, 0.4)))["status"] == "fail"
    assert judged(asked, facts(gap(0.1, 0.0, 0.3)))["status"] == "inconclusive"
    few = gap(None, None, None, note="fewer than two groups have at least 30 explained rows")
    assert judged(asked, facts(few))["status"] == "missing"
    assert judged({**asked, "over": ["race", "sex"]}, facts(gap(0.1, 0.05, 0.15)))["status"] == "missing"
    known = facts(gap(0.3, 0.25, 0.4), gap(0.3, 0.25, 0.4, "income"), gap(0.05, 0.0, 0.1, "zip"))
    assert judged({**asked, "feature": "zip"}, known)["status"] == "pass"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"forbid_top": ["zip"], "at_most": 0.1}, "at_most"),
        ({"forbid_top": ["zip"], "metric": "stability"}, "metric"),
        ({"metric": "stability", "at_least": 0.5, "feature": "zip"}, "feature"),
        ({"metric": "importance_share", "at_most": 0.5, "over": ["race"]}, "over"),
        ({"metric": "importance_share", "at_most": 0.5, "top": 3}, "top"),
        ({"metric": "importance_share", "at_most": 50}, "at_most"),
        ({"forbid_top": ["zip"], "on_inconclusive": "review"}, "on_inconclusive"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(changes, field):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(policy(rule(**changes)))
    assert refused.value.field == f"rules[0].{field}"


def test_one_evaluation_is_planned_for_all_rules_with_what_the_manifest_says():
    both = policy(forbidden("zip"), rule(metric="stability", at_least=0.5, confidence=0.9))
    schema = {"label": "repaid", "prediction": "p", "features": ["zip"], "sensitive": ["race"], "key": ["id"]}
    (planned,) = plan(parse_policy(both), schema, has_champion=False)
    assert planned["roles"] == ["model", "test-data", "training-data?", "feature-dictionary?"]
    assert planned["parameters"] == {
        "confidences": [0.9, 0.95], "label": "repaid", "sensitive": ["race"], "key": ["id"],
    }  # fmt: skip


def test_rules_read_what_the_evaluation_measures(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "open_model", lambda *_, **__: opened(lender()))
    (tmp_path / "model.onnx").write_bytes(b"x")
    asked = {"model": {"inputs": list(INPUTS)}, "label": "repaid", "sensitive": ["race"], "key": ["id"], "rows": 120,
             "background_rows": 20}  # fmt: skip
    report = evaluate("explanation", [tmp_path / "model.onnx", written(tmp_path, applicants())], asked)
    known = facts([{**row, "kind": "explanation", "evidence": "ef" * 32} for row in report["measurements"]])
    statuses = {
        "fail": [forbidden("income"), rule(metric="importance_share_difference", at_most=0.1, confidence=0.95)],
        "pass": [
            forbidden("age"),
            rule(metric="permutation_importance", feature="age", at_most=0.01, confidence=0.95),
            rule(metric="interaction_share", at_most=0.01, confidence=0.95),
            rule(metric="stability", at_least=0.5, confidence=0.95),
            rule(metric="additivity_error", at_most=0.000001, confidence=0.95),
        ],
    }
    for status, rules in statuses.items():
        for one in rules:
            assert judged(one, known)["status"] == status, one

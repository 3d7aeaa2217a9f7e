"""Rules over the rebuilt model and over what it was made with: what is not known never passes, and every rule says why."""

from __future__ import annotations

import pytest

from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.governance.rules_factory import facts, judged, measurement, policy

ALIKE = {"check": "reproduction", "at_least": "metric-equivalent"}
SAME_DECISIONS = {"check": "reproduction", "metric": "decision_difference", "at_most": 0.01, "confidence": 0.95}
NO_HOLES = {"check": "environment", "metric": "vulnerabilities", "severity": ["critical", "high"], "at_most": 0}
AS_MADE = {"check": "environment", "metric": "package_differences", "at_most": 0}


def rebuilt(grade, **changes):
    return measurement("reproduction", "reproduction", grade, **changes)


def decisions(value, low=None, high=None):
    return measurement("reproduction", "decision_difference", value, low, high)


def holes(coverage=1.0, **counts):
    levels = ("critical", "high", "medium", "low", "none", "unknown")
    found = [
        measurement("environment", "vulnerabilities", counts.get(level, 0), slice={"severity": level})
        for level in levels
    ]
    return [*found, measurement("environment", "vulnerability_coverage", coverage)]


CASES = {
    "the same file": (ALIKE, [rebuilt(3)], "pass"),
    "the grade that is asked": (ALIKE, [rebuilt(1)], "pass"),
    "another model": (ALIKE, [rebuilt(0)], "fail"),
    "alike is not the same": ({**ALIKE, "at_least": "prediction-identical"}, [rebuilt(1)], "fail"),
    "built twice with two results": (ALIKE, [rebuilt(0), rebuilt(2)], "error"),
    "no grade": (ALIKE, [decisions(0.0, 0.0, 0.0)], "missing"),
    "decides alike": (SAME_DECISIONS, [decisions(0.001, 0.0, 0.008)], "pass"),
    "decides otherwise": (SAME_DECISIONS, [decisions(0.1, 0.08, 0.13)], "fail"),
    "too few rows to tell": (SAME_DECISIONS, [decisions(0.001, 0.0, 0.02)], "inconclusive"),
    "nothing to compare": (SAME_DECISIONS, [decisions(None)], "missing"),
    "no hole": (NO_HOLES, holes(), "pass"),
    "a grave hole": (NO_HOLES, holes(critical=1), "fail"),
    "a small hole, when grave ones are asked about": (NO_HOLES, holes(low=4, medium=1), "pass"),
    "a hole of which nobody tells how grave": (NO_HOLES, holes(unknown=1), "fail"),
    "holes of any severity": ({**NO_HOLES, "severity": ["low"]}, holes(low=1), "fail"),
    "none found where half was looked at": (NO_HOLES, holes(coverage=0.5), "missing"),
    "one found where half was looked at": (NO_HOLES, holes(coverage=0.5, high=1), "fail"),
    "half is enough for this policy": ({**NO_HOLES, "coverage": 0.5}, holes(coverage=0.5), "pass"),
    "a coverage that is not known": (NO_HOLES, holes(coverage=None), "missing"),
    "no report": (NO_HOLES, holes(None, critical=None, high=None, unknown=None), "missing"),
    "runs as it was made": (AS_MADE, [measurement("environment", "package_differences", 0)], "pass"),
    "other versions": (AS_MADE, [measurement("environment", "package_differences", 2)], "fail"),
    "no packages recorded": (AS_MADE, [measurement("environment", "package_differences", None)], "missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule(case):
    rule, measured, status = CASES[case]
    verdict = judged(rule, facts(*measured))
    assert verdict["status"] == status, verdict["sentence"]
    assert verdict["sentence"].endswith(".")
    assert bool(verdict["fix"]) == (status != "pass")


@pytest.mark.parametrize("rule", [ALIKE, NO_HOLES, AS_MADE])
def test_what_was_never_measured_is_missing_and_says_how_to_have_it_measured(rule):
    verdict = judged(rule, facts())
    assert (verdict["status"], verdict["observed"]) == ("missing", "not measured")
    assert "manifest" in verdict["fix"]


def test_the_grade_is_told_by_its_name_and_with_its_reason():
    verdict = judged(ALIKE, facts(rebuilt(0, note="12 of 400 decisions differ, and scores by at most 0.3")))
    assert verdict["sentence"] == (
        "The rebuilt model is not-reproduced (12 of 400 decisions differ, and scores by at most 0.3); the policy requires "
        "at least metric-equivalent."
    )
    assert (verdict["observed"], verdict["expected"]) == ("not-reproduced", "at least metric-equivalent")
    assert "seed" in verdict["fix"]


def test_too_little_looked_at_is_told():
    verdict = judged(NO_HOLES, facts(*holes(coverage=0.5)))
    assert "reports looked at 50 % of the recorded packages, and 100 % are asked for" in verdict["sentence"]
    assert "vulnerability-report" in verdict["fix"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({**ALIKE, "at_most": 0.1}, "rules[0].at_least"),
        ({**ALIKE, "confidence": 0.95}, "rules[0].confidence"),
        ({**SAME_DECISIONS, "metric": "score_difference"}, "rules[0].confidence"),
        ({**AS_MADE, "severity": ["high"]}, "rules[0].severity"),
        ({**AS_MADE, "coverage": 0.5}, "rules[0].coverage"),
        ({"check": "reproduction"}, "rules[0]"),
        ({"check": "reproduction", "metric": "score_difference"}, "rules[0]"),
        ({**ALIKE, "at_least": "not-reproduced"}, "rules[0].at_least"),
    ],
)
def test_what_makes_no_sense_is_refused(rule, field):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(policy(rule))
    assert refused.value.field == field


def test_a_rebuild_is_planned_only_where_the_manifest_says_how():
    document = parse_policy(policy({**ALIKE, "score_tolerance": 1e-6}, NO_HOLES))
    schema = {"label": "y", "prediction": "p", "sensitive": ["race"], "key": ["id"]}
    assert [item["key"] for item in plan(document, schema, False)] == ["environment"]
    schema["execution"] = {"rebuild": {"script": "train.py", "model": "model.skops"}}
    planned = {item["key"]: item for item in plan(document, schema, False)}
    assert planned["reproduction"]["roles"] == ["model", "test-data", "rebuild"]
    assert planned["reproduction"]["parameters"] == {
        "confidences": [0.95],
        "label": "y",
        "sensitive": ["race"],
        "score_tolerance": 1e-6,
    }
    assert planned["environment"]["roles"] == ["recorded-packages"]

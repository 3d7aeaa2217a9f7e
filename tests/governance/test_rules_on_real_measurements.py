"""The whole way on a small file: what the policy plans is what the engine measures is what the rules read."""

from __future__ import annotations

from random import Random

import pytest

from audits.evaluate import evaluate as measure
from governance.rules.metrics import AGGREGATES, COMPARISON, FAIRNESS, PERFORMANCE
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.canonical import digest_of
from tests.governance.rules_factory import champion_rule, facts, impact_rule, policy, verdict

SCHEMA = {"label": "approve", "prediction": "predicted", "score": "score", "sensitive": ["race", "sex"]}


@pytest.fixture(scope="module")
def predictions(tmp_path_factory):
    """Test predictions of 600 applications: the challenger's and the champion's, on the same rows."""
    directory, paths = tmp_path_factory.mktemp("predictions"), []
    for name, noise in (("challenger", 0.2), ("champion", 0.4)):
        people, guesses = Random(7), Random(noise)
        lines = ["approve,predicted,score,race,sex"]
        for _ in range(600):
            race, sex = people.choice(("white", "white", "black")), people.choice("fm")
            label = int(people.random() < 0.6)
            score = min(max(0.5 + (label - 0.5) * 0.6 + guesses.uniform(-noise, noise), 0.01), 0.99)
            lines.append(f"{label},{int(score > 0.5)},{score:.4f},{race},{sex}")
        path = directory / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths


def gathered(content: bytes, predictions, schema=SCHEMA):
    """Facts made of real reports, as the service gathers them."""
    rows, evaluations = [], {}
    for item in plan(parse_policy(content), schema, has_champion=True):
        kind = item["kind"]
        report = measure(kind, predictions[: 2 if kind == "comparison" else 1], item["parameters"])
        sha256 = digest_of(report)
        rows += [{**row, "kind": kind, "evidence": sha256} for row in report["measurements"]]
        evaluations[kind] = {
            "status": "succeeded",
            "trust": "claimed",
            "finished_at": "2026-11-21T05:00:00Z",
            "sha256": sha256,
            "error": None,
        }
    return facts(evaluations=evaluations, measurements=rows)


def rule_for(check: str, metric: str) -> dict:
    if check == "comparison":
        return champion_rule(metric=metric)
    rule = {"check": check, "metric": metric, "at_least": 0, "confidence": 0.95}
    if check == "fairness":
        rule["over"] = ["race", "sex", ["race", "sex"]]
        if metric in AGGREGATES:
            rule["minimum_group"] = 0.02
    return rule


EVERY = [
    (check, metric)
    for check, metrics in (("performance", PERFORMANCE), ("fairness", FAIRNESS), ("comparison", COMPARISON))
    for metric in metrics
]


def test_every_metric_that_a_policy_may_name_is_measured(predictions):
    content = policy(*(rule_for(check, metric) for check, metric in EVERY))
    for (check, metric), rule in zip(EVERY, verdict(content, gathered(content, predictions))["rules"], strict=True):
        assert rule["status"] in ("pass", "fail", "inconclusive"), (check, metric, rule["sentence"])
        assert all(detail["value"] is not None for detail in rule["details"])
        if check != "comparison":
            assert rule["status"] == "pass"


def test_a_column_that_the_manifest_does_not_declare_makes_the_rule_missing(predictions):
    content = policy(impact_rule(over=["race", "sex"]))
    rule = verdict(content, gathered(content, predictions, {**SCHEMA, "sensitive": ["race"]}))["rules"][0]
    assert [detail["status"] for detail in rule["details"]][1] == "missing"
    assert "does not declare sex" in rule["sentence"]


def test_a_score_that_the_manifest_does_not_name_makes_its_rules_missing(predictions):
    content = policy(rule_for("performance", "roc_auc_score"), rule_for("performance", "accuracy_score"))
    schema = {name: column for name, column in SCHEMA.items() if name != "score"}
    rules = verdict(content, gathered(content, predictions, schema))["rules"]
    assert [rule["status"] for rule in rules] == ["missing", "pass"]
    assert "schema.score" in rules[0]["fix"]


def test_the_sentence_holds_the_numbers_that_were_measured(predictions):
    content = policy(rule_for("performance", "accuracy_score"))
    known = gathered(content, predictions)
    row = next(row for row in known["measurements"] if row["metric"] == "accuracy_score")
    sentence = verdict(content, known)["rules"][0]["sentence"]
    assert f"{row['value']:.3f} (95 % interval {row['low']:.3f}–{row['high']:.3f}, n 600)" in sentence

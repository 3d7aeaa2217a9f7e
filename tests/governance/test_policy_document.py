"""A policy as edsger writes it: read whole, or refused with the path of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from governance.rules.checks import CHECKS
from governance.rules.facts import TRUST_GRADES
from governance.rules.metrics import COMPARISON, FAIRNESS, PERFORMANCE
from governance.rules.policy_document import parse_policy
from governance.rules.policy_schema import schema_bytes
from governance.rules.rule import Rule
from governance.rules.sentences import rule_sentence, stage_sentence
from registry.canonical import sha256_hex
from registry.errors import InvalidInput
from registry.roles import Role
from tests.governance.rules_factory import (
    auc_rule,
    card_rule,
    champion_rule,
    impact_rule,
    policy,
    policy_mapping,
    rate_rule,
)

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "docs/examples/consumer-credit.yaml").read_bytes()
SCHEMA = json.loads(schema_bytes())


def refusal(content: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_policy(content)
    return caught.value


def test_the_example_for_consumer_credit_is_read_whole():
    document = parse_policy(EXAMPLE)
    assert (document.id, document.version) == ("consumer-credit", 1)
    assert document.applies_to.risk_tier == ("high",)
    assert document.applies_to.environment == "production"
    assert (document.evidence.minimum_trust, document.evidence.max_age_days) == ("claimed", 90)
    assert "until the service can score submitted models itself" in document.evidence.reason
    assert [(rule.id, rule.check, rule.on_inconclusive) for rule in document.rules] == [
        ("discrimination-power", "performance", "block"),
        ("honest-probabilities", "performance", "block"),
        ("impact-ratio", "fairness", "block"),
        ("impact-ratio-intersections", "fairness", "review"),
        ("equal-opportunity", "fairness", "review"),
        ("no-worse-than-champion", "comparison", "block"),
        ("card-complete", "documentation", "block"),
    ]
    assert document.rules[2].over == (("race",), ("sex",))
    assert document.rules[3].over == (("race", "sex"),)
    assert [(s.stage, s.role, s.quorum, s.independent_of, s.valid_days) for s in document.sign_off] == [
        ("owner", "model-owner", 1, (), None),
        ("validation", "validator", 1, ("developer", "data-owner"), None),
        ("compliance", "compliance-officer", 1, (), 365),
    ]
    assert document.source == EXAMPLE
    assert document.sha256 == sha256_hex(EXAMPLE)


def test_the_example_gives_a_reason_for_every_rule():
    assert all(rule.reason and rule.frameworks for rule in parse_policy(EXAMPLE).rules if rule.check != "documentation")


def test_a_policy_cannot_be_altered():
    document = parse_policy(EXAMPLE)
    with pytest.raises(AttributeError):
        document.rules[0].confidence = 0.6


@pytest.mark.parametrize(
    ("rule", "path", "says"),
    [
        (auc_rule(at_lest=0.7), "rules[0].at_lest", "did you mean at_least?"),
        (auc_rule(metric="auc"), "rules[0].metric", "must be one of accuracy_score"),
        (auc_rule(metric="demographic_parity_ratio"), "rules[0].metric", "must be one of"),
        (impact_rule(metric="log_loss"), "rules[0].metric", "must be one of"),
        (champion_rule(metric="selection_rate"), "rules[0].metric", "must be one of"),
        (auc_rule(confidence=0.5), "rules[0].confidence", "above 0.5"),
        (auc_rule(confidence=1), "rules[0].confidence", "below 1"),
        (auc_rule(confidence=95), "rules[0].confidence", "below 1"),
        (auc_rule(confidence="0.95"), "rules[0].confidence", "must be a number"),
        (auc_rule(at_least=True), "rules[0].at_least", "must be a number"),
        (auc_rule(at_least=75), "rules[0].at_least", "always between 0 and 1"),
        (auc_rule(at_least=-0.1), "rules[0].at_least", "always between 0 and 1"),
        (auc_rule(at_least=0.8, at_most=0.7), "rules[0].at_least", "nothing could pass"),
        (auc_rule(metric="log_loss", at_least=-1), "rules[0].at_least", "always 0 or more"),
        (auc_rule(on_inconclusive="allow"), "rules[0].on_inconclusive", "block, review"),
        (auc_rule(id="Rule One"), "rules[0].id", "lowercase letters, digits and hyphens"),
        (auc_rule(id="rule\n"), "rules[0].id", "lowercase letters"),
        (auc_rule(title=""), "rules[0].title", "must not be empty"),
        (auc_rule(over=["race"]), "rules[0].over", "not known"),
        (impact_rule(over=[]), "rules[0].over", "at least 1"),
        (impact_rule(over="race"), "rules[0].over", "must be a list"),
        (impact_rule(over=[["race"]]), "rules[0].over[0]", "at least two different columns"),
        (impact_rule(over=[["race", "race"]]), "rules[0].over[0]", "at least two different columns"),
        (impact_rule(over=[1]), "rules[0].over[0]", "must be a column"),
        (impact_rule(over=["race", "race"]), "rules[0].over[1]", "a second time"),
        (impact_rule(over=[["race", "sex"], ["sex", "race"]]), "rules[0].over[1]", "a second time"),
        (impact_rule(minimum_group=0.5), "rules[0].minimum_group", "below 0.5"),
        (impact_rule(minimum_group=-0.1), "rules[0].minimum_group", "at least 0"),
        (rate_rule(minimum_group=0.02), "rules[0].minimum_group", "asked of every group"),
        (champion_rule(against="baseline"), "rules[0].against", "must be champion"),
        (champion_rule(margin=-0.01), "rules[0].margin", "at least 0"),
        (champion_rule(margin=1), "rules[0].margin", "below 1"),
        (card_rule("intended use"), "rules[0].requires[0]", "underscores"),
        (card_rule("owner", "owner"), "rules[0].requires", "twice"),
        (card_rule(on_inconclusive="review"), "rules[0].on_inconclusive", "not known"),
        ({"check": "pii", "forbid": ["email"]}, "rules[0].check", '"pii" is not supported by this version'),
        ({"check": "lineage"}, "rules[0].check", "not supported by this version"),
        ({"expression": "1 < 2"}, "rules[0]", "expressions are not supported by this version"),
    ],
)
def test_a_rule_that_is_wrong_is_named_by_its_path(rule, path, says):
    error = refusal(policy(rule))
    assert error.field == path
    assert error.message.startswith(path)
    assert says in error.message


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (auc_rule(), "metric"),
        (auc_rule(), "check"),
        (impact_rule(), "over"),
        (champion_rule(), "margin"),
        (champion_rule(), "against"),
        (card_rule(), "requires"),
    ],
)
def test_what_a_rule_lacks_is_named(rule, key):
    del rule[key]
    error = refusal(policy(rule))
    assert error.field == f"rules[0].{key}"
    assert error.message == f"rules[0].{key} is missing"


def test_what_was_written_is_shown_cut_short():
    assert refusal(policy(auc_rule(at_least="x" * 58))).message.endswith('not "' + "x" * 58 + '"')
    assert refusal(policy(auc_rule(at_least="x" * 59))).message.endswith('not "' + "x" * 58 + "…")


def test_a_rule_without_bounds_is_refused():
    rule = auc_rule()
    del rule["at_least"]
    assert refusal(policy(rule)).message == "rules[0] needs at_least, at_most, or both"


def test_on_inconclusive_without_confidence_is_refused_since_nothing_would_ever_be():
    rule = auc_rule(on_inconclusive="review")
    del rule["confidence"]
    error = refusal(policy(rule))
    assert error.field == "rules[0].on_inconclusive"
    assert "add confidence" in error.message


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"polcy": "x"}, "polcy"),
        ({"version": 0}, "version"),
        ({"version": "4"}, "version"),
        ({"rules": []}, "rules"),
        ({"sign_off": []}, "sign_off"),
        ({"applies_to": {"risk_tier": [], "environment": "production"}}, "applies_to.risk_tier"),
        ({"applies_to": {"risk_tier": "high", "environment": "production"}}, "applies_to.risk_tier"),
        ({"applies_to": {"risk_tier": ["high"]}}, "applies_to.environment"),
        ({"evidence": {}}, "evidence.minimum_trust"),
        ({"evidence": {"minimum_trust": "verified"}}, "evidence.minimum_trust"),
        ({"evidence": {"minimum_trust": "claimed", "max_age_days": 0}}, "evidence.max_age_days"),
        ({"evidence": {"minimum_trust": "claimed", "max_age_days": 1.5}}, "evidence.max_age_days"),
        ({"sign_off": [{"stage": "owner", "role": "boss"}]}, "sign_off[0].role"),
        ({"sign_off": [{"stage": "owner", "role": "validator", "quorum": 0}]}, "sign_off[0].quorum"),
        ({"sign_off": [{"stage": "owner", "role": "validator", "parallel": True}]}, "sign_off[0].parallel"),
        (
            {"sign_off": [{"stage": "owner", "role": "validator", "independent_of": ["validator"]}]},
            "sign_off[0].independent_of",
        ),
        ({"sign_off": [{"stage": "a", "role": "validator"}, {"stage": "a", "role": "auditor"}]}, "sign_off[1].stage"),
        ({"rules": [{"id": "a", **auc_rule()}, {"id": "a", **card_rule()}]}, "rules[1].id"),
    ],
)
def test_the_rest_of_a_policy_is_checked_too(changes, path):
    error = refusal(policy(auc_rule(), **changes))
    assert error.field == path
    assert path in error.message


@pytest.mark.parametrize("key", ["policy", "version", "applies_to", "evidence", "rules", "sign_off"])
def test_what_a_policy_lacks_is_named(key):
    mapping = policy_mapping(auc_rule())
    del mapping[key]
    assert refusal(yaml.safe_dump(mapping).encode()).message == f"{key} is missing"


def test_everything_that_is_wrong_is_listed_in_the_policys_order():
    rules = [auc_rule() for _ in range(11)]
    rules[2]["at_lest"] = rules[10]["at_lest"] = 1
    error = refusal(policy(*rules))
    assert [item["field"] for item in error.details["errors"]] == ["rules[2].at_lest", "rules[10].at_lest"]
    assert error.message.endswith("(and 1 more)")


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"policy: [", b"policy: *x", b"\xff"])
def test_what_is_no_mapping_is_refused(content):
    assert "policy" in refusal(content).message


def test_whole_numbers_may_be_written_with_a_point():
    document = parse_policy(
        policy(auc_rule(), version=4.0, sign_off=[{"stage": "a", "role": "auditor", "quorum": 2.0}])
    )
    assert type(document.version) is int
    assert type(document.sign_off[0].quorum) is int


class TestThePublishedSchema:
    def test_is_itself_valid(self):
        Draft202012Validator.check_schema(SCHEMA)

    def test_accepts_the_example(self):
        Draft202012Validator(SCHEMA).validate(yaml.safe_load(EXAMPLE))

    def test_knows_the_same_checks_metrics_roles_and_grades_as_the_code(self):
        parts = SCHEMA["$defs"]
        assert parts["rule"]["properties"]["check"]["enum"] == list(CHECKS)
        for check, metrics in (("performance", PERFORMANCE), ("fairness", FAIRNESS), ("comparison", COMPARISON)):
            assert sorted(parts[check]["properties"]["metric"]["enum"]) == sorted(metrics)
        assert parts["stage"]["properties"]["role"]["enum"] == [role.value for role in Role]
        evidence = SCHEMA["properties"]["evidence"]["properties"]
        assert tuple(evidence["minimum_trust"]["enum"]) == TRUST_GRADES

    def test_describes_every_key_and_so_does_the_guide(self):
        guide = (ROOT / "docs/policy.md").read_text()

        def walk(part):
            for key, inner in part.get("properties", {}).items():
                if key != "check":
                    assert "const" in inner or inner.get("description"), key
                assert f"`{key}`" in guide, key
                walk(inner)

        walk(SCHEMA)
        for part in SCHEMA["$defs"].values():
            walk(part)

    def test_every_metric_is_in_the_guide(self):
        guide = (ROOT / "docs/policy.md").read_text()
        for metric in {**PERFORMANCE, **FAIRNESS, **COMPARISON}:
            assert f"`{metric}`" in guide, metric


def sentence(rule: dict) -> str:
    parsed = parse_policy(policy(rule)).rules[0]
    assert isinstance(parsed, Rule)
    return rule_sentence(parsed)


def test_rules_read_as_sentences():
    assert sentence(auc_rule()) == (
        "The ROC AUC must be at least 0.75 with 95 % confidence. If the data cannot tell, it blocks."
    )
    assert sentence(impact_rule(over=["race", ["race", "sex"]], minimum_group=0.02, on_inconclusive="review")) == (
        "The impact ratio by race and by race × sex must be at least 0.80 with 95 % confidence; groups under 2 % of rows "
        "are left out. If the data cannot tell, those who sign must accept it by name."
    )
    assert sentence(rate_rule(at_most=0.9)) == (
        "The true positive rate of every group by race must be at least 0.80 and at most 0.90 with 95 % confidence. "
        "If the data cannot tell, it blocks."
    )
    assert sentence(champion_rule(margin=0, metric="log_loss")) == (
        "The log loss must be no higher than the champion's with 95 % confidence. If the data cannot tell, it blocks."
    )
    assert sentence(card_rule()) == "The model card must state intended use and limitations."
    point = auc_rule()
    del point["confidence"]
    assert sentence(point) == "The ROC AUC must be at least 0.75, point value alone."


def test_stages_read_as_sentences():
    stages = [
        {"stage": "owner", "role": "model-owner"},
        {"stage": "validation", "role": "validator", "quorum": 2, "independent_of": ["developer", "data-owner"]},
        {"stage": "compliance", "role": "compliance-officer", "valid_days": 365, "due_days": 1},
    ]
    assert [stage_sentence(stage) for stage in parse_policy(policy(auc_rule(), sign_off=stages)).sign_off] == [
        "One model owner must sign.",
        "2 different validators must sign, who are not also developer or data owner of the version.",
        "One compliance officer must sign, within one day; a signature holds for 365 days.",
    ]

"""A policy as edsger writes it: read whole, or refused with the path of what is wrong."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from governance.rules.checks import CHECKS
from governance.rules.data_metrics import ANONYMITY, BIAS_AUDIT, DRIFT, PROXIES, QUALITY, REPRESENTATION
from governance.rules.environment_rule import ENVIRONMENT
from governance.rules.explanation_rule import EXPLANATION
from governance.rules.facts import TRUST_GRADES
from governance.rules.load_rule import LOAD
from governance.rules.metrics import COMPARISON, FAIRNESS, FLIPS, PERFORMANCE
from governance.rules.pii_rule import ENTITIES
from governance.rules.policy_document import parse_policy
from governance.rules.policy_schema import schema_bytes
from governance.rules.reproduction_rule import REPRODUCTION
from governance.rules.robustness_rule import ROBUSTNESS
from governance.rules.rule import Rule
from governance.rules.sentences import rule_sentence, stage_sentence
from registry.canonical import sha256_hex
from registry.errors import InvalidInput
from registry.roles import Role
from tests.governance.rules_factory import (
    anonymity_rule,
    auc_rule,
    audit_rule,
    card_rule,
    champion_rule,
    completeness_rule,
    impact_rule,
    pii_rule,
    policy,
    policy_mapping,
    proxies_rule,
    psi_rule,
    rate_rule,
    representation_rule,
)

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "docs/examples/consumer-credit.yaml").read_bytes()
FULL = (ROOT / "docs/examples/consumer-credit-full.yaml").read_bytes()
GUIDE = (ROOT / "docs/policy.md").read_text()
SCHEMA = json.loads(schema_bytes())
METRICS = {
    "performance": PERFORMANCE,
    "fairness": FAIRNESS,
    "comparison": COMPARISON,
    "comparison-flips": FLIPS,
    "bias-audit": BIAS_AUDIT,
    "quality": QUALITY,
    "drift": DRIFT,
    "anonymity": ANONYMITY,
    "representation": REPRESENTATION,
    "proxies": PROXIES,
    "reproduction": REPRODUCTION,
    "environment": ENVIRONMENT,
    "explanation": EXPLANATION,
    "load": LOAD,
    "robustness": ROBUSTNESS,
}


def share_rule(population) -> dict:
    return rate_rule(metric="representation_ratio", population=copy.deepcopy(population))


def refusal(content: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_policy(content)
    return caught.value


def test_the_example_for_consumer_credit_is_read_whole():
    document = parse_policy(EXAMPLE)
    assert (document.id, document.version) == ("consumer-credit", 1)
    assert document.applies_to.risk_tier == ("high",)
    assert document.applies_to.environment == "production"
    assert (document.evidence.minimum_trust, document.evidence.max_age_days) == ("recomputed", 90)
    assert "The service scores the test data with the submitted model itself" in document.evidence.reason
    assert [(rule.id, rule.check, rule.on_inconclusive) for rule in document.rules] == [
        ("predictions-are-the-models", "rescoring", "block"),
        ("discrimination-power", "performance", "block"),
        ("honest-probabilities", "performance", "block"),
        ("impact-ratio", "fairness", "block"),
        ("impact-ratio-intersections", "fairness", "review"),
        ("equal-opportunity", "fairness", "review"),
        ("no-worse-than-champion", "comparison", "block"),
        ("few-change-sides", "comparison", "block"),
        ("no-single-reason", "explanation", "block"),
        ("explained-alike", "explanation", "block"),
        ("keeps-its-promises", "robustness", "block"),
        ("can-be-built-again", "reproduction", "block"),
        ("known-environment", "environment", "block"),
        ("fast-enough", "load", "block"),
        ("data-complete", "quality", "block"),
        ("no-leak", "quality", "block"),
        ("no-direct-identifiers", "pii", "block"),
        ("known-origin", "lineage", "block"),
        ("terms-permit", "terms", "block"),
        ("no-identifiers-behind", "pii", "block"),
        ("no-prohibited-features", "prohibited-features", "block"),
        ("card-complete", "documentation", "block"),
    ]
    assert document.rules[3].over == (("race",), ("sex",))
    assert document.rules[4].over == (("race", "sex"),)
    assert [(s.stage, s.role, s.quorum, s.independent_of, s.valid_days) for s in document.sign_off] == [
        ("owner", "model-owner", 1, (), None),
        ("validation", "validator", 1, ("developer", "data-owner"), None),
        ("compliance", "compliance-officer", 1, (), 365),
    ]
    assert document.source == EXAMPLE
    assert document.sha256 == sha256_hex(EXAMPLE)


def test_the_example_gives_a_reason_for_every_rule():
    assert all(rule.reason and rule.frameworks for rule in parse_policy(EXAMPLE).rules if rule.check != "documentation")


def test_the_full_example_uses_every_check_and_gives_its_reasons():
    document = parse_policy(FULL)
    assert {rule.check for rule in document.rules} == set(CHECKS)
    assert all(rule.reason for rule in document.rules)
    assert len({rule_sentence(rule) for rule in document.rules}) == len(document.rules)


def test_two_rules_must_not_tell_one_evaluation_different_things():
    shares = {"race": {"a": 0.5, "b": 0.5}}
    others = {"race": {"a": 0.4, "b": 0.6}}
    assert len(parse_policy(policy(share_rule(shares), share_rule(shares))).rules) == 2
    error = refusal(policy(share_rule(shares), share_rule(others)))
    assert error.field == "rules[1].population.race"
    assert "rule-1, which reads the same evaluation" in error.message
    error = refusal(policy(completeness_rule(), completeness_rule(confidence=0.9)))
    assert error.field == "rules[1].confidence"
    assert parse_policy(policy(completeness_rule(), completeness_rule(confidence=0.9, data="test-data")))


def test_a_policy_cannot_be_altered():
    document = parse_policy(EXAMPLE)
    with pytest.raises(AttributeError):
        document.rules[1].confidence = 0.6


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
        (auc_rule(metric="matthews_corrcoef", at_least=-2), "rules[0].at_least", "always between -1 and 1"),
        (auc_rule(metric="r2_score", at_least=1.5), "rules[0].at_least", "always 1 or less"),
        (auc_rule(classes="all"), "rules[0].classes", "not measured by class"),
        (auc_rule(metric="recall_score", classes="features"), "rules[0].classes", "must be all, or a list"),
        (auc_rule(slices=["region"]), "rules[0].slices", "belongs to metrics of the worst slice"),
        (
            rate_rule(population={"race": {"a": 0.5, "b": 0.5}}),
            "rules[0].population",
            "belongs to representation_ratio",
        ),
        (share_rule({"race": {"a": 0.5, "b": 0.6}}), "rules[0].population.race", "must add up to 1"),
        (share_rule({"race": {"a": 1}}), "rules[0].population.race", "at least 2 entries"),
        (share_rule({"sex": {"f": 0.5, "m": 0.5}}), "rules[0].population.sex", "not among the rule's over"),
        (completeness_rule(metric="psi"), "rules[0].metric", "must be one of completeness"),
        (completeness_rule(columns="every"), "rules[0].columns", "must be all, features, or a list"),
        (completeness_rule(columns=[]), "rules[0].columns", "must be all, features, or a list"),
        (completeness_rule(metric="duplicate_rate"), "rules[0].columns", "one value of the whole"),
        (completeness_rule(at_least=99), "rules[0].at_least", "always between 0 and 1"),
        (completeness_rule(data="Training Data"), "rules[0].data", "must be the role of data"),
        (completeness_rule(test="test-data"), "rules[0].test", "belongs to train_test_overlap_rate"),
        (completeness_rule(reference="test-data"), "rules[0].reference", "belongs to referential_integrity"),
        (
            {"check": "quality", "metric": "expectations_failed", "at_most": 0},
            "rules[0].expectations",
            "name the artifact",
        ),
        (psi_rule(at_most=-0.1), "rules[0].at_most", "always 0 or more"),
        (psi_rule(current=""), "rules[0].current", "must be the role of data"),
        (pii_rule("e-mail"), "rules[0].forbid[0]", "must be one of email"),
        (pii_rule(forbid=[]), "rules[0].forbid", "at least 1"),
        (pii_rule(tolerance=1), "rules[0].tolerance", "below 1"),
        (pii_rule(**{"in": "Features"}), "rules[0].in", "must be features, or the role of data"),
        (anonymity_rule(at_least=0), "rules[0].at_least", "always 1 or more"),
        (anonymity_rule(quasi=[]), "rules[0].quasi", "at least 1"),
        (anonymity_rule(sensitive=["disease"]), "rules[0].sensitive", "belongs to l_diversity_distinct"),
        (anonymity_rule(metric="t_closeness", at_least=0.1), "rules[0].sensitive", "about the values of such a column"),
        (
            anonymity_rule(metric="t_closeness", at_least=0.1, sensitive=["age"]),
            "rules[0].sensitive",
            "among quasi as well",
        ),
        (representation_rule(over=[]), "rules[0].over", "at least 1"),
        (representation_rule(over=["race", "race"]), "rules[0].over[1]", "a second time"),
        (representation_rule(at_least=2), "rules[0].at_least", "always between 0 and 1"),
        (representation_rule(columns=["race"]), "rules[0].columns", "not"),
        (
            representation_rule(metric="population_ratio", over=["race", ["race", "sex"]]),
            "rules[0].over[1]",
            "no population where columns cross",
        ),
        (
            representation_rule(metric="group_count", at_least=9, confidence=0.95),
            "rules[0].confidence",
            "counted, not estimated",
        ),
        (audit_rule(race="sex"), "rules[0].race", "the same column as sex"),
        (audit_rule(exclude_below=0.05), "rules[0].exclude_below", "at most 0.02"),
        (proxies_rule(each="some"), "rules[0].each", "must be all, features, or a list"),
        ({"check": "weather"}, "rules[0].check", "not supported by this version"),
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
        (pii_rule(), "forbid"),
        (pii_rule(), "in"),
        (anonymity_rule(), "quasi"),
        (representation_rule(), "over"),
        (proxies_rule(), "attribute"),
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

    @pytest.mark.parametrize("example", [EXAMPLE, FULL], ids=["consumer-credit", "consumer-credit-full"])
    def test_accepts_the_examples(self, example):
        Draft202012Validator(SCHEMA).validate(yaml.safe_load(example))

    def test_knows_the_same_checks_metrics_roles_and_grades_as_the_code(self):
        parts = SCHEMA["$defs"]
        assert parts["rule"]["properties"]["check"]["enum"] == list(CHECKS)
        for check, metrics in METRICS.items():
            assert sorted(parts[check]["properties"]["metric"]["enum"]) == sorted(metrics)
        assert parts["pii"]["properties"]["forbid"]["items"]["enum"] == list(ENTITIES)
        assert parts["stage"]["properties"]["role"]["enum"] == [role.value for role in Role]
        evidence = SCHEMA["properties"]["evidence"]["properties"]
        assert tuple(evidence["minimum_trust"]["enum"]) == TRUST_GRADES

    def test_describes_every_key_and_so_does_the_guide(self):
        def walk(part):
            for key, given in part.get("properties", {}).items():
                inner = SCHEMA["$defs"][given["$ref"].rpartition("/")[2]] if "$ref" in given else given
                if key != "check":
                    assert "const" in inner or inner.get("description"), key
                assert f"`{key}`" in GUIDE, key
                walk(inner)

        walk(SCHEMA)
        for part in SCHEMA["$defs"].values():
            walk(part)

    def test_every_metric_is_in_the_guide(self):
        for metric in {name for metrics in METRICS.values() for name in metrics}:
            assert f"`{metric}`" in GUIDE, metric

    def test_every_check_has_an_example_in_the_guide_that_is_valid(self):
        shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(- .*?)```", GUIDE, re.DOTALL)]
        rules = [rule for block in shown for rule in block]
        assert {rule["check"] for rule in rules} == set(CHECKS)
        assert [rule.check for rule in parse_policy(policy(*rules)).rules] == [rule["check"] for rule in rules]


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

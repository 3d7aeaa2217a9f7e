"""Which evaluations a policy needs of a version, and which policy governs it."""

from __future__ import annotations

import pytest

from governance.rules.applicability import applicable
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.errors import Conflict, InvalidInput, NotFound
from tests.governance.rules_factory import auc_rule, card_rule, champion_rule, impact_rule, policy, rate_rule

SCHEMA = {"label": "approve", "prediction": "predicted", "score": "score", "sensitive": ["race", "sex"], "features": []}
COLUMNS = {"label": "approve", "prediction": "predicted", "score": "score"}


def planned(*rules, schema=SCHEMA, has_champion=True):
    return plan(parse_policy(policy(*rules)), schema, has_champion)


def test_the_parameters_of_all_rules_of_a_kind_are_joined():
    assert planned(
        auc_rule(confidence=0.99),
        auc_rule(metric="accuracy_score"),
        impact_rule(over=["sex", ["sex", "race"]], minimum_group=0.02),
        rate_rule(over=["race", ["race", "sex"]], confidence=0.9),
        champion_rule(),
        card_rule(),
    ) == [
        {"kind": "comparison", "parameters": {**COLUMNS, "confidences": [0.95]}},
        {
            "kind": "fairness",
            "parameters": {
                **COLUMNS,
                "confidences": [0.9, 0.95],
                "minimum_groups": [0.0, 0.02],
                "over": [["race"], ["sex"], ["race", "sex"]],
            },
        },
        {"kind": "performance", "parameters": {**COLUMNS, "confidences": [0.95, 0.99]}},
    ]


def test_the_order_of_rules_does_not_matter():
    rules = [auc_rule(), impact_rule(over=["sex", "race"]), rate_rule(confidence=0.9), champion_rule()]
    assert planned(*rules) == planned(*rules[::-1])


def test_a_rule_without_confidence_is_measured_at_the_usual_one():
    rule = auc_rule()
    del rule["confidence"]
    assert planned(rule)[0]["parameters"]["confidences"] == [0.95]


def test_without_a_champion_there_is_no_comparison():
    assert planned(champion_rule(), has_champion=False) == []


def test_a_card_needs_no_evaluation_and_no_columns():
    assert planned(card_rule(), schema={}) == []


def test_columns_that_the_manifest_does_not_declare_are_left_out():
    schema = {**SCHEMA, "sensitive": ["race"]}
    over = ["race", "sex", ["race", "sex"]]
    assert planned(impact_rule(over=over), schema=schema)[0]["parameters"]["over"] == [["race"]]
    assert planned(impact_rule(over=over), schema={**SCHEMA, "sensitive": []}) == []


def test_the_positive_class_is_passed_on_and_a_score_is_optional():
    schema = {"label": "approve", "prediction": "predicted", "positive": "yes"}
    assert planned(auc_rule(), schema=schema)[0]["parameters"] == {
        "label": "approve",
        "prediction": "predicted",
        "positive": "yes",
        "confidences": [0.95],
    }


@pytest.mark.parametrize("key", ["label", "prediction"])
def test_a_manifest_without_label_or_prediction_cannot_be_measured(key):
    with pytest.raises(InvalidInput) as refusal:
        planned(auc_rule(), schema={**SCHEMA, key: ""})
    assert refusal.value.field == f"schema.{key}"


def written(name="consumer-credit", version=1, tiers=("high",), environment="production", rule=None):
    return parse_policy(
        policy(
            rule or auc_rule(),
            policy=name,
            version=version,
            applies_to={"risk_tier": list(tiers), "environment": environment},
        )
    )


def test_the_policy_for_the_tier_and_the_environment_is_chosen():
    credit, light, staging = written(), written("light", tiers=("low", "limited")), written("s", environment="staging")
    for order in ([credit, light, staging], [staging, light, credit]):
        assert applicable(order, "high", "production") is credit
        assert applicable(order, "limited", "production") is light
        assert applicable(order, "high", "staging") is staging


def test_the_newest_version_counts():
    old, new = written(version=9), written(version=10)
    assert applicable([old, new], "high", "production") is new
    assert applicable([new, old], "high", "production") is new


def test_an_older_version_does_not_come_back_when_the_newest_gives_up_a_tier():
    with pytest.raises(NotFound):
        applicable([written(version=1), written(version=2, tiers=("low",))], "high", "production")


def test_without_a_policy_nothing_can_go_there():
    with pytest.raises(NotFound, match="no policy governs high risk on the way to moon"):
        applicable([written()], "high", "moon")
    with pytest.raises(NotFound):
        applicable([], "high", "production")


def test_two_policies_for_the_same_are_a_clear_error():
    with pytest.raises(Conflict, match="banking version 2 and consumer-credit version 1 both govern high risk"):
        applicable([written(), written("banking", version=2)], "high", "production")


def test_one_version_with_two_contents_is_an_error():
    with pytest.raises(Conflict, match="two different contents"):
        applicable([written(), written(rule=card_rule())], "high", "production")
    same = written()
    assert applicable([same, written()], "high", "production").sha256 == same.sha256

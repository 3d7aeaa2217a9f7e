"""Which evaluations a policy needs of a version, and which policy governs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from audits.kinds import MODULES, kind_named
from governance.rules.applicability import applicable
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.errors import Conflict, InvalidInput, NotFound
from tests.governance.rules_factory import (
    anonymity_rule,
    auc_rule,
    card_rule,
    champion_rule,
    completeness_rule,
    impact_rule,
    pii_rule,
    policy,
    proxies_rule,
    psi_rule,
    rate_rule,
)

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
        {
            "key": "comparison",
            "kind": "comparison",
            "roles": ["test-predictions", "champion/test-predictions", "test-data?", "model?", "champion/model?"],
            "parameters": {**COLUMNS, "confidences": [0.95], "over": [["race"], ["sex"]]},
        },
        {
            "key": "fairness",
            "kind": "fairness",
            "roles": ["test-predictions"],
            "parameters": {
                **COLUMNS,
                "confidences": [0.9, 0.95],
                "minimum_groups": [0.0, 0.02],
                "over": [["race"], ["sex"], ["race", "sex"]],
            },
        },
        {
            "key": "performance",
            "kind": "performance",
            "roles": ["test-predictions"],
            "parameters": {**COLUMNS, "confidences": [0.95, 0.99]},
        },
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


DATA = {**SCHEMA, "features": ["income", "debt"], "key": ["id"], "timestamp": "day"}


def planned_on(*rules, **schema):
    """Each evaluation's key to its roles and parameters."""
    items = planned(*rules, schema={**DATA, **schema})
    return {item["key"]: (item["roles"], item["parameters"]) for item in items}


def test_data_checks_need_no_label_and_read_the_training_data():
    rules = [completeness_rule(), pii_rule(), anonymity_rule(), proxies_rule()]
    assert planned_on(*rules, label="", prediction="") == {
        "quality": (["training-data"], {"key": ["id"], "confidence": 0.95}),
        "pii": (["training-data"], {}),
        "anonymity:age+zip": (["training-data"], {"quasi": ["age", "zip"]}),
        "proxies": (
            ["training-data"],
            {"confidences": [0.95], "sensitive": ["race"], "features": ["income", "debt"]},
        ),
    }


def test_one_kind_on_several_data_is_several_evaluations():
    plans = planned_on(
        pii_rule(),
        pii_rule(**{"in": "training-data"}),
        pii_rule(**{"in": "test-predictions"}),
        anonymity_rule(),
        anonymity_rule(quasi=["age"]),
        anonymity_rule(data="test-data"),
    )
    assert {key: roles for key, (roles, _) in plans.items()} == {
        "pii": ["training-data"],
        "pii:test-predictions": ["test-predictions"],
        "anonymity:age+zip": ["training-data"],
        "anonymity:age": ["training-data"],
        "anonymity:test-data:age+zip": ["test-data"],
    }


def test_checks_of_two_data_sets_read_both():
    overlap = {"check": "quality", "metric": "train_test_overlap_rate", "at_most": 0.1}
    integrity = {"check": "quality", "metric": "referential_integrity", "at_least": 0.9}
    plans = planned_on(psi_rule(), psi_rule(current="production-data"), overlap, integrity)
    assert {key: roles for key, (roles, _) in plans.items()} == {
        "drift": ["training-data", "test-data"],
        "drift:training-data:production-data": ["training-data", "production-data"],
        "quality:training-data:test-data": ["training-data", "test-data"],
        "quality:training-data:-:reference-data": ["training-data", "", "reference-data"],
    }


def test_the_schema_of_the_manifest_is_passed_on_where_a_metric_is_about_it():
    def parameters(metric, **bounds):
        return planned_on({"check": "quality", "metric": metric, **bounds})["quality"][1]

    assert parameters("completeness", at_least=0.9) == {"key": ["id"]}
    assert parameters("label_leakage", at_most=0.9)["label"] == "approve"
    assert parameters("freshness_days", at_most=9)["timestamp"] == "day"
    stated = {"check": "quality", "metric": "expectations_failed", "at_most": 0, "expectations": "e.yaml"}
    assert planned_on(completeness_rule(), stated)["quality"][1]["expectations"] == "e.yaml"


def test_proxies_of_no_features_are_not_measured():
    assert planned_on(proxies_rule(), features=[]) == {}


def test_a_task_weights_and_scores_of_classes_are_passed_on():
    schema = {"task": "multiclass", "weight": "w", "scores": {"a": "pa", "b": "pb"}}
    parameters = planned_on(auc_rule(metric="f1_score_macro", at_least=0.5), **schema)["performance"][1]
    assert {name: parameters[name] for name in schema} == schema
    assert not set(schema) & set(planned_on(auc_rule())["performance"][1])


def test_slices_are_the_rules_or_the_manifests():
    worst = {"check": "performance", "metric": "worst_slice_accuracy_score", "at_least": 0.5}
    assert planned_on({**worst, "slices": ["region"]})["performance"][1]["slices"] == ["region"]
    assert planned_on(worst, slices=["branch"])["performance"][1]["slices"] == ["branch"]
    assert planned_on(worst)["performance"][1]["slices"] == ["race", "sex"]
    assert "slices" not in planned_on(worst, sensitive=[])["performance"][1]


def test_the_population_is_the_policys_before_the_manifests():
    declared = {"race": {"a": 0.5, "b": 0.5}, "sex": {"f": 0.5, "m": 0.5}}
    share = {"metric": "representation_ratio", "at_least": 0.5}
    own = {"race": {"a": 0.9, "b": 0.1}}
    for rules in (
        [rate_rule(**share, population=own), rate_rule(**share, over=["sex"])],
        [rate_rule(**share, over=["sex"]), rate_rule(**share, population=own)],
    ):
        parameters = planned_on(*rules, population=declared)["fairness"][1]
        assert parameters["population"] == {**declared, **own}
    assert "population" not in planned_on(rate_rule(), population=declared)["fairness"][1]


def test_a_key_that_would_grow_too_long_is_cut_and_stays_its_own():
    names = [f"quasi-identifier-{n}" for n in range(20)]
    keys = [*planned_on(anonymity_rule(quasi=names)), *planned_on(anonymity_rule(quasi=names[:-1]))]
    assert len(set(keys)) == 2
    assert max(map(len, keys)) <= 120


def test_every_kind_accepts_what_is_planned_for_it():
    example = (Path(__file__).parents[2] / "docs/examples/consumer-credit-full.yaml").read_bytes()
    schema = {**DATA, "sensitive": ["race", "sex"], "population": {"sex": {"f": 0.5, "m": 0.5}}, "positive": "yes"}
    schema |= {"key": ["application"], "execution": {"rebuild": {"script": "train.py", "model": "model.skops"}}}
    items = plan(parse_policy(example), schema, has_champion=True)
    assert {item["kind"] for item in items} == set(MODULES) - {"remedy"}
    for item in items:
        kind, parameters = kind_named(item["kind"]), dict(item["parameters"])
        if kind.name == "quality":  # the service puts the stated expectations in the place of their path
            parameters |= {"expectations": {"columns": {"income": {"min": 0}}}, "as_of": "2026-11-21"}
        kind.parse(parameters)
        assert len(kind.inputs) <= len(item["roles"]) <= len(kind.inputs) + len(kind.optional)


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

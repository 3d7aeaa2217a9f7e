"""Personal data of some classes come, along the lineage, to where the rule looks; or do not."""

from __future__ import annotations

import pytest

from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.governance.lineage_factory import edge, lineage, terms, trained
from tests.governance.rules_factory import facts, judged, pii_rule, policy

EMAIL = [("crm:email", "identifier", "declared", "email")]


def rule_on(*classes, where="features", **changes):
    return {"check": "pii", "classes": list(classes or ("identifier",)), "in": where, **changes}


def judge(*edges, rule=None, classes=EMAIL, features=("domain",), **changes):
    known = lineage(*edges, classes=classes, features=features, datasets=[terms("crm")], **changes)
    return judged(rule or rule_on(), facts(lineage=known))


def hashed(method=None, **more):
    """A feature made from the e-mail address, by a staging table that treats it in some way."""
    treatment = {"treatment": {"method": method, **more}} if method else {}
    return edge("crm:email", "staging:email_hash", **treatment), edge("staging:email_hash", "model:domain")


def test_a_feature_made_from_an_identifier_fails_with_the_path():
    rule = judge(*hashed("hash"))
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature domain of mortgage-approval@2026.11.2 is made from crm.email (identifier, declared: email), by "
        "staging.email_hash (hashed without a key, which does not lower it)."
    )
    assert "treatment that the policy accepts" in rule["fix"]
    assert rule["evidence"] == []


def test_a_feature_made_from_other_columns_of_the_same_table_passes():
    rule = judge(edge("crm:town", "model:domain"))
    assert rule["status"] == "pass"
    assert rule["sentence"] == (
        "As far as the lineage tells, the features of mortgage-approval@2026.11.2 hold no identifiers."
    )


def test_where_only_tables_are_connected_every_class_of_the_table_comes_over():
    rule = judge(edge("crm", "model:domain"))
    assert rule["status"] == "fail"
    assert rule["sentence"].endswith(
        "is made from crm.email (identifier, declared: email), in the last step known of the whole only."
    )


def test_a_keyed_hash_makes_a_pseudonym_where_policy_accepts_it_and_that_can_be_forbidden_too():
    way = hashed("keyed-hash")
    refused = judge(*way)
    assert refused["status"] == "fail"
    assert "(hashed with a secret key, which this policy does not accept)" in refused["sentence"]
    accepts = {"accepts": {"keyed-hash": True}}
    assert judge(*way, rule=rule_on(**accepts))["status"] == "pass"
    rule = judge(*way, rule=rule_on("pseudonym", **accepts))
    assert rule["status"] == "fail"
    assert rule["sentence"].endswith(
        "is made from crm.email (identifier, declared: email), by staging.email_hash (hashed with a secret key, which leaves "
        "a pseudonym)."
    )  # fmt: skip


def test_who_forbids_pseudonyms_forbids_identifiers_and_who_forbids_sensitive_special_categories():
    assert judge(*hashed(), rule=rule_on("pseudonym"))["status"] == "fail"
    special = [("crm:email", "special-category", "tag", "health")]
    assert judge(*hashed(), rule=rule_on("sensitive"), classes=special)["status"] == "fail"
    assert judge(*hashed(), rule=rule_on("identifier"), classes=special)["status"] == "pass"


@pytest.mark.parametrize(
    ("way", "status"),
    [
        (hashed("aggregation", k=10), "pass"),
        (hashed("aggregation", k=9), "fail"),
        (hashed("aggregation"), "fail"),
        (hashed("differential-privacy", epsilon=1), "pass"),
        (hashed("differential-privacy", epsilon=1.5), "fail"),
        (hashed("suppression"), "pass"),
    ],
)
def test_what_leaves_nothing_leaves_nothing_only_within_what_policy_accepts(way, status):
    accepts = {"aggregation": {"k": 10}, "differential-privacy": {"epsilon": 1}, "suppression": True}
    assert judge(*way, rule=rule_on(accepts=accepts))["status"] == status
    assert judge(*way)["status"] == "fail"


def test_influence_counts_only_where_it_is_forbidden():
    way = (edge("crm:town", "model:domain"), edge("crm:email", "model:domain", manner="indirect"))
    assert judge(*way)["status"] == "pass"
    rule = judge(*way, rule=rule_on(influence="forbid"))
    assert rule["status"] == "fail"
    assert "is influenced by crm.email" in rule["sentence"]


def test_training_data_are_what_the_model_was_trained_on_and_not_only_its_features():
    way = (edge("crm:town", "model:domain"), trained("crm"))
    assert judge(*way)["status"] == "pass"
    rule = judge(*way, rule=rule_on(where="training-data"))
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "mortgage-approval@2026.11.2 was trained on crm, which holds crm.email (identifier, declared: email)."
    )
    assert judge(edge("crm:town", "model:domain"), rule=rule_on(where="training-data"))["status"] == "missing"


def test_predictions_hold_what_the_features_hold():
    rule = judge(*hashed(), rule=rule_on(where="predictions"))
    assert rule["status"] == "fail"
    assert rule["sentence"].startswith(
        "The predictions of mortgage-approval@2026.11.2 rest on feature domain, which is made"
    )


def test_a_class_of_the_feature_itself_counts():
    rule = judge(edge("crm:town", "model:domain"), classes=[("model:domain", "identifier", "scan", "email")])
    assert rule["status"] == "fail"
    assert (
        rule["sentence"]
        == "Feature domain of mortgage-approval@2026.11.2 holds personal data (identifier, scan: email)."
    )


@pytest.mark.parametrize("where", ["features", "predictions"])
def test_a_feature_without_lineage_is_missing_and_never_passes(where):
    rule = judge(edge("crm:town", "model:domain"), features=("domain", "age"), rule=rule_on(where=where))
    assert rule["status"] == "missing"
    assert "feature age" in rule["sentence"]


@pytest.mark.parametrize("where", ["features", "training-data", "predictions"])
def test_a_lineage_that_was_cut_off_or_not_gathered_is_missing(where):
    known = lineage(edge("crm:town", "model:domain"), trained("crm"), features=("domain",), datasets=[terms("crm")])
    assert judged(rule_on(where=where), facts(lineage=known))["status"] == "pass"
    known["graph"]["truncated"] = True
    assert judged(rule_on(where=where), facts(lineage=known))["status"] == "missing"
    assert judged(rule_on(where=where), facts())["status"] == "missing"


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (rule_on(forbid=["email"]), "rules[0].forbid"),
        (rule_on(tolerance=0.1), "rules[0].tolerance"),
        (rule_on("secret"), "rules[0].classes[0]"),
        (rule_on(where="test-data"), "rules[0].in"),
        (rule_on(accepts={"hash": True}), "rules[0].accepts.hash"),
        (rule_on(accepts={"aggregation": {"k": 1}}), "rules[0].accepts.aggregation.k"),
        (rule_on(accepts={"aggregation": True}), "rules[0].accepts.aggregation"),
        (rule_on(accepts={"differential-privacy": {"epsilon": 0}}), "rules[0].accepts.differential-privacy.epsilon"),
        (rule_on(accepts={"masking": "yes"}), "rules[0].accepts.masking"),
        (pii_rule(influence="forbid"), "rules[0].influence"),
        ({"check": "pii", "in": "features"}, "rules[0].forbid"),
    ],
)
def test_the_two_forms_of_the_check_are_not_mixed(rule, path):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(policy(rule))
    assert refused.value.field == path


def test_the_form_that_scans_reads_no_lineage():
    assert parse_policy(policy(pii_rule())).reads == frozenset()
    assert parse_policy(policy(rule_on())).reads == {"lineage"}
    assert parse_policy(policy(rule_on())).rules[0].statement() == (
        "No feature may hold identifiers, as far as the lineage tells."
    )

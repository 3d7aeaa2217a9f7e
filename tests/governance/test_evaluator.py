"""From rules to one outcome, exceptions laid over, and facts that are not what they should be."""

from __future__ import annotations

import copy
import json

import pytest

from governance.rules.evaluator import evaluate, outcome_of
from registry.canonical import canonical_json, sha256_hex
from registry.errors import InvalidInput
from tests.governance.rules_factory import (
    MANIFEST,
    auc,
    auc_rule,
    card_rule,
    champion_rule,
    difference,
    evaluation,
    facts,
    impact,
    impact_rule,
    judged,
    policy,
    verdict,
)

CLEAR = facts(auc(), impact(), difference())
RULES = (auc_rule(), impact_rule(), champion_rule(), card_rule())


def changed(known, *path_and_value):
    *path, last, value = path_and_value
    known = copy.deepcopy(known)
    inner = known
    for step in path:
        inner = inner[step]
    inner[last] = value
    return known


def test_a_version_that_shows_everything_is_clear():
    content = policy(*RULES)
    made = verdict(content, CLEAR)
    assert made["outcome"] == "clear"
    assert [rule["status"] for rule in made["rules"]] == ["pass"] * 4
    assert [rule["fix"] for rule in made["rules"]] == [""] * 4
    assert made["policy"] == {"id": "consumer-credit", "version": 1, "sha256": sha256_hex(content)}
    assert made["subject"] == {
        "model": "mortgage-approval",
        "version": "2026.11.2",
        "manifest_sha256": MANIFEST,
        "risk_tier": "high",
        "environment": "production",
    }


def test_the_verdict_is_canonical_json_with_the_agreed_keys():
    content = evaluate(policy(*RULES), CLEAR)
    made = json.loads(content)
    assert canonical_json(made) == content
    assert set(made) == {"policy", "subject", "outcome", "rules"}
    assert set(made["rules"][0]) == {
        *("id", "title", "check", "status", "on_inconclusive", "observed", "expected"),
        *("n", "sentence", "fix", "evidence", "details"),
    }


def test_the_digest_is_of_the_bytes_as_registered():
    plain, commented = policy(auc_rule()), b"# by edsger\n" + policy(auc_rule())
    first, second = verdict(plain, CLEAR), verdict(commented, CLEAR)
    assert first["policy"]["sha256"] != second["policy"]["sha256"] == sha256_hex(commented)
    assert first["rules"] == second["rules"]


def test_the_verdict_holds_no_time():
    later = changed(CLEAR, "as_of", "2026-12-24T18:00:00Z")
    assert evaluate(policy(*RULES), later) == evaluate(policy(*RULES), CLEAR)


def test_the_title_is_the_rules_own_sentence_unless_it_has_one():
    assert judged(auc_rule(), CLEAR)["title"] == "The ROC AUC must be at least 0.75 with 95 % confidence."
    assert judged(auc_rule(title="Tells risks apart"), CLEAR)["title"] == "Tells risks apart"


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([], "blocked"),
        ([("pass", "block")], "clear"),
        ([("pass", "block"), ("excepted", "block")], "clear"),
        ([("fail", "review")], "blocked"),
        ([("missing", "review")], "blocked"),
        ([("error", "review")], "blocked"),
        ([("unheard-of", "review")], "blocked"),
        ([("inconclusive", "block")], "blocked"),
        ([("inconclusive", "unheard-of")], "blocked"),
        ([("inconclusive", "review")], "review"),
        ([("inconclusive", "review"), ("inconclusive", "block")], "blocked"),
        ([("inconclusive", "review"), ("pending", "block")], "pending"),
        ([("pending", "block"), ("pass", "block")], "pending"),
        ([("pending", "block"), ("fail", "block")], "blocked"),
    ],
)
def test_the_outcome_is_that_of_the_worst_rule(statuses, outcome):
    assert outcome_of([{"status": status, "on_inconclusive": what} for status, what in statuses]) == outcome


WAIVER = {"rule": "rule-1", "id": "EX-7", "until": "2026-12-31T00:00:00Z"}
FAILING = facts(auc(0.7, 0.68, 0.72))


def test_a_live_exception_waives_the_rule_and_keeps_what_was_observed():
    plain, waived = judged(auc_rule(), FAILING), judged(auc_rule(), changed(FAILING, "exceptions", [WAIVER]))
    assert waived["status"] == "excepted"
    assert waived["observed"] == plain["observed"]
    assert waived["details"] == plain["details"]
    assert waived["sentence"] == plain["sentence"] + " Exception EX-7 waives this rule until 2026-12-31 00:00 UTC."
    assert verdict(policy(auc_rule()), changed(FAILING, "exceptions", [WAIVER]))["outcome"] == "clear"


@pytest.mark.parametrize(
    "waiver",
    [
        {**WAIVER, "until": "2026-11-21T06:00:00Z"},
        {**WAIVER, "until": "2026-11-21T07:59:59+02:00"},
        {**WAIVER, "rule": "rule-2"},
    ],
    ids=["ends now", "ended a second ago elsewhere", "another rule"],
)
def test_an_exception_that_is_over_or_for_another_rule_does_nothing(waiver):
    assert judged(auc_rule(), changed(FAILING, "exceptions", [waiver])) == judged(auc_rule(), FAILING)


def test_an_exception_leaves_a_passing_rule_alone():
    assert judged(auc_rule(), changed(CLEAR, "exceptions", [WAIVER])) == judged(auc_rule(), CLEAR)


def test_the_exception_that_holds_longest_is_named():
    others = [WAIVER, {**WAIVER, "id": "EX-9", "until": "2027-01-31T00:00:00Z"}]
    for order in (others, others[::-1]):
        assert "EX-9" in judged(auc_rule(), changed(FAILING, "exceptions", order))["sentence"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("surprise", 1), "surprise"),
        (("subject", "owner", "tony"), "subject.owner"),
        (("subject", "model", 7), "subject.model"),
        (("subject", "manifest_sha256", "sha256:" + MANIFEST), "subject.manifest_sha256"),
        (("evaluations", "performance", "passed", True), "evaluations.performance.passed"),
        (("evaluations", "performance", "status", "skipped"), "evaluations.performance.status"),
        (("evaluations", "performance", "trust", "verified"), "evaluations.performance.trust"),
        (("evaluations", "performance", "finished_at", "2026-11-20T06:00:00"), "evaluations.performance.finished_at"),
        (("evaluations", "performance", "error", {"message": "x"}), "evaluations.performance.error.file"),
        (("evaluations", "performance", None), "evaluations.performance"),
        (("measurements", 0, "p_value", 0.01), "measurements[0].p_value"),
        (("measurements", 0, "value", "0.85"), "measurements[0].value"),
        (("measurements", 0, "value", True), "measurements[0].value"),
        (("measurements", 0, "value", float("nan")), "measurements[0].value"),
        (("measurements", 0, "high", float("inf")), "measurements[0].high"),
        (("measurements", 0, "value", 10**400), "measurements[0].value"),
        (("measurements", 0, "n", -1), "measurements[0].n"),
        (("measurements", 0, "n", 1.5), "measurements[0].n"),
        (("measurements", 0, "over", "race"), "measurements[0].over"),
        (("measurements", 0, "slice", []), "measurements[0].slice"),
        (("measurements", 0, "slice", {"race": 1}), "measurements[0].slice.race"),
        (("measurements", 0, "kind", "load"), "measurements[0].kind"),
        (("measurements", 0, "low", 0.9), "measurements[0].low"),
        (("measurements", 0, "evidence", MANIFEST), "measurements[0].evidence"),
        (("measurements", {}), "measurements"),
        (("champion", {"version": "1"}), "champion.manifest_sha256"),
        (("documentation", "intended_use", None), "documentation.intended_use"),
        (("exceptions", [{**WAIVER, "until": "tomorrow"}]), "exceptions[0].until"),
        (("exceptions", [{**WAIVER, "until": "0001-01-01T00:00:00+14:00"}]), "exceptions[0].until"),
        (("exceptions", None), "exceptions"),
        (("as_of", "2026-11-21"), "as_of"),
        (("as_of", 1), "as_of"),
    ],
)
def test_facts_that_are_not_what_they_should_be_are_refused_by_name(change, path):
    with pytest.raises(InvalidInput) as refusal:
        evaluate(policy(*RULES), changed(CLEAR, *change))
    assert path in refusal.value.message


@pytest.mark.parametrize("key", list(CLEAR))
def test_every_part_of_the_facts_must_be_there(key):
    known = {name: value for name, value in CLEAR.items() if name != key}
    with pytest.raises(InvalidInput, match=f"{key} is missing"):
        evaluate(policy(*RULES), known)


@pytest.mark.parametrize("key", list(auc()))
def test_every_part_of_a_measurement_must_be_there(key):
    known = changed(CLEAR, "measurements", 0, {name: value for name, value in auc().items() if name != key})
    with pytest.raises(InvalidInput, match=rf"measurements\[0\]\.{key} is missing"):
        evaluate(policy(*RULES), known)


def test_counts_may_stand_beside_a_measurement():
    known = facts({**auc(), "tp": 900, "fp": 100, "tn": 900, "fn": 89})
    assert judged(auc_rule(), known)["status"] == "pass"


def test_a_measurement_cannot_borrow_the_trust_of_another_evaluation():
    known = facts(auc(), evaluations={"performance": evaluation("performance", trust="recomputed", sha256="f" * 64)})
    with pytest.raises(InvalidInput, match="not the evidence of the performance evaluation"):
        evaluate(policy(auc_rule()), known)


@pytest.mark.parametrize(("key", "value"), [("risk_tier", "low"), ("environment", "staging")])
def test_a_policy_judges_only_what_it_governs(key, value):
    with pytest.raises(InvalidInput, match="governs high risk on the way to production"):
        evaluate(policy(*RULES), changed(CLEAR, "subject", key, value))

"""How many decisions may differ from the champion's, whose, and by how much any group may be worse off."""

from __future__ import annotations

import pytest

from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.governance.rules_factory import champion_rule, facts, flips_rule, judged, measurement, policy


def of(metric, value, low, high, **place):
    return measurement("comparison", metric, value, low, high, **place)


def counts(**races):
    rows = [of("count", float(n), None, None, slice={"race": race}, n=n) for race, n in races.items()]
    return [*rows, of("count", float(sum(races.values())), None, None, n=sum(races.values()))]


@pytest.mark.parametrize(
    ("low", "high", "status"), [(0.01, 0.05, "pass"), (0.01, 0.06, "inconclusive"), (0.06, 0.1, "fail")]
)
def test_only_so_many_decisions_may_change(low, high, status):
    assert judged(flips_rule(), facts(of("flip_rate", 0.03, low, high)))["status"] == status


def test_the_sentence_names_whom_and_the_champion():
    rule = judged(
        flips_rule(by=["race"]), facts(*counts(black=200, white=800), of("flip_rate", 0.1, 0.08, 0.12, slice={"race": "black"}, n=200), of("flip_rate", 0.01, 0.0, 0.02, slice={"race": "white"}, n=800))
    )  # fmt: skip
    assert rule["sentence"] == (
        "The share of decisions that change for race black, against champion 2026.10.4, is 0.100 "
        "(95 % interval 0.080–0.120, n 200); the policy requires at most 0.05."
    )
    assert rule["status"] == "fail"


def test_one_group_may_not_lose_much_more_than_another():
    metric = "flip_to_negative_rate_difference"
    known = facts(of(metric, 0.02, 0.0, 0.04, over=["race"]), of(metric, 0.2, 0.1, 0.3, over=["sex"]))
    assert judged(flips_rule(metric), known)["status"] == "pass"
    assert judged(flips_rule(metric, over=["race", "sex"]), known)["status"] == "fail"
    assert judged(flips_rule(metric, minimum_group=0.02), known)["status"] == "missing"
    assert judged(flips_rule(metric, over=["region"]), known)["status"] == "missing"


def area(race, low, high):
    return of("roc_auc_score", (low + high) / 2, low, high, slice={"race": race})


def test_the_worst_group_must_clear_the_margin_too():
    everybody = of("roc_auc_score", 0.01, 0.0, 0.02)
    known = [everybody, *counts(black=200, white=800), area("white", 0.0, 0.02)]
    assert judged(champion_rule(by=["race"]), facts(*known, area("black", -0.01, 0.05)))["status"] == "pass"
    assert judged(champion_rule(by=["race"]), facts(*known, area("black", -0.09, 0.01)))["status"] == "inconclusive"
    worse = judged(champion_rule(by=["race"]), facts(*known, area("black", -0.09, -0.03)))
    assert (worse["status"], worse["observed"][:11]) == ("fail", "race black:")
    assert judged(champion_rule(), facts(*known, area("black", -0.09, -0.03)))["status"] == "pass"


def test_a_group_that_nobody_measured_does_not_pass():
    known = [*counts(black=200, white=800), area("white", 0.0, 0.02)]
    assert judged(champion_rule(by=["race"]), facts(*known))["status"] == "missing"
    assert judged(champion_rule(by=["race"], minimum_group=0.3), facts(*known))["status"] == "pass"
    uncounted = [item for item in known if item["slice"] != {"race": "black"}]
    assert judged(champion_rule(by=["race"]), facts(*uncounted))["status"] == "missing"
    twice = [*known, area("black", 0.0, 0.02), of("count", 300.0, None, None, slice={"race": "black"})]
    assert judged(champion_rule(by=["race"]), facts(*twice))["status"] == "error"


def test_a_benefit_may_shrink_by_its_margin_in_currency():
    rule = champion_rule(metric="benefit_difference", margin=12.5)
    assert judged(rule, facts(of("benefit_difference", -5.0, -12.0, 2.0)))["status"] == "pass"
    assert judged(rule, facts(of("benefit_difference", -20.0, -25.0, -13.0)))["status"] == "fail"
    absent = judged(rule, facts(of("roc_auc_score", 0.0, 0.0, 0.0)))
    assert (absent["status"], absent["fix"]) == (
        "missing",
        "Register the use case with amounts, which say what each outcome of a decision is worth.",
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (champion_rule(margin=80), "margin must be below 1, not 80"),
        (champion_rule(minimum_group=0.1), "minimum_group belongs to by"),
        (flips_rule("flip_rate", over=["race"]), "over: flip_rate is a share of decisions: use by"),
        (flips_rule("flip_rate_difference", by=["race"]), "compares groups with one another: name them with over"),
        (flips_rule(at_most=5), "share of decisions that change is always between 0 and 1"),
        (flips_rule(margin=0.1), "margin is not known"),
        (champion_rule(by=["race", "race"]), "must not name anything twice|names race a second time"),
    ],
)
def test_what_makes_no_sense_is_refused(rule, words):
    with pytest.raises(InvalidInput, match=words):
        parse_policy(policy(rule))


def test_a_difference_needs_its_groups():
    rule = flips_rule("flip_rate_difference")
    del rule["over"]
    with pytest.raises(InvalidInput, match="over is missing"):
        parse_policy(policy(rule))

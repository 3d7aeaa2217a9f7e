"""What must hold of every policy and all facts, whatever they are."""

from __future__ import annotations

import copy
import json
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.rules.bounds import Bounds
from governance.rules.evaluator import evaluate
from registry.canonical import canonical_json, parse_json
from tests.governance.random_cases import STEPS, random_facts, random_policy
from tests.governance.reference_lineage import is_about_lineage
from tests.governance.rules_factory import CHAMPION

SEVEN = {"pass", "fail", "inconclusive", "missing", "pending", "excepted", "error"}
GRADES = ("claimed", "attested", "recomputed")

seeds = st.integers(0, 2**32)
checked = settings(max_examples=120, deadline=None)


def case(seed, *, conflicts=False, waived=False):
    rng = Random(seed)
    policy, known = random_policy(rng), random_facts(rng, conflicts=conflicts)
    if not waived:
        known["exceptions"] = []
    return rng, policy, known


def run(policy, known):
    return evaluate(json.dumps(policy).encode(), known)


def rules(policy, known):
    return json.loads(run(policy, known))["rules"]


def statuses(policy, known):
    return [rule["status"] for rule in rules(policy, known)]


def assert_no_new_pass(policy, known, policy_after, known_after):
    """No rule passes afterwards that did not pass before."""
    for before, after in zip(statuses(policy, known), statuses(policy_after, known_after), strict=True):
        assert after != "pass" or before == "pass"


def names_what_it_wants(rule):
    """Whether a rule says itself what must have been measured, and does not ask about whatever there is."""
    every_category = rule["check"] == "bias-audit" and rule["metric"] == "selection_rate"
    return (
        "all" not in (rule.get("columns"), rule.get("each"))
        and rule.get("in", "features") == "features"
        and not every_category
    )


@checked
@given(seeds)
def test_missing_evidence_never_passes(seed):
    rng, policy, known = case(seed)
    known["champion"] = {"version": "1", "manifest_sha256": CHAMPION}
    if rng.random() < 0.5:
        known["evaluations"] = {}
    else:
        known["documentation"] = {}
    known["measurements"] = []
    known.pop("lineage", None)
    for rule in rules(policy, known):
        measured = rule["check"] != "documentation"
        assert rule["status"] != "pass" or (not measured and known["documentation"])


@checked
@given(seeds)
def test_removing_measurements_never_makes_a_rule_pass(seed):
    rng, policy, known = case(seed)
    after = copy.deepcopy(known)
    after["measurements"] = [row for row in after["measurements"] if rng.random() < rng.choice((0.5, 0.95))]
    policy["rules"] = [rule for rule in policy["rules"] if names_what_it_wants(rule)]
    assume(policy["rules"])
    assert_no_new_pass(policy, known, policy, after)


@checked
@given(seeds)
def test_removing_one_measurement_that_a_passing_rule_read_stops_it(seed):
    _, policy, known = case(seed)
    for index, rule in enumerate(rules(policy, known)):
        if rule["status"] != "pass" or not rule["details"] or not names_what_it_wants(policy["rules"][index]):
            continue
        if is_about_lineage(policy["rules"][index]):
            continue
        detail = rule["details"][-1]
        if (detail["metric"], detail["value"]) == ("group_count", 0):
            continue  # nobody is missing where nobody was
        if rule["check"] == "explanation" and detail["n"] is None:
            continue  # of a feature that the model does not read nothing is measured
        read = rule.get("evaluation", rule["check"])
        place = dict(detail["slice"])
        if "any" in policy["rules"][index].get("forbid", ()):
            place.pop("entity", None)  # "any kind" covers the single kinds: only without both is nothing known
        after = copy.deepcopy(known)
        after["measurements"] = [
            row
            for row in after["measurements"]
            if (row["kind"], row["metric"]) != (read, detail["metric"])
            or not row["slice"].items() >= place.items()
            or set(row["over"]) != set(detail["over"])
        ]
        assert statuses(policy, after)[index] == "missing"


@checked
@given(seeds)
def test_tightening_a_threshold_never_makes_a_rule_pass(seed):
    rng, policy, known = case(seed)
    tighter = copy.deepcopy(policy)
    for rule in tighter["rules"]:
        step = rng.choice((0.05, 0.1, 0.3))
        if isinstance(rule.get("at_least"), str):
            rule["at_least"] = STEPS[min(STEPS.index(rule["at_least"]) + 1, len(STEPS) - 1)]
        elif "at_least" in rule:
            rule["at_least"] = max(rule["at_least"], min(rule["at_least"] + step, rule.get("at_most", 1.0), 1.0))
        if "at_most" in rule:
            rule["at_most"] = max(rule["at_most"] - step, rule.get("at_least", 0.0), 0.0)
        if "margin" in rule:
            rule["margin"] = max(rule["margin"] - step, 0)
    assert_no_new_pass(policy, known, tighter, known)


@checked
@given(seeds)
def test_widening_intervals_only_ever_makes_it_less_certain(seed):
    rng, policy, known = case(seed)
    wider = copy.deepcopy(known)
    for row in wider["measurements"]:
        if row["low"] is not None:
            row["low"] -= rng.choice((0, 0.05, 0.5))
            row["high"] += rng.choice((0, 0.05, 0.5))
    for before, after in zip(statuses(policy, known), statuses(policy, wider), strict=True):
        allowed = {before, "inconclusive"} if before in ("pass", "fail") else {before}
        assert after in allowed


@checked
@given(seeds)
def test_the_order_of_the_facts_does_not_matter(seed):
    rng, policy, known = case(seed, conflicts=True, waived=True)
    other = copy.deepcopy(known)
    rng.shuffle(other["measurements"])
    rng.shuffle(other["exceptions"])
    for name in ("evaluations", "documentation"):
        other[name] = dict(reversed(other[name].items()))
    if "lineage" in other:
        rng.shuffle(other["lineage"]["classes"])
        other["lineage"]["datasets"] = dict(reversed(other["lineage"]["datasets"].items()))
    assert run(policy, other) == run(policy, known)


@checked
@given(seeds)
def test_the_same_facts_give_the_same_bytes_also_after_being_stored(seed):
    _, policy, known = case(seed, conflicts=True, waived=True)
    before = copy.deepcopy(known)
    first = run(policy, known)
    assert known == before
    assert run(policy, parse_json(canonical_json(known))) == first == run(policy, known)
    assert canonical_json(json.loads(first)) == first


@checked
@given(seeds)
def test_an_exception_turns_what_does_not_pass_into_excepted_and_nothing_else(seed):
    rng, policy, known = case(seed)
    waived = rng.choice(policy["rules"])["id"]
    after = copy.deepcopy(known)
    after["exceptions"] = [{"rule": waived, "id": "EX-1", "until": "2027-01-01T00:00:00Z"}]
    for before, now in zip(rules(policy, known), rules(policy, after), strict=True):
        if before["id"] != waived or before["status"] == "pass":
            assert now == before
        else:
            assert now["status"] == "excepted"
            for kept in ("observed", "expected", "details", "evidence", "n"):
                assert now[kept] == before[kept]


@checked
@given(seeds)
def test_lower_trust_never_helps(seed):
    rng, policy, known = case(seed)
    after = copy.deepcopy(known)
    for evaluation in after["evaluations"].values():
        evaluation["trust"] = GRADES[rng.randint(0, GRADES.index(evaluation["trust"]))]
    assert_no_new_pass(policy, known, policy, after)


@checked
@given(seeds)
def test_asking_for_better_or_fresher_evidence_never_helps(seed):
    rng, policy, known = case(seed)
    stricter = copy.deepcopy(policy)
    asked = stricter["evidence"]
    asked["minimum_trust"] = GRADES[rng.randint(GRADES.index(asked["minimum_trust"]), 2)]
    asked["max_age_days"] = min(asked.get("max_age_days", 90), rng.choice((1, 10, 90)))
    assert_no_new_pass(policy, known, stricter, known)


@checked
@given(seeds)
def test_time_going_by_never_helps(seed):
    _, policy, known = case(seed, waived=True)
    later = {**copy.deepcopy(known), "as_of": "2027-06-01T00:00:00Z"}
    assert_no_new_pass(policy, known, policy, later)
    assert "excepted" not in statuses(policy, later)


@checked
@given(seeds)
def test_rules_do_not_touch_one_another(seed):
    _, policy, known = case(seed, conflicts=True, waived=True)
    for rule, judged in zip(policy["rules"], rules(policy, known), strict=True):
        assert rules({**policy, "rules": [rule]}, known) == [judged]


@checked
@given(seeds)
def test_only_what_passes_or_is_excepted_is_clear_and_everything_else_explains_itself(seed):
    _, policy, known = case(seed, conflicts=True, waived=True)
    verdict = json.loads(run(policy, known))
    assert (verdict["outcome"] == "clear") == all(rule["status"] in ("pass", "excepted") for rule in verdict["rules"])
    for rule in verdict["rules"]:
        assert rule["status"] in SEVEN
        assert rule["sentence"].endswith(".")
        assert rule["observed"]
        assert rule["expected"]
        assert bool(rule["fix"]) == (rule["status"] != "pass")
        assert "nan" not in rule["sentence"].lower().split()


@checked
@given(seeds)
def test_the_samples_asked_for_settle_what_was_inconclusive_and_fewer_do_not(seed):
    """The fix tells the truth: at that sample size, with the value unchanged, the interval clears the threshold."""
    rng = Random(seed)
    value = rng.uniform(0.05, 0.95)
    low, high = value - rng.uniform(0.001, 0.3), value + rng.uniform(0.001, 0.3)
    threshold = rng.uniform(low, high)
    bounds = Bounds(at_least=threshold)
    n = rng.randint(50, 5000)
    assume(bounds.of_interval(low, high) == "inconclusive")
    needed = bounds.samples_to_settle(value, low, high, n)
    assume(needed is not None)
    shrink = (n / (needed + 1)) ** 0.5
    assert bounds.of_interval(value - (value - low) * shrink, value + (high - value) * shrink) != "inconclusive"
    looser = (n / (needed * 0.9)) ** 0.5
    assume(needed * 0.9 > n)
    assert bounds.of_interval(value - (value - low) * looser, value + (high - value) * looser) == "inconclusive"

"""Rules over load and robustness: what passes, what a busy machine excuses, and that two evaluators agree."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from governance.rules.evaluator import verdict_on
from governance.rules.facts import parse_facts
from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from registry.errors import InvalidInput
from tests.governance.random_cases import CONFIDENCES, grid, random_evaluation, sized
from tests.governance.reference_evaluator import reference
from tests.governance.rules_factory import (
    CHAMPION,
    MANIFEST,
    facts,
    measurement,
    policy,
    policy_mapping,
    verdict,
)

SURE = {"confidence": 0.95}
P95 = {"check": "load", "metric": "latency_p95_ms", "rate": 20, "batch_size": 1, "at_most": 50, **SURE}
RATIO = {"check": "load", "metric": "latency_ratio_to_champion", "rate": 20, "at_most": 1.5, **SURE}
FLIPS = {"check": "robustness", "metric": "decision_flip_rate", "perturbation": "noise-5", "at_most": 0.05, **SURE}
PROMISES = {"check": "robustness", "metric": "expectation_violations", "at_most": 0.01, **SURE}
AT_20 = {"rate": "20", "batch_size": "1"}
BEATEN = {"version": "1", "manifest_sha256": CHAMPION}


def latency(value, low, high, metric="latency_p95_ms", place=AT_20, **changes):
    return measurement("load", metric, value, low, high, slice=place, **changes)


def busy(value=1.0, kind="load"):
    return measurement(kind, "machine_busy", value)


def flips(value, low, high, perturbation="noise-5", **place):
    return measurement(
        "robustness", "decision_flip_rate", value, low, high, slice={"perturbation": perturbation, **place}
    )


def promise(name, value, low, high):
    return measurement("robustness", "expectation_violations", value, low, high, slice={"expectation": name})


def ratio(value, low, high, percentile="p95"):
    place = {**AT_20, "percentile": percentile}
    return measurement("load:champion", "latency_ratio_to_champion", value, low, high, slice=place)


@pytest.mark.parametrize(
    ("rule", "rows", "status"),
    [
        (P95, [latency(30, 25, 40)], "pass"),
        (P95, [latency(70, 60, 80)], "fail"),
        (P95, [latency(45, 40, 60)], "inconclusive"),
        (P95, [latency(30, 25, 40, place={"rate": "50", "batch_size": "1"})], "missing"),
        (P95, [latency(None, None, None, note="not enough requests for p95: 10, and it takes 72")], "missing"),
        (P95, [latency(30, 25, None)], "missing"),
        (P95, [], "missing"),
        # A busy machine excuses what is too slow, and takes nothing from what is fast enough.
        (P95, [latency(70, 60, 80), busy()], "inconclusive"),
        (P95, [latency(30, 25, 40), busy()], "pass"),
        (P95, [latency(70, 60, 80), busy(0.0)], "fail"),
        (P95, [latency(None, None, None, note="too few"), busy()], "missing"),
        ({"check": "load", "metric": "peak_memory_mb", "at_most": 100}, [latency(200, None, None, "peak_memory_mb", {}), busy()], "fail"),
        ({"check": "load", "metric": "peak_memory_mb", "at_most": 100}, [latency(90, None, None, "peak_memory_mb", {})], "pass"),
        ({"check": "load", "metric": "peak_memory_mb", "at_most": 100}, [latency(None, None, None, "peak_memory_mb", {}, note="elsewhere")], "missing"),
        ({"check": "load", "metric": "saturation_rate", "at_least": 100}, [latency(80, 80, 90, "saturation_rate", {"batch_size": "1"})], "fail"),
        ({"check": "load", "metric": "saturation_rate", "at_least": 100}, [latency(80, 80, 90, "saturation_rate", {"batch_size": "1"}), busy()], "inconclusive"),
        # Without a rate, every rate that was offered.
        ({**P95, "rate": 50}, [latency(30, 25, 40), latency(70, 60, 80, place={"rate": "50", "batch_size": "1"})], "fail"),
        ({key: P95[key] for key in P95 if key != "rate"}, [latency(30, 25, 40), latency(70, 60, 80, place={"rate": "50", "batch_size": "1"})], "fail"),
        (FLIPS, [flips(0.01, 0.0, 0.03)], "pass"),
        (FLIPS, [flips(0.01, 0.0, 0.03), flips(0.1, 0.08, 0.12, feature="income")], "fail"),
        ({**FLIPS, "feature": "debt"}, [flips(0.01, 0.0, 0.03, feature="debt"), flips(0.1, 0.08, 0.12, feature="income")], "pass"),
        (FLIPS, [flips(0.1, 0.08, 0.12, "noise-10")], "missing"),
        (FLIPS, [flips(None, None, None)], "missing"),
        ({key: FLIPS[key] for key in FLIPS if key != "perturbation"}, [flips(0.01, 0, 0.03), flips(0.5, 0.4, 0.6, "unit-1000")], "fail"),
        (PROMISES, [promise("income-up", 0, 0, 0.005)], "pass"),
        (PROMISES, [], "missing"),
        ({**PROMISES, "requires": ["income-up"]}, [promise("income-up", 0, 0, 0.005)], "pass"),
        ({**PROMISES, "requires": ["income-up", "sex-swap"]}, [promise("income-up", 0, 0, 0.005)], "missing"),
        ({**PROMISES, "expectation": "sex-swap"}, [promise("income-up", 0, 0, 0.005)], "missing"),
        ({**PROMISES, "expectation": "income-up"}, [promise("income-up", 0, 0, 0.005), promise("sex-swap", 1, 0.9, 1)], "pass"),
        (PROMISES, [promise("income-up", 0, 0, 0.005), promise("sex-swap", 1, 0.9, 1)], "fail"),
    ],
)  # fmt: skip
def test_what_is_measured_decides(rule, rows, status):
    assert verdict(policy(rule), facts(*rows))["rules"][0]["status"] == status


@pytest.mark.parametrize("status", ["error", "queued", "running", "cancelled"])
def test_without_a_measurement_nothing_passes(status):
    rng = Random(1)
    evaluation = {**random_evaluation(rng, "load"), "status": status, "sha256": None, "error": None}
    evaluation |= (
        {"error": {"message": "no sandbox works here", "file": None, "column": None, "row": None}}
        if status == "error"
        else {}
    )
    found = verdict(policy(P95), facts(evaluations={"load": evaluation}))["rules"][0]
    assert found["status"] == {"error": "error", "cancelled": "missing"}.get(status, "pending")


def test_a_ratio_needs_another_champion():
    assert verdict(policy(RATIO), facts(ratio(1.2, 1.1, 1.3), champion=BEATEN))["rules"][0]["status"] == "pass"
    assert verdict(policy(RATIO), facts(ratio(2, 1.8, 2.2), champion=BEATEN))["rules"][0]["status"] == "fail"
    assert verdict(policy(RATIO), facts(ratio(1, 0.9, 1.1, "p50"), champion=BEATEN))["rules"][0]["status"] == "missing"
    asked = {**RATIO, "percentile": "p50"}
    assert verdict(policy(asked), facts(ratio(1, 0.9, 1.1, "p50"), champion=BEATEN))["rules"][0]["status"] == "pass"
    none = verdict(policy(RATIO), facts(champion=None))["rules"][0]
    assert (none["status"], none["sentence"]) == (
        "pass",
        "There is no champion in production yet, nothing to compare with.",
    )
    itself = {"version": "1", "manifest_sha256": MANIFEST}
    assert verdict(policy(RATIO), facts(champion=itself))["rules"][0]["status"] == "pass"


def test_rules_say_what_they_ask_and_what_came_out():
    rule = verdict(policy(P95), facts(latency(70, 60, 80), busy()))["rules"][0]
    assert rule["title"].startswith(
        "The p95 latency in milliseconds at rate 20 and batch size 1 must be at most 50.00 with 95 % confidence."
    )
    assert rule["sentence"].startswith("The p95 latency in milliseconds at rate 20 and batch size 1 is 70.000")
    assert rule["fix"] == "Measure again while the machine is quiet."
    assert "busy" in rule["details"][0]["note"]
    rule = verdict(policy(P95), facts())["rules"][0]
    assert "No load evaluation" in rule["sentence"] or "was not measured" in rule["sentence"]
    rule = verdict(policy({**PROMISES, "requires": ["income-up"]}), facts(promise("other", 0, 0, 0.001)))["rules"][0]
    assert "the manifest does not declare income-up" in rule["sentence"]
    assert rule["fix"] == "Declare it under execution.expectations in the manifest, and submit again."


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({**P95, "at_least": 5}, "at_least"),
        ({**P95, "metric": "throughput_rows_per_second"}, "confidence"),
        ({"check": "load", "metric": "throughput_rows_per_second", "at_most": 5}, "at_most"),
        ({"check": "load", "metric": "saturation_rate", "rate": 5, "at_least": 5}, "rate"),
        ({"check": "load", "metric": "cold_start_seconds", "batch_size": 5, "at_most": 5}, "batch_size"),
        ({**P95, "percentile": "p99"}, "percentile"),
        ({**P95, "rate": 0}, "rate"),
        ({**P95, "batch_size": 1.5}, "batch_size"),
        ({**P95, "seconds": 601}, "seconds"),
        ({**P95, "at_most": -1}, "at_most"),
        ({"check": "load", "metric": "error_rate", "at_most": 1.5}, "at_most"),
        ({**FLIPS, "perturbation": "noise-0.5"}, "perturbation"),
        ({**FLIPS, "perturbation": "missing-101"}, "perturbation"),
        ({**FLIPS, "perturbation": "rotation"}, "perturbation"),
        ({**FLIPS, "requires": ["x"]}, "requires"),
        ({**FLIPS, "expectation": "x"}, "expectation"),
        ({**FLIPS, "metric": "worst_slice_flip_rate", "feature": "income"}, "feature"),
        ({**PROMISES, "perturbation": "noise-5"}, "perturbation"),
        ({**PROMISES, "requires": []}, "requires"),
    ],
)
def test_what_no_rule_can_mean_is_refused(rule, path):
    with pytest.raises(InvalidInput) as refused:
        parse_policy(policy(rule))
    assert refused.value.field == f"rules[0].{path}"


SCHEMA = {
    "label": "approve",
    "key": ["id"],
    "sensitive": ["race"],
    "execution": {
        "load": {"rates": [5, 20], "seconds": 30},
        "expectations": [{"id": "income-up", "feature": "income", "direction": "increasing"}],
    },
}


def test_the_evaluations_are_planned_with_what_policy_and_manifest_state():
    saturation = {"check": "load", "metric": "saturation_rate", "at_least": 10}
    planned = {
        item["key"]: item
        for item in plan(
            parse_policy(policy({**P95, "rate": 50, "batch_size": 8}, saturation, RATIO, {**FLIPS, "perturbation": "noise-20"}, PROMISES)),
            SCHEMA,
            has_champion=True,
        )
    }  # fmt: skip
    alone = planned["load"]
    assert alone["roles"] == ["model", "test-data"]
    assert alone["parameters"] == {
        "rates": [5, 20, 50], "batch_sizes": [8], "seconds": 30, "saturation": True, "confidences": [0.95], "key": ["id"],
    }  # fmt: skip
    assert planned["load:champion"]["kind"] == "load"
    assert planned["load:champion"]["roles"][:2] == ["model", "test-data"]
    assert planned["load:champion"]["roles"][2].startswith("champion/model")
    assert planned["load:champion"]["parameters"]["saturation"] is False
    asked = planned["robustness"]["parameters"]
    assert asked["noise"] == [1, 5, 10, 20]
    assert asked["declared_expectations"] == SCHEMA["execution"]["expectations"]
    assert (asked["label"], asked["sensitive"], asked["key"]) == ("approve", ["race"], ["id"])
    alone = plan(parse_policy(policy(RATIO)), SCHEMA, has_champion=False)
    assert alone == []


def test_what_is_planned_is_what_the_kinds_take():
    from audits.kinds import kind_named

    document = parse_policy(
        policy({**P95, "seconds": 12}, RATIO, {**FLIPS, "perturbation": "out-of-range-5"}, PROMISES)
    )
    for item in plan(document, SCHEMA, has_champion=True):
        kind = kind_named(item["kind"])
        parsed = kind.parse(item["parameters"])
        assert parsed.key == ("id",)
        assert len(item["roles"]) <= len(kind.inputs) + len(kind.optional)
        if item["key"] == "load":
            assert (parsed.seconds, parsed.rates) == (12, (5, 20))
        if item["key"] == "robustness":
            assert parsed.out_of_range == (1, 5, 10)
            assert parsed.expectations[0].sentence() == "more income never lowers the score"


def test_two_rules_must_not_state_different_seconds():
    with pytest.raises(InvalidInput, match="seconds differs"):
        parse_policy(policy({**P95, "seconds": 10}, {**P95, "rate": 50, "seconds": 20}))
    with pytest.raises(InvalidInput, match="differs"):
        parse_policy(policy({**RATIO, "seconds": 10}, {**RATIO, "rate": 50, "seconds": 20}))
    assert parse_policy(policy({**P95, "seconds": 10}, {**RATIO, "seconds": 20}))


def random_stress_rule(rng: Random) -> dict:
    sure = {"confidence": rng.choice(CONFIDENCES), "on_inconclusive": rng.choice(("block", "review"))}
    rule = rng.choice(({}, sure, sure, sure))
    if rng.random() < 0.5:
        metric = rng.choice(
            ("latency_p95_ms", "latency_p95_ms", "latency_ratio_to_champion", "peak_memory_mb", "saturation_rate")
        )
        if metric == "saturation_rate":
            return {"check": "load", "metric": metric, "at_least": grid(rng)} | rng.choice(({}, {"batch_size": 1}))
        if metric == "peak_memory_mb":
            return {"check": "load", "metric": metric, "at_most": grid(rng)}
        rule = {**rule, "check": "load", "metric": metric, "at_most": grid(rng)} | rng.choice(
            ({}, {"rate": rng.choice((20, 50))})
        )
        if metric == "latency_ratio_to_champion":
            rule |= rng.choice(({}, {"percentile": rng.choice(("p50", "p95"))}))
        return rule | rng.choice(({}, {"batch_size": rng.choice((1, 8))}))
    metric = rng.choice(("decision_flip_rate", "decision_flip_rate", "expectation_violations", "worst_slice_flip_rate"))
    rule = {**rule, "check": "robustness", "metric": metric, "at_most": grid(rng)}
    if metric == "expectation_violations":
        return rule | rng.choice(
            (
                {},
                {"expectation": "income-up"},
                {"requires": rng.sample(["income-up", "swap", "more"], rng.randint(1, 2))},
            )
        )
    rule |= rng.choice(({}, {"perturbation": rng.choice(("noise-5", "missing", "unseen"))}))
    return rule if metric == "worst_slice_flip_rate" else rule | rng.choice(({}, {"feature": "income"}))


def random_stress_facts(rng: Random) -> dict:
    rows = []
    for rate in ("20", "50"):
        for size in ("1", "8"):
            place = {"rate": rate, "batch_size": size}
            rows += sized(rng, "load", "latency_p95_ms", slice=place)
            for name in ("p50", "p95"):
                rows += sized(rng, "load:champion", "latency_ratio_to_champion", slice={**place, "percentile": name})
    for size in ("1", "8"):
        rows.append(measurement("load", "saturation_rate", rng.choice((None, grid(rng))), slice={"batch_size": size}))
    rows.append(measurement("load", "peak_memory_mb", rng.choice((None, grid(rng), grid(rng)))))
    for kind in ("load", "load:champion"):
        rows += [busy(value, kind) for value in rng.choice(([0.0], [0.0], [1.0], [], [0.0, 1.0]))]
    for perturbation in ("noise-5", "missing"):
        rows += sized(rng, "robustness", "worst_slice_flip_rate", slice={"perturbation": perturbation})
        for place in ({}, {"feature": "income"}, {"feature": "debt"}):
            rows += sized(rng, "robustness", "decision_flip_rate", slice={"perturbation": perturbation, **place})
    for name in rng.choice((("income-up", "swap"), ("income-up",), ())):
        rows += sized(rng, "robustness", "expectation_violations", slice={"expectation": name})
    rows = [row for row in rows if rng.random() < 0.95]
    if rows and rng.random() < 0.2:
        rows.append({**rng.choice(rows), "value": grid(rng)})
    kinds = ("load", "load:champion", "robustness")
    evaluations = {kind: random_evaluation(rng, kind) for kind in kinds if rng.random() < 0.97}
    usable = {kind for kind, item in evaluations.items() if item["sha256"]}
    rows = [row for row in rows if row["kind"] in usable]
    rng.shuffle(rows)
    champions = [None, {"version": "1", "manifest_sha256": MANIFEST}, BEATEN, BEATEN, BEATEN]
    return facts(*rows, evaluations=evaluations, champion=rng.choice(champions))


def test_two_evaluators_that_share_no_line_agree():
    statuses = Counter()
    for seed in range(400):
        rng = Random(seed)
        asked = policy_mapping(*(random_stress_rule(rng) for _ in range(3)))
        known = random_stress_facts(rng)
        made = verdict_on(parse_policy(json.dumps(asked).encode()), parse_facts(known))
        found = [rule["status"] for rule in made["rules"]]
        assert (made["outcome"], found) == reference(asked, known), f"seed {seed}"
        statuses.update((rule["check"], status) for rule, status in zip(asked["rules"], found, strict=True))
    for check in ("load", "robustness"):
        for status in ("pass", "fail", "inconclusive", "missing", "error", "pending"):
            assert statuses[check, status] >= 5, (check, status, statuses)

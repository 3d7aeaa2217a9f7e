"""Random policies and facts on a coarse grid, so that values, thresholds, ages and grades often meet exactly."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.governance.random_explanation import explanation_measurements, random_explanation
from tests.governance.random_lineage import random_lineage, random_lineage_rule
from tests.governance.rules_factory import CHAMPION, DIGEST, MANIFEST, facts, measurement, of_column, policy_mapping

COLUMNS = (["race"], ["sex"], ["race", "sex"])
NAMES = {"race": ["black", "white"], "sex": ["f", "m"]}
PERFORMANCE = ("roc_auc_score", "accuracy_score", "log_loss")
AGGREGATES = ("demographic_parity_ratio", "equalized_odds_difference")
RATES = ("selection_rate", "true_positive_rate")
CONFIDENCES = (0.9, 0.95)
SECTIONS = ("intended_use", "limitations", "owner")
FEATURES = ("age", "income", "zip")
DATA_CHECKS = ("quality", "drift", "pii", "anonymity", "bias-audit", "proxies", "representation")
MODEL_CHECKS = ("reproduction", "environment")
STEPS = ("metric-equivalent", "prediction-identical", "bit-identical")
SEVERITIES = ("critical", "high", "unknown")
ENTITIES = ("email", "phone", "national_id", "us_ssn", "any")
AS_OF = "2026-11-21T06:00:00Z"
MOMENTS = ("2026-11-21T05:59:59Z", "2026-11-20T06:00:00Z", "2026-11-11T06:00:00Z", "2026-11-11T05:59:59Z", None)
ENDS = ("2026-11-21T05:59:59Z", AS_OF, "2026-11-21T06:00:01Z", "2027-01-01T00:00:00Z")


def grid(rng: Random) -> float:
    return rng.randrange(11) / 10


def random_policy(rng: Random) -> dict[str, Any]:
    rules = [random_rule(rng) for _ in range(rng.randint(1, 4))]
    evidence: dict[str, Any] = {"minimum_trust": rng.choice(("claimed", "claimed", "attested", "recomputed"))}
    if rng.random() < 0.5:
        evidence["max_age_days"] = rng.choice((1, 10, 90))
    return policy_mapping(*rules, evidence=evidence)


KINDS = (
    "performance", "fairness", "fairness", "comparison", "documentation", "lineage", "rescoring", "explanation",
    *MODEL_CHECKS, *DATA_CHECKS,
)  # fmt: skip


def random_rule(rng: Random) -> dict[str, Any]:
    check = rng.choice(KINDS)
    if check == "lineage":
        return random_lineage_rule(rng)
    plain = random_plain_rule(rng, check)
    return random_measured_rule(rng, check) if plain is None else {"check": check, **plain}


def random_plain_rule(rng: Random, check: str) -> dict[str, Any] | None:
    """The keys of a rule that has no confidence or sees to it itself."""
    if check == "documentation":
        return {"requires": rng.sample(SECTIONS, rng.randint(1, 3))}
    if check == "rescoring":
        return {}
    if check == "explanation":
        return random_explanation(rng, grid)
    return random_exact_rule(rng, check) if check in ("pii", "anonymity", "representation", *MODEL_CHECKS) else None


def random_measured_rule(rng: Random, check: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"check": check}
    if rng.random() < 0.8:
        rule["confidence"] = rng.choice(CONFIDENCES)
        rule["on_inconclusive"] = rng.choice(("block", "review"))
        if check == "quality":  # one evaluation, one confidence
            rule["confidence"] = CONFIDENCES[-1]
    if check == "comparison":
        return {**rule, **random_comparison(rng)}
    rule |= random_bounds(rng)
    if check == "performance":
        return {**rule, "metric": rng.choice(PERFORMANCE)}
    if check in DATA_CHECKS:
        return {**rule, **random_data_rule(rng, check)}
    rule["over"] = [names[0] if len(names) == 1 else names for names in rng.sample(COLUMNS, rng.randint(1, 3))]
    rule["metric"] = rng.choice((*AGGREGATES, *RATES))
    if rule["metric"] in AGGREGATES and rng.random() < 0.5:
        rule["minimum_group"] = rng.choice((0, 0.02))
    return rule


def random_comparison(rng: Random) -> dict[str, Any]:
    metric = rng.choice(("roc_auc_score", "log_loss", "benefit_difference", "flip_rate", "flip_rate_difference"))
    rule: dict[str, Any] = {"metric": metric, "against": "champion"}
    rule |= {"at_most": grid(rng)} if metric.startswith("flip") else {"margin": rng.choice((0, 0.1, 0.2))}
    if metric == "flip_rate_difference" or rng.random() < 0.5:
        sets = [names[0] if len(names) == 1 else names for names in rng.sample(COLUMNS, rng.randint(1, 3))]
        rule["over" if metric == "flip_rate_difference" else "by"] = sets
        if rng.random() < 0.4:
            rule["minimum_group"] = rng.choice((0, 0.02, 0.3))
    return rule


def random_representation_rule(rng: Random) -> dict[str, Any]:
    metric = rng.choice(("group_share", "group_share", "population_ratio", "group_count"))
    sets = COLUMNS[:2] if metric == "population_ratio" else COLUMNS
    over = [names[0] if len(names) == 1 else names for names in rng.sample(sets, rng.randint(1, len(sets)))]
    rule: dict[str, Any] = {"metric": metric, "over": over}
    if metric == "group_count":
        return rule | rng.choice(({"at_least": rng.choice((0, 10, 25, 30))}, {"at_most": rng.choice((25, 50, 90))}))
    if rng.random() < 0.8:
        rule |= {"confidence": rng.choice(CONFIDENCES), "on_inconclusive": rng.choice(("block", "review"))}
    return rule | random_bounds(rng)


def random_exact_rule(rng: Random, check: str) -> dict[str, Any]:
    if check == "representation":
        return random_representation_rule(rng)
    if check in MODEL_CHECKS:
        return random_rebuild(rng) if check == "reproduction" else random_environment(rng)
    if check == "anonymity":
        return {"metric": "k_anonymity", "quasi": ["zip", "age"], "at_least": rng.randint(1, 8)}
    where = rng.choice(("features", "training-data", "test-predictions"))
    rule = {"forbid": rng.sample(ENTITIES, rng.randint(1, 3)), "in": where}
    return rule | rng.choice(({}, {"tolerance": 0.0}, {"tolerance": 0.1}))


def random_data_rule(rng: Random, check: str) -> dict[str, Any]:
    columns = rng.choice(("all", "features", ["income"], ["income", "zip"], ["zip", "nowhere"]))
    if check == "quality":
        return rng.choice(({"metric": "completeness", "columns": columns}, {"metric": "duplicate_rate"}))
    if check == "drift":
        return rng.choice(({"metric": "psi", "columns": columns}, {"metric": "drifted_share"}))
    if check == "bias-audit":
        return {"metric": rng.choice(("impact_ratio", "selection_rate")), "race": "race", "sex": "sex"}
    rule = {"metric": "proxy_roc_auc", "attribute": rng.choice(("race", "sex"))}
    return rule | rng.choice(({}, {"each": columns}))


def random_rebuild(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.6:
        return {"at_least": rng.choice(STEPS)}
    if rng.random() < 0.5:
        return {"metric": rng.choice(("score_difference", "metric_difference")), "at_most": grid(rng)}
    rule: dict[str, Any] = {"metric": "decision_difference", "at_most": grid(rng)}
    sure = {"confidence": rng.choice(CONFIDENCES), "on_inconclusive": rng.choice(("block", "review"))}
    return rule | rng.choice(({}, sure))


def random_environment(rng: Random) -> dict[str, Any]:
    metric = rng.choice(("package_differences", "vulnerabilities", "vulnerabilities", "vulnerability_coverage"))
    if metric == "vulnerability_coverage":
        return {"metric": metric, **random_bounds(rng)}
    rule: dict[str, Any] = {"metric": metric, "at_most": rng.choice((0, 1, 3))}
    if metric == "vulnerabilities":
        rule |= rng.choice(({}, {"severity": rng.sample(SEVERITIES[:-1], rng.randint(1, 2))}))
        rule |= rng.choice(({}, {"coverage": grid(rng)}, {"coverage": 0}))
    return rule


def random_bounds(rng: Random) -> dict[str, float]:
    low, high = sorted((grid(rng), grid(rng)))
    return rng.choice(({"at_least": low}, {"at_most": high}, {"at_least": low, "at_most": high}))


def random_facts(rng: Random, *, conflicts: bool = True) -> dict[str, Any]:
    """Facts in which much is there, some is not, and (with ``conflicts``) some was measured twice."""
    rows = [row for row in all_measurements(rng) if rng.random() < 0.97]
    if conflicts and rows and rng.random() < 0.2:
        again = dict(rng.choice(rows))
        again["value"] = rng.choice((again["value"], grid(rng)))
        rows.append(again)
    evaluations = {kind: random_evaluation(rng, kind) for kind in DIGEST if rng.random() < 0.95}
    rows = [row for row in rows if evaluations.get(row["kind"], {}).get("sha256") == DIGEST[row["kind"]]]
    rng.shuffle(rows)
    champions = [
        None,
        {"version": "1", "manifest_sha256": MANIFEST},
        *[{"version": "1", "manifest_sha256": CHAMPION}] * 4,
    ]
    waivers = [{"rule": f"rule-{rng.randint(1, 4)}", "id": f"EX-{n}", "until": rng.choice(ENDS)} for n in range(2)]
    return facts(
        *rows,
        as_of=AS_OF,
        evaluations=evaluations,
        champion=rng.choice(champions),
        documentation={name: rng.choice(("text", "text", " ", "")) for name in SECTIONS if rng.random() < 0.9},
        exceptions=waivers[: rng.choice((0, 0, 0, 1, 2))],
        **({"features": list(rng.choice((FEATURES, FEATURES, FEATURES[:1], ())))} if rng.random() < 0.9 else {}),
        **({"lineage": random_lineage(rng)} if rng.random() < 0.95 else {}),
    )


def random_evaluation(rng: Random, kind: str) -> dict[str, Any]:
    status = rng.choice(("succeeded",) * 12 + ("error", "queued", "running", "cancelled", "unavailable"))
    error = (
        {"message": "bad", "file": "p.csv", "column": None, "row": 3} if status in ("error", "unavailable") else None
    )
    finished = status in ("succeeded", "error", "cancelled", "unavailable")
    return {
        "status": status,
        "trust": rng.choice(("claimed", "attested", "recomputed", "recomputed")),
        "finished_at": rng.choice(MOMENTS) if finished else None,
        "sha256": DIGEST[kind] if status == "succeeded" and rng.random() < 0.97 else None,
        "error": error,
        **({"cancelled_by": "Ada Lovelace"} if status == "cancelled" else {}),
    }


def all_measurements(rng: Random) -> list[dict[str, Any]]:
    rows = [row for metric in PERFORMANCE for row in sized(rng, "performance", metric)]
    rows += compared(rng)
    declared = rng.choice((COLUMNS, COLUMNS, COLUMNS, COLUMNS[:1]))
    rows.append(measurement("fairness", "count", 100.0, n=100))
    for columns in declared:
        for metric in AGGREGATES:
            for share in (0.0, 0.02):
                rows += sized(rng, "fairness", metric, over=columns, minimum_group=share)
        rows += groups(rng, columns)
    for metric in ("prediction_agreement", "predictions_verified"):
        value = float(rng.random() < 0.8)
        rows.append(measurement("rescoring", metric, value, low=value, high=value, n=100))
    return rows + explanation_measurements(rng, sized) + model_measurements(rng) + data_measurements(rng)


def model_measurements(rng: Random) -> list[dict[str, Any]]:
    rows = [measurement("reproduction", "reproduction", rng.choice((None, 0, 1, 2, 3)))]
    differences = ("score_difference", "metric_difference")
    rows += [measurement("reproduction", metric, rng.choice((None, 0.0, grid(rng)))) for metric in differences]
    rows += sized(rng, "reproduction", "decision_difference")
    rows.append(measurement("environment", "package_differences", rng.choice((None, 0, 1, 2))))
    rows.append(measurement("environment", "vulnerability_coverage", rng.choice((None, 1.0, 1.0, grid(rng)))))
    counts = [rng.choice((0, 0, 0, 0, 0, 1, 2, None)) for _ in SEVERITIES]
    places = [{"severity": severity} for severity in SEVERITIES]
    return rows + [
        measurement("environment", "vulnerabilities", count, slice=place)
        for count, place in zip(counts, places, strict=True)
    ]


def compared(rng: Random) -> list[dict[str, Any]]:
    shifts = {"roc_auc_score": -0.5, "log_loss": -0.5, "benefit_difference": -0.5, "flip_rate": 0.0}
    rows = [measurement("comparison", "count", 100.0, n=100)]
    for metric, shift in shifts.items():
        rows += sized(rng, "comparison", metric, shift=shift)
    for columns in rng.choice((COLUMNS, COLUMNS, COLUMNS, COLUMNS[:1])):
        for share in (0.0, 0.02):
            rows += sized(rng, "comparison", "flip_rate_difference", over=columns, minimum_group=share)
        places = places_of(columns)
        cuts = sorted(rng.choice((0, 10, 30, 50, 80)) for _ in places[1:])
        for place, low, high in zip(places, [0, *cuts], [*cuts, 100], strict=True):
            rows.append(measurement("comparison", "count", float(high - low), slice=place))
            for metric, shift in shifts.items():
                rows += sized(rng, "comparison", metric, shift=shift, slice=place)
    return rows


def data_measurements(rng: Random) -> list[dict[str, Any]]:
    rows = sized(rng, "quality", "duplicate_rate") + sized(rng, "drift", "drifted_share")
    for column in FEATURES:
        place = {"slice": {"column": column}}
        rows += sized(rng, "quality", "completeness", **place) + sized(rng, "drift", "psi", **place)
        for key in ("pii", "pii:test-predictions"):
            rows += scan(rng, key, column)
    for attribute in ("race", "sex"):
        rows += sized(rng, "proxies", "proxy_roc_auc", slice={"attribute": attribute})
        for feature in FEATURES[:2]:
            rows += sized(rng, "proxies", "proxy_roc_auc", slice={"attribute": attribute, "feature": feature})
    rows += represented(rng)
    k = rng.choice((None, 1, 3, 5, 7))
    rows.append(measurement("anonymity:age+zip", "k_anonymity", k, note="" if k else "held back"))
    for columns in COLUMNS:
        rows += sized(rng, "bias-audit:race+sex", "impact_ratio", over=columns)
        for place in places_of(columns):
            rows += sized(rng, "bias-audit:race+sex", "selection_rate", over=columns, slice=place)
    return rows


def represented(rng: Random) -> list[dict[str, Any]]:
    if rng.random() < 0.1:
        return []
    rows = [measurement("representation", "group_count", 100)]
    nameless = rng.random() < 0.4
    for columns in rng.choice((COLUMNS, COLUMNS, COLUMNS, COLUMNS[:1])):
        places = places_of(columns)
        if nameless and rng.random() < 0.2:
            places = [{**place, columns[0]: "unknown"} for place in places[:1]]
        elif nameless:
            places.append({**places[0], columns[0]: "unknown"})
        cuts = sorted(rng.choice((0, 10, 20, 50, 80, 90)) for _ in places[1:])
        for place, low, high in zip(places, [0, *cuts], [*cuts, 100], strict=True):
            count = None if rng.random() < 0.01 else high - low
            rows.append(measurement("representation", "group_count", count, slice=place))
            rows += sized(rng, "representation", "group_share", slice=place)
            if len(columns) == 1 and "unknown" not in place.values():
                rows += sized(rng, "representation", "population_ratio", slice=place)
    return rows


def scan(rng: Random, key: str, column: str) -> list[dict[str, Any]]:
    found = {entity: rng.choice((0.05, 0.1, 0.9)) for entity in ENTITIES[:-1] if rng.random() < 0.08}
    rows = [of_column(key, "pii_rate", column, rate, entity=entity) for entity, rate in found.items()]
    return [*rows, of_column(key, "pii_rate", column, max(found.values(), default=0.0), entity="any")]


def places_of(columns: list[str]) -> list[dict[str, str]]:
    places: list[dict[str, str]] = [{}]
    for column in columns:
        places = [{**place, column: name} for place in places for name in NAMES[column]]
    return places


def groups(rng: Random, columns: list[str]) -> list[dict[str, Any]]:
    rows, places = [], places_of(columns)
    for place in places:
        rows.append(measurement("fairness", "count", 100 / len(places), slice=place))
        for metric in RATES:
            rows += sized(rng, "fairness", metric, slice=place)
    return rows


def sized(rng: Random, kind: str, metric: str, *, shift: float = 0.0, **place: Any) -> list[dict[str, Any]]:
    """The same value at both confidences, the second interval no narrower than the first."""
    if rng.random() < 0.02:
        return [
            measurement(kind, metric, None, confidence=confidence, note="undefined", **place)
            for confidence in CONFIDENCES
        ]
    ends = sorted(grid(rng) for _ in range(5))
    low2, low1, value, high1, high2 = (round(end + shift, 3) for end in ends)
    narrow = measurement(kind, metric, value, low1, high1, confidence=0.9, **place)
    wide = measurement(kind, metric, value, low2, high2, confidence=0.95, **place)
    if rng.random() < 0.02:
        wide["low"] = wide["high"] = None
    return [narrow, wide]

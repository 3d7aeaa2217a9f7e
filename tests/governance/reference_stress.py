"""The second evaluator's part on load and robustness, made from docs/policy.md alone."""

from __future__ import annotations

from typing import Any

EVEN_WHEN_BUSY = ("peak_memory_mb", "model_size_mb")


def stress_key(rule: dict[str, Any]) -> str:
    return "load:champion" if rule["metric"] == "latency_ratio_to_champion" else rule["check"]


def places(rule: dict[str, Any], rows: list[dict[str, Any]], named: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The rows of each place that agrees with what the rule names."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        if row["metric"] == rule["metric"] and all(row["slice"].get(key) == value for key, value in named.items()):
            found.setdefault(frozenset(row["slice"].items()), []).append(row)
    return list(found.values())


def loaded(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    from tests.governance.reference_evaluator import of_quantity

    named = {key: f"{rule[key]:g}" for key in ("rate", "batch_size") if key in rule}
    if rule["metric"] == "latency_ratio_to_champion":
        named["percentile"] = rule.get("percentile", "p95")
    statuses = [of_quantity(rule, quantity) for quantity in places(rule, rows, named)] or ["missing"]
    busy = {row["value"] for row in rows if row["metric"] == "machine_busy"} == {1}
    if busy and rule["metric"] not in EVEN_WHEN_BUSY:
        return ["inconclusive" if status == "fail" else status for status in statuses]
    return statuses


def perturbed(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    from tests.governance.reference_evaluator import of_quantity

    named = {key: rule[key] for key in ("perturbation", "feature", "expectation") if key in rule}
    statuses = [of_quantity(rule, quantity) for quantity in places(rule, rows, named)] or ["missing"]
    declared = {row["slice"].get("expectation") for row in rows if row["metric"] == rule["metric"]}
    return [*statuses, *("missing" for name in rule.get("requires", ()) if name not in declared)]


UNDER_STRESS = {"load": loaded, "robustness": perturbed}

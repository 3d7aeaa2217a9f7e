"""Minimal valid policies and facts about mortgage-approval, that ada submitted; tests change one thing."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from governance.rules.evaluator import evaluate

DIGEST = {
    "performance": "a" * 64,
    "fairness": "b" * 64,
    "comparison": "c" * 64,
    "quality": "1" * 64,
    "drift": "2" * 64,
    "pii": "3" * 64,
    "pii:test-predictions": "4" * 64,
    "anonymity:age+zip": "5" * 64,
    "bias-audit:race+sex": "6" * 64,
    "proxies": "7" * 64,
    "representation": "0" * 64,
    "rescoring": "ab" * 32,
    "reproduction": "bc" * 32,
    "environment": "cd" * 32,
    "load": "de" * 32,
    "load:champion": "ef" * 32,
    "robustness": "fa" * 32,
    "explanation": "ef" * 32,
    "quality:training-data:test-data": "8" * 64,
    "drift:reference-data:production-data": "9" * 64,
}
MANIFEST, CHAMPION = "d" * 64, "e" * 64

STAGES = [{"stage": "owner", "role": "model-owner"}]


def policy(*rules: dict[str, Any], **changes: Any) -> bytes:
    """A policy of these rules in YAML; ids are filled in where absent."""
    return yaml.safe_dump(policy_mapping(*rules, **changes)).encode()


def policy_mapping(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "policy": "consumer-credit",
        "version": 1,
        "applies_to": {"risk_tier": ["high"], "environment": "production"},
        "evidence": {"minimum_trust": "claimed"},
        "rules": [{"id": f"rule-{number}", **rule} for number, rule in enumerate(rules, 1)],
        "sign_off": STAGES,
        **changes,
    }


def auc_rule(**changes: Any) -> dict[str, Any]:
    return {"check": "performance", "metric": "roc_auc_score", "at_least": 0.75, "confidence": 0.95, **changes}


def impact_rule(**changes: Any) -> dict[str, Any]:
    return {
        "check": "fairness",
        "metric": "demographic_parity_ratio",
        "over": ["race"],
        "at_least": 0.8,
        "confidence": 0.95,
        **changes,
    }


def rate_rule(**changes: Any) -> dict[str, Any]:
    return {
        "check": "fairness",
        "metric": "true_positive_rate",
        "over": ["race"],
        "at_least": 0.8,
        "confidence": 0.95,
        **changes,
    }


def champion_rule(**changes: Any) -> dict[str, Any]:
    return {
        "check": "comparison",
        "metric": "roc_auc_score",
        "against": "champion",
        "margin": 0.02,
        "confidence": 0.95,
        **changes,
    }


def flips_rule(metric: str = "flip_rate", **changes: Any) -> dict[str, Any]:
    over = {"over": ["race"]} if metric.endswith("_difference") else {}
    rule = {"check": "comparison", "metric": metric, "against": "champion", "at_most": 0.05, "confidence": 0.95}
    return {**rule, **over, **changes}


def card_rule(*sections: str, **changes: Any) -> dict[str, Any]:
    return {"check": "documentation", "requires": list(sections or ("intended_use", "limitations")), **changes}


def completeness_rule(**changes: Any) -> dict[str, Any]:
    return {
        "check": "quality",
        "metric": "completeness",
        "columns": ["income", "debt"],
        "at_least": 0.99,
        "confidence": 0.95,
        **changes,
    }


def psi_rule(**changes: Any) -> dict[str, Any]:
    return {"check": "drift", "metric": "psi", "at_most": 0.2, "confidence": 0.95, **changes}


def pii_rule(*forbidden: str, **changes: Any) -> dict[str, Any]:
    return {"check": "pii", "forbid": list(forbidden or ("email", "phone")), "in": "features", **changes}


def anonymity_rule(**changes: Any) -> dict[str, Any]:
    return {"check": "anonymity", "metric": "k_anonymity", "quasi": ["zip", "age"], "at_least": 5, **changes}


def representation_rule(**changes: Any) -> dict[str, Any]:
    rule = {"check": "representation", "metric": "group_share", "over": ["race"], "at_least": 0.1, **changes}
    return rule if rule["metric"] == "group_count" else {"confidence": 0.95, **rule}


def rescoring_rule(**changes: Any) -> dict[str, Any]:
    return {"check": "rescoring", **changes}


def rescored(*, same: float = 1.0, verified: float = 1.0, note: str = "") -> list[dict[str, Any]]:
    agreement = measurement("rescoring", "prediction_agreement", same, low=same, high=same, n=1000, note=note)
    checked = measurement("rescoring", "predictions_verified", verified, low=verified, high=verified, n=1000, note=note)
    return [agreement, checked]


def audit_rule(**changes: Any) -> dict[str, Any]:
    return {"check": "bias-audit", "metric": "impact_ratio", "sex": "sex", "race": "race", "at_least": 0.8, **changes}


def proxies_rule(**changes: Any) -> dict[str, Any]:
    return {
        "check": "proxies",
        "metric": "proxy_roc_auc",
        "attribute": "race",
        "at_most": 0.8,
        "confidence": 0.95,
        **changes,
    }


def of_column(kind: str, metric: str, column: str, value: float | None, low=None, high=None, **changes: Any) -> Any:
    """A measurement of one column; ``entity``, ``attribute`` and the like further tell it apart."""
    more = {name: changes.pop(name) for name in ("entity", "expectation") if name in changes}
    return measurement(kind, metric, value, low, high, slice={"column": column, **more}, **changes)


def scanned(*columns: str, kind: str = "pii", **found: float) -> list[dict[str, Any]]:
    """Columns that were searched for personal data, and the entities found in the first of them."""
    rows = [of_column(kind, "pii_rate", column, 0.0, 0.0, 0.0, entity="any") for column in columns]
    if found:
        rows[0]["value"] = rows[0]["low"] = rows[0]["high"] = max(found.values())
    return rows + [
        of_column(kind, "pii_rate", columns[0], rate, rate, rate, entity=name) for name, rate in found.items()
    ]


def evaluation(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "status": "succeeded",
        "trust": "claimed",
        "finished_at": "2026-11-20T06:00:00Z",
        "sha256": DIGEST[kind],
        "error": None,
        **changes,
    }


def measurement(kind: str, metric: str, value: float | None, low=None, high=None, **changes: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "evidence": DIGEST[kind],
        "metric": metric,
        "slice": {},
        "value": value,
        "low": low,
        "high": high,
        "n": 1989,
        "method": "by hand",
        "confidence": 0.95,
        "over": [],
        "minimum_group": 0.0,
        "note": "",
        **changes,
    }


def auc(value: float | None = 0.85, low=0.83, high=0.87, **changes: Any) -> dict[str, Any]:
    return measurement("performance", "roc_auc_score", value, low, high, **changes)


def impact(value: float | None = 0.9, low=0.85, high=0.95, **changes: Any) -> dict[str, Any]:
    return measurement("fairness", "demographic_parity_ratio", value, low, high, **{"over": ["race"], **changes})


def difference(value: float | None = 0.0, low=-0.01, high=0.01, **changes: Any) -> dict[str, Any]:
    return measurement("comparison", "roc_auc_score", value, low, high, **changes)


def group(race: str, n: int, value: float | None, low=None, high=None, **changes: Any) -> list[dict[str, Any]]:
    """The count of a group and its true positive rate."""
    place = {"slice": {"race": race}, "n": n, **changes}
    return [
        measurement("fairness", "count", float(n), **place),
        measurement("fairness", "true_positive_rate", value, low, high, **place),
    ]


def everybody(n: int) -> dict[str, Any]:
    return measurement("fairness", "count", float(n), n=n)


def facts(*measurements: Any, **changes: Any) -> dict[str, Any]:
    """Facts with these measurements, and an evaluation for each kind among them."""
    flat: list[dict[str, Any]] = []
    for item in measurements:
        flat.extend(item if isinstance(item, list) else [item])
    kinds = dict.fromkeys(item["kind"] for item in flat)
    return copy.deepcopy(
        {
            "as_of": "2026-11-21T06:00:00Z",
            "subject": {
                "model": "mortgage-approval",
                "version": "2026.11.2",
                "manifest_sha256": MANIFEST,
                "risk_tier": "high",
                "environment": "production",
            },
            "evaluations": {kind: evaluation(kind) for kind in kinds},
            "measurements": flat,
            "champion": {"version": "2026.10.4", "manifest_sha256": CHAMPION},
            "documentation": {"intended_use": "Decides on mortgages.", "limitations": "Boston, 1990."},
            "exceptions": [],
            **changes,
        }
    )


def verdict(policy_bytes: bytes, known: dict[str, Any]) -> dict[str, Any]:
    return json.loads(evaluate(policy_bytes, known))


def judged(rule: dict[str, Any], known: dict[str, Any], **policy_changes: Any) -> dict[str, Any]:
    """The entry of the one rule in the verdict."""
    return verdict(policy(rule, **policy_changes), known)["rules"][0]

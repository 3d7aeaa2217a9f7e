"""Answers to the intake and its questionnaire, to vary in tests."""

from __future__ import annotations

QUIET = {
    "prohibited": ["none"], "biometrics": ["none"], "infrastructure": ["none"], "education": ["none"],
    "employment": ["none"], "services": ["none"], "law-enforcement": ["none"], "migration": ["none"], "justice": ["none"],
    "product": "no", "profiling": "no", "transparency": ["none"], "people": 10, "vulnerability": ["none"],
    "severity": "nothing", "automation": "informs", "reversibility": "easily", "scale": "team", "personal-data": "none",
    "money": "none",
}  # fmt: skip
"""Every question answered by what weighs least."""

CREDIT = QUIET | {
    "services": ["credit"], "profiling": "yes", "exception": "none", "people": 250_000, "severity": "chance",
    "automation": "suggests", "reversibility": "effort", "scale": "country", "personal-data": "personal", "money": "household",
}  # fmt: skip
"""A bank that scores applicants for credit."""

OVERDRAFT = {
    "name": "Overdraft limits",
    "slug": "overdraft-limits",
    "problem": "Limits are set by hand, unevenly.",
    "objective": "Same limit for same means.",
    "alternatives": "A table of incomes.",
    "predicted": "Whether an overdraft is repaid within 90 days.",
    "predicted_from": "Income and turnover of the last year.",
    "labelled_enough": "yes",
    "labelled_rows": "120 000",
    "labelled_positives": "3,400",
    "labelled_from": "2022-01-01",
    "labelled_until": "2025-12-31",
    "labelled_source": "Core banking system.",
    "affected_people": "Holders of current accounts.",
    "affected_how": "Refused a limit, or in debt.",
    "oversight": "A clerk looks at refusals.",
    "integration": "The app asks it when a limit is requested.",
    "deployment": "service",
    "purpose": "credit-scoring",
    "regions": "EU, US-NY",
    "kpis": [{"name": "default rate", "baseline": "2.8", "target": "2.2", "unit": "%"}],
    "owner": "tony",
    "risk": {name: str(answer) if isinstance(answer, int) else answer for name, answer in CREDIT.items()},
}
"""A finished intake, as the page sends it: numbers are texts."""

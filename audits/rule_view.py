"""Rules of a verdict as words, marks and rows for documents. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audits.charts import Row
from audits.metric_words import metric_value, metric_words
from audits.wording import EN_DASH, STATUS_MARKS, columns_words, group_words, interval, short_digest, whole

Rule = Mapping[str, Any]

_BOUND = re.compile(r"(?:≥|≤|>=|<=|at least|at most)\s*([-−]?\d+(?:\.\d+)?)")

CHECK_TITLES: Mapping[str, str] = {
    "performance": "Performance",
    "fairness": "Fairness",
    "comparison": "Comparison with the champion",
    "documentation": "Documentation",
    "bias-audit": "Bias audit",
    "quality": "Data quality",
    "drift": "Drift",
    "pii": "Personal data",
    "anonymity": "Anonymity",
    "representation": "Representation",
    "proxies": "Proxies of sensitive attributes",
    "remedy": "Remedies",
    "reproduction": "Reproduction",
    "environment": "Environment",
    "explanation": "Explanation",
    "load": "Load",
    "robustness": "Robustness",
    "rescoring": "Re-scoring",
}
"""Kind of check to the title of its part of the evidence; others are spelled from their name."""

STATUS_ORDER = ("fail", "error", "missing", "inconclusive", "pending", "excepted", "pass")
"""From what blocks to what clears: the order in which a reader wants counts."""

MOST_DETAILS = 12
"""So many details of a rule at most are listed and drawn; a rule over every column has hundreds."""

ON_INCONCLUSIVE: Mapping[str, str] = {
    "block": "blocks",
    "review": "needs an acknowledgement by name from those who sign",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule as it is printed; every attribute is text for people or a list of such."""

    id: str
    title: str
    check: str
    status: str
    mark: str
    observed: str
    expected: str
    n: str
    sentence: str
    fix: str
    undecided: str
    evidence: tuple[str, ...]
    details: tuple[tuple[tuple[str, str, str], ...], ...]
    evaluation: str = ""
    unlisted: str = ""


def rule_view(rule: Rule) -> RuleView:
    """``rule`` of the verdict contract as a :class:`RuleView`; a status we do not know reads as an error."""
    status = rule["status"] if rule["status"] in STATUS_MARKS else "error"
    shown = telling(rule)
    return RuleView(
        id=rule["id"],
        title=(rule["title"] or rule["id"]).removesuffix("."),
        check=rule["check"],
        status=status,
        mark=STATUS_MARKS[status],
        observed=rule["observed"] or EN_DASH,
        expected=rule["expected"] or EN_DASH,
        n="" if rule["n"] is None else whole(rule["n"]),
        sentence=rule["sentence"],
        fix=rule["fix"],
        undecided=ON_INCONCLUSIVE.get(rule["on_inconclusive"], rule["on_inconclusive"]),
        evidence=tuple(short_digest(digest) for digest in rule["evidence"]),
        details=tuple(_detail(detail) for detail in shown),
        evaluation=evaluation_of(rule),
        unlisted=_unlisted(rule, shown),
    )


def telling(rule: Rule) -> list[Mapping[str, Any]]:
    """What of a rule's details a document lists: all if they are few, else those that matter most, the worst first.

    What does not pass comes first, then what lies nearest to the threshold.
    """
    details: Sequence[Mapping[str, Any]] = rule["details"]
    if len(details) <= MOST_DETAILS:
        return list(details)
    threshold = threshold_of(rule)

    def place(detail: Mapping[str, Any]) -> tuple[int, float]:
        known = detail["status"] in STATUS_ORDER
        far = abs(detail["value"] - threshold) if detail["value"] is not None and threshold is not None else 0.0
        return STATUS_ORDER.index(detail["status"]) if known else -1, far

    return sorted(details, key=place)[:MOST_DETAILS]


def _unlisted(rule: Rule, shown: Sequence[Mapping[str, Any]]) -> str:
    """What is said of the details that are not listed; empty where all are."""
    left = len(rule["details"]) - len(shown)
    if not left:
        return ""
    listed = {id(detail) for detail in shown}
    statuses = {detail["status"] for detail in rule["details"] if id(detail) not in listed}
    passing = " that pass" if statuses == {"pass"} else ""
    return f"{left} more{passing}, in the evidence; what lies nearest to the threshold is listed."


def evaluation_of(rule: Rule) -> str:
    """The key of the evaluation that a rule of a verdict rests on: its check, unless it names another."""
    return str(rule.get("evaluation") or rule["check"])


def check_title(check: str) -> str:
    """The check's title in words; where a check names the data it reads (``pii:test-data``), so does the title."""
    kind, _, data = check.partition(":")
    title = CHECK_TITLES.get(kind) or kind.replace("_", " ").replace("-", " ").capitalize()
    named = [part.replace("+", ", ") for part in data.split(":") if part not in ("", "-")]
    return f"{title} ({', '.join(named)})" if named else title


def status_counts(rules: Sequence[RuleView]) -> list[tuple[str, str, str]]:
    """``(status, mark, count)`` of the statuses that occur, blocking ones first."""
    counts = {status: sum(rule.status == status for rule in rules) for status in STATUS_ORDER}
    return [(status, STATUS_MARKS[status], str(count)) for status, count in counts.items() if count]


def threshold_of(rule: Rule) -> float | None:
    """Where the rule draws its line: ``at_least`` or ``at_most`` if the verdict carries them, else read from ``expected``."""
    for bound in ("at_least", "at_most"):
        if isinstance(rule.get(bound), int | float):
            return float(rule[bound])
    found = _BOUND.search(rule["expected"])
    return float(found.group(1).replace("−", "-")) if found else None


def detail_name(detail: Mapping[str, Any]) -> str:
    """What a detail is about: the group, the columns compared, or the metric."""
    if detail["slice"]:
        return group_words(detail["slice"])
    return columns_words(detail["over"]) if detail["over"] else metric_words(detail["metric"])


def detail_rows(rule: Rule) -> list[Row]:
    """Rows to draw for a rule's telling details; those without any value are drawn as undefined."""
    return [
        Row(
            label=detail_name(detail),
            value=detail["value"],
            low=detail["low"],
            high=detail["high"],
            n=detail["n"] or 0,
        )
        for detail in telling(rule)
    ]


def _detail(detail: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    status = detail["status"] if detail["status"] in STATUS_MARKS else "error"
    return (
        ("text", "Judged", detail_name(detail)),
        ("number", "Value", metric_value(detail["metric"], detail["value"])),
        ("number", "Interval", interval(detail["low"], detail["high"])),
        ("number", "n", whole(detail["n"])),
        (status, "Status", f"{STATUS_MARKS[status]} {status}"),
        ("note", "Note", detail["note"] or ""),
    )

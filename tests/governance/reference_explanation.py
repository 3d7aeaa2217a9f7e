"""The check ``explanation`` a second time, from its words in docs/policy.md, sharing no line with the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rows = list[dict[str, Any]]
Judge = Callable[[dict[str, Any], Any], str]

BY_FEATURE = ("importance_share", "permutation_importance")


def explained(rule: dict[str, Any], rows: Rows, judge: Judge) -> list[str]:
    """The status of everything that the rule asks about."""
    if "forbid_top" in rule:
        later = {**rule, "at_least": rule.get("top", 5) + 1}
        places = [row for row in rows if row["metric"] == "importance_rank"]
        return [of_feature(later, name, places, unread(name, rows, "pass"), judge) for name in rule["forbid_top"]]
    same = [row for row in rows if row["metric"] == rule["metric"]]
    if rule["metric"] == "importance_share_difference":
        seen = sorted({row["over"][0] for row in same})
        without = unread(rule.get("feature"), rows, nothing(rule))
        return [of_column(rule, [row for row in same if row["over"] == [name]], without, judge) for name in rule.get("over", seen)] or ["missing"]  # fmt: skip
    if rule["metric"] not in BY_FEATURE:
        return [judge(rule, [row for row in same if row["slice"] == {}])]
    names = (
        [rule["feature"]]
        if "feature" in rule
        else sorted({row["slice"]["feature"] for row in rows if "feature" in row["slice"]})
    )
    return [of_feature(rule, name, same, unread(name, rows, nothing(rule)), judge) for name in names] or ["missing"]


def unread(name: Any, rows: Rows, status: str) -> str:
    """The status of a feature without the measurement: it counts as unread only if nothing at all was measured of it."""
    return "missing" if any(row["slice"].get("feature") == name for row in rows) else status


def nothing(rule: dict[str, Any]) -> str:
    """What an importance of 0 means to the bounds."""
    return "pass" if rule.get("at_least", 0) <= 0 <= rule.get("at_most", 0) else "fail"


def of_feature(rule: dict[str, Any], name: str, rows: Rows, unread: str, judge: Judge) -> str:
    everybody = [row for row in rows if list(row["slice"]) == ["feature"]]
    mine = [row for row in everybody if row["slice"]["feature"] == name]
    if everybody and not mine:
        return unread
    return judge(rule, mine)


def of_column(rule: dict[str, Any], rows: Rows, without: str, judge: Judge) -> str:
    if "feature" not in rule:
        return judge(rule, [row for row in rows if row["slice"] == {}])
    by_feature = [row for row in rows if row["slice"]]
    if not by_feature:
        return "missing"
    return of_feature(rule, rule["feature"], by_feature, without, judge)

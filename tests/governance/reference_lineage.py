"""The part of the second evaluator that judges lineage, written from ``docs/policy.md``: statuses only, as plain as can be."""

from __future__ import annotations

import calendar
import time
from typing import Any

STRONGER = {"pseudonym": {"pseudonym", "identifier"}, "sensitive": {"sensitive", "special-category"}}


def seconds(moment: str) -> int:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def is_about_lineage(rule: dict[str, Any]) -> bool:
    return rule["check"] in ("lineage", "terms", "prohibited-features") or "classes" in rule


def lineage_status(rule: dict[str, Any], facts: dict[str, Any]) -> str:
    known = facts.get("lineage")
    if known is None:
        return "missing"
    judges = {"lineage": of_lineage, "terms": of_terms, "prohibited-features": of_prohibited, "pii": of_classes}
    found = judges[rule["check"]](rule, known, facts["as_of"])
    if known["graph"]["truncated"] or not found:
        return "missing"
    return "missing" if "missing" in found else "fail" if "fail" in found else "pass"


def upstream(known: dict[str, Any], start: int) -> set[int]:
    found, before = {start}, set()
    while found != before:
        before = set(found)
        found |= {edge["source"] for edge in known["graph"]["edges"] if edge["target"] in before}
    return found


def steps_into(known, node, *, manner=None) -> list[dict[str, Any]]:
    return [
        edge
        for edge in known["graph"]["edges"]
        if edge["target"] == node and edge["level"] != "structure" and manner in (None, edge["manner"])
    ]


def explained(known, node) -> bool:
    nodes = known["graph"]["nodes"]
    return bool(steps_into(known, node)) or any(
        other["place"] == nodes[node]["place"] and other["role"] == "in" and steps_into(known, number, manner="direct")
        for number, other in enumerate(nodes)
    )


def unexplained_features(known) -> bool:
    if not known["features"]:
        return True
    return any(feature["node"] is None or not explained(known, feature["node"]) for feature in known["features"])


def place_of(known, node) -> dict[str, Any]:
    return known["graph"]["places"][known["graph"]["nodes"][node]["place"]]


def of_lineage(rule, known, as_of) -> set[str]:
    found = {"missing"} if unexplained_features(known) else set()
    for feature in known["features"]:
        start = feature["node"]
        if start is None or not explained(known, start):
            continue
        found |= {"pass"} | of_way_back(rule, known, upstream(known, start), as_of)
    if "terms" in rule:
        found |= of_terms(rule, known, as_of)
    return found


def of_way_back(rule, known, behind, as_of) -> set[str]:
    places = end_places(known, behind)
    found = set() if places else {"fail"}
    for place in places:
        found |= of_end(known, place)
    for step in [step for node in behind for step in steps_into(known, node)]:
        found |= of_step(rule, step, as_of)
    return found


def end_places(known, behind) -> list[dict[str, Any]]:
    nodes, found = known["graph"]["nodes"], []
    with_columns = {nodes[node]["place"] for node in behind if nodes[node]["role"] == "column"}
    for node in behind:
        role, place = nodes[node]["role"], nodes[node]["place"]
        if role == "column" and not explained(known, node):
            found.append(place_of(known, node))
        if role != "column" and place not in with_columns:
            same = [other for other in behind if nodes[other]["place"] == place]
            if not any(steps_into(known, other, manner="direct") for other in same):
                found.append(place_of(known, node))
    return found


def of_end(known, place) -> set[str]:
    if place["dataset"] is None:
        return {"fail"}
    sheet = known["datasets"][place["dataset"]]
    found = set() if sheet["owner"] else {"fail"}
    if sheet["datasheet"] is None:
        found.add("missing")
    elif not sheet["is_source"]:
        found.add("fail")
    return found


def of_step(rule, step, as_of) -> set[str]:
    found = {"fail"} if rule.get("at") == "column" and step["level"] == "dataset" else set()
    if "max_age_days" in rule and step["seen"] is None:
        found.add("missing")
    elif "max_age_days" in rule and seconds(as_of) - seconds(step["seen"]) > 86400 * rule["max_age_days"]:
        found.add("fail")
    return found


def of_terms(rule, known, as_of) -> set[str]:
    found = {"missing"} if unexplained_features(known) else set()
    starts = [feature["node"] for feature in known["features"]] + [known["model"]]
    behind = set().union(*(upstream(known, start) for start in starts if start is not None))
    if known["model"] is None or not any(step["level"] == "training" for step in steps_into(known, known["model"])):
        found.add("missing")
    registered = set()
    for node in behind:
        place = place_of(known, node)
        if place["dataset"] is not None:
            registered.add(place["dataset"])
        elif place["kind"] != "model" and rule.get("unregistered", "missing") == "missing":
            found.add("missing")
    if not registered:
        found.add("missing")
    for slug in registered:
        found |= {"pass"} | of_sheet(rule, known, known["datasets"][slug], as_of[:10])
    return found


def of_sheet(rule, known, sheet, today) -> set[str]:
    found = {"fail"} if sheet["withdrawn_at"] else set()
    if sheet["datasheet"] is None:
        return found | {"missing"}
    if not {known["purpose"], "*"} & set(sheet["purposes"]):
        found.add("fail" if known["purpose"] else "missing")
    if sheet["regions"] and not known["regions"]:
        found.add("missing")
    if sheet["regions"] and not set(known["regions"]) <= set(sheet["regions"]):
        found.add("fail")
    days = [sheet["licence_until"], sheet["retention_until"], *([sheet["fresh_until"]] if rule.get("fresh") else [])]
    if any(day is not None and day < today for day in days):
        found.add("fail")
    if rule.get("fresh") and sheet["fresh_until"] is None:
        found.add("missing")
    if rule.get("lawful_basis") and not sheet["lawful_basis"]:
        found.add("missing")
    return found


def of_prohibited(rule, known, _as_of) -> set[str]:
    found = {"missing"} if unexplained_features(known) else {"pass"}
    named = {name.lower() for name in rule.get("columns", [])}
    for feature in known["features"]:
        behind = set() if feature["node"] is None else upstream(known, feature["node"])
        for node in behind:
            found |= of_node(known, node, behind, named)
    return found


def of_node(known, node, behind, named) -> set[str]:
    nodes, slug = known["graph"]["nodes"], place_of(known, node)["dataset"]
    sheet = {"datasheet": "none needed", "prohibited": {}} if slug is None else known["datasets"][slug]
    found = set() if sheet["datasheet"] else {"missing"}
    banned = {
        column.lower()
        for purpose, columns in sheet["prohibited"].items()
        for column in columns
        if purpose in (known["purpose"], "*") or known["purpose"] == ""
    }
    if nodes[node]["role"] == "column" and nodes[node]["column"].lower() in banned | named:
        found.add("fail")
    there = {
        nodes[other]["column"].lower()
        for other in behind
        if nodes[other]["role"] == "column" and nodes[other]["place"] == nodes[node]["place"]
    }
    if nodes[node]["role"] == "out" and (banned - there or (named and not there)):
        found.add("missing")
    return found


def of_classes(rule, known, _as_of) -> set[str]:
    forbidden = set().union(*(STRONGER.get(label, {label}) for label in rule["classes"]))
    held = spread(rule, known)
    if rule["in"] == "training-data":
        steps = [] if known["model"] is None else steps_into(known, known["model"])
        looked_at = [step["source"] for step in steps if step["level"] == "training"]
        found = {"pass"} if looked_at else {"missing"}
    else:
        looked_at = [feature["node"] for feature in known["features"] if feature["node"] is not None]
        found = {"missing"} if unexplained_features(known) else {"pass"}
    for node, label, how in held:
        counts = how == "direct" or rule.get("influence") == "forbid"
        if node in looked_at and label in forbidden and counts:
            found.add("fail")
    return found


def spread(rule, known) -> set[tuple[int, str, str]]:
    held, before = {(mark["node"], mark["class"], "direct") for mark in known["classes"]}, set()
    while held != before:
        before = set(held)
        for node, label, how in before:
            for edge in known["graph"]["edges"]:
                after = left_by(edge, label, rule.get("accepts", {})) if edge["source"] == node else None
                if after:
                    held.add((edge["target"], after, "indirect" if "indirect" in (how, edge["manner"]) else "direct"))
    return held


def left_by(edge, label, accepts) -> str | None:
    said = edge["treatment"] or ({"method": "masking"} if edge["masking"] else {"method": ""})
    how = said["method"]
    if how in ("masking", "keyed-hash", "encryption") and accepts.get(how):
        return "pseudonym" if label == "identifier" else label
    if how == "suppression" and accepts.get(how):
        return None
    if how == "aggregation" and how in accepts and said.get("k", 0) >= accepts[how]["k"]:
        return None
    if how == "differential-privacy" and how in accepts and said.get("epsilon", 1e9) <= accepts[how]["epsilon"]:
        return None
    return label

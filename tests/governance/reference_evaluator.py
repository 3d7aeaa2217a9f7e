"""A second evaluator, as plain as can be, that shares no line with the first: it gives statuses and the outcome only."""

from __future__ import annotations

import calendar
import time
from typing import Any

from tests.governance.reference_explanation import explained
from tests.governance.reference_lineage import is_about_lineage, lineage_status
from tests.governance.reference_stress import UNDER_STRESS, stress_key

GRADES = {"claimed": 0, "attested": 1, "recomputed": 2}
LOSSES = ("log_loss", "brier_score_loss")
OVER_GROUPS = ("_ratio", "_difference")


def seconds(moment: str) -> int:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def reference(policy: dict[str, Any], facts: dict[str, Any]) -> tuple[str, list[str]]:
    """The outcome, and the status of each rule."""
    statuses = []
    for rule in policy["rules"]:
        status = status_of(rule, policy, facts)
        for waiver in facts["exceptions"]:
            if status != "pass" and waiver["rule"] == rule["id"] and seconds(waiver["until"]) > seconds(facts["as_of"]):
                status = "excepted"
        statuses.append(status)
    blocks = review = pending = False
    for rule, status in zip(policy["rules"], statuses, strict=True):
        if status in ("fail", "missing", "error"):
            blocks = True
        if status == "inconclusive" and rule.get("on_inconclusive") != "review":
            blocks = True
        review = review or status == "inconclusive"
        pending = pending or status == "pending"
    if blocks:
        return "blocked", statuses
    return "pending" if pending else "review" if review else "clear", statuses


def status_of(rule: dict[str, Any], policy: dict[str, Any], facts: dict[str, Any]) -> str:
    kind, champion = rule["check"], facts["champion"]
    if kind == "documentation":
        written = [name for name, text in facts["documentation"].items() if text.split()]
        return "pass" if set(rule["requires"]) <= set(written) else "missing"
    if is_about_lineage(rule):
        return lineage_status(rule, facts)
    nothing_to_beat = champion is None or champion["manifest_sha256"] == facts["subject"]["manifest_sha256"]
    if nothing_to_beat and (kind == "comparison" or rule.get("metric") == "latency_ratio_to_champion"):
        return "pass"
    key = key_of(rule)
    evaluation = facts["evaluations"].get(key, {"status": "absent"})
    unfinished = {"absent": "missing", "queued": "pending", "running": "pending", "error": "error"}
    unfinished |= {"cancelled": "missing", "unavailable": "missing"}
    if evaluation["status"] in unfinished:
        return unfinished[evaluation["status"]]
    if not reliable(evaluation, policy["evidence"], facts["as_of"]):
        return "pending" if waits_for_rescoring(evaluation, policy["evidence"], facts) else "missing"
    rows = [row for row in facts["measurements"] if row["kind"] == key]
    found = found_of(rule, rows, facts)
    order = ["error", "missing", "fail", "inconclusive", "pass"]
    return order[min(order.index(status) for status in found)]


def found_of(rule: dict[str, Any], rows: list[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    """The status of everything that a rule over measurements asks about."""
    kind = rule["check"]
    if kind == "pii":
        return [of_scan(rule, rows, column) for column in scanned_columns(rule, rows, facts)] or ["missing"]
    if kind == "explanation":
        return explained(rule, rows, of_quantity)
    if kind in OF_MODELS:
        return OF_MODELS[kind](rule, rows)
    if kind == "representation":
        return [of_quantity(rule, quantity) for quantity in representation(rule, rows)]
    if kind in ("quality", "drift", "anonymity", "bias-audit", "proxies"):
        return [of_quantity(rule, quantity) for quantity in data_quantities(rule, rows, facts)] or ["missing"]
    return [of_quantity(rule, quantity) for quantity in quantities(rule, rows)]


def rescored(_rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    same = {(row["value"], row["n"], row["note"]) for row in rows if row["metric"] == "prediction_agreement"}
    checked = {(row["value"], row["n"], row["note"]) for row in rows if row["metric"] == "predictions_verified"}
    if len(same) > 1 or len(checked) > 1:
        return ["error"]
    if not same or not checked:
        return ["missing"]
    if same.pop()[0] != 1:
        return ["fail"]
    return ["pass" if checked.pop()[0] == 1 else "missing"]


STEPS = ["not-reproduced", "metric-equivalent", "prediction-identical", "bit-identical"]


def rebuilt(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    named = rule.get("metric", "reproduction")
    asked = rule if "metric" in rule else {"check": "reproduction", "at_least": STEPS.index(rule["at_least"])}
    return [of_quantity(asked, [row for row in rows if row["metric"] == named and row["slice"] == {}])]


def environment(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    def where(metric: str, place: dict[str, str]) -> list[dict[str, Any]]:
        return [row for row in rows if row["metric"] == metric and row["slice"] == place]

    if rule["metric"] != "vulnerabilities":
        return [of_quantity(rule, where(rule["metric"], {}))]
    severities = [*rule.get("severity", ["critical", "high", "medium", "low", "none"]), "unknown"]
    found = [of_quantity(rule, where("vulnerabilities", {"severity": severity})) for severity in severities]
    shares = {row["value"] for row in where("vulnerability_coverage", {})}
    asked = rule.get("coverage", 1)
    enough = asked == 0 or (len(shares) == 1 and None not in shares and min(shares) >= asked)
    if enough or "fail" in found:
        return found
    return ["missing" if status == "pass" else status for status in found]


OF_MODELS = {"rescoring": rescored, "reproduction": rebuilt, "environment": environment, **UNDER_STRESS}


def waits_for_rescoring(evaluation: dict[str, Any], asked: dict[str, Any], facts: dict[str, Any]) -> bool:
    weak = evaluation["sha256"] is not None and GRADES[evaluation["trust"]] < GRADES[asked["minimum_trust"]]
    status = facts["evaluations"].get("rescoring", {}).get("status")
    return weak and asked["minimum_trust"] == "recomputed" and status in ("queued", "running")


def key_of(rule: dict[str, Any]) -> str:
    if rule["check"] == "pii" and rule["in"] == "test-predictions":
        return "pii:test-predictions"
    if rule["check"] in UNDER_STRESS:
        return stress_key(rule)
    return {"anonymity": "anonymity:age+zip", "bias-audit": "bias-audit:race+sex"}.get(rule["check"], rule["check"])


def chosen(selection: Any, measured: set[str], facts: dict[str, Any]) -> list[str]:
    if selection == "all":
        return list(measured)
    return facts.get("features", []) if selection == "features" else selection


def scanned_columns(rule: dict[str, Any], rows: list[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    seen = {row["slice"]["column"] for row in rows if row["slice"]["entity"] == "any"}
    return chosen("features" if rule["in"] == "features" else "all", seen, facts)


def of_scan(rule: dict[str, Any], rows: list[dict[str, Any]], column: str) -> str:
    forbidden = set(rule["forbid"])
    if "national_id" in forbidden:
        forbidden |= {"us_ssn", "cn_resident_id"}
    here: dict[str, set[float]] = {}
    for row in rows:
        if row["slice"]["column"] == column:
            here.setdefault(row["slice"]["entity"], set()).add(row["value"])
    if "any" not in here:
        return "missing"
    bad = {entity: rates for entity, rates in here.items() if entity in forbidden}
    if any(len(rates) > 1 for rates in (bad or {"any": here["any"]}).values()):
        return "error"
    if not bad and max(here["any"]) > sum(max(rates) for entity, rates in here.items() if entity != "any") + 1e-9:
        return "missing"
    return "fail" if any(rate > rule.get("tolerance", 0) for rates in bad.values() for rate in rates) else "pass"


def data_quantities(rule: dict[str, Any], rows: list[dict[str, Any]], facts: dict[str, Any]) -> list[Any]:
    same = [row for row in rows if row["metric"] == rule["metric"]]
    if rule["check"] == "bias-audit":
        tables = [{rule["race"]}, {rule["sex"]}, {rule["race"], rule["sex"]}]
        if rule["metric"] == "impact_ratio":
            return [[row for row in same if row["slice"] == {} and set(row["over"]) == table] for table in tables]
        asked = []
        for table in tables:
            places = {tuple(sorted(row["slice"].items())) for row in same if set(row["slice"]) == table}
            asked += [[row for row in same if tuple(sorted(row["slice"].items())) == place] for place in places] or [
                "missing"
            ]
        return asked
    if rule["check"] == "proxies":
        of_it = [row for row in same if row["slice"]["attribute"] == rule["attribute"]]
        if "each" not in rule:
            return [[row for row in of_it if len(row["slice"]) == 1]]
        seen = {row["slice"]["feature"] for row in of_it if "feature" in row["slice"]}
        return [
            [row for row in of_it if row["slice"].get("feature") == one] for one in chosen(rule["each"], seen, facts)
        ]
    if "columns" not in rule:
        return [[row for row in same if row["slice"] == {}]]
    seen = {row["slice"]["column"] for row in same}
    return [[row for row in same if row["slice"]["column"] == one] for one in chosen(rule["columns"], seen, facts)]


def representation(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[Any]:
    """Every group of every set of columns, once their rows add up to the whole."""
    return [
        one for item in rule["over"] for one in represented({item} if isinstance(item, str) else set(item), rule, rows)
    ]


def represented(columns: set[str], rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[Any]:
    counts = [row for row in rows if row["metric"] == "group_count"]
    totals = {row["value"] for row in counts if row["slice"] == {}}
    sizes: dict[Any, set[Any]] = {}
    for row in counts:
        if set(row["slice"]) == columns:
            sizes.setdefault(frozenset(row["slice"].items()), set()).add(row["value"])
    if not sizes:
        return ["missing"]
    if max(map(len, [totals, *sizes.values()])) > 1:
        return ["error"]
    numbers = [number for values in sizes.values() for number in values]
    if totals in (set(), {None}) or None in numbers or sum(numbers) != min(totals):
        return ["missing"]
    asked: list[Any] = []
    for group in sizes:
        same = [row for row in rows if row["metric"] == rule["metric"] and frozenset(row["slice"].items()) == group]
        if "unknown" not in dict(group).values():
            asked.append(same)
        elif rule["metric"] != "population_ratio" and "at_most" in rule:
            asked.append(of_quantity({name: rule[name] for name in rule if name != "at_least"}, same))
    return asked or ["missing"]


def reliable(evaluation: dict[str, Any], asked: dict[str, Any], as_of: str) -> bool:
    if evaluation["sha256"] is None or GRADES[evaluation["trust"]] < GRADES[asked["minimum_trust"]]:
        return False
    if "max_age_days" not in asked:
        return True
    finished = evaluation["finished_at"]
    return finished is not None and seconds(as_of) - seconds(finished) <= 86400 * asked["max_age_days"]


def quantities(rule: dict[str, Any], rows: list[dict[str, Any]]) -> list[list[dict[str, Any]] | str]:
    """The rows of each quantity that the rule asks about, or at once the status of one that cannot be judged."""
    same = [row for row in rows if row["metric"] == rule["metric"]]
    if rule["check"] == "comparison" and ("by" in rule or "over" in rule):
        return sides(rule, same, rows)
    if rule["check"] != "fairness":
        return [[row for row in same if row["slice"] == {} and row["over"] == []]]
    asked: list[list[dict[str, Any]] | str] = []
    for item in rule["over"]:
        columns = [item] if isinstance(item, str) else item
        mentioned = set()
        for row in rows:
            mentioned.update(row["over"])
            mentioned.update(row["slice"])
        if not set(columns) <= mentioned:
            asked.append("missing")
        elif rule["metric"].endswith(OVER_GROUPS):
            share = rule.get("minimum_group", 0)
            asked.append(
                [
                    row
                    for row in same
                    if row["slice"] == {} and sorted(row["over"]) == sorted(columns) and row["minimum_group"] == share
                ]
            )
        else:
            asked.extend(groups(columns, same, [row for row in rows if row["metric"] == "count"]))
    return asked


def sides(rule: dict[str, Any], same: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[Any]:
    """Beside the champion: the difference over each set of columns, or every group that is large enough."""
    asked: list[Any] = []
    least = rule.get("minimum_group", 0)
    for item in rule.get("by", rule.get("over")):
        columns = {item} if isinstance(item, str) else set(item)
        if columns - {name for row in rows for name in [*row["slice"], *row["over"]]}:
            asked.append("missing")
        elif "over" in rule:
            asked.append(
                [r for r in same if not r["slice"] and set(r["over"]) == columns and r["minimum_group"] == least]
            )
        else:
            asked += large_groups(columns, least, same, [row for row in rows if row["metric"] == "count"])
    return asked


def large_groups(columns: set[str], least: float, same: list[Any], counts: list[Any]) -> list[Any]:
    wholes = {row["value"] for row in counts if row["slice"] == {}}
    sizes: dict[Any, set[float]] = {}
    for row in counts:
        if set(row["slice"]) == columns:
            sizes.setdefault(frozenset(row["slice"].items()), set()).add(row["value"])
    if max([len(wholes), *map(len, sizes.values())]) > 1:
        return ["error"]
    everybody = sum(size for values in sizes.values() for size in values)
    if wholes != {everybody}:
        return ["missing"]
    kept = [group for group, values in sizes.items() if min(values) >= least * everybody]
    return [[r for r in same if frozenset(r["slice"].items()) == group and not r["over"]] for group in kept] or [
        "missing"
    ]


def groups(columns, same, counts) -> list[list[dict[str, Any]] | str]:
    totals = {row["value"] for row in counts if row["slice"] == {} and row["over"] == []}
    sizes = {
        (tuple(sorted(row["slice"].items())), row["value"])
        for row in counts
        if sorted(row["slice"]) == sorted(columns) and row["over"] == []
    }
    names = {name for name, _ in sizes}
    if len(totals) > 1 or len(names) != len(sizes):
        return ["error"]
    if len(totals) != 1 or sum(size for _, size in sizes) != next(iter(totals)):
        return ["missing"]
    return [
        [row for row in same if tuple(sorted(row["slice"].items())) == name and row["over"] == []] for name in names
    ]


def of_quantity(rule: dict[str, Any], rows: list[dict[str, Any]] | str) -> str:
    if isinstance(rows, str):
        return rows
    sure = "confidence" in rule
    if sure:
        rows = [row for row in rows if row["confidence"] == rule["confidence"]]
    if not rows:
        return "missing"
    readings = {(row["value"], row["low"], row["high"], row["n"]) if sure else (row["value"], row["n"]) for row in rows}
    if len(readings) > 1:
        return "error"
    row = rows[0]
    ends = (row["low"], row["high"]) if sure else (row["value"], row["value"])
    if row["value"] is None or None in ends:
        return "missing"
    below, above = limits(rule)
    wrong = [(end < below) - (end > above) for end in ends]
    if wrong == [0, 0]:
        return "pass"
    return "fail" if wrong[0] == wrong[1] else "inconclusive"


def limits(rule: dict[str, Any]) -> tuple[float, float]:
    if rule["check"] == "comparison" and "margin" in rule:
        return (-9e9, rule["margin"]) if rule["metric"] in LOSSES else (-rule["margin"], 9e9)
    return rule.get("at_least", -9e9), rule.get("at_most", 9e9)

"""Rules over data sets: what is not shown of a column, a table or an attribute never passes, and every rule says why."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import (
    anonymity_rule,
    audit_rule,
    completeness_rule,
    evaluation,
    facts,
    judged,
    measurement,
    of_column,
    pii_rule,
    proxies_rule,
    psi_rule,
    scanned,
)

FEATURES = {"features": ["income", "debt"]}


def complete(column, value=0.995, low=0.992, high=0.998, **changes):
    return of_column("quality", "completeness", column, value, low, high, **changes)


def moved(column, value=0.1, low=0.08, high=0.15, **changes):
    return of_column("drift", "psi", column, value, low, high, **changes)


def k(value, **changes):
    return measurement("anonymity:age+zip", "k_anonymity", value, **changes)


def lowest(over, value=0.85, low=None, high=None, **changes):
    return measurement("bias-audit:race+sex", "impact_ratio", value, low, high, over=over, **changes)


def rate(value, **place):
    return measurement("bias-audit:race+sex", "selection_rate", value, slice=place, over=list(place))


def given_away(value=0.7, low=0.65, high=0.75, **changes):
    place = {"attribute": "race", **changes.pop("place", {})}
    return measurement("proxies", "proxy_roc_auc", value, low, high, slice=place, **changes)


TABLES = (["sex"], ["race"], ["sex", "race"])
UNDEFINED = {"note": "the column is in one data set only"}

CASES = {
    "every column is complete": (completeness_rule(), [complete("income"), complete("debt")], {}, "pass"),
    "one column is not": (completeness_rule(), [complete("income"), complete("debt", 0.9, 0.88, 0.92)], {}, "fail"),
    "one column cannot be told": (
        completeness_rule(),
        [complete("income"), complete("debt", 0.99, 0.98, 0.995)],
        {},
        "inconclusive",
    ),
    "one column was not measured": (completeness_rule(), [complete("income")], {}, "missing"),
    "measured at another confidence": (
        completeness_rule(),
        [complete("income", confidence=0.9), complete("debt", confidence=0.9)],
        {},
        "missing",
    ),
    "measured twice with two results": (
        completeness_rule(columns=["income"]),
        [complete("income"), complete("income", 0.994)],
        {},
        "error",
    ),
    "all columns that were measured": (
        completeness_rule(columns="all"),
        [complete("a"), complete("b"), complete("c", 0.5, 0.4, 0.6)],
        {},
        "fail",
    ),
    "all of none": (completeness_rule(columns="all"), [measurement("quality", "duplicate_rate", 0.0)], {}, "missing"),
    "the features": (completeness_rule(columns="features"), [complete("income"), complete("debt")], FEATURES, "pass"),
    "a feature that was not measured": (
        completeness_rule(columns="features"),
        [complete("income"), complete("label")],
        FEATURES,
        "missing",
    ),
    "no features declared": (completeness_rule(columns="features"), [complete("income")], {"features": []}, "missing"),
    "facts that do not tell features": (completeness_rule(columns="features"), [complete("income")], {}, "missing"),
    "a bad column beside those asked about": (
        completeness_rule(columns=["income"]),
        [complete("income"), complete("comment", 0.1, 0.0, 0.2)],
        {},
        "pass",
    ),
    "every expectation of a column": (
        {"check": "quality", "metric": "validity", "columns": ["income"], "at_least": 0.9},
        [
            of_column("quality", "validity", "income", 1.0, expectation="min 0"),
            of_column("quality", "validity", "income", 0.5, expectation="max 9"),
        ],
        {},
        "fail",
    ),
    "no failed expectation": (
        {"check": "quality", "metric": "expectations_failed", "at_most": 0, "expectations": "e.yaml"},
        [measurement("quality", "expectations_failed", 0)],
        {},
        "pass",
    ),
    "two failed expectations": (
        {"check": "quality", "metric": "expectations_failed", "at_most": 0, "expectations": "e.yaml"},
        [measurement("quality", "expectations_failed", 2)],
        {},
        "fail",
    ),
    "overlap is of two data sets": (
        {"check": "quality", "metric": "train_test_overlap_rate", "at_most": 0.01},
        [measurement("quality:training-data:test-data", "train_test_overlap_rate", 0.0)],
        {},
        "pass",
    ),
    "overlap measured on one data set": (
        {"check": "quality", "metric": "train_test_overlap_rate", "at_most": 0.01},
        [measurement("quality", "train_test_overlap_rate", 0.0)],
        {},
        "missing",
    ),
    "no column moved": (psi_rule(), [moved("income"), moved("debt")], {}, "pass"),
    "one column moved": (psi_rule(), [moved("income"), moved("debt", 0.5, 0.4, 0.6)], {}, "fail"),
    "a column that vanished": (
        psi_rule(),
        [moved("income"), moved("debt", None, None, None, **UNDEFINED)],
        {},
        "missing",
    ),
    "drift of other data": (
        psi_rule(reference="reference-data", current="production-data"),
        [of_column("drift:reference-data:production-data", "psi", "income", 0.1, 0.0, 0.15)],
        {},
        "pass",
    ),
    "drift of the usual data is no drift of others": (
        psi_rule(reference="reference-data", current="production-data"),
        [moved("income")],
        {},
        "missing",
    ),
    "scanned and none found": (pii_rule(), [scanned("income", "debt")], FEATURES, "pass"),
    "an e-mail found": (pii_rule(), [scanned("income", "debt", email=0.2)], FEATURES, "fail"),
    "found, but not forbidden": (pii_rule("iban"), [scanned("income", "debt", email=0.2)], FEATURES, "pass"),
    "found within the tolerance": (pii_rule(tolerance=0.25), [scanned("income", "debt", email=0.2)], FEATURES, "pass"),
    "a feature that was not scanned": (pii_rule(), [scanned("income")], FEATURES, "missing"),
    "a column found in, that is no feature": (
        pii_rule(),
        [scanned("note", "income", "debt", email=1.0)],
        FEATURES,
        "pass",
    ),
    "any is every kind": (pii_rule("any"), [scanned("income", "debt", secret=0.2)], FEATURES, "fail"),
    "a national id by its own name": (
        pii_rule("national_id"),
        [scanned("income", "debt", cn_resident_id=0.2)],
        FEATURES,
        "fail",
    ),
    "other data are scanned by themselves": (
        pii_rule(**{"in": "test-predictions"}),
        [scanned("id", kind="pii:test-predictions", phone=0.9)],
        {},
        "fail",
    ),
    "the training data say nothing of the predictions": (
        pii_rule(**{"in": "test-predictions"}),
        [scanned("income")],
        {},
        "missing",
    ),
    "records hide among five": (anonymity_rule(), [k(5)], {}, "pass"),
    "records hide among four": (anonymity_rule(), [k(4)], {}, "fail"),
    "k held back": (anonymity_rule(), [k(None, note="held back")], {}, "missing"),
    "k of other columns": (anonymity_rule(quasi=["age"]), [k(9)], {}, "missing"),
    "every sensitive column is diverse": (
        anonymity_rule(metric="l_diversity_distinct", sensitive=["disease"], at_least=3),
        [of_column("anonymity:age+zip", "l_diversity_distinct", "disease", 3)],
        {},
        "pass",
    ),
    "one sensitive column is not": (
        anonymity_rule(metric="l_diversity_distinct", sensitive=["disease", "salary"], at_least=3),
        [
            of_column("anonymity:age+zip", "l_diversity_distinct", "disease", 3),
            of_column("anonymity:age+zip", "l_diversity_distinct", "salary", 1),
        ],
        {},
        "fail",
    ),
    "ratios of all tables": (audit_rule(), [lowest(table) for table in TABLES], {}, "pass"),
    "a low ratio where they cross": (
        audit_rule(),
        [lowest(["sex"]), lowest(["race"]), lowest(TABLES[2], 0.5)],
        {},
        "fail",
    ),
    "no table where they cross": (audit_rule(), [lowest(["sex"]), lowest(["race"])], {}, "missing"),
    "ratios with categories left out": (
        audit_rule(exclude_below=0.02),
        [lowest(table, minimum_group=0.02) for table in TABLES],
        {},
        "pass",
    ),
    "ratios without the categories left out": (
        audit_rule(exclude_below=0.02),
        [lowest(table) for table in TABLES],
        {},
        "missing",
    ),
    "rates of every category": (
        audit_rule(metric="selection_rate", at_least=0.3),
        [rate(0.4, sex="f"), rate(0.5, sex="m"), rate(0.2, race="a"), rate(0.4, sex="f", race="a")],
        {},
        "fail",
    ),
    "features give little away": (proxies_rule(), [given_away()], {}, "pass"),
    "features give much away": (proxies_rule(), [given_away(0.9, 0.88, 0.92)], {}, "fail"),
    "another attribute": (proxies_rule(attribute="sex"), [given_away()], {}, "missing"),
    "one feature gives it away": (
        proxies_rule(each="features"),
        [given_away(place={"feature": "income"}), given_away(0.95, 0.9, 0.99, place={"feature": "debt"})],
        FEATURES,
        "fail",
    ),
    "a feature not looked at": (
        proxies_rule(each="features"),
        [given_away(place={"feature": "income"})],
        FEATURES,
        "missing",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_over_data(case):
    rule, measured, known, status = CASES[case]
    verdict = judged(rule, facts(*measured, **known))
    assert verdict["status"] == status, verdict["sentence"]
    assert verdict["sentence"].endswith(".")
    assert verdict["expected"]
    assert bool(verdict["fix"]) == (status != "pass")


@pytest.mark.parametrize(
    "rule", [completeness_rule(), psi_rule(), pii_rule(), anonymity_rule(), audit_rule(), proxies_rule()]
)
def test_what_was_never_measured_is_missing_and_says_how_to_have_it_measured(rule):
    verdict = judged(rule, facts(**FEATURES))
    assert (verdict["status"], verdict["observed"]) == ("missing", "not measured")
    assert verdict["fix"]


def test_rules_read_as_a_lawyer_wants_them():
    known = facts(
        complete("income", 0.95, 0.93, 0.97), complete("debt"), scanned("income", "debt", email=0.93), k(3), **FEATURES
    )
    assert judged(completeness_rule(), known)["sentence"] == (
        "The completeness of column income of the training data is 0.950 (95 % interval 0.930–0.970, n 1,989); the policy "
        "requires at least 0.99."
    )
    assert judged(pii_rule(), known)["sentence"] == (
        "The share of values with e-mail addresses in column income of the training data is 0.930 (n 1,989); the policy "
        "requires at most 0.00."
    )
    assert judged(anonymity_rule(), known)["sentence"] == (
        "The k-anonymity of the training data by zip and age is 3 (n 1,989); the policy requires at least 5."
    )
    assert judged(pii_rule(), known)["expected"] == "no e-mail addresses or phone numbers"


def test_an_inconclusive_column_says_how_many_more_rows_would_settle_it():
    rule = judged(completeness_rule(columns=["income"]), facts(complete("income", 0.985, 0.978, 0.992)))
    assert rule["status"] == "inconclusive"
    assert rule["fix"].startswith("About 1,9") or "more samples like these would settle it" in rule["fix"]


def test_a_rule_names_the_evaluation_it_reads_where_the_check_does_not():
    of_predictions = judged(pii_rule(**{"in": "test-predictions"}), facts(scanned("a", kind="pii:test-predictions")))
    assert of_predictions["evaluation"] == "pii:test-predictions"
    assert of_predictions["evidence"] == [evaluation("pii:test-predictions")["sha256"]]
    assert "evaluation" not in judged(pii_rule(), facts(scanned("income", "debt"), **FEATURES))


def test_what_somebody_cancelled_is_missing_and_says_who():
    stopped = evaluation(
        "quality", status="cancelled", sha256=None, finished_at="2026-11-20T06:00:00Z", cancelled_by="Ada Lovelace"
    )
    rule = judged(completeness_rule(), facts(evaluations={"quality": stopped}))
    assert (rule["status"], rule["fix"]) == ("missing", "Measure again.")
    assert rule["sentence"] == "The data quality evaluation was cancelled by Ada Lovelace on 2026-11-20."

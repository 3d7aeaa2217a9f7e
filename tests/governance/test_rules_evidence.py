"""Before any number is looked at: is there evidence, is it finished, trusted and fresh enough."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import auc, auc_rule, evaluation, facts, impact_rule, judged

RELAXED = {"minimum_trust": "claimed"}


def known(**changes):
    return facts(auc(), evaluations={"performance": evaluation("performance", **changes)})


def without_measurements(**changes):
    return facts(evaluations={"performance": evaluation("performance", **{"sha256": None, **changes})})


def test_what_was_never_planned_is_missing():
    rule = judged(auc_rule(), facts())
    assert rule["status"] == "missing"
    assert rule["sentence"] == "No performance evaluation was made of this version."
    assert rule["fix"] == "Name the column of scores as schema.score in the manifest, and submit again."
    assert rule["evidence"] == []
    assert "race" in judged(impact_rule(), facts())["fix"]


@pytest.mark.parametrize(
    ("status", "observed", "says"),
    [("queued", "waiting to be measured", "waiting to begin"), ("running", "being measured", "under way")],
)
def test_what_is_being_measured_is_pending(status, observed, says):
    rule = judged(auc_rule(), without_measurements(status=status, finished_at=None))
    assert rule["status"] == "pending"
    assert rule["observed"] == observed
    assert says in rule["sentence"]


def test_a_failed_evaluation_names_file_column_and_row():
    error = {"message": "the label is blank", "file": "predictions.csv", "column": "approve", "row": 17}
    rule = judged(auc_rule(), without_measurements(status="error", error=error))
    assert rule["status"] == "error"
    assert rule["sentence"] == (
        "The performance evaluation failed: the label is blank (file predictions.csv, column approve, row 17)."
    )


def test_places_that_the_message_names_already_are_not_named_twice():
    error = {
        "message": "predictions.csv: label in row 17 is blank.",
        "file": "predictions.csv",
        "column": None,
        "row": 17,
    }
    rule = judged(auc_rule(), without_measurements(status="error", error=error))
    assert rule["sentence"] == "The performance evaluation failed: predictions.csv: label in row 17 is blank."


def test_a_failed_evaluation_without_message_is_still_an_error():
    assert judged(auc_rule(), without_measurements(status="error"))["status"] == "error"


def test_a_finished_evaluation_without_evidence_is_missing():
    assert judged(auc_rule(), without_measurements())["status"] == "missing"


@pytest.mark.parametrize(
    ("has", "asked", "status"),
    [
        ("claimed", "claimed", "pass"),
        ("attested", "claimed", "pass"),
        ("recomputed", "claimed", "pass"),
        ("claimed", "attested", "missing"),
        ("attested", "attested", "pass"),
        ("recomputed", "attested", "pass"),
        ("claimed", "recomputed", "missing"),
        ("attested", "recomputed", "missing"),
        ("recomputed", "recomputed", "pass"),
    ],
)
def test_trust_must_reach_the_minimum(has, asked, status):
    rule = judged(auc_rule(), known(trust=has), evidence={"minimum_trust": asked})
    assert rule["status"] == status


def test_claimed_evidence_is_told_how_to_become_better():
    rule = judged(auc_rule(), known(), evidence={"minimum_trust": "attested"})
    assert rule["sentence"] == (
        "The performance evidence is only claimed: a client sent the predictions with a token; "
        "the policy requires evidence that is attested."
    )
    assert rule["fix"].startswith("Submit the predictions from a CI job")
    rule = judged(auc_rule(), known(), evidence={"minimum_trust": "recomputed"})
    assert rule["fix"].startswith("Submit the model in a format that the service can run")


@pytest.mark.parametrize(
    ("finished_at", "status"),
    [
        ("2026-11-20T06:00:00Z", "pass"),
        ("2026-08-23T06:00:00Z", "pass"),
        ("2026-08-23T05:59:59Z", "missing"),
        ("2026-08-23T07:59:59+02:00", "missing"),
        (None, "missing"),
    ],
)
def test_evidence_older_than_ninety_days_is_missing(finished_at, status):
    rule = judged(auc_rule(), known(finished_at=finished_at), evidence={**RELAXED, "max_age_days": 90})
    assert rule["status"] == status
    if status == "missing":
        assert rule["fix"] == "Measure again."
        assert "the policy accepts 90 days" in rule["sentence"]


def test_without_a_limit_age_is_not_looked_at():
    assert judged(auc_rule(), known(finished_at="1990-01-01T00:00:00Z"))["status"] == "pass"

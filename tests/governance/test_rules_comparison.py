"""No worse than the champion by more than a margin; without a champion there is nothing to be worse than."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import MANIFEST, champion_rule, difference, evaluation, facts, judged, measurement


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [(-0.02, 0.01, "pass"), (0.01, 0.03, "pass"), (-0.021, 0.01, "inconclusive"), (-0.05, -0.021, "fail")],
)
def test_a_higher_metric_may_be_lower_by_the_margin(low, high, status):
    assert judged(champion_rule(), facts(difference((low + high) / 2, low, high)))["status"] == status


@pytest.mark.parametrize(
    ("low", "high", "status"), [(-0.5, 0.02, "pass"), (0.01, 0.021, "inconclusive"), (0.021, 0.03, "fail")]
)
@pytest.mark.parametrize("metric", ["log_loss", "brier_score_loss"])
def test_a_loss_may_be_higher_by_the_margin(metric, low, high, status):
    known = facts(measurement("comparison", metric, (low + high) / 2, low, high))
    assert judged(champion_rule(metric=metric), known)["status"] == status


def test_the_sentence_names_the_champion_and_the_sign():
    rule = judged(champion_rule(), facts(difference(-0.03, -0.05, -0.021)))
    assert rule["sentence"] == (
        "The difference in ROC AUC from champion 2026.10.4 is −0.030 (95 % interval −0.050 to −0.021, n 1,989); "
        "the policy requires at least −0.02."
    )
    assert rule["expected"] == "at least −0.02 against the champion"


def test_a_margin_of_nothing_is_zero_without_a_sign():
    rule = judged(champion_rule(margin=0), facts(difference(0.0, 0.0, 0.0)))
    assert rule["status"] == "pass"
    assert rule["expected"] == "at least 0.00 against the champion"


def test_without_a_champion_it_passes_and_says_so():
    rule = judged(champion_rule(), facts(champion=None))
    assert rule["status"] == "pass"
    assert rule["observed"] == "no champion in production yet, nothing to compare with"


def test_the_champion_is_not_compared_with_itself():
    known = facts(champion={"version": "2026.11.2", "manifest_sha256": MANIFEST})
    assert judged(champion_rule(), known)["status"] == "pass"


def test_with_a_champion_and_no_comparison_it_is_missing():
    assert judged(champion_rule(), facts())["status"] == "missing"
    running = {"comparison": evaluation("comparison", status="running", sha256=None, finished_at=None)}
    assert judged(champion_rule(), facts(evaluations=running))["status"] == "pending"

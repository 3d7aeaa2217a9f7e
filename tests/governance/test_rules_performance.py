"""A metric over everybody against a threshold: it clears, it violates, or the data cannot tell."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import auc, auc_rule, facts, judged, measurement


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (0.76, 0.80, "pass"),
        (0.75, 0.80, "pass"),
        (0.7499, 0.80, "inconclusive"),
        (0.70, 0.75, "inconclusive"),
        (0.70, 0.7499, "fail"),
    ],
)
def test_the_whole_interval_must_clear(low, high, status):
    assert judged(auc_rule(), facts(auc((low + high) / 2, low, high)))["status"] == status


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [(0.05, 0.10, "pass"), (0.05, 0.11, "inconclusive"), (0.10, 0.11, "inconclusive"), (0.101, 0.11, "fail")],
)
def test_at_most_is_a_ceiling(low, high, status):
    rule = {"check": "performance", "metric": "brier_score_loss", "at_most": 0.10, "confidence": 0.95}
    known = facts(measurement("performance", "brier_score_loss", (low + high) / 2, low, high))
    assert judged(rule, known)["status"] == status


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (0.45, 0.55, "pass"),
        (0.35, 0.55, "inconclusive"),
        (0.45, 0.65, "inconclusive"),
        (0.1, 0.9, "inconclusive"),
        (0.1, 0.39, "fail"),
        (0.61, 0.9, "fail"),
    ],
)
def test_two_bounds_make_a_band(low, high, status):
    rule = {"check": "performance", "metric": "selection_rate", "at_least": 0.4, "at_most": 0.6, "confidence": 0.95}
    judgement = judged(rule, facts(measurement("performance", "selection_rate", (low + high) / 2, low, high)))
    assert judgement["status"] == status
    assert judgement["expected"] == "at least 0.40 and at most 0.60"


@pytest.mark.parametrize(("value", "status"), [(0.75, "pass"), (0.7499, "fail")])
def test_without_confidence_the_point_alone_is_compared_and_that_is_said(value, status):
    rule = auc_rule()
    del rule["confidence"]
    judgement = judged(rule, facts(auc(value, 0.5, 0.99)))
    assert judgement["status"] == status
    assert "point value alone" in judgement["sentence"]
    assert judgement["details"][0]["low"] is None


def test_a_failing_rule_is_a_sentence_with_its_numbers():
    rule = judged(auc_rule(), facts(auc(0.71, 0.69, 0.73)))
    assert rule["sentence"] == (
        "The ROC AUC is 0.710 (95 % interval 0.690–0.730, n 1,989); the policy requires at least 0.75."
    )
    assert rule["observed"] == "0.710 (95 % interval 0.690–0.730)"
    assert rule["expected"] == "at least 0.75"
    assert rule["n"] == 1989
    assert rule["evidence"] == ["a" * 64]
    assert rule["details"] == [
        {
            "over": [],
            "slice": {},
            "metric": "roc_auc_score",
            "value": 0.71,
            "low": 0.69,
            "high": 0.73,
            "n": 1989,
            "status": "fail",
            "note": "",
        }
    ]


def test_an_inconclusive_rule_says_how_many_samples_would_settle_it():
    # Half-width 0.04 toward the threshold, 0.02 away from it: four times the 1,989 samples, so 5,967 more.
    rule = judged(auc_rule(), facts(auc(0.77, 0.73, 0.80)))
    assert rule["status"] == "inconclusive"
    assert rule["sentence"].endswith("the policy requires at least 0.75, and the data cannot tell.")
    assert rule["fix"] == "About 6,000 more samples like these would settle it, if the value stays as it is."


def test_a_value_on_the_threshold_is_settled_by_no_sample_size():
    rule = judged(auc_rule(), facts(auc(0.75, 0.73, 0.77)))
    assert rule["fix"] == "The value lies on the threshold itself, so no number of samples would settle it."


def test_a_value_all_but_on_the_threshold_asks_for_no_absurd_number():
    rule = judged(auc_rule(), facts(auc(0.7501, 0.73, 0.77)))
    assert "no practical number of samples" in rule["fix"]


def test_review_offers_those_who_sign_to_accept_by_name():
    rule = judged(auc_rule(on_inconclusive="review"), facts(auc(0.77, 0.73, 0.80)))
    assert rule["on_inconclusive"] == "review"
    assert rule["fix"].endswith("; or those who sign accept it by name.")


def test_no_rounding_hides_on_which_side_of_the_threshold_a_value_lies():
    rule = judged(auc_rule(), facts(auc(0.74996, 0.70, 0.749999)))
    assert "0.74996 (95 % interval 0.700–0.749999" in rule["sentence"]


@pytest.mark.parametrize(
    ("other", "note"),
    [
        ([], "was not measured"),
        ([auc(confidence=0.9)], "not measured at 95 % confidence"),
        ([auc(slice={"race": "black"})], "was not measured"),
        ([auc(over=["race"])], "was not measured"),
        ([measurement("performance", "accuracy_score", 0.9, 0.8, 0.95)], "was not measured"),
        ([auc(None, None, None, note="undefined: one class only.")], "undefined: one class only"),
        ([auc(None, None, None)], "undefined on this data"),
        ([auc(0.9, None, None)], "no 95 % interval"),
        ([auc(0.9, 0.8, None)], "no 95 % interval"),
    ],
)
def test_what_was_not_measured_as_asked_is_missing(other, note):
    anything = measurement("performance", "f1_score", 0.9, 0.8, 0.95)
    rule = judged(auc_rule(), facts(anything, *other))
    assert rule["status"] == "missing"
    assert note in rule["sentence"]
    assert rule["fix"]


def test_the_same_measurement_twice_counts_once():
    assert judged(auc_rule(), facts(auc(), auc()))["status"] == "pass"


def test_two_different_results_of_one_measurement_are_an_error():
    assert judged(auc_rule(), facts(auc(), auc(0.86)))["status"] == "error"


def test_several_confidences_stand_side_by_side():
    known = facts(auc(0.77, 0.76, 0.78, confidence=0.9), auc(0.77, 0.74, 0.79), auc(0.77, 0.6, 0.74, confidence=0.99))
    assert judged(auc_rule(confidence=0.9), known)["status"] == "pass"
    assert judged(auc_rule(), known)["status"] == "inconclusive"
    assert judged(auc_rule(confidence=0.99), known)["status"] == "fail"
    assert judged(auc_rule(confidence=0.8), known)["status"] == "missing"


def of_class(name, value, metric="recall_score"):
    return measurement("performance", metric, value, value - 0.02, value + 0.02, slice={"class": name})


@pytest.mark.parametrize(
    ("classes", "measured", "status"),
    [
        ("all", [of_class("a", 0.9), of_class("b", 0.8)], "pass"),
        ("all", [of_class("a", 0.9), of_class("b", 0.5)], "fail"),
        ("all", [auc()], "missing"),
        (["a"], [of_class("a", 0.9), of_class("b", 0.5)], "pass"),
        (["a", "c"], [of_class("a", 0.9)], "missing"),
    ],
)
def test_every_class_asked_about_must_clear(classes, measured, status):
    rule = judged(auc_rule(metric="recall_score", at_least=0.7, classes=classes), facts(*measured))
    assert rule["status"] == status
    assert bool(rule["fix"]) == (status != "pass")


def worst(value, confidence=0.95, **place):
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    return measurement(
        "performance", "worst_slice_accuracy_score", value, low, high, slice=place, confidence=confidence
    )


def test_the_worst_slice_is_named():
    rule = {"check": "performance", "metric": "worst_slice_accuracy_score", "at_least": 0.7, "confidence": 0.95}
    judgement = judged(rule, facts(worst(0.5, race="black", sex="f"), worst(0.9, confidence=0.9, race="white")))
    assert judgement["status"] == "fail"
    assert judgement["sentence"].startswith("The accuracy of the worst slice, race black and sex f, is 0.500")
    assert judged(rule, facts(worst(0.8, race="black")))["status"] == "pass"
    assert judged(rule, facts(worst(None, note="no slice is large enough")))["status"] == "missing"
    assert judged(rule, facts(worst(0.9, confidence=0.9, race="white")))["status"] == "missing"
    assert "schema.slices" in judged(rule, facts(auc()))["fix"]


def test_values_may_be_negative_where_the_metric_can_be():
    rule = {"check": "performance", "metric": "mean_error", "at_least": -1.5, "at_most": 1.5}
    assert judged(rule, facts(measurement("performance", "mean_error", -1.2)))["status"] == "pass"
    assert judged(rule, facts(measurement("performance", "mean_error", -1.6)))["status"] == "fail"
    assert "task: regression" in judged(rule, facts(auc()))["fix"]

"""The metrics that rules may read: their words, their range, and which way is better. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.rules.bounds import Bounds
from registry.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as policies name it.

    Attributes
    ----------
    words
        How a sentence calls it.
    lowest, highest
        The values that it can take.
    lower_is_better
        Whether a smaller value is the better one.
    needs_score
        Whether it is measured only when the manifest names a score column.
    whole
        Whether it is a count.
    task
        The only ``schema.task`` for which it is measured; empty for any, or for the usual one.
    per
        What it is measured for each of, such as ``column``; empty where there is one value.
    """

    words: str
    highest: float = 1.0
    lower_is_better: bool = False
    needs_score: bool = False
    lowest: float = 0.0
    whole: bool = False
    task: str = ""
    per: str = ""


_ANY = math.inf


def _regression(words: str, *, lowest: float = 0.0, highest: float = _ANY, lower_is_better: bool = True) -> Metric:
    return Metric(words, highest=highest, lowest=lowest, lower_is_better=lower_is_better, task="regression")


PERFORMANCE: Mapping[str, Metric] = {
    "accuracy_score": Metric("accuracy"),
    "balanced_accuracy_score": Metric("balanced accuracy"),
    "precision_score": Metric("precision"),
    "recall_score": Metric("recall"),
    "f1_score": Metric("F1 score"),
    "selection_rate": Metric("selection rate"),
    "roc_auc_score": Metric("ROC AUC", needs_score=True),
    "log_loss": Metric("log loss", highest=_ANY, lower_is_better=True, needs_score=True),
    "brier_score_loss": Metric("Brier score", lower_is_better=True, needs_score=True),
    "matthews_corrcoef": Metric("Matthews correlation", lowest=-1.0),
    "average_precision_score": Metric("average precision", needs_score=True),
    "expected_calibration_error": Metric("expected calibration error", lower_is_better=True, needs_score=True),
    "worst_slice_accuracy_score": Metric("accuracy of the worst slice"),
    "worst_slice_recall_score": Metric("recall of the worst slice"),
    "f1_score_macro": Metric("F1 score, averaged over classes", task="multiclass"),
    "f1_score_weighted": Metric("F1 score, weighted by class", task="multiclass"),
    "roc_auc_score_ovr": Metric("ROC AUC, one class against the rest", task="multiclass"),
    "mean_absolute_error": _regression("mean absolute error"),
    "root_mean_squared_error": _regression("root mean squared error"),
    "mean_squared_error": _regression("mean squared error"),
    "median_absolute_error": _regression("median absolute error"),
    "mean_error": _regression("mean error", lowest=-_ANY),
    "r2_score": _regression("R²", lowest=-_ANY, highest=1.0, lower_is_better=False),
}
"""Measured over everybody at once."""

PER_CLASS = ("precision_score", "recall_score", "f1_score")
"""Performance that a model of many classes has for each of them."""

WORST_SLICE = "worst_slice_"
"""Before the name of a metric: its value in the worst slice that was found."""

AGGREGATES: Mapping[str, Metric] = {
    "demographic_parity_ratio": Metric("impact ratio"),
    "demographic_parity_difference": Metric("difference in selection rates", lower_is_better=True),
    "equalized_odds_difference": Metric("equalized odds difference", lower_is_better=True),
    "equal_opportunity_difference": Metric("equal opportunity difference", lower_is_better=True),
    "true_positive_rate_difference": Metric("difference in true positive rates", lower_is_better=True),
    "false_positive_rate_difference": Metric("difference in false positive rates", lower_is_better=True),
    "accuracy_score_difference": Metric("difference in accuracy", lower_is_better=True),
    "predictive_parity_difference": Metric("difference in precision", lower_is_better=True),
    "equalized_odds_ratio": Metric("equalized odds ratio"),
    "calibration_difference": Metric("difference in calibration", lower_is_better=True, needs_score=True),
    "score_distance": Metric("distance between score distributions", lower_is_better=True, needs_score=True),
    "generalized_entropy_index": Metric("generalized entropy index", highest=_ANY, lower_is_better=True),
    "theil_index": Metric("Theil index", highest=_ANY, lower_is_better=True),
    "mean_prediction_difference": _regression("difference in mean predictions"),
    "mean_error_difference": _regression("difference in mean errors"),
    "mean_absolute_error_ratio": _regression("ratio of mean absolute errors", lower_is_better=False),
}
"""One value over all groups of some columns: the smallest ratio, the largest difference."""

INEQUALITY = ("generalized_entropy_index", "theil_index")
"""Of these the ones that are about everybody, and leave no group out."""

GROUP_RATES: Mapping[str, Metric] = {
    "selection_rate": Metric("selection rate"),
    "true_positive_rate": Metric("true positive rate"),
    "false_positive_rate": Metric("false positive rate", lower_is_better=True),
    "false_negative_rate": Metric("false negative rate", lower_is_better=True),
    "accuracy_score": Metric("accuracy"),
    "roc_auc_score": Metric("ROC AUC", needs_score=True),
    "precision_score": Metric("precision"),
    "expected_calibration_error": Metric("expected calibration error", lower_is_better=True, needs_score=True),
    "score_mean": Metric("mean score", needs_score=True),
    "representation_share": Metric("share of the data"),
    "representation_ratio": Metric("representation ratio", highest=_ANY),
    "mean_prediction": _regression("mean prediction", lowest=-_ANY, lower_is_better=False),
    "mean_error": _regression("mean error", lowest=-_ANY),
    "mean_absolute_error": _regression("mean absolute error"),
}
"""One value for each group; a rule over them asks it of every group."""

REPRESENTATION = "representation_ratio"
"""The group metric that holds the data against a population."""

FAIRNESS: Mapping[str, Metric] = {**AGGREGATES, **GROUP_RATES}

BENEFIT = "benefit_difference"
"""Measured where the use case says what outcomes are worth, in its currency per decision."""

COMPARISON: Mapping[str, Metric] = {
    **{
        name: PERFORMANCE[name]
        for name in ("accuracy_score", "recall_score", "roc_auc_score", "log_loss", "brier_score_loss")
    },
    BENEFIT: Metric("benefit per decision", lowest=-_ANY, highest=_ANY),
}
"""Measured as the difference challenger − champion on the same rows."""

FLIPS: Mapping[str, Metric] = {
    "flip_rate": Metric("share of decisions that change", lower_is_better=True),
    "flip_to_negative_rate": Metric("share of decisions that become negative", lower_is_better=True),
    "flip_to_positive_rate": Metric("share of decisions that become positive", lower_is_better=True),
    "flip_rate_difference": Metric("difference in shares of decisions that change", lower_is_better=True),
    "flip_to_negative_rate_difference": Metric("difference in shares that become negative", lower_is_better=True),
    "flip_to_positive_rate_difference": Metric("difference in shares that become positive", lower_is_better=True),
}
"""Measured on the decisions that differ between challenger and champion."""


def parse_bounds(data: Mapping[str, Any], metric: Metric, path: str) -> Bounds:
    """Make the bounds of a rule.

    Raises
    ------
    InvalidInput
        If a bound lies outside what the metric can be, or ``at_least`` above ``at_most``.
    """
    for key in ("at_least", "at_most"):
        if key in data:
            _require_within(metric, metric.words, data[key], f"{path}.{key}")
    bounds = Bounds(at_least=data.get("at_least"), at_most=data.get("at_most"), whole=metric.whole)
    if bounds.at_least is not None and bounds.at_most is not None and bounds.at_least > bounds.at_most:
        raise InvalidInput(f"{path}.at_least is above at_most: nothing could pass", field=f"{path}.at_least")
    return bounds


def _require_within(metric: Metric, name: str, value: float, path: str) -> None:
    """Refuse a threshold that the metric can never take, such as 80 for a ratio: it is a slip of the pen."""
    if not metric.lowest <= value <= metric.highest:
        raise InvalidInput(
            f"{path}: {name} is always {_span(metric)}, so {value:g} cannot be its threshold", field=path
        )


def _span(metric: Metric) -> str:
    if math.isinf(metric.highest):
        return f"{metric.lowest:g} or more"
    return (
        f"{metric.highest:g} or less"
        if math.isinf(metric.lowest)
        else f"between {metric.lowest:g} and {metric.highest:g}"
    )

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
    highest
        Largest possible value; the smallest is 0 for every metric here.
    lower_is_better
        Whether a smaller value is the better one.
    needs_score
        Whether it is measured only when the manifest names a score column.
    """

    words: str
    highest: float = 1.0
    lower_is_better: bool = False
    needs_score: bool = False


PERFORMANCE: Mapping[str, Metric] = {
    "accuracy_score": Metric("accuracy"),
    "balanced_accuracy_score": Metric("balanced accuracy"),
    "precision_score": Metric("precision"),
    "recall_score": Metric("recall"),
    "f1_score": Metric("F1 score"),
    "selection_rate": Metric("selection rate"),
    "roc_auc_score": Metric("ROC AUC", needs_score=True),
    "log_loss": Metric("log loss", highest=math.inf, lower_is_better=True, needs_score=True),
    "brier_score_loss": Metric("Brier score", lower_is_better=True, needs_score=True),
}
"""Measured over everybody at once."""

AGGREGATES: Mapping[str, Metric] = {
    "demographic_parity_ratio": Metric("impact ratio"),
    "demographic_parity_difference": Metric("difference in selection rates", lower_is_better=True),
    "equalized_odds_difference": Metric("equalized odds difference", lower_is_better=True),
    "equal_opportunity_difference": Metric("equal opportunity difference", lower_is_better=True),
    "true_positive_rate_difference": Metric("difference in true positive rates", lower_is_better=True),
    "false_positive_rate_difference": Metric("difference in false positive rates", lower_is_better=True),
    "accuracy_score_difference": Metric("difference in accuracy", lower_is_better=True),
}
"""One value over all groups of some columns: the smallest ratio, the largest difference."""

GROUP_RATES: Mapping[str, Metric] = {
    "selection_rate": Metric("selection rate"),
    "true_positive_rate": Metric("true positive rate"),
    "false_positive_rate": Metric("false positive rate", lower_is_better=True),
    "false_negative_rate": Metric("false negative rate", lower_is_better=True),
    "accuracy_score": Metric("accuracy"),
    "roc_auc_score": Metric("ROC AUC", needs_score=True),
}
"""One value for each group; a rule over them asks it of every group."""

FAIRNESS: Mapping[str, Metric] = {**AGGREGATES, **GROUP_RATES}

COMPARISON: Mapping[str, Metric] = {
    name: PERFORMANCE[name]
    for name in ("accuracy_score", "recall_score", "roc_auc_score", "log_loss", "brier_score_loss")
}
"""Measured as the difference challenger − champion on the same rows."""


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
    bounds = Bounds(at_least=data.get("at_least"), at_most=data.get("at_most"))
    if bounds.at_least is not None and bounds.at_most is not None and bounds.at_least > bounds.at_most:
        raise InvalidInput(f"{path}.at_least is above at_most: nothing could pass", field=f"{path}.at_least")
    return bounds


def _require_within(metric: Metric, name: str, value: float, path: str) -> None:
    """Refuse a threshold that the metric can never take, such as 80 for a ratio: it is a slip of the pen."""
    if not 0 <= value <= metric.highest:
        span = "0 or more" if math.isinf(metric.highest) else f"between 0 and {metric.highest:g}"
        raise InvalidInput(f"{path}: {name} is always {span}, so {value:g} cannot be its threshold", field=path)

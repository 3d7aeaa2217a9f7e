"""How well a model predicts: scikit-learn's metrics with an interval each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audits.auc import Auc, auc_interval, roc_auc
from audits.intervals import Floats, critical_value, f1_interval, mean_bootstrap, mean_delta, mover_mean
from audits.measurement import Measurement
from audits.predictions import Predictions
from audits.rates import ACCURACY, PRECISION, RECALL, SELECTION_RATE, TRUE_NEGATIVE_RATE, Rate, interval_method
from audits.tensor import CELLS, CountTensor

FEW_ROWS = 200
"""Below this many rows the mean losses get a bootstrap interval instead of a large-sample one."""

_UNDEFINED = {
    PRECISION.name: "undefined: nothing was predicted positive",
    RECALL.name: "undefined: no row is positive",
}


def measure_performance(
    predictions: Predictions, tensor: CountTensor, *, confidences: Sequence[float], seed: int
) -> list[Measurement]:
    """Overall performance, once per confidence.

    Parameters
    ----------
    predictions
        The rows; the score metrics (``roc_auc_score``, ``log_loss``, ``brier_score_loss``) come only with a score column.
    tensor
        Their count tensor; every other metric is arithmetic on it.
    confidences
        Nominal coverages of the intervals.
    seed
        Of the bootstrap that small samples get.

    Returns
    -------
    list of Measurement
        With empty slice, in a fixed order.
    """
    overall = tensor.margin(())
    counts = cell_counts(overall)[0]
    measurements: list[Measurement] = []
    for confidence in confidences:
        z = critical_value(confidence)
        measurements += count_measurements(counts, {}, confidence)
        for rate in (ACCURACY, PRECISION, RECALL, SELECTION_RATE):
            measurements.append(_overall_rate(rate, overall, counts, confidence))
        measurements.append(_f1(overall, counts, confidence, z))
        measurements.append(_balanced_accuracy(overall, counts, confidence, z))
    if predictions.score is not None:
        area = roc_auc(predictions.label, predictions.score, predictions.weight)
        for confidence in confidences:
            measurements.append(auc_measurement(area, {}, len(predictions), confidence))
            measurements += _losses(predictions, confidence, seed)
    return measurements


def cell_counts(tensor: CountTensor) -> list[dict[str, int]]:
    """Per group: its rows by cell, ``tp``, ``fp``, ``tn``, ``fn``."""
    return [{name: int(row[CELLS.index(name)]) for name in ("tp", "fp", "tn", "fn")} for row in tensor.counts]


def count_measurements(counts: dict[str, int], where: dict[str, str], confidence: float) -> Iterator[Measurement]:
    """``count`` and the four cells as measurements of their own."""
    n = sum(counts.values())
    for name, value in {"count": n, **counts}.items():
        yield Measurement(
            metric=name,
            slice=where,
            value=float(value),
            n=n,
            method="exact count",
            confidence=confidence,
            counts=counts,
        )


def auc_measurement(area: Auc, where: dict[str, str], n: int, confidence: float, note: str = "") -> Measurement:
    """The measurement of an area under the ROC curve."""
    low, high, method = auc_interval(area, critical_value(confidence))
    return Measurement(
        metric="roc_auc_score",
        slice=where,
        value=area.value,
        low=low,
        high=high,
        n=n,
        method=method,
        confidence=confidence,
        note=note,
    )


def _overall_rate(rate: Rate, overall: CountTensor, counts: dict[str, int], confidence: float) -> Measurement:
    value = float(rate.point(overall)[0])
    low, high = rate.interval(overall, critical_value(confidence))
    defined = not np.isnan(value)
    return Measurement(
        metric=rate.name,
        value=value if defined else None,
        low=float(low[0]) if defined else None,
        high=float(high[0]) if defined else None,
        n=int(rate.sums(overall)[2][0]),
        method=interval_method(overall),
        confidence=confidence,
        counts=counts,
        note="" if defined else _UNDEFINED[rate.name],
    )


def _f1(overall: CountTensor, counts: dict[str, int], confidence: float, z: float) -> Measurement:
    jaccard = Rate("jaccard", frozenset({"tp"}), frozenset({"tp", "fp", "fn"}))
    share = float(jaccard.point(overall)[0])
    part, of, rows = jaccard.sums(overall)
    low, high = f1_interval(part, of - part, z)
    return Measurement(
        metric="f1_score",
        value=2 * share / (1 + share),
        low=float(low[0]),
        high=float(high[0]),
        n=int(rows[0]),
        method=interval_method(overall) + "-jaccard",
        confidence=confidence,
        counts=counts,
    )


def _balanced_accuracy(overall: CountTensor, counts: dict[str, int], confidence: float, z: float) -> Measurement:
    halves = [RECALL, TRUE_NEGATIVE_RATE]
    rates = np.array([rate.point(overall)[0] for rate in halves])
    limits = [rate.interval(overall, z) for rate in halves]
    low, high = mover_mean(rates, np.array([low[0] for low, _ in limits]), np.array([high[0] for _, high in limits]))
    return Measurement(
        metric="balanced_accuracy_score",
        value=float(rates.mean()),
        low=low,
        high=high,
        n=overall.total,
        method="mover-wilson",
        confidence=confidence,
        counts=counts,
    )


def row_losses(predictions: Predictions, score: Floats) -> dict[str, Floats]:
    """Each row's contribution to ``log_loss`` (in nats) and ``brier_score_loss``.

    Notes
    -----
    ``−log p`` of the class that occurred, ``p`` clipped to [ε, 1 − ε] with the machine's ε as scikit-learn does; and
    ``(label − score)²``.
    """
    edge = float(np.finfo(np.float64).eps)
    occurred = np.where(predictions.label == 1, score, 1 - score)
    return {
        "log_loss": -np.log(np.clip(occurred, edge, 1 - edge)),
        "brier_score_loss": (predictions.label - score) ** 2,
    }


def _losses(predictions: Predictions, confidence: float, seed: int) -> Iterator[Measurement]:
    assert predictions.score is not None
    n, weight = len(predictions), predictions.weight
    for metric, losses in row_losses(predictions, predictions.score).items():
        if n < FEW_ROWS:
            low, high = mean_bootstrap(losses, weight, confidence, seed=seed)
        else:
            low, high = mean_delta(losses, weight, critical_value(confidence))
        value = float(np.average(losses, weights=weight))
        most = 1.0 if metric == "brier_score_loss" else float("inf")
        yield Measurement(
            metric=metric,
            value=value,
            low=min(max(low, 0.0), value),
            high=max(min(high, most), value),
            n=n,
            method="bootstrap-percentile" if n < FEW_ROWS else "delta",
            confidence=confidence,
        )

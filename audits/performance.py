"""How well a model predicts: scikit-learn's metrics with an interval each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audits.auc import Auc, area_of, auc_interval
from audits.counted import Counted
from audits.held_back import known_cells, shown
from audits.intervals import Floats, critical_value, f1_interval, mean_bootstrap, mover_mean
from audits.losses import loss_rows, losses_at
from audits.measurement import Measurement
from audits.predictions import Predictions
from audits.rates import ACCURACY, PRECISION, RECALL, SELECTION_RATE, TRUE_NEGATIVE_RATE, Rate, interval_method
from audits.score_table import ScoreBins
from audits.tensor import CELLS, CountTensor

OVERALL_RATES = (ACCURACY, PRECISION, RECALL, SELECTION_RATE)

FEW_ROWS = 200
"""Below this many rows the mean losses get a bootstrap interval instead of a large-sample one."""

_UNDEFINED = {
    PRECISION.name: "undefined: nothing was predicted positive",
    RECALL.name: "undefined: no row is positive",
}


def measure_performance(counted: Counted, *, confidences: Sequence[float], seed: int) -> list[Measurement]:
    """Overall performance, once per confidence.

    Parameters
    ----------
    counted
        What was counted; the score metrics (``roc_auc_score``, ``log_loss``, ``brier_score_loss``) come only with a score
        column.
    confidences
        Nominal coverages of the intervals.
    seed
        Of the bootstrap that small samples get.

    Returns
    -------
    list of Measurement
        With empty slice, in a fixed order. What rests on cells that were held back is undefined and says so.
    """
    overall = counted.tensor.margin(())
    known = known_cells(counted, overall)[0]
    counts = cell_counts(overall)[0]
    measurements: list[Measurement] = []
    for confidence in confidences:
        z = critical_value(confidence)
        found = [*count_measurements(counts, {}, confidence)]
        found += [_overall_rate(rate, overall, counts, confidence) for rate in OVERALL_RATES]
        found.append(_f1(overall, counts, confidence, z))
        found.append(_balanced_accuracy(overall, counts, confidence, z))
        measurements += [shown(measurement, known, counted.held_back) for measurement in found]
    if counted.scores is not None:
        bins = counted.scores.margin(()).bins()
        area = area_of(bins)
        for confidence in confidences:
            measurements.append(auc_measurement(area, {}, overall.total, confidence))
            measurements += _losses(counted, bins, confidence, seed)
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
    if area.error:
        binned = f"from binned scores: the area itself is known within ±{area.error:.1e}, which the interval includes"
        note = "; ".join(filter(None, [note, binned]))
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
    """Each row's contribution to ``log_loss`` (in nats) and ``brier_score_loss``, see :func:`audits.losses.losses_at`."""
    rows = np.arange(len(score))
    return {name: loss[rows, predictions.label] for name, loss in losses_at(score).items()}


def _losses(counted: Counted, bins: ScoreBins, confidence: float, seed: int) -> Iterator[Measurement]:
    n = counted.tensor.total
    few = loss_rows(bins) if n < FEW_ROWS else {}
    for metric, sums in counted.losses.items():
        value, half = sums.mean, critical_value(confidence) * sums.variance**0.5
        low, high = mean_bootstrap(*few[metric], confidence, seed=seed) if few else (value - half, value + half)
        most = 1.0 if metric == "brier_score_loss" else float("inf")
        yield Measurement(
            metric=metric,
            value=value,
            low=min(max(low, 0.0), value),
            high=max(min(high, most), value),
            n=n,
            method="bootstrap-percentile" if few else "delta",
            confidence=confidence,
        )

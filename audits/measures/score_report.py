"""What a score of one group is worth, as measurements and series: calibration, thresholds, average precision. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from audits.intervals import Floats, critical_value
from audits.measurement import Measurement
from audits.measures.calibration import (
    Reliability,
    calibration_error,
    calibration_error_interval,
    recalibration,
    reliability_by_mass,
    reliability_by_width,
)
from audits.measures.thresholds import (
    average_precision,
    average_precision_interval,
    is_exact,
    threshold_curve,
)
from audits.measures.weighted_shares import effective
from audits.score_table import ScoreBins
from audits.series import Series

_BARS = 20
_CURVE_LIMITS = ("selection_rate", "precision_score", "recall_score", "false_positive_rate")
_CURVE_POINTS = ("f1_score", "balanced_accuracy_score")


def score_measurements(
    cells: ScoreBins, confidences: Sequence[float], *, seed: int, where: Mapping[str, str] | None = None
) -> list[Measurement]:
    """``average_precision_score``, ``expected_calibration_error``, ``calibration_slope`` and ``calibration_intercept``.

    Parameters
    ----------
    cells
        The rows of the group by score; both labels must occur.
    confidences
        Nominal coverages.
    seed
        Of the bootstrap of the calibration error.
    where
        ``{column: group}`` that the cells are about; everybody by default.
    """
    slice_ = dict(where or {})
    found: list[Measurement] = []
    for confidence in confidences:
        found.append(_average_precision(cells, confidence, slice_))
        found.append(calibration_error_measurement(cells, confidence, seed=seed, where=slice_))
        found += _recalibration(cells, confidence, slice_)
    return found


def _average_precision(cells: ScoreBins, confidence: float, where: dict[str, str]) -> Measurement:
    found = average_precision(cells)
    positives = float(effective(cells.weights[:, 1].sum(), cells.squares[:, 1].sum()))
    low, high = average_precision_interval(found, positives, critical_value(confidence))
    exact = is_exact(cells)
    bound = (
        "" if exact else f"from binned scores: between {found.least:.6f} and {found.most:.6f}; the interval holds both"
    )
    return Measurement(
        metric="average_precision_score",
        slice=where,
        value=found.value,
        low=low,
        high=high,
        n=int(cells.counts.sum()),
        method="jackknife-logit" if exact else "jackknife-logit-binned",
        confidence=confidence,
        note=bound,
    )


def calibration_error_measurement(
    cells: ScoreBins, confidence: float, *, seed: int, where: Mapping[str, str] | None = None
) -> Measurement:
    """``expected_calibration_error`` of one group, over bins of equal mass, its bias taken off, with its interval."""
    bins = reliability_by_mass(cells)
    value = calibration_error(bins)
    low, high = calibration_error_interval(bins, confidence, seed=seed)
    plain = float((bins.share * np.abs(bins.rate - bins.score)).sum())
    return Measurement(
        metric="expected_calibration_error",
        slice=dict(where or {}),
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=int(cells.counts.sum()),
        method="debiased-bins-bootstrap",
        confidence=confidence,
        note=f"{len(bins.rows)} bins of equal mass; {plain:.4f} before the bias of small bins was taken off",
    )


def _recalibration(cells: ScoreBins, confidence: float, where: dict[str, str]) -> Iterator[Measurement]:
    line, z = recalibration(cells), critical_value(confidence)
    found = {
        "calibration_slope": None if line is None else (line.slope, line.slope_error),
        "calibration_intercept": None if line is None else (line.intercept, line.intercept_error),
    }
    for metric, pair in found.items():
        value, half = (None, 0.0) if pair is None else (pair[0], z * pair[1])
        yield Measurement(
            metric=metric,
            slice=where,
            value=value,
            low=None if value is None else value - half,
            high=None if value is None else value + half,
            n=int(cells.counts.sum()),
            method="logistic-sandwich",
            confidence=confidence,
            note="" if pair else "undefined: all scores are equal, or they separate the labels perfectly",
        )


def score_series(cells: ScoreBins, confidence: float, *, where: Mapping[str, str] | None = None) -> list[Series]:
    """``calibration``, ``calibration_by_width``, ``score_distribution`` and ``threshold_curve`` of one group."""
    slice_ = dict(where or {})
    return [
        calibration_series(cells, confidence, where=slice_),
        calibration_series(cells, confidence, where=slice_, by_width=True),
        distribution_series(cells, where=slice_),
        _curve_series(cells, confidence, slice_),
    ]


def calibration_series(
    cells: ScoreBins, confidence: float, *, where: Mapping[str, str] | None = None, by_width: bool = False
) -> Series:
    """Reliability of one group: per bin the mean score and the observed rate with Wilson's limits."""
    bins: Reliability = reliability_by_width(cells) if by_width else reliability_by_mass(cells)
    low, high = bins.limits(critical_value(confidence))
    return Series(
        name="calibration_by_width" if by_width else "calibration",
        title="Observed rate by predicted probability, bins of equal " + ("width" if by_width else "mass"),
        slice=dict(where or {}),
        columns=("lower", "upper", "mean_score", "observed_rate", "low", "high", "n"),
        rows=_rows(bins.lower, bins.upper, bins.score, bins.rate, low, high, bins.rows),
    )


def distribution_series(cells: ScoreBins, *, where: Mapping[str, str] | None = None, bars: int = _BARS) -> Series:
    """How many rows of each label have which score: counts in equal parts of [0, 1]."""
    place = np.minimum((cells.score * bars).astype(np.int64), bars - 1)
    negatives, positives = (
        np.bincount(place, weights=cells.counts[:, label], minlength=bars).astype(np.int64) for label in (0, 1)
    )
    edges = np.arange(bars + 1) / bars
    return Series(
        name="score_distribution",
        title="Rows by score and label",
        slice=dict(where or {}),
        columns=("lower", "upper", "n", "negatives", "positives"),
        rows=_rows(edges[:-1], edges[1:], negatives + positives, negatives, positives),
    )


def _curve_series(cells: ScoreBins, confidence: float, where: dict[str, str]) -> Series:
    curve, z = threshold_curve(cells), critical_value(confidence)
    names, columns = ["threshold"], [curve.threshold]
    for rate in _CURVE_LIMITS:
        names += [rate, f"{rate}_low", f"{rate}_high"]
        columns += [curve.rate(rate), *curve.limits(rate, z)]
    for rate in _CURVE_POINTS:
        names.append(rate)
        columns.append(curve.rate(rate))
    return Series(
        name="threshold_curve",
        title="Rates by decision threshold (a row is selected where its score is at least the threshold)",
        slice=where,
        columns=(*names, "selected"),
        rows=_rows(*columns, curve.rows.astype(np.int64)),
    )


def _rows(*columns: Floats | Any) -> tuple[list[Any], ...]:
    """Rows of plain values from columns; NaN is None."""
    lists = [[None if value != value else value for value in np.asarray(column).tolist()] for column in columns]  # noqa: PLR0124 - NaN
    return tuple([*row] for row in zip(*lists, strict=True))

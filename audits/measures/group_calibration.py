"""Calibration error of many groups: the same estimate and inverted bootstrap as for one, quick where bins are large. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np

from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.calibration import (
    _RAY,
    Reliability,
    _crossing,
    calibration_error,
    calibration_error_interval,
    reliability_by_mass,
)
from audits.score_table import ScoreBins

_LEAST_EXPECTED = 5
"""With so many rows of either label expected in every bin, the binomial is near enough to normal."""

_REPLICATES, _FEW_REPLICATES = 1000, 400
_MOST_WITH_LIMITS = 120


def group_calibration_errors(
    groups: Sequence[ScoreBins], slices: Sequence[Mapping[str, str]], confidences: Sequence[float], *, seed: int
) -> Iterator[Measurement]:
    """``expected_calibration_error`` of every group, as :mod:`audits.measures.calibration` defines it.

    Beyond 120 groups only the values are given, and their note says so.
    """
    normal = np.random.default_rng(seed).standard_normal((_REPLICATES, 64))
    for where, cells in zip(slices, groups, strict=True):
        bins = reliability_by_mass(cells)
        value = calibration_error(bins)
        limited = len(groups) <= _MOST_WITH_LIMITS
        for confidence in confidences:
            low, high = _interval(bins, confidence, normal, seed=seed) if limited else (None, None)
            note = f"{len(bins.rows)} bins of equal mass; the bias of small bins is taken off"
            yield Measurement(
                metric="expected_calibration_error",
                slice=dict(where),
                value=value,
                low=None if low is None else min(low, value),
                high=None if high is None else max(high, value),
                n=int(cells.counts.sum()),
                method="debiased-bins-bootstrap",
                confidence=confidence,
                note=note if limited else f"{note}; no interval for more than {_MOST_WITH_LIMITS} groups",
            )


def _interval(
    bins: Reliability, confidence: float, normal: np.ndarray[tuple[int, int], np.dtype[np.float64]], *, seed: int
) -> tuple[float, float]:
    """As :func:`audits.measures.calibration.calibration_error_interval`, with one normal draw for all groups of large bins."""
    rare = np.minimum(np.minimum(bins.score, 1 - bins.score), np.minimum(bins.rate, 1 - bins.rate))
    if (bins.size * rare).min() < _LEAST_EXPECTED:
        return calibration_error_interval(bins, confidence, seed=seed, replicates=_FEW_REPLICATES)
    gap = bins.rate - bins.score
    observed = float((bins.share * np.abs(gap)).sum())
    rates = np.clip(bins.score + _RAY[:, None] * gap, 0.0, 1.0)
    true = np.abs(rates - bins.score) @ bins.share
    noise = normal[:, : len(gap)]
    tails = []
    for rate in rates:
        drawn = rate + np.sqrt(rate * (1 - rate) / bins.size) * noise
        errors = np.abs(drawn - bins.score) @ bins.share
        tails.append((float((errors >= observed).mean()), float((errors <= observed).mean())))
    above, below = np.array(tails).T
    tail = (1 - confidence) / 2
    low = _crossing(true, above, tail, rising=True)
    high = _crossing(true, below, tail, rising=False)
    half = critical_value(confidence) * sqrt(float((bins.share**2 * bins.rate * (1 - bins.rate) / bins.size).sum()))
    return max(min(low, observed - half), 0.0), min(max(high, observed + half), 1.0)

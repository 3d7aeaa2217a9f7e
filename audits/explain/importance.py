"""How much each feature matters: mean absolute contribution, its share of all, and its place, each with an interval. Pure.

The importance of feature j is ``m_j = mean |φ_ij|`` over the explained rows i (Lundberg and others 2020, Nature Machine
Intelligence 2, 56–67, call it the global importance), its share ``s_j = m_j / Σ_k m_k``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.explain.resampling import critical_of, replicate_means, standard_errors
from audits.intervals import Floats, critical_value

FEWEST = 30
"""Rows below which a normal approximation is not relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Values of every feature with limits, each (d,)."""

    value: Floats
    low: Floats
    high: Floats
    method: str


def mean_importance(values: Floats, confidence: float) -> Estimates:
    """Mean absolute contributions of (n, d) ``values``, with large-sample intervals, not below 0."""
    sizes = np.abs(values)
    mean, half = sizes.mean(axis=0), critical_value(confidence) * standard_errors(sizes)
    return Estimates(value=mean, low=np.maximum(mean - half, 0.0), high=mean + half, method="clt")


def shares(values: Floats) -> tuple[Floats, Floats]:
    """Shares (d,) of the features, and each row's influence (n, d) on them; all NaN where nothing contributes.

    Notes
    -----
    The influence of row i is ``(|φ_ij| − s_j Σ_k |φ_ik|) / Σ_k m_k``; its variance over n is that of the share (delta method).
    """
    sizes = np.abs(values)
    mean = sizes.mean(axis=0)
    total = float(mean.sum())
    if total <= 0:
        return np.full(len(mean), np.nan), np.full(sizes.shape, np.nan)
    share = mean / total
    return share, (sizes - share * sizes.sum(axis=1, keepdims=True)) / total


def share_importance(values: Floats, confidence: float) -> Estimates:
    """Shares of the features with intervals by the delta method, within [0, 1]; NaN where nothing contributes."""
    share, influence = shares(values)
    half = critical_value(confidence) * standard_errors(influence)
    return Estimates(
        value=share, low=np.clip(share - half, 0.0, 1.0), high=np.clip(share + half, 0.0, 1.0), method="delta"
    )


def ranks(values: Floats, confidence: float, *, seed: int) -> Estimates:
    """The place of each feature by importance, 1 being the first, and the places that it may have.

    Returns
    -------
    Estimates
        Equally important features share the best place.

    Notes
    -----
    A feature's confidence set of places follows from the differences between its importance and each other's, on the same
    rows: it is behind those that are more important beyond doubt, and ahead of those that are less so, by intervals that
    hold for all of its d − 1 comparisons at once (max-t over the row bootstrap): Mogstad, Romano, Shaikh and Wilhelm (2024),
    Review of Economic Studies 91, 476–518, their marginal sets.
    """
    sizes = np.abs(values)
    mean, features = sizes.mean(axis=0), values.shape[1]
    replicated = replicate_means(sizes, seed=seed)
    moments = np.cov(sizes, rowvar=False).reshape(features, features) if len(sizes) > 1 else None
    low, high = np.ones(features), np.full(features, float(features))
    for one in range(features):
        gap = mean - mean[one]
        if moments is None:
            continue
        spread = np.maximum(moments.diagonal() + moments[one, one] - 2 * moments[one], 0.0)
        error = np.sqrt(spread / len(sizes))
        largest = _largest(replicated - replicated[:, [one]] - gap, error)
        margin = critical_of(largest, confidence, features - 1) * error
        low[one] = 1 + int((gap - margin > 0).sum())
        high[one] = features - int((gap + margin < 0).sum())
    return Estimates(value=_places(mean), low=low, high=high, method="pairwise-maxt")


def _largest(deviations: Floats, error: Floats) -> npt.NDArray[np.float64]:
    """(R,) the largest studentised deviation among columns that vary at all."""
    moving = error > 0
    if not moving.any():
        return np.zeros(len(deviations))
    statistic: npt.NDArray[np.float64] = np.abs(deviations[:, moving] / error[moving]).max(axis=1)
    return statistic


def _places(mean: Floats) -> Floats:
    places: Floats = 1.0 + (mean[None, :] > mean[:, None]).sum(axis=1)
    return places

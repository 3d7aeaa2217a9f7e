"""Whether a score means what it says: reliability by bins, calibration error, and the slope of recalibration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, critical_value, wilson
from audits.measures.weighted_shares import effective
from audits.score_table import ScoreBins

MOST_BINS = 15
LEAST_ROWS_PER_BIN = 50
REPLICATES = 1000
_RAY = np.r_[0.0, np.linspace(0.05, 1.5, 30), np.linspace(1.6, 4.0, 13)]
_EDGE = 1e-6
_STEPS, _STILL = 50, 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class Reliability:
    """Observed rate against mean score, by B bins in ascending order of the score; bins without rows are left out.

    Attributes
    ----------
    lower, upper
        (B,) the range of scores: of the bin itself where bins have equal width, of the scores in it where they have equal mass.
    score, rate
        (B,) mean score, and share of label 1, both weighted.
    share
        (B,) the bin's share of all weight.
    size
        (B,) Kish's effective number of rows.
    rows
        (B,) rows.
    """

    lower: Floats
    upper: Floats
    score: Floats
    rate: Floats
    share: Floats
    size: Floats
    rows: npt.NDArray[np.int64]

    def limits(self, z: float) -> tuple[Floats, Floats]:
        """(B,) Wilson's limits of the observed rates."""
        return wilson(self.rate * self.size, self.size, z)


def reliability_by_width(cells: ScoreBins, bins: int = 10) -> Reliability:
    """Reliability over ``bins`` equal parts of [0, 1]."""
    place = np.minimum((cells.score * bins).astype(np.int64), bins - 1)
    found = _reliability(cells, place)
    kept = np.unique(place)
    return Reliability(**{**vars(found), "lower": kept / bins, "upper": (kept + 1) / bins})


def reliability_by_mass(cells: ScoreBins, bins: int | None = None) -> Reliability:
    """Reliability over about ``bins`` parts of equal weight; equal scores stay together.

    By default 15 parts, or fewer so that each holds about 50 effective rows.
    """
    mass = cells.weights.sum(axis=1)
    if bins is None:
        size = float(effective(mass.sum(), cells.squares.sum()))
        bins = int(np.clip(size // LEAST_ROWS_PER_BIN, 1, MOST_BINS))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    return _reliability(cells, np.minimum((middle * bins).astype(np.int64), bins - 1))


def _reliability(cells: ScoreBins, place: npt.NDArray[np.int64]) -> Reliability:
    kept, place = np.unique(place, return_inverse=True)
    size = len(kept)
    mass = cells.weights.sum(axis=1)

    def total(values: Floats) -> Floats:
        return np.bincount(place, weights=values, minlength=size).astype(np.float64)

    weight = total(mass)
    first = np.searchsorted(place, np.arange(size))
    last = np.searchsorted(place, np.arange(size), side="right") - 1
    return Reliability(
        lower=cells.low[first],
        upper=cells.high[last],
        score=total(mass * cells.score) / weight,
        rate=total(cells.weights[:, 1]) / weight,
        share=weight / weight.sum(),
        size=effective(weight, total(cells.squares.sum(axis=1))),
        rows=np.bincount(place, weights=cells.counts.sum(axis=1), minlength=size).astype(np.int64),
    )


def calibration_error(bins: Reliability) -> float:
    """Expected calibration error ``Σ share |rate − score|``, with its upward bias taken off; at least 0.

    Notes
    -----
    Noise alone makes every ``|rate − score|`` positive. The bias is taken as what a second draw would add,
    ``E|N(d, s²)| − |d|`` with ``s² = rate (1 − rate)/(n − 1)``: the normal plug-in of Kumar, Liang and Ma (2019), "Verified
    Uncertainty Calibration", NeurIPS 32, section 5, in closed form (the folded normal mean) instead of by simulation.
    Bröcker (2012), Climate Dynamics 39, 655–667, describes the bias.
    """
    gap = np.abs(bins.rate - bins.score)
    spread = np.sqrt(bins.rate * (1 - bins.rate) / np.maximum(bins.size - 1, 1))
    ratio = np.divide(gap, spread, out=np.full(len(gap), np.inf), where=spread > 0)
    inside = np.array([1 - 2 * _normal_cdf(-r) for r in ratio])
    folded = spread * sqrt(2 / pi) * np.exp(-(ratio**2) / 2) + gap * inside
    return max(float((bins.share * (2 * gap - folded)).sum()), 0.0)


def _normal_cdf(x: float) -> float:
    return NormalDist().cdf(x) if np.isfinite(x) else float(x > 0)


def calibration_error_interval(
    bins: Reliability, confidence: float, *, seed: int, replicates: int = REPLICATES
) -> tuple[float, float]:
    """Interval for ``Σ share |E rate − score|`` over these bins.

    Notes
    -----
    The percentile bootstrap of an absolute value never holds 0, even for a perfectly calibrated score. So the bootstrap is
    inverted: for true gaps ``t (rate − score)``, ``t`` from 0 (calibrated) upward, labels are drawn bin by bin from the
    binomial, and the interval holds the errors of all ``t`` under which the observed one is not in a tail. Davison and
    Hinkley (1997), "Bootstrap Methods and their Application", section 5.5 (test inversion along a one-parameter family).
    Where all gaps have one sign nothing is biased and that shrinks too much, so the interval also holds the plain normal one,
    ``observed ± z √Σ share² rate (1 − rate)/n``. By simulation (``tests/audits/test_calibration.py``) both together cover.
    """
    gap = bins.rate - bins.score
    observed = float((bins.share * np.abs(gap)).sum())
    size = np.maximum(np.round(bins.size), 1).astype(np.int64)
    draw = np.random.default_rng(seed)
    above, below = [], []
    for t in _RAY:
        rate = np.clip(bins.score + t * gap, 0.0, 1.0)
        drawn = draw.binomial(size, rate, (replicates, len(size))) / size
        errors = np.abs(drawn - bins.score) @ bins.share
        above.append(float((errors >= observed - 1e-12).mean()))
        below.append(float((errors <= observed + 1e-12).mean()))
    tail = (1 - confidence) / 2
    true = np.array(
        [float((bins.share * np.abs(np.clip(bins.score + t * gap, 0, 1) - bins.score)).sum()) for t in _RAY]
    )
    low = _crossing(true, np.array(above), tail, rising=True)
    high = _crossing(true, np.array(below), tail, rising=False)
    half = critical_value(confidence) * sqrt(float((bins.share**2 * bins.rate * (1 - bins.rate) / size).sum()))
    return max(min(low, observed - half), 0.0), min(max(high, observed + half), 1.0)


def _crossing(true: Floats, probability: Floats, tail: float, *, rising: bool) -> float:
    """The error at which a tail probability passes ``tail``; ends of the ray where it never does."""
    if rising:
        inside = np.flatnonzero(probability > tail)
        k = int(inside[0]) if len(inside) else len(true) - 1
        return float(true[0]) if k == 0 else _between(true, probability, k - 1, k, tail)
    inside = np.flatnonzero(probability > tail)
    k = int(inside[-1]) if len(inside) else 0
    return float(true[-1]) if k == len(true) - 1 else _between(true, probability, k, k + 1, tail)


def _between(true: Floats, probability: Floats, one: int, two: int, tail: float) -> float:
    step = probability[two] - probability[one]
    part = 0.5 if step == 0 else float(np.clip((tail - probability[one]) / step, 0.0, 1.0))
    return float(true[one] + part * (true[two] - true[one]))


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The line ``intercept + slope · logit(score)`` that fits the labels best, with standard errors of both."""

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float


def recalibration(cells: ScoreBins) -> Recalibration | None:
    """Cox's recalibration line: slope 1 and intercept 0 where the score is calibrated; a slope below 1 is overconfident.

    Returns
    -------
    Recalibration or None
        None where the fit does not exist: all scores equal, or labels that the score separates perfectly.

    Notes
    -----
    Cox, D. R. (1958), "Two further applications of a model for binary regression", Biometrika 45, 562–565. Weighted maximum
    likelihood by Newton's method with a robust (sandwich) covariance; scores clipped to [1e-6, 1 − 1e-6].
    """
    score = np.clip(cells.score, _EDGE, 1 - _EDGE)
    design = np.stack([np.ones(len(score)), np.log(score / (1 - score))], axis=1)
    mass, positive = cells.weights.sum(axis=1), cells.weights[:, 1]
    if np.ptp(design[:, 1]) < _STILL:
        return None
    beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        information = (design * (mass * fitted * (1 - fitted))[:, None]).T @ design
        if np.linalg.cond(information) > 1 / _STILL:
            return None
        step = np.linalg.solve(information, design.T @ (positive - mass * fitted))
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), _STILL))
        beta = beta + step
        if np.abs(step).max() < _STILL:
            break
    else:
        return None
    meat = cells.squares[:, 1] * (1 - fitted) ** 2 + cells.squares[:, 0] * fitted**2
    bread = np.linalg.inv(information)
    covariance = bread @ ((design * meat[:, None]).T @ design) @ bread
    errors = np.sqrt(np.diag(covariance))
    return Recalibration(float(beta[1]), float(beta[0]), float(errors[1]), float(errors[0]))

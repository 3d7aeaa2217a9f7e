"""Inequality of benefit: generalized entropy and Theil's index of decisions, and their part between groups. Pure.

The benefit of a person is ``b = prediction − label + 1``: 0 where a positive person is refused, 1 where the decision is
right, 2 where a negative person is favoured. Speicher, Heidari, Grgic-Hlaca, Gummadi, Singla, Weller and Zafar (2018), "A
unified approach to quantifying algorithmic unfairness", KDD, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from audits.intervals import Floats
from audits.measurement import Measurement
from audits.tensor import CELLS, CountTensor

REPLICATES = 2000
_BENEFIT = np.array([{"tn": 1.0, "fp": 2.0, "fn": 0.0, "tp": 1.0}[cell] for cell in CELLS])


@dataclass(frozen=True, slots=True)
class Index:
    """An index of inequality with its interval, and how much of it lies between groups."""

    value: float
    low: float
    high: float
    between: float
    between_low: float
    between_high: float

    @property
    def within(self) -> float:
        """The part within groups; both indices are the sum of the two."""
        return max(self.value - self.between, 0.0)


def generalized_entropy(benefit: Floats, mass: Floats) -> Floats:
    """(...,) generalized entropy index with α = 2: half the squared coefficient of variation.

    Parameters
    ----------
    benefit
        (K,) benefits from 0.
    mass
        (..., K) how many (or how heavy) people have each.

    Notes
    -----
    ``GE(2) = Σ w ((b/μ)² − 1) / (2 Σw)``; NaN where nobody has any benefit.
    """
    weight = mass.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (mass * benefit).sum(axis=-1) / weight
        value: Floats = ((mass * benefit**2).sum(axis=-1) / weight / mean**2 - 1) / 2
    return np.where(mean > 0, np.maximum(value, 0.0), np.nan)


def theil(benefit: Floats, mass: Floats) -> Floats:
    """(...,) Theil's T, the generalized entropy index with α = 1: ``Σ w (b/μ) ln(b/μ) / Σw``, with 0 ln 0 = 0."""
    weight = mass.sum(axis=-1)
    logs = benefit * np.log(np.where(benefit > 0, benefit, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (mass * benefit).sum(axis=-1) / weight
        value: Floats = (mass * logs).sum(axis=-1) / weight / mean - np.log(mean)
    return np.where(mean > 0, np.maximum(value, 0.0), np.nan)


def inequality(tensor: CountTensor, confidence: float, *, seed: int) -> dict[str, Index] | None:
    """Both indices over everybody, split by the groups of the tensor; None where nobody has any benefit.

    Notes
    -----
    Interval: quantiles of the index over draws of the multinomial's rates from Dirichlet(counts + 1/2), the posterior under
    Jeffreys' prior (the Bayesian bootstrap of Rubin 1981, Annals of Statistics 9, with half a row more per kind of benefit,
    so that no count of 0 looks certain). With weights, Kish's effective counts. The part between groups has the interval of
    :func:`_between_limits`.
    """
    mass = tensor.weights.sum(axis=0)
    mean = float((mass * _BENEFIT).sum() / mass.sum())
    if not mean > 0:
        return None
    size = tensor.total if tensor.squares is None else float(mass.sum() ** 2 / tensor.squares.sum())
    by_benefit = np.array([mass[b == _BENEFIT].sum() for b in (0.0, 1.0, 2.0)])
    drawn = np.random.default_rng(seed).dirichlet(by_benefit / mass.sum() * size + 0.5, REPLICATES)
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]
    group_mass = tensor.weights.sum(axis=1)
    group_mean = (tensor.weights * _BENEFIT).sum(axis=1) / group_mass
    norm_low, norm_high = _between_limits(tensor, group_mean, mean, confidence, seed=seed)
    entropy = float(generalized_entropy(group_mean, group_mass))
    found: dict[str, Index] = {}
    for name, index in (("generalized_entropy_index", generalized_entropy), ("theil_index", theil)):
        value = float(index(_BENEFIT, mass))
        low, high = (float(q) for q in np.quantile(index(np.array([0.0, 1.0, 2.0]), drawn), tail))
        between = float(index(group_mean, group_mass))
        scale = between / entropy if entropy > 0 else 1.0
        found[name] = Index(
            value,
            min(low, value),
            max(high, value),
            between,
            min(norm_low * scale, between),
            max(norm_high * scale, between),
        )
    return found


def _between_limits(
    tensor: CountTensor, group_mean: Floats, mean: float, confidence: float, *, seed: int
) -> tuple[float, float]:
    """Limits of GE(2) between groups.

    ``√(2 GE)`` is the weighted norm of the groups' relative deviations ``b_g/μ − 1``, so it is off by no more than the norm of
    their error, whose quantile is drawn from independent normal errors of the groups' means.
    """
    group_mass = tensor.weights.sum(axis=1)
    share = group_mass / group_mass.sum()
    squares = tensor.counts.astype(np.float64) if tensor.squares is None else tensor.squares
    about = (squares * (_BENEFIT - group_mean[:, None]) ** 2).sum(axis=1)
    size = group_mass**2 / squares.sum(axis=1)
    # As if one more row lay a whole benefit from the mean: few equal rows do not look certain.
    error = np.sqrt(about / group_mass**2 + 1 / (size * (size + 1)))
    draws = np.random.default_rng(seed).standard_normal((REPLICATES // 4, len(share))) * error
    draws -= (draws @ share)[:, None]
    quantile = float(np.quantile(np.sqrt((draws / mean) ** 2 @ share), confidence))
    norm = sqrt(2 * float(generalized_entropy(group_mean, group_mass)))
    return max(norm - quantile, 0.0) ** 2 / 2, (norm + quantile) ** 2 / 2


def inequality_measurements(
    tensor: CountTensor, confidences: Sequence[float], *, seed: int, why_not: str = ""
) -> list[Measurement]:
    """Both indices and their parts between the groups of the tensor, as measurements over its columns.

    Parameters
    ----------
    why_not
        Where counts were held back: why nothing can be told.
    """
    kish = "" if tensor.mass is None else "-kish"
    made: list[Measurement] = []
    for confidence in confidences:
        found = None if why_not else inequality(tensor, confidence, seed=seed)
        for name in ("generalized_entropy_index", "theil_index"):
            index = found[name] if found else None
            note = why_not or "undefined: every person is positive and none was selected, so nobody has any benefit"
            if index:
                part = index.between / index.value if index.value else 0.0
                note = f"between groups {index.between:.4g} ({part:.1%}), within groups {index.within:.4g}"
            made += [
                Measurement(
                    metric=metric,
                    value=limits[0] if limits else None,
                    low=limits[1] if limits else None,
                    high=limits[2] if limits else None,
                    n=tensor.total,
                    method=method + kish,
                    confidence=confidence,
                    over=tensor.columns,
                    note=note,
                )
                for metric, method, limits in (
                    (name, "dirichlet-jeffreys", index and (index.value, index.low, index.high)),
                    (
                        f"{name}_between",
                        "norm-bootstrap",
                        index and (index.between, index.between_low, index.between_high),
                    ),
                )
            ]
    return made

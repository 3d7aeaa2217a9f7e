"""Whether an explanation would come out the same with another background and other rows. Pure.

The same rows are explained against other samples of the background. Of each repetition the importances are compared with the
first's: rank correlation, how many of the most important features stay so, and by how much a share moves at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.explain.resampling import replicate_means
from audits.intervals import Floats

TOP = 5
_REPLICATES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """One quantity: its mean over the repetitions, and the interval over resampled rows and backgrounds."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How alike the repetitions are.

    Attributes
    ----------
    correlation
        Spearman's rank correlation of the importances; undefined where they are all the same.
    overlap
        Share of the ``top`` most important features that stay among them.
    change
        Largest change of a feature's share.
    top
        How many features count as the most important.
    repeats, rows
        How many backgrounds, and how many rows were explained against each.
    """

    correlation: Stable
    overlap: Stable
    change: Stable
    top: int
    repeats: int
    rows: int


def stability_of(first: Floats, others: Sequence[Floats], confidence: float, *, seed: int) -> Stability:
    """Compare explanations of the same rows.

    Parameters
    ----------
    first, others
        (n, d) contributions of the same rows, each against another background.

    Notes
    -----
    Intervals are percentiles over repetitions and over bootstrap samples of the rows, the same rows for both sides. Drawing
    adds noise to a correlation, which it lowers: the interval errs towards less stable, never towards more.
    """
    top = min(TOP, first.shape[1])
    points = [_alike(np.abs(first).mean(axis=0), np.abs(other).mean(axis=0), top) for other in others]
    drawn = [
        _alike(one, two, top)
        for other in others
        for one, two in zip(
            replicate_means(np.abs(first), seed=seed, stream=7, replicates=_REPLICATES),
            replicate_means(np.abs(other), seed=seed, stream=7, replicates=_REPLICATES),
            strict=True,
        )
    ]
    found = [_summary(np.array(points)[:, place], np.array(drawn)[:, place], confidence) for place in range(3)]
    return Stability(
        correlation=found[0], overlap=found[1], change=found[2], top=top, repeats=len(others), rows=len(first)
    )


def _alike(one: Floats, two: Floats, top: int) -> tuple[float, float, float]:
    first, second = set(_strongest(one, top)), set(_strongest(two, top))
    change = float(np.abs(_share(one) - _share(two)).max())
    return rank_correlation(one, two), len(first & second) / top, change


def _strongest(importance: Floats, top: int) -> list[int]:
    return [int(place) for place in np.argsort(-importance, kind="stable")[:top]]


def _share(importance: Floats) -> Floats:
    total = importance.sum()
    share: Floats = importance / total if total > 0 else np.zeros_like(importance)
    return share


def rank_correlation(one: Floats, two: Floats) -> float:
    """Spearman's correlation with midranks for ties; NaN where one side is all the same."""
    first, second = _midranks(one), _midranks(two)
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else float("nan")


def _midranks(values: Floats) -> npt.NDArray[np.float64]:
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[position], dtype=np.float64)


def _summary(points: Floats, drawn: Floats, confidence: float) -> Stable:
    if np.isnan(points).any():
        return Stable(value=None, low=None, high=None)
    value = float(points.mean())
    sound = drawn[~np.isnan(drawn)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(sound, [tail, 1 - tail])
    return Stable(value=value, low=min(float(low), value), high=max(float(high), value))

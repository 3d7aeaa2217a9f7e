"""How scores differ between groups: their means, how far their distributions lie apart, and what labels they meet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, wilson
from audits.measures.means import Means, student
from audits.measures.pairs import MOST_COMPARED, Extreme
from audits.score_table import ScoreBins, ScoreTable
from registry.errors import InvalidInput

REPLICATES = 1000
_FEW_GROUPS = 24
_QUANTILES, _EVEN = 48, 17
_MOST_CELLS = 300_000_000
_COARSE = 512
_USUAL = 1.96
"""Where Student's critical value is held against the normal one, as an allowance for small groups."""


def score_means(groups: Sequence[ScoreBins]) -> Means:
    """Mean score of each group, with standard errors.

    In a binned table the spread within a bin is not known; its largest possible variance, a quarter of the squared width, is
    added.
    """
    sums = np.array([_sums(bins, bins.score, bins.score) for bins in groups])
    return _means(sums)


def label_surplus(groups: Sequence[ScoreBins]) -> Means:
    """Mean of ``label − score`` of each group: how much more often the label is 1 than the scores say.

    Notes
    -----
    Calibration in the large: Van Calster et al. (2019), BMC Medicine 17:230, the first level of calibration; within groups it
    is what Kleinberg, Mullainathan and Raghavan (2017), "Inherent trade-offs in the fair determination of risk scores",
    ITCS, section 1, ask of a fair score, averaged over the score. To the variance is added what one further row half a
    unit from the mean would add, so that few equal rows do not look certain.
    """
    sums = np.array([_sums(bins, -bins.score, 1 - bins.score) for bins in groups])
    size = sums[:, 1] ** 2 / sums[:, 2]
    sums[:, 4] += sums[:, 2] * 0.25 / (size + 1)
    return _means(sums)


def _sums(bins: ScoreBins, negative: Floats, positive: Floats) -> list[float]:
    """Rows, Σw, Σw², Σwx and Σw²(x − m)² of one group, x given per bin for either label."""
    values = np.stack([negative, positive], axis=1)
    weight = float(bins.weights.sum())
    mean = float((bins.weights * values).sum()) / weight
    within = ((bins.high - bins.low) ** 2 / 4)[:, None]
    about = float((bins.squares * ((values - mean) ** 2 + within)).sum())
    return [float(bins.counts.sum()), weight, float(bins.squares.sum()), mean * weight, about]


def _means(sums: Floats) -> Means:
    return Means.of_sums(
        rows=sums[:, 0], weight=sums[:, 1], weight_squares=sums[:, 2], sum=sums[:, 3], squares=sums[:, 4]
    )


def mean_limits(means: Means, z: float) -> tuple[Floats, Floats]:
    """Student's limits in [0, 1]; Wilson's, which no variable in [0, 1] needs wider, where all scores of a group are equal."""
    low, high = means.limits(z)
    few = ~np.isfinite(means.error) | (means.error == 0)
    size = means.freedom + 1
    wide = wilson(means.value * size, size, z)
    return np.clip(np.where(few, wide[0], low), 0, 1), np.clip(np.where(few, wide[1], high), 0, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Distributions:
    """Cumulated score distributions of G groups on S ascending scores.

    Attributes
    ----------
    scores
        (S,) ascending.
    share
        (G, S) share of a group's weight at each score.
    noise
        (G, S) standard deviation of that share's numerator over the group's weight.
    width
        Width of the bins that the scores stand for; 0 where they are exact.
    """

    scores: Floats
    share: Floats
    noise: Floats
    width: float

    @classmethod
    def of_table(cls, table: ScoreTable, members: Sequence[int]) -> Distributions:
        """Of some groups of a score table."""
        share = np.zeros((len(members), len(table.scores)))
        noise = np.zeros_like(share)
        squares = table.counts.astype(np.float64) if table.squares is None else table.squares
        for row, member in enumerate(members):
            start, end = np.searchsorted(table.group, [member, member + 1])
            cells = slice(int(start), int(end))
            weight = table.weights[cells].sum()
            share[row, table.place[cells]] = table.weights[cells].sum(axis=1) / weight
            noise[row, table.place[cells]] = np.sqrt(squares[cells].sum(axis=1)) / weight
        width = 0.0 if table.edges is None else float(np.diff(table.edges).max())
        return cls(scores=table.scores, share=share, noise=noise, width=width)


def distances(found: Distributions) -> npt.NDArray[np.float64]:
    """(G, G) first Wasserstein distances ``∫ |F_i − F_j| ds`` between the groups' score distributions.

    Notes
    -----
    In one dimension the earth mover's distance is the area between the distribution functions: Vallender (1974), Theory of
    Probability and its Applications 18, 784–786. In the score's own unit: the mean change of score that would make the two
    distributions one.
    """
    found = _thinned(found)
    steps = np.diff(found.scores)
    through = np.cumsum(found.share, axis=1)[:, :-1]
    k = len(through)
    apart = np.zeros((k, k))
    for i in range(k - 1):
        apart[i, i + 1 :] = np.abs(through[i + 1 :] - through[i]) @ steps
    return apart + apart.T


def largest_distance(found: Distributions, confidences: Sequence[float], *, seed: int) -> list[Extreme] | None:
    """The largest distance between two groups, with an interval for each confidence; None for fewer than two groups.

    Raises
    ------
    InvalidInput
        If there are more groups than can be compared.

    Notes
    -----
    A distance is never negative, so its percentile bootstrap never holds 0 and is biased upward. But it is a norm of
    ``F_i − F_j``: the measured distance is off by no more than the norm of the error, ``‖(F̂_i − F̂_j) − (F_i − F_j)‖``, and
    so is the largest over pairs by no more than the largest such norm. That one is bootstrapped (Gaussian multipliers:
    van der Vaart and Wellner 1996, "Weak Convergence and Empirical Processes", section 2.9), and its quantile put on both
    sides. Simultaneous over all pairs; holds, if anything, more often than asked. The width of bins is added.
    """
    k = len(found.share)
    if k < 2:  # noqa: PLR2004 - a comparison takes two
        return None
    if k > MOST_COMPARED:
        raise InvalidInput(f"{k} groups cannot be compared with one another (at most {MOST_COMPARED})")
    apart = distances(found)
    one, two = np.unravel_index(int(np.argmax(apart)), apart.shape)
    value = float(apart[one, two])
    errors = _error_norms(found, np.random.default_rng(seed))
    quantiles = [float(np.quantile(errors, confidence)) + found.width for confidence in confidences]
    return [Extreme(value, max(value - q, 0.0), min(value + q, 1.0), int(one), int(two)) for q in quantiles]


def _error_norms(found: Distributions, draw: np.random.Generator) -> Floats:
    """(R,) draws of the largest norm of the error of a difference of two distribution functions."""
    scores, last = found.scores, len(found.scores) - 1
    sizes = 1 / (found.noise**2).sum(axis=1)
    pooled = sizes @ found.share / sizes.sum()
    marks = np.searchsorted(np.cumsum(pooled), np.linspace(0, 1, _QUANTILES, endpoint=False))
    even = np.searchsorted(scores, np.linspace(scores[0], scores[-1], _EVEN))
    ends = np.unique(np.clip(np.r_[0, marks, even, last], 0, last))
    steps = np.diff(scores[ends])
    starts = np.r_[0, ends[:-1] + 1]
    share = np.add.reduceat(found.share, starts, axis=1)
    spread = np.add.reduceat(found.noise**2, starts, axis=1)
    # As if each group had one more row, drawn from everybody: few equal rows do not look certain.
    more = np.add.reduceat(pooled, starts)
    share = (sizes[:, None] * share + more) / (sizes[:, None] + 1)
    wider = student(_USUAL, np.maximum(sizes - 1, 1.0)) / _USUAL
    noise = np.sqrt(spread + more / sizes[:, None] ** 2) * wider[:, None]
    few = len(share) <= _FEW_GROUPS
    norms = []
    for _ in range(REPLICATES // 100):
        drawn = draw.standard_normal((100, *noise.shape)) * noise
        drawn -= share * drawn.sum(axis=2, keepdims=True)
        error = np.cumsum(drawn, axis=2)[:, :, :-1]
        if few:
            pairs = [np.abs(error[:, i + 1 :] - error[:, i : i + 1]) @ steps for i in range(len(share) - 1)]
            norms.append(np.concatenate(pairs, axis=1).max(axis=1))
        else:
            own = np.sort(np.abs(error) @ steps, axis=1)
            norms.append(own[:, -1] + own[:, -2])
    return np.concatenate(norms)


def _thinned(found: Distributions) -> Distributions:
    """The same on fewer scores where all pairs on all scores would take too long; then the width grows accordingly."""
    k, size = found.share.shape
    if k * k * size <= _MOST_CELLS:
        return found
    ends = np.unique(np.searchsorted(found.scores, np.linspace(found.scores[0], found.scores[-1], _COARSE)))
    ends = np.clip(ends, 0, size - 1)
    starts = np.r_[0, ends[:-1] + 1]
    return Distributions(
        scores=found.scores[ends],
        share=np.add.reduceat(found.share, starts, axis=1),
        noise=np.sqrt(np.add.reduceat(found.noise**2, starts, axis=1)),
        width=max(found.width, float(np.diff(found.scores[ends]).max())),
    )

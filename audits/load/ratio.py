"""How many times as slow as the champion, from rounds that took turns on the same machine. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.load.latencies import Latencies, middle_of

FEWEST_ROUNDS = 4
_REPLICATES = 1000


def turns(rounds: int) -> list[bool]:
    """Whose turn it is, ``True`` the champion's, ``rounds`` turns each: A B B A, B A A B and on, so that drift cancels."""
    return [place.bit_count() % 2 == 1 for place in range(2 * rounds)]


def ratio_of_quantiles(
    version: Sequence[Latencies], champion: Sequence[Latencies], share: float, confidence: float, *, seed: int
) -> tuple[float | None, float | None, float | None]:
    """The quantile of the version by that of the champion, with an interval over rounds.

    Parameters
    ----------
    version, champion
        One histogram per round; the i-th of both were measured beside each other.

    Returns
    -------
    value, low, high
        All ``None`` where one of the two has no such quantile; the interval ``None`` below four rounds.

    Notes
    -----
    Rounds, not requests, are drawn with replacement, in pairs: requests of one round hang together. The percentiles are
    those that hold Student's coverage for few rounds: Hesterberg, T. (2015), "What teachers should know about the
    bootstrap", The American Statistician 69, section 5.
    """
    value = _ratio(version, champion, share)
    rounds = min(len(version), len(champion))
    if value is None or rounds < FEWEST_ROUNDS:
        return value, None, None
    drawn = np.random.default_rng([seed, 17]).integers(0, rounds, size=(_REPLICATES, rounds))
    weights = np.stack([(drawn == index).sum(axis=1) for index in range(rounds)], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = _drawn_quantiles(version, weights, share) / _drawn_quantiles(champion, weights, share)
    found = np.sort(np.nan_to_num(ratios, nan=math.inf, posinf=math.inf)).tolist()
    tail = _expanded_tail(rounds, confidence)
    low = found[max(int(tail * _REPLICATES), 0)]
    high = found[min(math.ceil((1 - tail) * _REPLICATES), _REPLICATES) - 1]
    return value, min(low, value), max(high, value) if math.isfinite(high) else None


def _ratio(version: Sequence[Latencies], champion: Sequence[Latencies], share: float) -> float | None:
    ours, theirs = Latencies.joined(version).at(share), Latencies.joined(champion).at(share)
    return ours / theirs if math.isfinite(ours) and math.isfinite(theirs) and theirs > 0 else None


def _drawn_quantiles(rounds: Sequence[Latencies], weights: npt.NDArray[np.int64], share: float) -> Floats:
    """The quantile of the rounds taken together, each as often as its weight says, for every row of weights."""
    known = np.unique(np.concatenate([np.asarray(part.buckets) for part in rounds[: weights.shape[1]]]))
    places = [np.searchsorted(known, np.asarray(part.buckets)) for part in rounds[: weights.shape[1]]]
    counts = np.stack([np.bincount(place, minlength=len(known)) for place in places])
    below = np.cumsum(weights @ counts, axis=1)
    ranks = np.maximum(np.ceil(below[:, -1:] * share - 1e-9), 1)
    values = np.array([middle_of(int(bucket)) for bucket in known])
    found: Floats = values[(below >= ranks).argmax(axis=1)]
    return found


def _expanded_tail(rounds: int, confidence: float) -> float:
    from scipy.special import stdtrit

    student = -float(stdtrit(rounds - 1, (1 - confidence) / 2))
    return NormalDist().cdf(-math.sqrt(rounds / (rounds - 1)) * student)

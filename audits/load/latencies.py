"""Latencies as a histogram of known relative error, with quantiles and intervals that assume no distribution. Pure."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

RELATIVE_ERROR = 0.01
"""A value read back is off by at most this share of itself."""

SMALLEST = 1e-6
"""Seconds; what is shorter counts as this."""

UNANSWERED = 32_767
"""The bucket of requests that got no answer: slower than any that did."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG = math.log(_GAMMA)


def bucket_of(seconds: float) -> int:
    """The bucket of a latency: bucket ``i`` holds what lies above ``SMALLEST γ^(i−1)``, up to ``SMALLEST γ^i``."""
    if math.isinf(seconds):
        return UNANSWERED
    return 0 if seconds <= SMALLEST else math.ceil(math.log(seconds / SMALLEST) / _LOG)


def middle_of(bucket: int) -> float:
    """The value that stands for a bucket, in seconds: none in it is off by more than :data:`RELATIVE_ERROR` of itself."""
    return math.inf if bucket == UNANSWERED else SMALLEST * 2 * _GAMMA**bucket / (_GAMMA + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile with its interval, in seconds.

    Attributes
    ----------
    value
        ``None`` where there are too few requests to tell it, and infinite where it is one of those without an answer.
    low, high
        ``None`` where no order statistic bounds it at the confidence asked for; infinite likewise.
    n
        Requests.
    effective
        How many independent ones they are worth: requests that wait in one queue are slow together.
    needed
        Independent requests that an interval of this quantile takes.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    effective: int
    needed: int


@dataclass(slots=True)
class Latencies:
    """Latencies in the order of their requests, by bucket; a request without an answer counts as slower than any.

    Notes
    -----
    Buckets grow geometrically, so that any quantile is known to 1 % of itself whatever the range, and histograms add up.
    Masson, C., Rim, J. E. and Lee, H. K. (2019), "DDSketch", VLDB 12; as in HdrHistogram.
    """

    buckets: array[int] = field(default_factory=lambda: array("h"))

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """From plain latencies."""
        made = cls()
        for value in seconds:
            made.add(value)
        return made

    @classmethod
    def joined(cls, parts: Iterable[Latencies]) -> Self:
        """All of several, one after the other."""
        made = cls()
        for part in parts:
            made.buckets.extend(part.buckets)
        return made

    def add(self, seconds: float) -> None:
        """Record one latency; infinite where there was no answer."""
        self.buckets.append(bucket_of(seconds))

    def __len__(self) -> int:
        return len(self.buckets)

    def counts(self) -> list[tuple[float, int]]:
        """``(seconds, requests)`` of every bucket that holds any, ascending; those without an answer left out."""
        found = sorted(Counter(self.buckets).items())
        return [(middle_of(bucket), count) for bucket, count in found if bucket != UNANSWERED]

    def at(self, share: float) -> float:
        """The latency that ``share`` of the requests do not exceed: order statistic ``⌈n share⌉``; NaN of none."""
        if not self.buckets:
            return math.nan
        rank = max(math.ceil(len(self.buckets) * share - 1e-9), 1)
        return middle_of(next(bucket for bucket, below in self._cumulated() if below >= rank))

    def quantile(self, share: float, confidence: float, *, effective: int | None = None) -> Quantile:
        """A quantile with the interval between two order statistics.

        Parameters
        ----------
        effective
            Independent requests that these are worth; by default :func:`effective_size` of who lies above the quantile.

        Notes
        -----
        The number of requests under the true quantile is binomial whatever the distribution, so order statistics bound it:
        Conover, W. J. (1999), "Practical Nonparametric Statistics", section 3.2. The binomial has the effective size, and
        ranks are scaled back.
        """
        n, needed = len(self.buckets), requests_needed(share, confidence)
        if n < needed:
            return Quantile(value=None, low=None, high=None, n=n, effective=n, needed=needed)
        value = self.at(share)
        worth = effective if effective is not None else self.effective_at(share)
        lower, upper = order_ranks(worth, share, confidence)
        scale = n / worth
        return Quantile(
            value=value,
            low=None if lower is None else self.at(max(math.floor(lower * scale), 1) / n),
            high=None if upper is None else self.at(min(upper * scale, n) / n),
            n=n,
            effective=worth,
            needed=needed,
        )

    def effective_at(self, share: float) -> int:
        """Independent requests that these are worth for the quantile ``share``."""
        limit = bucket_of(self.at(share))
        return effective_size([bucket > limit for bucket in self.buckets])

    def _cumulated(self) -> Iterator[tuple[int, int]]:
        below = 0
        for bucket, count in sorted(Counter(self.buckets).items()):
            below += count
            yield bucket, below


def order_ranks(n: int, share: float, confidence: float) -> tuple[int | None, int | None]:
    """Ranks of the order statistics of ``n`` that bound a quantile, each missed with at most half of the rest.

    Returns
    -------
    lower, upper
        From 1; ``None`` where not even the smallest, or the largest, is far enough out.
    """
    from scipy.stats import binom

    tail = (1 - confidence) / 2
    # P(X_(r) > q) = P(B < r) and P(X_(r) < q) = P(B >= r) for B binomial(n, share).
    lower = int(binom.ppf(tail, n, share))
    while lower > 0 and binom.cdf(lower - 1, n, share) > tail:
        lower -= 1
    upper = int(binom.ppf(1 - tail, n, share)) + 1
    while upper <= n and binom.sf(upper - 1, n, share) > tail:
        upper += 1
    return (lower or None), (upper if upper <= n else None)


def requests_needed(share: float, confidence: float) -> int:
    """The fewest independent requests whose largest bounds the quantile from above: ``share^n ≤ (1 − confidence)/2``."""
    tail = (1 - confidence) / 2
    return math.ceil(math.log(tail) / math.log(max(share, 1 - share)))


def effective_size(above: Sequence[bool]) -> int:
    """How many independent requests a row of them is worth, by how far those above the quantile come in clusters.

    Notes
    -----
    ``n / (1 + 2 Σ ρ_k)``, the sum over the autocorrelations of the indicators until pairs of them are no longer positive:
    Geyer, C. J. (1992), "Practical Markov chain Monte Carlo", Statistical Science 7, the initial positive sequence. Never
    more than ``n``.
    """
    import numpy as np

    values = np.asarray(above, dtype=np.float64)
    n = len(values)
    centred = values - values.mean() if n else values
    energy = float(centred @ centred)
    if n < 4 or energy == 0:  # noqa: PLR2004 - too few for a correlation
        return n
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    correlations = np.fft.irfft(spectrum * np.conj(spectrum), size)[: n // 2] / energy
    total = 0.0
    for lag in range(1, len(correlations) - 1, 2):
        pair = float(correlations[lag] + correlations[lag + 1])
        if pair <= 0:
            break
        total += pair
    return max(1, min(n, int(n / (1 + 2 * total))))

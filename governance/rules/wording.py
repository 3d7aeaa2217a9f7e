"""How verdicts write numbers and lists, so that no rounding ever hides on which side of a threshold a value lies. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from audits.wording import EN_DASH, MINUS, columns_words, listed, percent

__all__ = [
    "columns_words", "count", "counted", "data_words", "interval", "listed", "measured", "number", "percent", "samples",
    "threshold",
]  # fmt: skip

_DECIMALS = 3
_MOST_DECIMALS = 17
_IMPRACTICAL = 1000
"""More than so many times the present sample, and the honest answer is that sampling will not settle it."""


def number(value: float, *, beside: Iterable[float] = ()) -> str:
    """Write ``value`` with three decimals, or as many more as keep it on its own side of each of ``beside``.

    Examples
    --------
    >>> number(0.71234), number(0.7996, beside=[0.8])
    ('0.712', '0.7996')
    """
    marks = [mark for mark in beside if mark != value]
    for decimals in range(_DECIMALS, _MOST_DECIMALS + 1):
        text = f"{value:.{decimals}f}"
        if all((float(text) > mark) == (value > mark) and float(text) != mark for mark in marks):
            break
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def threshold(value: float) -> str:
    """Write a threshold as the policy states it, unrounded, with at least two decimals: ``0.80``, ``0.025``."""
    exact = Decimal(repr(value))
    exponent = exact.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{exact:.{decimals}f}".replace("-", MINUS)


def interval(low: float, high: float, *, beside: Iterable[float] = ()) -> str:
    """Write ``0.640–0.790``; "to" stands between when an end is negative."""
    marks = list(beside)
    joint = " to " if low < 0 or high < 0 else EN_DASH
    return f"{number(low, beside=marks)}{joint}{number(high, beside=marks)}"


def measured(
    value: float,
    low: float | None,
    high: float | None,
    *,
    confidence: float | None,
    n: int | None = None,
    beside: Iterable[float] = (),
) -> str:
    """Write a value with its interval at ``confidence``, or say that the value alone is looked at; then its ``n``."""
    marks = list(beside)
    if confidence is None or low is None or high is None:
        how = "point value alone"
    else:
        how = f"{percent(confidence)} interval {interval(low, high, beside=marks)}"
    size = "" if n is None else f", n {count(n)}"
    return f"{number(value, beside=marks)} ({how}{size})"


def counted(value: float, *, n: int | None = None, beside: Iterable[float] = ()) -> str:
    """Write a value that was counted exactly: ``3 (n 1,989)``."""
    size = "" if n is None else f" (n {count(n)})"
    return f"{count(int(value)) if value == int(value) else number(value, beside=beside)}{size}"


def data_words(roles: Iterable[str]) -> str:
    """Write the data that an evaluation reads: ``the training data``."""
    return listed(f"the {role.replace('-', ' ')}" for role in roles)


def count(n: int) -> str:
    """Write a whole number with thousands separated: ``1,989``."""
    return f"{n:,}"


def samples(needed: int | None, n: int) -> str:
    """Say roughly how many samples in all would settle an inconclusive rule that now rests on ``n``."""
    if needed is None:
        return "The value lies on the threshold itself, so no number of samples would settle it"
    if needed > _IMPRACTICAL * max(n, 1):
        return "The value lies so near the threshold that no practical number of samples would settle it"
    more = _rounded_up(needed - n)
    return f"About {count(more)} more samples like these would settle it, if the value stays as it is"


def _rounded_up(n: int) -> int:
    """Round up to two significant digits."""
    if n < 100:  # noqa: PLR2004 - two digits are significant already
        return n
    unit = int(10 ** (len(str(n)) - 2))
    return math.ceil(n / unit) * unit

"""How numbers, times, digests, statuses and metrics read in documents and pictures: one wording for all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

MINUS = "−"
EN_DASH = "–"

STATUS_MARKS: Mapping[str, str] = {
    "pass": "✓",
    "fail": "✕",
    "inconclusive": "◐",
    "missing": "○",
    "pending": "…",
    "excepted": "⚑",
    "error": "!",
}
"""Status of a rule to its shape; the word and the colour always stand beside."""

RESULT_STATUS: Mapping[str, str] = {
    "promoted": "pass",
    "approved": "pass",
    "pending": "pending",
    "blocked": "fail",
    "rejected": "fail",
}
"""Result of a decision to the status whose mark it wears."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def printable(text: str) -> str:
    """``text`` without what no paper can show: control characters, lone surrogates, and marks that reverse the reading order."""
    return _UNPRINTABLE.sub("", text)


def number(value: float | None, *, decimals: int = 3) -> str:
    """A measured value with ``decimals`` places and a true minus; an en dash where undefined."""
    if value is None:
        return EN_DASH
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def whole(value: float | None) -> str:
    """A count with thin-spaced thousands commas: 1,989."""
    return EN_DASH if value is None else f"{round(value):,}".replace("-", MINUS)


def money(value: float, currency: str, *, sign: bool = False) -> str:
    """``−12.50 EUR``; with a plus where ``sign`` asks for one."""
    text = f"{value:+,.2f}" if sign else f"{value:,.2f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return f"{text} {currency}".replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """``0.640–0.790``; an en dash where there is none; "to" between when an end is negative."""
    if low is None or high is None:
        return EN_DASH
    joint = " to " if low < 0 or high < 0 else EN_DASH
    return f"{number(low)}{joint}{number(high)}"


def percent(share: float) -> str:
    """``0.95`` as ``95 %``."""
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return f"{text} %"


def instant(iso: str | None) -> str:
    """``2026-11-21T06:00:00Z`` as ``21 November 2026, 06:00 UTC``; an en dash for None."""
    if iso is None:
        return EN_DASH
    moment = datetime.fromisoformat(iso)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"


def stamp(iso: str) -> str:
    """``2026-11-20T15:00:00.123Z`` as ``2026-11-20 15:00:00Z``, for columns."""
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%SZ}"


def day(iso: str | None) -> str:
    """``2026-11-21T06:00:00Z`` as ``21 November 2026``; an en dash for None."""
    return EN_DASH if iso is None else instant(iso).split(",")[0]


def short_digest(digest: str | None) -> str:
    """The first twelve hexadecimal digits; an en dash for None or empty."""
    return digest[:12] if digest else EN_DASH


def size_words(size: int) -> str:
    """Bytes in the largest decimal unit that keeps the number at least one: ``48.2 kB``."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def columns_words(over: Iterable[str]) -> str:
    """``("race", "sex")`` as ``race × sex``."""
    return " × ".join(over)


def group_words(slice_: Mapping[str, str]) -> str:
    """``{"race": "black", "sex": "male"}`` as ``black × male``; ``everyone`` for the empty slice."""
    return " × ".join(slice_.values()) if slice_ else "everyone"


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""

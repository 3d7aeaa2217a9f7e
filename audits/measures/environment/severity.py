"""How severe a vulnerability is: words and CVSS scores as five levels. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

CRITICAL, HIGH, MEDIUM, LOW, NONE, UNKNOWN = "critical", "high", "medium", "low", "none", "unknown"
LEVELS = (CRITICAL, HIGH, MEDIUM, LOW, NONE, UNKNOWN)
"""From the worst; :data:`UNKNOWN` where a report does not say, which counts as any."""

_WORDS = {
    "critical": CRITICAL, "high": HIGH, "important": HIGH, "medium": MEDIUM, "moderate": MEDIUM, "low": LOW,
    "minor": LOW, "negligible": LOW, "none": NONE, "info": NONE, "informational": NONE,
}  # fmt: skip
_STEPS = ((9.0, CRITICAL), (7.0, HIGH), (4.0, MEDIUM), (0.1, LOW), (0.0, NONE))
_MOST = 10.0

_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def of_word(word: str) -> str:
    """The level that a word such as ``Moderate`` means."""
    return _WORDS.get(word.strip().lower(), UNKNOWN)


def of_score(score: float | None) -> str:
    """The level of a CVSS score by the qualitative scale of CVSS 3 and 4: from 9 critical, 7 high, 4 medium, 0.1 low."""
    if score is None or not 0.0 <= score <= _MOST:
        return UNKNOWN
    return next(level for least, level in _STEPS if score >= least)


def base_score(vector: str) -> float | None:
    """The base score of a CVSS 3.0 or 3.1 vector, by section 7.1 of its specification; None for anything else."""
    head, *parts = vector.strip().split("/")
    given = dict(part.split(":", 1) for part in parts if ":" in part)
    try:
        if head not in ("CVSS:3.0", "CVSS:3.1"):
            return None
        weight = {name: table[given[name]] for name, table in _WEIGHTS.items()}
        privileges, changed = _PRIVILEGES[given["S"]][given["PR"]], given["S"] == "C"
    except KeyError:
        return None
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    exploitable = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    if impact <= 0:
        return 0.0
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitable), _MOST))


def _rounded_up(value: float) -> float:
    """Up to one decimal, as appendix A of CVSS 3.1 does it, so that 4.0000001 from arithmetic stays 4.0."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (math.floor(whole / 10_000) + 1) / 10


def worst(levels: Iterable[str]) -> str:
    """The worst of the levels that are known; :data:`UNKNOWN` where none is."""
    return min((level for level in levels if level != UNKNOWN), key=LEVELS.index, default=UNKNOWN)

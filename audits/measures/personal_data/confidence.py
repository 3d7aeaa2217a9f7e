"""How sure a column's hits are what they look like: the detector's prior, the column's name, and the check digits' yield."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from audits.measures.personal_data.column_names import is_vague, named_entities, speaks_against
from audits.measures.personal_data.detector import Detector
from audits.measures.personal_data.people import spread_as_births
from audits.measures.personal_data.tally import ColumnTally

REPORTED = 0.7
"""From this confidence on a finding is a measurement that policies read."""

POSSIBLE = 0.3
"""From this confidence on a finding is listed as possible."""

_NAME_SPEAKS, _NAME_HINTS, _NAME_DIFFERS, _NAME_AGAINST = 3.0, 1.0, -1.5, -3.0
_NO_MORE_THAN_CHANCE, _MOSTLY_WHOLE, _SPREAD = -3.0, 0.5, 0.5
_HALF, _LEAST, _MOST = 0.5, 0.01, 0.99
_PARTNERED, _ALONE = 0.95, 0.5
_ID_WORDS = frozenset({"national_id", "us_ssn", "cn_resident_id", "passport"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector's verdict on a column: how sure, and why, in words."""

    detector: Detector
    confidence: float
    why: str


def judge(detector: Detector, tally: ColumnTally, *, partnered: bool = False) -> Judged:
    """How sure a detector's hits in a column are what they look like.

    Parameters
    ----------
    partnered
        For coordinates: whether another column holds the other half.

    Notes
    -----
    Odds multiply. The log odds of the confidence are those of the detector's ``prior``, plus 3 if the column's name
    speaks for the entity (1 if it is no more than ``name``; for weak detectors −1.5 if it speaks for another, −3 if for something that is no personal
    data), plus 0.5 if at least half of the values are a hit as a whole, plus the yield of the check:
    of ``m`` distinct candidates ``h`` pass, and chance lets ``c`` of unrelated ones pass. If
    ``h/m`` is no more than ``p = min(2c, (1 + c)/2)`` the check speaks against (−3); otherwise the log likelihood ratio
    of the binomial, ``h log(θ/p) + (m − h) log((1 − θ)/(1 − p))`` with ``θ = h/m``, is added, up to the detector's ``most``.
    """
    if detector.key in {"latitude", "longitude"}:
        words = "the name and range say a coordinate; "
        if partnered:
            return Judged(detector, _PARTNERED, words + "its other half is a column too")
        return Judged(detector, _ALONE, words + "no column holds the other half")
    odds, reasons = log(detector.prior / (1 - detector.prior)), [detector.form]
    for change, reason in (
        _name(detector, tally),
        _share(detector, tally),
        _check(detector, tally),
        _spread(detector, tally),
    ):
        odds += change
        if reason:
            reasons.append(reason)
    confidence = min(max(1 / (1 + exp(-odds)), _LEAST), _MOST)
    return Judged(detector, round(confidence, 2), "; ".join(reasons))


def _name(detector: Detector, tally: ColumnTally) -> tuple[float, str]:
    said = named_entities(tally.name)
    speaking = detector.entity in said or (detector.entity in {"national_id", "passport"} and bool(said & _ID_WORDS))
    if speaking and detector.entity == "person_name" and is_vague(tally.name):
        return _NAME_HINTS, "the name says that something is named"
    if speaking:
        return _NAME_SPEAKS, f"the name says {detector.entity}"
    if not detector.bare:
        return 0.0, ""
    if said:
        return _NAME_DIFFERS, f"the name says {' or '.join(sorted(said))}"
    if speaks_against(tally.name):
        return _NAME_AGAINST, "the name says something else"
    return 0.0, ""


def _share(detector: Detector, tally: ColumnTally) -> tuple[float, str]:
    seen = tally.tried[detector.key]
    share = seen.rows / tally.values
    reason = f"{_percent(share)} of values match"
    return (_MOSTLY_WHOLE if seen.whole >= _HALF * tally.values else 0.0), reason


def _check(detector: Detector, tally: ColumnTally) -> tuple[float, str]:
    if not detector.chance:
        return 0.0, ""
    seen = tally.tried[detector.key].candidates
    tried, right = len(seen.passed), int(seen.passed.sum())
    yielded, bar = right / tried, min(2 * detector.chance, (1 + detector.chance) / 2)
    words = f"{_percent(yielded)} of {round(tried * seen.scale()):,} distinct candidates pass the check, chance gives {_percent(detector.chance)}"
    if yielded <= bar:
        return _NO_MORE_THAN_CHANCE, words
    failing = (tried - right) * log((1 - yielded) / (1 - bar)) if right < tried else 0.0
    return min(right * log(yielded / bar) + failing, detector.most), words


def _spread(detector: Detector, tally: ColumnTally) -> tuple[float, str]:
    if detector.entity != "date_of_birth":
        return 0.0, ""
    named = "date_of_birth" in named_entities(tally.name)
    if not named and tally.tried[detector.key].rows < _HALF * tally.values:
        return _NAME_AGAINST, "most values are no days"
    if spread_as_births(tally.years):
        return _SPREAD, "spread over as many years as births"
    return (0.0 if named else _NAME_AGAINST), "not spread as births are"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"

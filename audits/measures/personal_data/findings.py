"""Findings per column and entity: what was found, in how many values, how sure, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audits.measures.personal_data.catalogue import BY_KEY, LATITUDE, LONGITUDE
from audits.measures.personal_data.confidence import POSSIBLE, REPORTED, Judged, judge
from audits.measures.personal_data.detector import ENTITIES
from audits.measures.personal_data.tally import EXAMPLES, ColumnTally

_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One entity in one column.

    Attributes
    ----------
    column, entity, country
        What was found where; the country or countries whose form it has, empty where the form belongs to none.
    found, values
        Rows that hold it, and rows that hold anything at all.
    distinct, distinct_exact
        Distinct matches; estimated where there are more than 65,536; ``None`` for numbers and dates, which are counted
        without being told apart.
    confidence, why
        How sure, in (0, 1), and in words.
    examples
        Up to three, masked.
    """

    column: str
    entity: str
    country: str
    found: int
    values: int
    distinct: int | None
    distinct_exact: bool
    confidence: float
    why: str
    examples: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Share of the values that are neither missing nor blank."""
        return self.found / self.values

    @property
    def reported(self) -> bool:
        """Whether it is sure enough to be a measurement."""
        return self.confidence >= REPORTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A column that was scanned, whatever was found in it.

    Attributes
    ----------
    column, kind, values
        Which, what the engine says it holds, and rows that hold anything.
    any
        Rows that hold at least one of the reported entities.
    prose
        Whether at least half of the values are running text.
    findings
        What was found, reported ones and possible ones, surest first.
    """

    column: str
    kind: str
    values: int
    any: int
    prose: bool
    findings: tuple[Finding, ...]


def find(tallies: Sequence[ColumnTally]) -> list[Scanned]:
    """The findings of all columns that could be read, columns in the order given."""
    halves = {key: any(key in tally.tried for tally in tallies) for key in (LATITUDE.key, LONGITUDE.key)}
    return [_scanned(tally, halves) for tally in tallies if not tally.unread]


def _scanned(tally: ColumnTally, halves: Mapping[str, bool]) -> Scanned:
    judged = [
        judge(BY_KEY[key], tally, partnered=all(halves.values())) for key, tried in tally.tried.items() if tried.rows
    ]
    findings, reported = [], set()
    for entity in ENTITIES:
        ours = sorted((one for one in judged if one.detector.entity == entity), key=_surest)
        sure = _unrivalled([one for one in ours if one.confidence >= REPORTED], tally)
        chosen = sure or [one for one in ours[:1] if one.confidence >= POSSIBLE]
        if chosen:
            findings.append(_finding(tally, entity, chosen))
            reported |= {one.detector.key for one in sure}
    findings.sort(key=lambda finding: (-finding.confidence, -finding.found, ENTITIES.index(finding.entity)))
    return Scanned(
        column=tally.name,
        kind=tally.kind,
        values=tally.values,
        any=tally.rows_with(reported),
        prose=0 < tally.values <= 2 * tally.prose,
        findings=tuple(findings),
    )


def _surest(one: Judged) -> tuple[float, float, str]:
    return -one.confidence, one.detector.chance, one.detector.key


def _unrivalled(sure: Sequence[Judged], tally: ColumnTally) -> list[Judged]:
    """Of identity numbers of several countries in the same rows, the surest; all where the rows differ.

    Numbers with one country's check digits pass another's now and then; rows that the surest covers need no second country.
    """
    if len(sure) < 2 or sure[0].detector.entity != "national_id":  # noqa: PLR2004 - a pair
        return list(sure)
    kept: list[Judged] = []
    for one in sure:
        before = tally.rows_with([other.detector.key for other in kept])
        both = tally.rows_with([one.detector.key, *(other.detector.key for other in kept)])
        mine = tally.rows_with([one.detector.key])
        if not kept or both - before > (1 - _NEARLY_ALL) * mine:
            kept.append(one)
    return kept


def _finding(tally: ColumnTally, entity: str, chosen: Sequence[Judged]) -> Finding:
    keys = [one.detector.key for one in chosen]
    distinct, exact = tally.distinct(keys)
    countries = sorted({one.detector.country for one in chosen} - {""})
    examples = sorted({example for key in keys for example in tally.tried[key].examples})[:EXAMPLES]
    return Finding(
        column=tally.name,
        entity=entity,
        country=", ".join(countries),
        found=tally.rows_with(keys),
        values=tally.values,
        distinct=distinct or None,
        distinct_exact=exact,
        confidence=chosen[0].confidence,
        why=chosen[0].why,
        examples=tuple(dict.fromkeys(text for _, text in examples)),
    )

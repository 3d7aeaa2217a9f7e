"""A bias audit as measurements that rules read and as the tables that are published. Pure of Django."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.measurement import Measurement
from audits.measures.bias_audit.categories import People, Table, table
from audits.measures.bias_audit.rates import Rates, impact
from audits.series import Series

if TYPE_CHECKING:
    from audits.measures.bias_audit.parameters import BiasAudit

COLUMNS = (
    "category",
    "assessed",
    "favoured",
    "rate",
    "rate_low",
    "rate_high",
    "impact_ratio",
    "ratio_low",
    "ratio_high",
    "note",
)
"""Columns of the series ``bias_audit``: people assessed, people selected (or above the median), and their rates."""

_HIGHEST = "the highest rate: the others are compared with it"


@dataclass(frozen=True, slots=True)
class Mode:
    """What is audited: selections or scores."""

    rate: str
    ratio: str
    title: str


SELECTION = Mode("selection_rate", "impact_ratio", "Selection rates and impact ratios")
SCORING = Mode("scoring_rate", "impact_ratio", "Scoring rates and impact ratios")
SCORING_BESIDE = Mode("scoring_rate", "scoring_impact_ratio", "Scoring rates and impact ratios")
"""Where selections are audited too: their ratios keep the plain name."""


def report(people: People, mode: Mode, asked: BiasAudit) -> tuple[list[Measurement], list[Series], list[str]]:
    """Measurements, tables and warnings of one mode, table by table."""
    measurements: list[Measurement] = []
    series: list[Series] = []
    warnings: list[str] = []
    for columns in asked.tables:
        found = table(people, columns)
        over = tuple(columns)
        for index, confidence in enumerate(asked.confidences):
            rates = impact(found, exclude_below=asked.exclude_below, confidence=confidence)
            measurements += _measured(found, rates, mode, asked, over, confidence)
            if not index:
                series.append(_series(found, rates, mode, asked, over))
        warnings += _warnings(found, asked, over)
    return measurements, series, warnings


def _measured(
    found: Table, rates: Rates, mode: Mode, asked: BiasAudit, over: tuple[str, ...], confidence: float
) -> Iterator[Measurement]:
    for i, where in enumerate(found.slices):
        n = int(found.assessed[i])
        if mode is not SCORING_BESIDE:
            yield _count("count", n, n, where, over, confidence)
        yield Measurement(
            metric=mode.rate,
            slice=where,
            value=float(rates.rate[i]),
            low=float(rates.low[i]),
            high=float(rates.high[i]),
            n=n,
            method="wilson",
            confidence=confidence,
            over=over,
        )
        kept = bool(rates.included[i])
        yield Measurement(
            metric=mode.ratio,
            slice=where,
            value=float(rates.ratio[i]) if kept else None,
            low=float(rates.ratio_low[i]) if kept else None,
            high=float(rates.ratio_high[i]) if kept else None,
            n=n,
            method="koopman-sidak",
            confidence=confidence,
            over=over,
            minimum_group=asked.exclude_below,
            note=_note(found, rates, asked, i),
        )
    yield _smallest(found, rates, mode, asked, over, confidence)
    if mode is not SCORING_BESIDE:
        note = f"assessed, but in no table by {' × '.join(over)}: the category is unknown"
        yield _count("unknown_count", found.unknown, found.total, {}, over, confidence, note)


def _smallest(
    found: Table, rates: Rates, mode: Mode, asked: BiasAudit, over: tuple[str, ...], confidence: float
) -> Measurement:
    """The smallest ratio of the table: what a statistical screen, such as four fifths, looks at."""
    members = [i for i in range(len(found.slices)) if rates.included[i]]
    worst = min(members, key=lambda i: rates.ratio[i])
    return Measurement(
        metric=mode.ratio,
        value=float(rates.ratio[worst]),
        low=float(min(rates.ratio_low[i] for i in members)),
        high=float(min(rates.ratio_high[i] for i in members)),
        n=int(sum(found.assessed[i] for i in members)),
        method="koopman-sidak",
        confidence=confidence,
        over=over,
        minimum_group=asked.exclude_below,
        note=f"lowest {_name(found, worst)}, highest {_name(found, rates.comparator)}",
    )


def _count(
    metric: str, value: int, n: int, where: dict[str, str], over: tuple[str, ...], confidence: float, note: str = ""
) -> Measurement:
    return Measurement(
        metric=metric,
        slice=where,
        value=value,
        low=value,
        high=value,
        n=n,
        method="exact count",
        confidence=confidence,
        over=over,
        note=note,
    )


def _note(found: Table, rates: Rates, asked: BiasAudit, i: int) -> str:
    if not rates.included[i]:
        share = found.assessed[i] / found.total
        reason = asked.justification or "too few people for a stable ratio"
        return f"left out of the ratios: {share:.2%} of the data, less than {asked.exclude_below:.2%} ({reason})"
    return _HIGHEST if i == rates.comparator else f"compared with {_name(found, rates.comparator)}"


def _name(found: Table, i: int) -> str:
    return " × ".join(found.slices[i].values())


def _series(found: Table, rates: Rates, mode: Mode, asked: BiasAudit, over: tuple[str, ...]) -> Series:
    rows = []
    for i in range(len(found.slices)):
        ratio = [
            float(values[i]) if rates.included[i] else None
            for values in (rates.ratio, rates.ratio_low, rates.ratio_high)
        ]
        limits = [float(values[i]) for values in (rates.rate, rates.low, rates.high)]
        rows.append(
            (
                _name(found, i),
                int(found.assessed[i]),
                int(found.favoured[i]),
                *limits,
                *ratio,
                _note(found, rates, asked, i),
            )
        )
    return Series(
        name="bias_audit",
        title=f"{mode.title} by {' × '.join(over)}; {found.unknown:,} people of unknown category",
        columns=COLUMNS,
        rows=tuple(rows),
    )


def _warnings(found: Table, asked: BiasAudit, over: tuple[str, ...]) -> Iterator[str]:
    left_out = [i for i in range(len(found.slices)) if found.assessed[i] < asked.exclude_below * found.total]
    if left_out and not asked.justification:
        names = ", ".join(_name(found, i) for i in left_out)
        yield (
            f"{' × '.join(over)}: {names} left out of the ratios without the auditor's justification, "
            "which must be published with the tables"
        )


def publication(asked: BiasAudit, *, assessed: int, median: float | None) -> Series:
    """What is published beside the tables, and what still has to be said."""
    missing = "not given; must be published with the tables"
    rows: list[tuple[str, str]] = [
        ("date of the audit", asked.date or missing),
        ("source of the data", asked.source or missing),
        ("explanation of the data", asked.explanation or missing),
        ("distribution date of the tool", asked.distribution_date or missing),
        ("people assessed", f"{assessed:,}"),
    ]
    if median is not None:
        rows.append(("median score of everybody assessed", f"{median:g}; a score equal to it is not above it"))
    rows += [
        ("intervals", "not part of the law's tables; Wilson for rates, simultaneous Koopman for ratios"),
        ("four fifths", "a statistical screen of the Uniform Guidelines; the law sets no threshold"),
    ]
    return Series(
        name="bias_audit_publication", title="To publish with the tables", columns=("item", "value"), rows=tuple(rows)
    )

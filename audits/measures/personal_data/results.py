"""Findings as measurements that policies read, tables that people look at, and warnings."""

from __future__ import annotations

from collections.abc import Sequence

from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.measures.personal_data.confidence import REPORTED
from audits.measures.personal_data.findings import Finding, Scanned
from audits.series import Series

CONFIDENCE = 0.95
ANY = "any"
"""Stands for the entity in the measurement that every scanned column has: values with any reported entity."""


def measurements_of(scanned: Sequence[Scanned], *, sampled: bool) -> list[Measurement]:
    """``pii_rate`` per column and reported entity, and per scanned column for any entity."""
    result = []
    for column in scanned:
        for finding in column.findings:
            if finding.reported:
                note = "; ".join(filter(None, [finding.country, f"confidence {finding.confidence:.2f}", finding.why]))
                result.append(_rate(column, finding.entity, finding.found, note, sampled=sampled))
        note = "" if column.values else "the column holds no values"
        result.append(_rate(column, ANY, column.any, note, sampled=sampled))
    return result


def _rate(column: Scanned, entity: str, found: int, note: str, *, sampled: bool) -> Measurement:
    value = found / column.values if column.values else 0.0
    low = high = value
    if sampled and column.values:
        bounds = wilson(found, column.values, critical_value(CONFIDENCE))
        low, high = (float(bound) for bound in bounds)
    return Measurement(
        metric="pii_rate",
        slice={"column": column.column, "entity": entity},
        value=value,
        low=low,
        high=high,
        n=column.values,
        method="wilson" if sampled else "full scan",
        confidence=CONFIDENCE if sampled else 1.0,
        note=note,
    )


def series_of(scanned: Sequence[Scanned]) -> list[Series]:
    """All findings, reported ones first and surest first; and all columns that were scanned."""
    findings = [finding for column in scanned for finding in column.findings]
    findings.sort(key=lambda finding: (not finding.reported, -finding.confidence, -finding.rate))
    return [
        Series(
            name="personal_data",
            title="Personal data by column",
            columns=(
                "column", "entity", "country", "rate", "found", "values", "distinct", "confidence", "reported", "why",
                "examples",
            ),
            rows=tuple(_row(finding) for finding in findings),
        ),
        Series(
            name="scanned_columns",
            title="Columns that were scanned",
            columns=("column", "kind", "values", "rate", "entities"),
            rows=tuple(
                (
                    column.column,
                    column.kind,
                    column.values,
                    column.any / column.values if column.values else 0.0,
                    [finding.entity for finding in column.findings if finding.reported],
                )
                for column in scanned
            ),
        ),
    ]  # fmt: skip


def _row(finding: Finding) -> tuple[object, ...]:
    return (
        finding.column,
        finding.entity,
        finding.country,
        finding.rate,
        finding.found,
        finding.values,
        finding.distinct,
        finding.confidence,
        finding.reported,
        finding.why,
        list(finding.examples),
    )


def warnings_of(scanned: Sequence[Scanned], unread: Sequence[tuple[str, str]], *, free_text: bool) -> list[str]:
    """What a reader must know: countries of identity numbers, estimates, columns that could not be scanned or only partly.

    Parameters
    ----------
    unread
        Columns that hold nothing to read, each with what the engine says it holds.
    free_text
        Whether running text was analysed.
    """
    said = []
    for column in scanned:
        for finding in column.findings:
            if finding.entity == "national_id" and finding.reported:
                said.append(f"national_id in column {column.column!r} has the form of {finding.country}")
            if not finding.distinct_exact:
                said.append(f"column {column.column!r}: the number of distinct {finding.entity} values is an estimate")
    said += [f"column {name!r} holds no text, number or day ({kind}): it was not scanned" for name, kind in unread]
    prose = [column.column for column in scanned if column.prose and not free_text]
    if prose:
        names = ", ".join(repr(name) for name in prose)
        said.append(
            f"running text in {names}: what has a pattern was looked for; names inside sentences were not; "
            "free_text adds presidio-analyzer"
        )
    possible = sum(not finding.reported for column in scanned for finding in column.findings)
    if possible:
        verb = "finding is" if possible == 1 else "findings are"
        said.append(f"{possible} {verb} possible but below confidence {REPORTED}: see the table of personal data")
    return said

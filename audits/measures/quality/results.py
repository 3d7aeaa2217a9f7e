"""Data quality as measurements and series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.measures.quality.leakage import ALMOST
from audits.series import Series

if TYPE_CHECKING:
    from audits.measures.quality.expectations import Outcome
    from audits.measures.quality.integrity import Integrity
    from audits.measures.quality.label import Leakage
    from audits.measures.quality.overlap import Overlap
    from audits.measures.quality.profile import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was found of one table.

    Attributes
    ----------
    rows, columns
        The table, counted.
    repeated
        Columns of a key to the rows beyond the first of each key; all columns under ``()``, if they could be compared.
    leakages
        How well each column tells the label, if a label was named.
    exact, near
        Overlap with the test data, if there are any.
    freshness
        The column of times, and the days from its newest until the date given.
    integrity
        Columns that refer to the reference data.
    outcomes
        What became of the expectations; ``None`` if there were none to examine.
    confidence
        Of the intervals.
    disclosed
        Whether least and greatest values, which are of single rows, may be shown.
    """

    rows: int
    columns: Mapping[str, Column]
    repeated: Mapping[tuple[str, ...], int]
    leakages: tuple[Leakage, ...] = ()
    exact: Overlap | None = None
    near: Overlap | None = None
    freshness: tuple[str, float | None] | None = None
    integrity: Mapping[str, Integrity] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] | None = None
    confidence: float = 0.95
    disclosed: bool = True


def measurements_of(found: Quality) -> list[Measurement]:
    """Shares with Wilson's interval, counts and ratios exact."""
    return [
        *_of_columns(found),
        *_of_rows(found),
        *_of_leakages(found),
        *_of_overlap(found),
        *_of_freshness(found),
        *_of_integrity(found),
        *_of_outcomes(found),
    ]


def _share(
    found: Quality, metric: str, part: int, of: int, where: Mapping[str, str] | None = None, note: str = ""
) -> Measurement:
    """A share of rows with Wilson's interval; undefined without rows."""
    if not of:
        return _number(found, metric, None, 0, where, note or "there are no rows to count", "wilson")
    low, high = wilson(part, of, critical_value(found.confidence))
    return Measurement(
        metric=metric,
        slice=where or {},
        value=part / of,
        low=float(low),
        high=float(high),
        n=of,
        method="wilson",
        confidence=found.confidence,
        note=note,
    )


def _number(
    found: Quality,
    metric: str,
    value: float | None,
    n: int,
    where: Mapping[str, str] | None = None,
    note: str = "",
    method: str = "exact",
) -> Measurement:
    return Measurement(
        metric=metric, slice=where or {}, value=value, n=n, method=method, confidence=found.confidence, note=note
    )


def _of_columns(found: Quality) -> Iterator[Measurement]:
    for name, column in found.columns.items():
        yield _share(found, "completeness", column.present, column.rows, {"column": name})
    for name, column in found.columns.items():
        known = column.distinct is not None and column.present > 0
        value = column.distinct / column.present if known and column.distinct is not None else None
        note = "" if known else "no row has a value" if not column.present else "values of this kind are not compared"
        yield _number(found, "uniqueness", value, column.present, {"column": name}, note)


def _of_rows(found: Quality) -> Iterator[Measurement]:
    constant = [name for name, column in found.columns.items() if column.constant]
    note = f"in {', '.join(constant)}" if constant else "" if found.rows else "there are no rows to count"
    yield _number(found, "constant_columns", float(len(constant)) if found.rows else None, found.rows, note=note)
    for key, rows in found.repeated.items():
        where = {"key": ", ".join(key)} if key else {}
        said = "rows that repeat an earlier key" if key else "rows that repeat an earlier one in all columns"
        yield _share(found, "duplicate_rate", rows, found.rows, where, said)


def _of_leakages(found: Quality) -> Iterator[Measurement]:
    for leak in sorted(found.leakages, key=lambda leak: (-(leak.strength or 0.0), leak.column)):
        yield Measurement(
            metric="label_leakage",
            slice={"column": leak.column},
            value=leak.strength,
            low=leak.low,
            high=leak.high,
            n=leak.rows,
            method=leak.method,
            confidence=found.confidence,
            note=leak.note,
        )


def _of_overlap(found: Quality) -> Iterator[Measurement]:
    for metric, overlap in (("train_test_overlap_rate", found.exact), ("near_overlap_rate", found.near)):
        if overlap is not None:
            yield _share(found, metric, overlap.found, overlap.rows, note=overlap.note)


def _of_freshness(found: Quality) -> Iterator[Measurement]:
    if found.freshness is None:
        return
    name, days = found.freshness
    note = f"since the newest of {name!r}" if days is not None else f"{name!r} has no dates"
    if days is not None and days < 0:
        note = f"the newest of {name!r} lies in the future"
    yield _number(found, "freshness_days", days, found.columns[name].present, note=note)


def _of_integrity(found: Quality) -> Iterator[Measurement]:
    for name, one in found.integrity.items():
        yield _share(found, "referential_integrity", one.held, one.values, {"column": name}, one.problem)


def _of_outcomes(found: Quality) -> Iterator[Measurement]:
    if found.outcomes is None:
        return
    seen: Counter[tuple[str, ...]] = Counter()
    for one in found.outcomes:
        if one.of is not None and one.valid is not None:
            seen[one.source, one.column, one.expectation] += 1
            times = seen[one.source, one.column, one.expectation]
            where = {"column": one.column, "expectation": one.expectation + (f" ({times})" if times > 1 else "")}
            if one.source != _OURS:
                where["source"] = one.source
            yield _share(found, "validity", one.valid, one.of, where, one.expected)
    sources = sorted({one.source for one in found.outcomes})
    for source in ["", *sources]:
        mine = [one for one in found.outcomes if not source or one.source == source]
        failed = [one for one in mine if one.status != "passed"]
        yield _number(found, "expectations_failed", float(len(failed)), len(mine), {"source": source} if source else {})


_OURS = "expectations"


def series_of(found: Quality) -> list[Series]:
    """``quality``: the columns, worst first; ``expectations``: those that failed first."""
    series = [_columns_series(found)]
    if found.outcomes is not None:
        series.append(_outcomes_series(found.outcomes))
    return series


def _columns_series(found: Quality) -> Series:
    leaks = {leak.column: leak for leak in found.leakages}
    grave: dict[str, list[str]] = {name: _leak_problem(leaks.get(name)) for name in found.columns}
    for name, one in found.integrity.items():
        if one.values > one.held:
            grave[name].append(f"{one.values - one.held:,} rows refer to nothing in the reference data")
    for outcome in found.outcomes or ():
        if outcome.status != "passed" and outcome.column in grave:
            grave[outcome.column].append(f"expectation {outcome.expectation} {outcome.status}")
    problems = {name: [*grave[name], *column.problems()] for name, column in found.columns.items()}
    order = sorted(
        found.columns, key=lambda name: (-len(grave[name]), -len(problems[name]), _completeness(found.columns[name]))
    )
    return Series(
        name="quality",
        title="Columns, those with most problems first",
        columns=("column", "kind", "completeness", "distinct", "unique", "min", "max", "problems"),
        rows=tuple(
            (
                name,
                (column := found.columns[name]).kind,
                _completeness(column) if column.rows else None,
                column.distinct,
                column.distinct == column.present and column.present > 0,
                _plain(column.least) if found.disclosed else None,
                _plain(column.greatest) if found.disclosed else None,
                problems[name],
            )
            for name in order
        ),
    )


def _completeness(column: Column) -> float:
    return column.present / column.rows if column.rows else 0.0


def _leak_problem(leak: Leakage | None) -> list[str]:
    if leak is None or leak.strength is None or leak.strength < ALMOST:
        return []
    return [f"tells the label almost entirely ({leak.note})"]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _outcomes_series(outcomes: tuple[Outcome, ...]) -> Series:
    rank = {"error": 0, "failed": 1, "passed": 2}
    return Series(
        name="expectations",
        title="Expectations, failed ones first",
        columns=("expectation", "column", "observed", "expected", "status", "source"),
        rows=tuple(
            (one.expectation, one.column, one.observed, one.expected, one.status, one.source)
            for one in sorted(outcomes, key=lambda one: rank[one.status])
        ),
    )

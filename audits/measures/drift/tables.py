"""The tables of drift, for people: columns with the worst first, their bins, correlations, and what tells the data apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audits.intervals import critical_value
from audits.measures.drift.column_drift import Bin, ColumnDrift
from audits.measures.drift.distances import psi_terms
from audits.measures.drift.outcome import DRIFTED, FAILED, Verdict
from audits.measures.drift.results import Whole
from audits.series import Series

_MOST_CATEGORIES, _MOST_PAIRS, _MOST_NAMED = 30, 50, 20
_COLUMNS = (
    "column",
    "role",
    "kind",
    "state",
    "psi",
    "psi_low",
    "psi_high",
    "ks_statistic",
    "wasserstein_distance",
    "jensen_shannon_distance",
    "cramers_v",
    "p_value",
    "psi_p_value",
    "missing_reference",
    "missing_current",
    "new_categories",
    "vanished_categories",
    "note",
)


def tables_of(verdicts: Sequence[Verdict], whole: Whole, confidence: float) -> list[Series]:
    """All series of a report of drift."""
    ordered = sorted(verdicts, key=_worst_first)
    tables = [
        Series(
            name="drift",
            title="Columns, the worst first",
            columns=_COLUMNS,
            rows=tuple(_row(verdict, confidence) for verdict in ordered),
        )
    ]
    tables += [_histogram(verdict.column) for verdict in ordered if not verdict.column.failure]
    if whole.changes:
        tables.append(_pairs(whole))
    if whole.domain is not None:
        tables.append(
            Series(
                name="domain_classifier",
                title="What tells the two data sets apart",
                columns=("column", "importance"),
                rows=tuple(whole.domain.importances.items()),
            )
        )
    return tables


def _worst_first(verdict: Verdict) -> tuple[int, float, str]:
    rank = {FAILED: 0, DRIFTED: 1}.get(verdict.state, 2)
    return rank, -(verdict.column.psi.value if verdict.column.psi else 0.0), verdict.column.name


def _row(verdict: Verdict, confidence: float) -> tuple[Any, ...]:
    column = verdict.column
    if column.failure:
        return (column.name, column.role, None, verdict.state, *[None] * 11, [], [], column.failure)
    z = critical_value(confidence)
    psi = column.psi_limits(z)
    moved = column.moved_limits(confidence) if column.functions else None
    return (
        column.name,
        column.role,
        column.kind,
        verdict.state,
        psi.value,
        psi.low,
        psi.high,
        column.functions.ks if column.functions else None,
        moved.value if moved else None,
        column.js_limits(z).value,
        column.v_limits(z).value if column.v else None,
        verdict.p_value,
        column.psi_p_value,
        column.missing[0] / column.rows[0],
        column.missing[1] / column.rows[1],
        list(column.new[:_MOST_NAMED]),
        list(column.vanished[:_MOST_NAMED]),
        _note(column),
    )


def _note(column: ColumnDrift) -> str:
    parts = [column.note] if column.note else []
    for names, what in ((column.new, "new"), (column.vanished, "vanished")):
        if len(names) > _MOST_NAMED:
            parts.append(f"{len(names)} categories are {what}; {_MOST_NAMED} are named")
    return "; ".join(parts)


def _histogram(column: ColumnDrift) -> Series:
    terms = psi_terms(*(np.array([getattr(each, side) for each in column.bins]) for side in ("reference", "current")))
    shown = list(zip(column.bins, terms.tolist(), strict=True))
    if column.kind == "category" and len(shown) > _MOST_CATEGORIES:
        shown.sort(key=lambda pair: (-pair[0].reference - pair[0].current, pair[0].name))
        rest = shown[_MOST_CATEGORIES:]
        other = Bin(
            f"({len(rest)} others)", None, None, sum(b.reference for b, _ in rest), sum(b.current for b, _ in rest)
        )
        shown = [*shown[:_MOST_CATEGORIES], (other, sum(term for _, term in rest))]
    return Series(
        name="drift_histogram",
        title=f"{column.name}: reference and current",
        slice={"column": column.name},
        columns=("bin", "low", "high", "reference", "current", "reference_share", "current_share", "psi"),
        rows=tuple(
            (b.name, b.low, b.high, b.reference, b.current, b.reference / column.rows[0], b.current / column.rows[1], t)
            for b, t in shown
        ),
    )


def _pairs(whole: Whole) -> Series:
    return Series(
        name="correlation_change",
        title="Correlations that changed most",
        columns=("first", "second", "reference", "current", "change", "low", "high"),
        rows=tuple(
            (c.first, c.second, c.reference, c.current, c.value, c.low, c.high)
            for c in (whole.changes or ())[:_MOST_PAIRS]
        ),
    )

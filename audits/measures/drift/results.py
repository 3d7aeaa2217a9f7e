"""The measurements of drift, for rules. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audits.auc import auc_interval
from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.drift.column_drift import ColumnDrift, Distance
from audits.measures.drift.correlations import Change
from audits.measures.drift.domain_classifier import Domain
from audits.measures.drift.outcome import DRIFTED, FAILED, Verdict
from audits.measures.drift.significance import psi_critical

_NAMED = 10
_METRICS = ("psi", "drift_p_value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What was found about the data sets as a whole; ``None`` with the reason where nothing could be."""

    changes: Sequence[Change] | None
    no_changes: str
    domain: Domain | None
    no_domain: str


def measurements_of(verdicts: Sequence[Verdict], whole: Whole, confidence: float) -> list[Measurement]:
    """All measurements at one confidence: of the whole, then of every column."""
    found = [_drifted_share(verdicts, confidence), _correlation(whole, confidence), _domain(whole, confidence)]
    for verdict in verdicts:
        found += _of_column(verdict, confidence)
    return found


def _drifted_share(verdicts: Sequence[Verdict], confidence: float) -> Measurement:
    k = len(verdicts)
    moved = [verdict.column.name for verdict in verdicts if verdict.state == DRIFTED]
    failed = [verdict.column.name for verdict in verdicts if verdict.state == FAILED]
    note = f"{len(moved)} of {k} columns drifted{_listed(moved)}"
    if failed:
        note += f"; {len(failed)} could not be compared and count as drifted{_listed(failed)}"
    return Measurement(
        metric="drifted_share",
        value=(len(moved) + len(failed)) / k,
        low=sum(verdict.surely for verdict in verdicts) / k,
        high=sum(verdict.possibly for verdict in verdicts) / k,
        n=k,
        method="simultaneous effect sizes",
        confidence=confidence,
        note=note,
    )


def _correlation(whole: Whole, confidence: float) -> Measurement:
    if not whole.changes:
        return _undefined("correlation_change", {}, whole.no_changes, confidence)
    largest = whole.changes[0]
    limits = [change.size_limits for change in whole.changes]
    value = abs(largest.value)
    return Measurement(
        metric="correlation_change",
        value=value,
        low=min(value, max(low for low, _ in limits)),
        high=max(value, *(high for _, high in limits)),
        n=largest.rows,
        method="fisher-zou-sidak",
        confidence=confidence,
        note=f"{largest.first} with {largest.second}: {largest.reference:.3f}, now {largest.current:.3f}; "
        f"the largest of {len(limits)} pairs",
    )


def _domain(whole: Whole, confidence: float) -> Measurement:
    if whole.domain is None:
        return _undefined("domain_classifier_roc_auc", {}, whole.no_domain, confidence)
    auc = whole.domain.auc
    low, high, method = auc_interval(auc, critical_value(confidence))
    best = next(iter(whole.domain.importances))
    return Measurement(
        metric="domain_classifier_roc_auc",
        value=auc.value,
        low=low,
        high=high,
        n=sum(whole.domain.rows),
        method=f"{method}, cross-validated",
        confidence=confidence,
        note=f"0.5 if the data cannot be told apart; {best} tells most",
    )


def _of_column(verdict: Verdict, confidence: float) -> list[Measurement]:
    column = verdict.column
    where = {"column": column.name}
    if column.failure:
        return [_undefined(metric, where, column.failure, confidence) for metric in _METRICS]
    z = critical_value(confidence)
    freedom = len(column.bins) - 1
    chance = psi_critical(freedom, *column.rows, confidence) if min(column.rows) else 0.0
    found = [
        _size(
            column,
            "psi",
            column.psi_limits(z),
            "noncentral-delta",
            confidence,
            f"chance alone gives up to {chance:.2g}",
        ),
        _size(column, "jensen_shannon_distance", column.js_limits(z), "noncentral-delta", confidence),
    ]
    if column.v is not None:
        found.append(_size(column, "cramers_v", column.v_limits(z), "noncentral-delta", confidence))
    if column.functions is not None:
        found += _of_functions(column, confidence)
    found.append(
        Measurement(
            metric="drift_p_value",
            slice=where,
            value=verdict.p_value,
            n=column.n,
            method=column.test,
            confidence=confidence,
            note=f"corrected for the number of columns; {verdict.state}",
        )
    )
    return found


def _of_functions(column: ColumnDrift, confidence: float) -> list[Measurement]:
    assert column.functions is not None
    moved = column.moved_limits(confidence)
    where = {"column": column.name}
    return [
        _size(column, "ks_statistic", column.ks_limits(confidence), "kolmogorov-band", confidence, column.note),
        _size(column, "wasserstein_distance", moved, "lipschitz-bootstrap", confidence, column.note)
        if moved
        else _undefined(
            "wasserstein_distance",
            where,
            f"the reference does not vary, so that there is no unit; in the column's own the distance is {column.functions.moved:.6g}",
            confidence,
        ),
    ]


def _size(
    column: ColumnDrift, metric: str, size: Distance, method: str, confidence: float, note: str = ""
) -> Measurement:
    return Measurement(
        metric=metric,
        slice={"column": column.name},
        value=size.value,
        low=size.low,
        high=size.high,
        n=column.n,
        method=method,
        confidence=confidence,
        note=note,
    )


def _undefined(metric: str, where: dict[str, str], why: str, confidence: float) -> Measurement:
    return Measurement(metric=metric, slice=where, value=None, n=0, method="none", confidence=confidence, note=why)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f" ({', '.join(names[:_NAMED])}{more})" if names else ""

"""Exhibits of drift, the worst columns first, and of features that give sensitive attributes away. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from audits.charts import Row, interval_chart
from audits.exhibit import Column, Exhibit, measured, note, p_value, share, table_exhibit, text
from audits.histogram_charts import Panel, panels_chart
from audits.series import Series
from audits.tables import Cell
from audits.wording import STATUS_MARKS, number, whole

MOST_COLUMNS = 12
"""So many columns stand in one picture, the worst first; the table has all."""

_STATES = {"drifted": "fail", "not compared": "error"}


def state(value: Any) -> Cell:
    """What became of a column, by shape, word and colour."""
    name = _STATES.get(value, "pass")
    return (name, f"{STATUS_MARKS[name]} {value}")


_DRIFT = (
    Column("column", "Column"), Column("state", "State", state), Column("psi", "PSI", measured),
    Column("ks_statistic", "KS", measured), Column("wasserstein_distance", "Wasserstein", measured),
    Column("jensen_shannon_distance", "Jensen–Shannon", measured), Column("cramers_v", "Cramér’s V", measured),
    Column("p_value", "p, corrected", p_value), Column("missing_reference", "Missing before", share),
    Column("missing_current", "Missing now", share), Column("new_categories", "New", text),
    Column("vanished_categories", "Vanished", text), Column("note", "Note", note),
)  # fmt: skip
_BINS = (
    Column("bin", "Values"), Column("reference_share", "Reference", share), Column("current_share", "Current", share),
    Column("psi", "Part of PSI", measured),
)  # fmt: skip
_PAIRS = (
    Column("first", "Column"), Column("second", "and"), Column("reference", "Before", measured),
    Column("current", "Now", measured), Column("change", "Change", measured), Column("low", "Low", measured),
    Column("high", "High", measured),
)  # fmt: skip
_PROXIES = (
    Column("attribute", "Attribute"), Column("features", "Features"), Column("roc_auc", "ROC AUC", measured),
    Column("low", "Low", measured), Column("high", "High", measured), Column("n", "n", measured),
    Column("note", "Note", note),
)  # fmt: skip


def columns(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Columns that drifted or could not be compared; the steady ones only when asked for."""
    yield table_exhibit(
        f"{kind}-columns", series[0].title, series, _DRIFT, matters=lambda record: record["state"] in _STATES,
        rest_title=("{n} column that did not drift", "{n} columns that did not drift"),
    )  # fmt: skip
    measured_ones = [record for record in series[0].records() if record["psi"] is not None][:MOST_COLUMNS]
    if measured_ones:
        yield table_exhibit(
            f"{kind}-psi", "How far each column moved", series, _DRIFT[:8], draw=partial(_psi, measured_ones), plot=True,
            note="Population stability index with its interval; the columns that moved most.",
        )  # fmt: skip


def _psi(records: list[dict[str, Any]]) -> str:
    rows = [
        Row(label=record["column"], value=record["psi"], low=record["psi_low"], high=record["psi_high"], n=0)
        for record in records
    ]
    return interval_chart(rows, axis="Population stability index (PSI)", title="How far each column moved", sizes=False)


def histograms(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The distributions of the columns that moved most, before and now."""
    worst = series[:MOST_COLUMNS]
    left = f" The {len(worst)} that moved most of {len(series)} columns." if len(worst) < len(series) else ""
    yield table_exhibit(
        f"{kind}-histograms", "Distributions, reference and current", worst, _BINS, group="Column",
        draw=partial(_histograms, worst), plot=True, note=f"Grey: reference. Line: current.{left}",
    )  # fmt: skip


def _histograms(series: list[Series]) -> str:
    panels = []
    for item in series:
        records = item.records()
        psi = sum(record["psi"] or 0.0 for record in records)
        panels.append(
            Panel(
                title=item.slice["column"],
                ticks=tuple(_tick(record, few=len(records) <= _FEW) for record in records),
                filled=tuple(record["reference_share"] or 0.0 for record in records),
                outlined=tuple(record["current_share"] or 0.0 for record in records),
                note=f"PSI {number(psi)}",
            )
        )
    names = "; ".join(f"{panel.title}, {panel.note}" for panel in panels)
    return panels_chart(panels, title="Distributions, reference and current", said=f"{names}.")


def _tick(record: dict[str, Any], *, few: bool) -> str:
    """A bin's own name where there are few; else the edge that bounds it."""
    low, high = record["low"], record["high"]
    if few or (low is None and high is None):
        return str(record["bin"])
    return f"below {_bound(high)}" if low is None else f"{_bound(low)} and more"


def _bound(value: float) -> str:
    return whole(value) if abs(value) >= _LARGE else f"{value:.4g}".replace("-", "−")


_LARGE, _FEW = 10_000, 5


def correlations(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Pairs of columns whose correlation changed most."""
    yield table_exhibit(f"{kind}-correlations", series[0].title, series, _PAIRS, most=12)


def domain(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The columns by which a classifier tells the two data sets apart."""
    shown = (Column("column", "Column"), Column("importance", "Importance", measured))
    yield table_exhibit(f"{kind}-domain", series[0].title, series, shown, most=12)


def proxies(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """For each sensitive attribute the features that tell it best."""
    for attribute in dict.fromkeys(record["attribute"] for item in series for record in item.records()):
        rows = tuple(row for item in series for row in item.rows if row[0] == attribute)
        part = Series(name="proxies", title=series[0].title, columns=series[0].columns, rows=rows)
        yield table_exhibit(
            f"{kind}-{attribute}", f"What tells {attribute}", [part], _PROXIES, draw=partial(_proxies, part, attribute),
            note="0.5: the feature tells nothing; 1: it tells the attribute completely.",
        )  # fmt: skip


def _proxies(series: Series, attribute: str) -> str:
    records = [record for record in series.records() if record["roc_auc"] is not None]
    rows = [Row(label=r["features"], value=r["roc_auc"], low=r["low"], high=r["high"], n=r["n"]) for r in records]
    rows.sort(key=lambda row: -(row.value or 0.0))
    title = f"What tells {attribute}"
    return interval_chart(rows[: 2 * MOST_COLUMNS], axis="ROC AUC", title=title, threshold=0.5, mark="tells nothing")

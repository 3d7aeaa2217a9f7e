"""Exhibits of a model under load: percentiles by rate, distributions, what it bore, and where it was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from audits.charts import Row, interval_chart, most_telling
from audits.exhibit import Column, Exhibit, counted, measured, table_exhibit, text
from audits.histogram_charts import Panel, panels_chart
from audits.series import Series
from audits.tables import Cell
from audits.wording import number, whole

MOST_PANELS = 8

_SHOWN = {"p50": "p50", "p95": "p95", "p99": "p99"}


def _rate(value: Any) -> Cell:
    """A rate, or a time, with as many digits as it has meaning."""
    if not isinstance(value, int | float):
        return measured(value)
    return ("number", whole(round(value)) if abs(value) >= _HUNDRED else f"{value:.3g}")


_HUNDRED = 100
_LATENCY = (
    Column("model", "Model"), Column("rate", "Requests per second", _rate), Column("batch_size", "Rows each", counted),
    Column("n", "Requests", counted), Column("p50", "Median, ms", measured), Column("p95", "p95, ms", measured),
    Column("p99", "p99, ms", measured), Column("p999", "p99.9, ms", measured), Column("achieved", "Answered per second", _rate),
    Column("failed", "Failed", counted), Column("timed_out", "Timed out", counted),
)  # fmt: skip
_BINS = (
    Column("from_ms", "From, ms", measured), Column("to_ms", "To, ms", measured), Column("requests", "Requests", counted),
)  # fmt: skip


def _borne(value: Any) -> Cell:
    return ("pass", "✓ borne") if value else ("fail", "✗ too much")


_TRIALS = (
    Column("batch_size", "Rows each", counted), Column("rate", "Requests per second", _rate),
    Column("achieved", "Answered per second", _rate), Column("sustained", "Outcome", _borne), Column("why", "Why", text),
)  # fmt: skip


def _fact(value: Any) -> Cell:
    return _rate(value) if isinstance(value, float) else text(value)


_MACHINE = (Column("fact", "Fact"), Column("value", "Value", _fact))


def latency(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Percentiles by rate and batch size, each with its interval."""
    rows = [row for item in series for record in item.records() for row in _dots(record)]
    draw = partial(_latencies, rows) if rows else None
    yield table_exhibit(
        f"{kind}-latency", series[0].title, series, _LATENCY, draw=draw,
        note="From the time at which a request was meant to be sent to its answer; requests without an answer count as slower "
        "than any. An en dash: not enough requests to tell.",
    )  # fmt: skip


def _dots(record: dict[str, Any]) -> Iterator[Row]:
    who = "" if record["model"] == "version" else f"{record['model']}: "
    for name, words in _SHOWN.items():
        if record[name] is None:
            continue
        label = f"{who}{record['rate']:g}/s × {record['batch_size']:g}, {words}"
        yield Row(
            label=label, value=record[name], low=record[f"{name}_low"], high=record[f"{name}_high"], n=record["n"]
        )


def _latencies(rows: list[Row]) -> str:
    return interval_chart(most_telling(rows), axis="Latency, ms", title="Latency by rate")


def histograms(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The distribution of latencies at every rate, on a logarithmic scale."""
    shown = [item for item in series if item.rows][:MOST_PANELS]
    if shown:
        yield table_exhibit(
            f"{kind}-histograms", series[0].title, shown, _BINS, group="Load", draw=partial(_histograms, shown), plot=True,
            note="Bars of the same width on a logarithmic scale.",
        )  # fmt: skip


def _histograms(series: list[Series]) -> str:
    panels = []
    for item in series:
        records = item.records()
        panels.append(
            Panel(
                title=f"{item.slice['rate']} a second × {item.slice['batch_size']}",
                ticks=tuple(f"{number(record['from_ms'], decimals=1)} ms" for record in records),
                filled=tuple(record["share"] for record in records),
                note=f"n {whole(sum(record['requests'] for record in records))}",
            )
        )
    said = "; ".join(
        f"{panel.title}, {panel.note}, from {panel.ticks[0]} to {number(item.records()[-1]['to_ms'], decimals=1)} ms"
        for panel, item in zip(panels, series, strict=True)
    )
    return panels_chart(panels, title="Distribution of latencies", said=f"{said}.")


def saturation(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The rates that were tried, ascending."""
    yield table_exhibit(f"{kind}-saturation", series[0].title, series, _TRIALS)


def machine(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Where and how it was measured."""
    yield table_exhibit(f"{kind}-machine", series[0].title, series, _MACHINE)

"""Exhibits of scans: personal data by column, worst slices, errors of a regression. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from audits.charts import Row, interval_chart
from audits.exhibit import Column, Exhibit, counted, measured, note, share, table_exhibit, text
from audits.histogram_charts import Panel, panels_chart
from audits.metric_words import metric_words
from audits.series import Series
from audits.wording import number, whole

_PERSONAL_DATA = (
    Column("column", "Column"), Column("entity", "What"), Column("country", "Country"), Column("rate", "Share", share),
    Column("distinct", "Distinct", counted), Column("confidence", "Confidence", share), Column("why", "Why", note),
    Column("examples", "Masked examples", note),
)  # fmt: skip
_SCANNED = (
    Column("column", "Column"), Column("kind", "Holds"), Column("values", "Values", counted),
    Column("rate", "Personal", share), Column("entities", "What", text),
)  # fmt: skip
_SLICES = (
    Column("slice", "Slice"), Column("n", "n", counted), Column("value", "Value", measured),
    Column("low", "Low", measured), Column("high", "High", measured), Column("overall", "Everybody", measured),
    Column("surely_worse", "Surely worse", text),
)  # fmt: skip
_RESIDUALS = (Column("lower", "From", measured), Column("upper", "To", measured), Column("n", "n", counted))

_MOST_SLICES = 15


def personal_data(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What was found in which column, the surest first; below the confidence that counts, only when asked for."""
    if not any(item.rows for item in series):
        return
    yield table_exhibit(
        f"{kind}-personal-data", series[0].title, series, _PERSONAL_DATA, matters=lambda record: record["reported"],
        rest_title=("{n} possible finding, too unsure to count", "{n} possible findings, too unsure to count"),
        note="Examples are masked; the original values are in the data alone.",
    )  # fmt: skip


def scanned_columns(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Every column that was read, so that nothing found can be told from not looked at."""
    read = sum(len(item.rows) for item in series)
    yield table_exhibit(
        f"{kind}-scanned", f"{read} columns were scanned; those with personal data", series, _SCANNED, matters=lambda record: bool(record["entities"]),
        rest_title=("{n} column in which nothing was found", "{n} columns in which nothing was found"),
    )  # fmt: skip


def slices(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The worst slices by each metric, against everybody."""
    for item in series:
        if not item.rows:
            continue
        metric = item.records()[0]["metric"]
        yield table_exhibit(
            f"{kind}-slices-{metric}", item.title, [item], _SLICES, draw=partial(_slices, item, metric),
            note="Intervals hold for all slices that were looked at, at once. Dashed: everybody.",
        )  # fmt: skip


def _slices(series: Series, metric: str) -> str:
    records = series.records()[:_MOST_SLICES]
    rows = [Row(label=r["slice"], value=r["value"], low=r["low"], high=r["high"], n=r["n"]) for r in records]
    overall = records[0]["overall"]
    return interval_chart(rows, axis=metric_words(metric), title=series.title, threshold=overall, mark="everybody")


def residuals(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """How often which error occurs."""
    for index, item in enumerate(series):
        yield table_exhibit(
            f"{kind}-residuals-{index}", item.title, [item], _RESIDUALS, draw=partial(_residuals, item), plot=True
        )


def _residuals(series: Series) -> str:
    records = series.records()
    total = sum(record["n"] for record in records) or 1

    def name(low: float | None, high: float | None) -> str:
        if low is None:
            return f"below {number(high)}"
        return f"above {number(low)}" if high is None else f"{number(low)} to {number(high)}"

    names = [name(record["lower"], record["upper"]) for record in records]
    panel = Panel(
        title=series.title,
        ticks=tuple(names),
        filled=tuple(record["n"] / total for record in records),
        note=f"n {whole(total)}",
    )
    said = "; ".join(f"{name}: {whole(record['n'])}" for name, record in zip(names, records, strict=True))
    return panels_chart([panel], title=series.title, said=f"{said}.", across=1)

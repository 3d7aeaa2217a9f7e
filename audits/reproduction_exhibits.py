"""Exhibits of a rebuilt model beside the submitted one: files, metrics, and how far their scores lie apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from audits.exhibit import Column, Exhibit, counted, measured, table_exhibit, text
from audits.histogram_charts import Panel, panels_chart
from audits.metric_words import metric_words
from audits.series import Series
from audits.tables import Cell
from audits.wording import STATUS_MARKS, percent, whole


def _metric(value: Any) -> Cell:
    return text(metric_words(str(value)))


def _within(value: Any) -> Cell:
    status = "pass" if value else "fail"
    return (status, f"{STATUS_MARKS[status]} {'within' if value else 'beyond'}")


_SIDES = (Column("what", "What"), Column("submitted", "Submitted"), Column("rebuilt", "Rebuilt"))
_METRICS = (
    Column("metric", "Metric", _metric), Column("group", "Of"), Column("submitted", "Submitted", measured),
    Column("rebuilt", "Rebuilt", measured), Column("difference", "Difference", measured),
    Column("within", "Tolerance", _within),
)  # fmt: skip
_SCORES = (Column("difference", "Difference of scores"), Column("rows", "Rows", counted))


def sides(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Digests, seed and how the script ended."""
    yield table_exhibit(f"{kind}-files", series[0].title, series, _SIDES)


def metrics(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The metrics of both, those beyond the tolerance first."""
    first = series[0]
    ordered = sorted(first.rows, key=lambda row: bool(row[first.columns.index("within")]))
    shown = Series(name=first.name, title=first.title, columns=first.columns, rows=tuple(ordered))
    yield table_exhibit(f"{kind}-metrics", first.title, [shown], _METRICS)


def scores(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Rows by how far the two scores lie apart."""
    yield table_exhibit(
        f"{kind}-scores", series[0].title, series, _SCORES, draw=partial(_draw, series[0]), plot=True,
        note="The largest difference over all scores of a row.",
    )  # fmt: skip


def _draw(series: Series) -> str:
    records = series.records()
    total = sum(record["rows"] for record in records) or 1
    panel = Panel(
        title="Difference of scores",
        ticks=tuple(_tick(str(record["difference"])) for record in records),
        filled=tuple(record["rows"] / total for record in records),
        note=f"{whole(total)} rows",
    )
    said = "; ".join(f"{record['difference']}: {percent(record['rows'] / total)}" for record in records)
    return panels_chart([panel], title=series.title, said=f"{said}.", across=1)


def _tick(words: str) -> str:
    """As short as it stands under a bar."""
    short = words.replace("up to ", "≤ ").replace("more than ", "> ")
    return short.replace("e-0", "e-").replace("e-", "e−")


def log(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The last lines that the script printed."""
    yield table_exhibit(f"{kind}-log", series[0].title, series, (Column("line", "Printed"),))

"""Exhibits of a challenger beside the champion: who changes sides first, then paired differences, then amounts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from audits.charts import Row, interval_chart, most_telling
from audits.exhibit import Column, Exhibit, counted, measured, share, table_exhibit, text
from audits.flip_charts import Sides, flips_chart
from audits.metric_words import metric_words
from audits.series import Series
from audits.tables import Cell
from audits.wording import EN_DASH, MINUS, whole

MOST_GROUPS = 24
"""So many groups stand in a picture of changed sides, the largest share first; the table has more."""

_LOSSES = ("log_loss", "brier_score_loss")
_DRAWN = ("accuracy_score", "recall_score", "false_positive_rate", "selection_rate", "roc_auc_score")


def _down(value: Any) -> Cell:
    return ("number", EN_DASH if value is None else f"{whole(value)} ↓" if value else "0")


def _up(value: Any) -> Cell:
    return ("number", EN_DASH if value is None else f"{whole(value)} ↑" if value else "0")


def _decision(value: Any) -> Cell:
    return ("text", "positive" if value else "negative")


def _metric(value: Any) -> Cell:
    lower = ", lower is better" if value in _LOSSES else ""
    return ("text", f"{metric_words(value)}{lower}")


def _amount(value: Any) -> Cell:
    return ("number", EN_DASH if value is None else f"{value:,.2f}".replace("-", MINUS))


_FLIPS = (
    Column("rows", "Decisions", counted), Column("to_negative", "To negative", _down),
    Column("to_negative_label_1", "truly positive", counted), Column("to_positive", "To positive", _up),
    Column("to_positive_label_0", "truly negative", counted), Column("flip_rate", "Changed", share),
    Column("low", "Low", share), Column("high", "High", share), Column("champion_selected", "Positive before", counted),
    Column("challenger_selected", "Positive now", counted),
)  # fmt: skip
_ROWS = (
    Column("key", "Key"), Column("group", "Group"), Column("label", "Truth", _decision),
    Column("champion", "Champion", _decision), Column("challenger", "Challenger", _decision),
)  # fmt: skip
_DIFFERENCES = (
    Column("metric", "Metric", _metric), Column("group", "Group", text), Column("champion", "Champion", measured),
    Column("challenger", "Challenger", measured), Column("difference", "Difference", measured),
    Column("low", "Low", measured), Column("high", "High", measured), Column("n", "n", counted),
)  # fmt: skip
_BENEFITS = (
    Column("rows", "Decisions", counted), Column("champion", "Champion", _amount),
    Column("challenger", "Challenger", _amount), Column("difference", "Difference", _amount), Column("low", "Low", _amount),
    Column("high", "High", _amount), Column("per_1000", "In 1,000 decisions", _amount), Column("currency", "Currency"),
)  # fmt: skip


def flips(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Who changes sides, over everybody and by every set of columns, the largest share first."""
    for index, item in enumerate(series):
        ordered = _sorted(item, "flip_rate")
        grouped = len(item.rows) > 1
        yield table_exhibit(
            f"{kind}-flips-{index}", item.title, [ordered], [Column("group", "Group"), *_FLIPS],
            draw=partial(_flips, ordered) if grouped or len(series) == 1 else None,
            note="From the champion's decision to the challenger's; each interval is of its group alone." if grouped else "",
        )  # fmt: skip


def _sorted(series: Series, by: str) -> Series:
    place = series.columns.index(by)
    rows = sorted(series.rows, key=lambda row: -(row[place] if row[place] is not None else -1.0))
    return Series(name=series.name, title=series.title, slice=series.slice, columns=series.columns, rows=tuple(rows))


def _flips(series: Series) -> str:
    rows = [
        Sides(label=r["group"], n=r["rows"], to_negative=r["to_negative"], to_positive=r["to_positive"])
        for r in series.records()[:MOST_GROUPS]
    ]
    return flips_chart(rows, title=series.title)


def flipped_rows(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """A few of the rows that change sides, by their key."""
    yield table_exhibit(
        f"{kind}-flipped-rows", series[0].title, series, _ROWS,
        note="The first of each direction, in the order of the challenger's predictions.",
    )  # fmt: skip


def differences(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Both values of every metric with the paired difference, over everybody, then by every set of columns."""
    for index, item in enumerate(series):
        grouped = any(record["group"] != "everyone" for record in item.records())
        shown = _DIFFERENCES if grouped else tuple(column for column in _DIFFERENCES if column.name != "group")
        together = " Intervals of one metric hold for all groups together." if grouped else ""
        yield table_exhibit(
            f"{kind}-differences-{index}", item.title, [item], shown,
            draw=partial(_differences, item, grouped) if _drawn(item) else None, plot=grouped,
            note=f"Challenger minus champion on the same rows.{together}",
        )  # fmt: skip


def _drawn(series: Series) -> list[dict[str, Any]]:
    return [r for r in series.records() if r["metric"] in _DRAWN and r["difference"] is not None]


def _differences(series: Series, grouped: bool) -> str:
    records = _drawn(series)
    rows = [
        Row(
            label=f"{metric_words(r['metric'])}, {r['group']}" if grouped else metric_words(r["metric"]),
            value=r["difference"],
            low=r["low"],
            high=r["high"],
            n=r["n"],
        )
        for metric in _DRAWN
        for r in _by_value([record for record in records if record["metric"] == metric])
    ]
    return interval_chart(
        most_telling(rows), axis="Challenger − champion", title=series.title, threshold=0.0, mark="no difference"
    )


def _by_value(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: -record["difference"])


def benefit(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What decisions are worth with either model, in the use case's currency."""
    for index, item in enumerate(series):
        currency = item.records()[0]["currency"]
        grouped = len(item.rows) > 1
        together = "; the intervals hold for all groups together" if grouped else ""
        yield table_exhibit(
            f"{kind}-benefit-{index}", item.title, [item], [Column("group", "Group"), *_BENEFITS[:-1]],
            draw=partial(_benefit, item, currency) if grouped else None,
            note=f"{currency} per decision, by the amounts that the use case states{together}.",
        )  # fmt: skip


def _benefit(series: Series, currency: str) -> str:
    rows = [
        Row(label=r["group"], value=r["difference"], low=r["low"], high=r["high"], n=r["rows"])
        for r in _sorted(series, "difference").records()
    ]
    return interval_chart(
        most_telling(rows), axis=f"{currency} per decision, challenger − champion", title=series.title, threshold=0.0,
        mark="no difference",
    )  # fmt: skip

"""Exhibits of the groups of a data set: how many rows there are of each, beside the population. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from audits.charts import Row, interval_chart, most_telling
from audits.exhibit import Column, Exhibit, counted, measured, share, table_exhibit
from audits.series import Series

_SHARES = (
    Column("group", "Group"), Column("rows", "Rows", counted), Column("share", "Share", share),
    Column("share_low", "Low", share), Column("share_high", "High", share),
)  # fmt: skip
_POPULATION = (
    Column("population", "Of the population", share), Column("ratio", "Ratio", measured),
    Column("ratio_low", "Low", measured), Column("ratio_high", "High", measured),
)  # fmt: skip


def representation(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The groups, the fewest rows first; a picture of the ratios to the population, or else of the shares."""
    for index, item in enumerate(series):
        beside = any(record["population"] is not None for record in item.records())
        yield table_exhibit(
            f"{kind}-groups-{index}", item.title, [item], [*_SHARES, *(_POPULATION if beside else ())],
            draw=partial(_picture, item, "ratio" if beside else "share"),
            note="Every interval is of its group alone. Rows that name no group are the group unknown.",
        )  # fmt: skip


def _picture(series: Series, what: str) -> str:
    rows = [
        Row(
            label=record["group"],
            value=record[what],
            low=record[f"{what}_low"],
            high=record[f"{what}_high"],
            n=record["rows"] or 0,
            hollow=not record["rows"],
        )
        for record in series.records()
    ]
    if what == "ratio":
        return interval_chart(
            most_telling(rows), axis="Share by share of the population", title=series.title, threshold=1.0,
            mark="as in the population",
        )  # fmt: skip
    return interval_chart(most_telling(rows), axis="Share of the rows", title=series.title)

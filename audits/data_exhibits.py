"""Exhibits of data and groups: the bias audit's tables, anonymity, and what singles people out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from audits.charts import Row, interval_chart, most_telling
from audits.exhibit import Column, Exhibit, counted, measured, note, share, table_exhibit, text
from audits.histogram_charts import Panel, panels_chart
from audits.series import Series
from audits.wording import whole

_BIAS_AUDIT = (
    Column("category", "Category"), Column("assessed", "Assessed", counted),
    Column("favoured", "Favoured", counted),
    Column("rate", "Rate", measured), Column("rate_low", "Low", measured), Column("rate_high", "High", measured),
    Column("impact_ratio", "Impact ratio", measured), Column("ratio_low", "Low", measured),
    Column("ratio_high", "High", measured), Column("note", "Note", note),
)  # fmt: skip
_PUBLICATION = (Column("item", "What"), Column("value", "Stated", note))
_SIZES = (
    Column("from", "From", counted), Column("to", "To", counted), Column("classes", "Classes", counted),
    Column("rows", "Records", counted), Column("share_of_rows", "Share of records", share),
)  # fmt: skip
_IDENTIFYING = (
    Column("column", "Column"), Column("distinct", "Distinct values", counted),
    Column("uniqueness_alone", "Unique by it alone", share), Column("uniqueness_added", "Unique only with it", share),
    Column("k_without", "k without it", counted), Column("greedy_step", "Step", counted),
    Column("uniqueness_reached", "Unique after the step", share),
)  # fmt: skip
_SETS = (
    Column("columns", "Columns", text), Column("uniqueness", "Unique records", share), Column("k", "k", counted),
    Column("classes", "Classes", counted),
)  # fmt: skip


def bias_audit(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The law's tables, one each; the impact ratios with their intervals as a picture."""
    for index, item in enumerate(series):
        columns = [column for column in _BIAS_AUDIT if column.name in item.columns]
        yield table_exhibit(f"{kind}-table-{index}", item.title, [item], columns, draw=None)
        if any(record.get("impact_ratio") is not None for record in item.records()):
            yield table_exhibit(
                f"{kind}-ratios-{index}", _ratio_title(item), [item], columns,
                draw=partial(_ratios, item), plot=True,
                note="Four fifths is a statistical screen; the law sets no threshold. Intervals are ours, not the law's.",
            )  # fmt: skip


def _ratios(series: Series) -> str:
    rows = [
        Row(
            label=record["category"],
            value=record["impact_ratio"],
            low=record["ratio_low"],
            high=record["ratio_high"],
            n=record["assessed"],
            hollow=record["impact_ratio"] is None,
        )
        for record in series.records()
    ]
    rows.sort(key=lambda row: (row.value is None, -(row.value or 0.0), row.label))
    return interval_chart(
        most_telling(rows), axis="Impact ratio", title=_ratio_title(series), threshold=_FOUR_FIFTHS, mark="four fifths"
    )


def _ratio_title(series: Series) -> str:
    """``Impact ratios by sex``, from the title of the law's table."""
    kind, _, columns = series.title.split(";")[0].partition(" by ")
    return f"Impact ratios of {'scoring' if kind.startswith('Scoring') else 'selection'} by {columns}"


_FOUR_FIFTHS = 0.8


def publication(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What the law wants published beside the tables."""
    yield table_exhibit(f"{kind}-publication", series[0].title, series, _PUBLICATION)


def class_sizes(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """How many records have how many others like them."""
    yield table_exhibit(
        f"{kind}-class-sizes", series[0].title, series, _SIZES, draw=partial(_sizes, series[0]),
        note="Share of the records by the size of the class they are in: the first bar are those whom nothing hides.",
    )  # fmt: skip


def _sizes(series: Series) -> str:
    records = series.records()

    def name(low: int, high: int | None) -> str:
        if high is None:
            return f"{whole(low)}+"
        return whole(low) if low == high else f"{whole(low)}–{whole(high)}"

    panel = Panel(
        title="Records by size of their class",
        ticks=tuple(name(record["from"], record["to"]) for record in records),
        filled=tuple(record["share_of_rows"] for record in records),
        note=f"{whole(sum(record['rows'] for record in records))} records",
    )
    said = "; ".join(
        f"{name(record['from'], record['to'])}: {whole(record['rows'])} records in {whole(record['classes'])} classes"
        for record in records
    )
    return panels_chart([panel], title=series.title, said=f"{said}.", across=1)


def identifying_columns(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Which columns make records unique, worst first."""
    yield table_exhibit(f"{kind}-identifying", series[0].title, series, _IDENTIFYING)


def identifying_sets(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The smallest sets of columns that single people out."""
    yield table_exhibit(f"{kind}-sets", series[0].title, series, _SETS)

"""Exhibits of scores: calibration, distributions by label or group, and what other thresholds would do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from audits.curve_charts import Curve, ReliabilityBin, curves_chart, reliability_chart, reliability_panels
from audits.exhibit import Column, Exhibit, counted, measured, note, table_exhibit
from audits.histogram_charts import Panel, panels_chart
from audits.metric_words import metric_words
from audits.series import Series
from audits.tables import Cell, Table
from audits.wording import columns_words, group_words, interval, number, whole

CROSS = " × "

MOST_PANELS = 8
"""So many groups stand in one picture, the largest first; the table has all."""

_CALIBRATION = (
    Column("lower", "From", measured), Column("upper", "To", measured), Column("mean_score", "Mean score", measured),
    Column("observed_rate", "Observed rate", measured), Column("low", "Low", measured), Column("high", "High", measured),
    Column("n", "n", counted),
)  # fmt: skip
_MEANS = (
    Column("lower", "From", measured), Column("upper", "To", measured),
    Column("mean_prediction", "Mean prediction", measured), Column("mean_label", "Mean label", measured),
    Column("low", "Low", measured), Column("high", "High", measured), Column("n", "n", counted),
)  # fmt: skip
_DISTRIBUTION = (
    Column("lower", "From", measured), Column("upper", "To", measured), Column("n", "n", counted),
    Column("negatives", "Label 0", counted), Column("positives", "Label 1", counted),
)  # fmt: skip
_CURVES = ("precision_score", "recall_score", "selection_rate", "false_positive_rate")


def _size(series: Series) -> int:
    return sum(record["n"] or 0 for record in series.records())


def _largest(series: Sequence[Series]) -> list[Series]:
    return sorted(series, key=lambda item: (-_size(item), group_words(item.slice)))[:MOST_PANELS]


def calibration(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The reliability of everybody as one picture, and of groups, column by column, as small ones of another."""
    overall = [item for item in series if not item.slice]
    for item in overall:
        if "observed_rate" in item.columns:
            yield table_exhibit(
                f"{kind}-calibration", "Calibration: observed rate against predicted probability", [item], _CALIBRATION,
                note="Dots on the dashed line mean what they say; bars are intervals of the observed rate.",
                draw=partial(_reliability, item), plot=True,
            )  # fmt: skip
        else:
            yield table_exhibit(
                f"{kind}-calibration", item.title, [item], _MEANS, draw=partial(_means, item), plot=True,
                note="Dots on the dashed line mean what they say; bars are intervals of the mean label.",
            )  # fmt: skip
    for columns in _column_sets(series):
        groups = _largest([item for item in series if tuple(item.slice) == columns])
        yield table_exhibit(
            f"{kind}-calibration-{'-'.join(columns)}", f"Calibration by {columns_words(columns)}", groups, _CALIBRATION,
            group=columns_words(columns).capitalize(), draw=partial(_panels, groups, columns), plot=True, most=_MOST_OF_GROUPS,
            note="Observed rate (upward) by mean predicted probability; above the dashed line the score is too low.",
        )  # fmt: skip


def _column_sets(series: Sequence[Series]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(tuple(item.slice) for item in series if item.slice))


def _bins(series: Series) -> list[ReliabilityBin]:
    return [
        ReliabilityBin(
            lower=record["lower"], upper=record["upper"], score=record["mean_score"], rate=record["observed_rate"],
            low=record["low"], high=record["high"], n=record["n"],
        )
        for record in series.records()
    ]  # fmt: skip


def _reliability(series: Series) -> str:
    return reliability_chart(
        _bins(series), title="Calibration of everybody", axis="Observed rate", score_axis="Mean predicted probability"
    )


def _means(series: Series) -> str:
    bins = [
        ReliabilityBin(
            lower=record["lower"], upper=record["upper"], score=record["mean_prediction"], rate=record["mean_label"],
            low=record["low"], high=record["high"], n=record["n"],
        )
        for record in series.records()
    ]  # fmt: skip
    return reliability_chart(bins, title=series.title, axis="Mean label", score_axis="Mean prediction")


def _panels(series: Sequence[Series], columns: tuple[str, ...]) -> str:
    groups = [(group_words(item.slice), _bins(item)) for item in series]
    return reliability_panels(groups, title=f"Calibration by {columns_words(columns)}")


def distribution(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Scores of both labels over everybody; of each group (outlined) over everybody's (grey)."""
    overall = next((item for item in series if not item.slice), None)
    if overall is not None:
        yield table_exhibit(
            f"{kind}-scores", "Scores by what happened", [overall], _DISTRIBUTION, draw=partial(_by_label, overall), plot=True,
            note="Grey: rows with label 0. Line: rows with label 1. The less they overlap, the better the score tells.",
        )  # fmt: skip
    for columns in _column_sets(series):
        every = [item for item in series if tuple(item.slice) == columns]
        groups = _largest(every)
        left = f" The {len(groups)} largest of {len(every)} groups." if len(groups) < len(every) else ""
        yield table_exhibit(
            f"{kind}-scores-{'-'.join(columns)}", f"Scores by {columns_words(columns)}", every, _DISTRIBUTION,
            group=columns_words(columns).capitalize(), draw=partial(_by_group, groups, every, columns), plot=True, most=_MOST_OF_GROUPS,
            note=f"Grey: everybody. Line: the group.{left}",
        )  # fmt: skip


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(count / total if total else 0.0 for count in counts)


def _ticks(series: Series) -> tuple[str, ...]:
    records = series.records()
    return (
        number(records[0]["lower"], decimals=1),
        *([""] * (len(records) - 2)),
        number(records[-1]["upper"], decimals=1),
    )


def _by_label(series: Series) -> str:
    records = series.records()
    panel = Panel(
        title="Label 0 grey, label 1 as line",
        ticks=_ticks(series),
        filled=_shares([record["negatives"] for record in records]),
        outlined=_shares([record["positives"] for record in records]),
        note=f"n {whole(_size(series))}",
    )
    said = f"Share of rows by score, of {sum(r['negatives'] for r in records)} rows with label 0 and {sum(r['positives'] for r in records)} with label 1."
    return panels_chart([panel], title="Scores by what happened", said=said, across=1)


def _by_group(groups: Sequence[Series], every: Sequence[Series], columns: tuple[str, ...]) -> str:
    width = len(groups[0].rows)
    whole_counts = [sum(item.records()[place]["n"] for item in every) for place in range(width)]
    panels = [
        Panel(
            title=group_words(item.slice),
            ticks=_ticks(item),
            filled=_shares(whole_counts),
            outlined=_shares([record["n"] for record in item.records()]),
            note=f"n {whole(_size(item))}",
        )
        for item in groups
    ]
    names = ", ".join(panel.title for panel in panels)
    title = f"Scores by {columns_words(columns)}"
    return panels_chart(panels, title=title, said=f"Share of rows by score for {names}, each over everybody.")


def thresholds(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Rates over the decision threshold, for everybody."""
    for item in series:
        if item.slice:
            continue
        rates = [name for name in _CURVES if name in item.columns]
        columns = [Column("threshold", "Threshold", measured), *(Column(n, metric_words(n), measured) for n in rates)]
        if "selected" in item.columns:
            columns.append(Column("selected", "Selected", counted))
        steps = max(len(item.rows) // _MOST_THRESHOLDS, 1)
        few = replace(item, rows=item.rows[::steps])
        yield table_exhibit(
            f"{kind}-thresholds", "What other thresholds would do", [few], columns, most=2 * _MOST_THRESHOLDS,
            note="A row is selected where its score is at least the threshold.", draw=partial(_curves, item, rates), plot=True,
        )  # fmt: skip


_REMEDY_FIGURES = (
    ("Impact ratio", "demographic_parity_ratio", "ratio"), ("Equalized odds", "equalized_odds_difference", "odds"),
    ("Accuracy", "accuracy_score", "accuracy"),
)  # fmt: skip


def remedies(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What could be done about a gap between groups, and what it would cost: a suggestion, not a decision."""
    # Crossed columns have many thresholds and few people each: they stand in the evidence file.
    for index, item in enumerate(item for item in series if CROSS not in item.title):
        records = item.records()
        caveats = dict.fromkeys(record["caveat"] for record in records if record.get("caveat"))
        yield Exhibit(
            key=f"{kind}-remedies-{index}",
            title=item.title,
            note=f"A suggestion, not a decision. {' '.join(_sentence(caveat) for caveat in caveats)}".strip(),
            table=Table(
                heads=(
                    ("text", "Remedy"),
                    ("note", "Thresholds"),
                    *(("number", head) for head, _, _ in _REMEDY_FIGURES),
                ),
                rows=tuple(_remedy(record) for record in records),
            ),
        )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _remedy(record: Mapping[str, Any]) -> tuple[Cell, ...]:
    figures = []
    for _, name, short in _REMEDY_FIGURES:
        low, high = record.get(f"{short}_low"), record.get(f"{short}_high")
        bracket = f" ({interval(low, high)})" if low is not None and high is not None else ""
        figures.append(("number", f"{number(record.get(name))}{bracket}"))
    return (
        ("text", record["remedy"].removeprefix("group thresholds, ")),
        note(record.get("thresholds") or record.get("does")),
        *figures,
    )


_MOST_THRESHOLDS = 11
_MOST_OF_GROUPS = 12


def _curves(series: Series, rates: Sequence[str]) -> str:
    records = series.records()
    curves = [
        Curve(label=metric_words(name).lower(), points=tuple((record["threshold"], record[name]) for record in records))
        for name in rates
    ]
    return curves_chart(curves, title="Rates by decision threshold", axis="Decision threshold")

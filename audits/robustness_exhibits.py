"""Exhibits of robustness: what every slip does, which promises are kept, and who suffers most. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from audits.charts import Row, interval_chart
from audits.exhibit import Column, Exhibit, counted, measured, note, share, table_exhibit, text
from audits.series import Series
from audits.tables import Cell

MOST_ROWS = 20

_EFFECTS = (
    Column("perturbation", "What is done"), Column("feature", "To", lambda value: text(value or "all inputs")),
    Column("n", "Rows", counted), Column("flip_rate", "Decisions that flip", share),
    Column("shift_mean", "Mean shift of the score", measured), Column("shift_p95", "95 % of shifts up to", measured),
    Column("shift_max", "Largest", measured), Column("error_rate", "Refused", share),
    Column("accuracy_drop", "Accuracy lost", measured), Column("roc_auc_drop", "ROC AUC lost", measured),
    Column("message", "The model said", note),
)  # fmt: skip


def _kept(value: Any) -> Cell:
    if value is None:
        return ("missing", "not tried")
    return ("pass", "✓ kept") if value == 0 else ("fail", f"✗ {share(value)[1]}")


_PROMISES = (
    Column("id", "Id"), Column("promise", "Promise"), Column("violations", "Rows that break it", _kept),
    Column("low", "Low", share), Column("high", "High", share), Column("n", "n", counted),
    Column("largest", "Largest violation", measured), Column("refused", "Refused", counted),
    Column("examples", "Examples, by hash of the key", text),
)  # fmt: skip
_SLICES = (
    Column("perturbation", "What is done"), Column("slice", "Slice"), Column("n", "Rows", counted),
    Column("flip_rate", "Decisions that flip", share), Column("low", "Low", share), Column("high", "High", share),
)  # fmt: skip


def perturbations(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What slips do; those that change nothing only when asked for."""
    records = [record for item in series for record in item.records() if record["flip_rate"] is not None]
    worst = sorted(records, key=lambda record: (bool(record["feature"]), -record["flip_rate"]))[:MOST_ROWS]
    yield table_exhibit(
        f"{kind}-perturbations", series[0].title, series, _EFFECTS, matters=_matters,
        rest_title=("{n} slip that changes no decision", "{n} slips that change no decision"),
        draw=partial(_flips, worst) if worst else None,
    )  # fmt: skip


def _matters(record: Mapping[str, Any]) -> bool:
    return not record["feature"] or bool(record["flip_rate"]) or bool(record["error_rate"])


def _flips(records: list[dict[str, Any]]) -> str:
    rows = [
        Row(
            label=f"{record['perturbation']} {record['feature'] or 'of all'}",
            value=record["flip_rate"],
            low=record["flip_low"],
            high=record["flip_high"],
            n=record["n"],
        )
        for record in records
    ]
    return interval_chart(rows, axis="Share of decisions that flip", title="Decisions that flip")


def promises(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """What the manifest promises, and the share of rows that break it."""
    yield table_exhibit(f"{kind}-promises", series[0].title, series, _PROMISES)


def slices(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """The slices that suffer most; their limits hold for all slices that were looked at."""
    yield table_exhibit(f"{kind}-slices", series[0].title, series, _SLICES)

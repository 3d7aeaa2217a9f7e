"""The series of a report as exhibits: which picture shows each, which columns a reader wants, what matters first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from audits.dossier import EvaluationRecord
from audits.exhibit import Column, Exhibit, measured, table_exhibit, text
from audits.series import Series

Maker = Callable[[list[Series], EvaluationRecord], Iterator[Exhibit]]


def exhibits_of(evaluation: EvaluationRecord) -> list[Exhibit]:
    """What a document shows of an evaluation beside its rules, in the order in which the report holds it."""
    names = dict.fromkeys(item.name for item in evaluation.series)
    shown: list[Exhibit] = []
    for name in names:
        series = [item for item in evaluation.series if item.name == name]
        shown += MAKERS.get(name, plain)(series, evaluation)
    return shown


def plain(series: list[Series], evaluation: EvaluationRecord) -> Iterator[Exhibit]:
    """A table with every column, for series that no picture was made for."""
    first = series[0]
    columns = [Column(name, name.replace("_", " ").capitalize(), _format(series, name)) for name in first.columns]
    group = "Group" if any(item.slice for item in series) else ""
    yield table_exhibit(f"{evaluation.kind}-{first.name}", first.title, series, columns, group=group)


def _format(series: Sequence[Series], name: str) -> Callable[[Any], tuple[str, str]]:
    values = [record.get(name) for item in series for record in item.records()]
    given = [value for value in values if value is not None]
    numbers = bool(given) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in given)
    return measured if numbers else text


MAKERS: dict[str, Maker] = {}
"""Name of a series to what makes its exhibits."""

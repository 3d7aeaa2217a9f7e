"""Exhibits of data quality: columns with findings first, expectations that were not met first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audits.exhibit import Column, Exhibit, counted, note, share, table_exhibit, text
from audits.series import Series
from audits.tables import Cell
from audits.wording import STATUS_MARKS

_STATUS = {"passed": "pass", "failed": "fail", "error": "error"}


def status(value: Any) -> Cell:
    """``passed`` as ``✓ pass``, by shape, word and colour."""
    name = _STATUS.get(value, "error")
    return (name, f"{STATUS_MARKS[name]} {name}")


def value(found: Any) -> Cell:
    """A least or greatest value: a number without needless places, a text as it is."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return text(found)
    return ("number", f"{found:,.6g}".replace("-", "−"))


def problems(found: Any) -> Cell:
    """Sentences, one after another."""
    return note("; ".join(found or ()))


_COLUMNS = (
    Column("column", "Column"), Column("kind", "Holds"), Column("completeness", "Complete", share),
    Column("distinct", "Distinct", counted), Column("min", "Least", value), Column("max", "Greatest", value),
    Column("problems", "Findings", problems),
)  # fmt: skip
_EXPECTATIONS = (
    Column("status", "Status", status), Column("column", "Column"), Column("expectation", "Expectation"),
    Column("expected", "Expected"), Column("observed", "Observed"), Column("source", "From"),
)  # fmt: skip


def columns(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Columns with findings; the others only when asked for."""
    yield table_exhibit(
        f"{kind}-columns", series[0].title, series, _COLUMNS, matters=lambda record: bool(record["problems"]),
        rest_title=("{n} column without findings", "{n} columns without findings"),
    )  # fmt: skip


def expectations(kind: str, series: list[Series]) -> Iterator[Exhibit]:
    """Expectations that are not met; the others only when asked for."""
    yield table_exhibit(
        f"{kind}-expectations", series[0].title, series, _EXPECTATIONS,
        matters=lambda record: record["status"] != "passed", rest_title=("{n} expectation that is met", "{n} expectations that are met"),
    )  # fmt: skip

"""What is known of one data set, column by column: counts only. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audits.measures.drift.correlations import Correlations
from audits.measures.drift.numbers import Numbers

FAMILIES = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "text": "text",
    "date": "date",
    "time": "time",
    "other": "other",
}
"""Kind of an engine's column to what it can be compared with: whole numbers and others are one family."""

NUMERIC = ("number", "date", "time")
"""Families that are compared as numbers: dates and times as seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Categories:
    """One side of a column of categories: rows by category, as texts, and rows that have none."""

    counts: Mapping[str, int]
    missing: int

    @property
    def rows(self) -> int:
        """All rows."""
        return self.missing + sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One column of one data set.

    Attributes
    ----------
    family
        One of :data:`FAMILIES`.
    counted
        Its counts; none where ``failure`` says why it cannot be compared.
    given
        Rows with a value.
    """

    family: str
    counted: Numbers | Categories | None = None
    failure: str = ""
    given: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One data set: its rows, columns, and the correlations among its numbers."""

    rows: int
    columns: Mapping[str, Side]
    correlations: Correlations | None = None

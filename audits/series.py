"""A table that a report holds beside its measurements: the points of a curve, the bins of a histogram, a list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A named table of plain values.

    Attributes
    ----------
    name
        What it is, for programs: ``calibration``, ``threshold_curve``, ``score_distribution``, ``personal_data`` ...
    title
        What it is, for people.
    slice
        ``{column: group}`` that it is about; empty for everybody.
    columns
        Names of the columns, in snake case.
    rows
        One sequence of plain values (text, number, truth, ``None``, lists of texts) per row, as long as ``columns``.
    """

    name: str
    title: str
    slice: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...]
    rows: tuple[Sequence[Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "slice": dict(self.slice),
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Series:
        """Inverse of :meth:`as_json`."""
        return cls(
            name=data["name"],
            title=data["title"],
            slice=dict(data["slice"]),
            columns=tuple(data["columns"]),
            rows=tuple(tuple(row) for row in data["rows"]),
        )

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

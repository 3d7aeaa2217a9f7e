"""A table of a document: heads and rows of cells that say what they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

Cell = tuple[str, str]
"""``(class, text)``: the class is text, number, note or a status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Heads and rows of cells."""

    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def labelled(self) -> list[list[tuple[str, str, str]]]:
        """Rows of ``(class, head, text)``: on a phone each cell stands beside its head."""
        names = [name for _, name in self.heads]
        return [[(kind, name, text) for (kind, text), name in zip(row, names, strict=True)] for row in self.rows]

"""What documents show of a report beside its rules: a titled picture, a table, or both. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.metric_words import metric_value
from audits.series import Series
from audits.tables import Cell, Table
from audits.wording import EN_DASH, number, percent, whole

MOST_ROWS, MOST_OF_REST = 30, 12
"""So many rows of a table, and so many of those without anything of note, stand in documents; the evidence file holds all."""

Format = Callable[[Any], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One exhibit.

    Attributes
    ----------
    key
        Unique within a report; the same exhibit has the same key in every document.
    title
        A few words, without a full stop.
    note
        What a reader must know to read it; may be empty.
    draw
        Makes the SVG; ``None`` where the table says it all.
    table
        What matters of the numbers.
    rest
        Rows that hold nothing of note, shown only when asked for, with what they are called.
    omitted
        How many further rows stand in the evidence file alone.
    plot
        Whether the table is only what the picture was drawn from: a terminal then leaves it out.
    """

    key: str
    title: str
    table: Table
    note: str = ""
    draw: Callable[[], str] | None = None
    rest: tuple[tuple[Cell, ...], ...] = ()
    rest_title: str = ""
    omitted: int = 0
    plot: bool = False


def text(value: Any) -> Cell:
    """A text, a list of texts, a truth; an en dash for nothing."""
    if isinstance(value, list | tuple):
        return ("text", ", ".join(map(str, value)) or EN_DASH)
    if isinstance(value, bool):
        return ("text", "yes" if value else "no")
    return ("text", EN_DASH if value is None or value == "" else str(value))


def measured(value: Any) -> Cell:
    """A measured number with three decimals; large ones with none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ("number", text(value)[1])
    return ("number", whole(value) if isinstance(value, int) or abs(value) >= _LARGE else number(value))


_LARGE = 10_000


def counted(value: Any) -> Cell:
    """A number of things."""
    return ("number", whole(value))


def share(value: Any) -> Cell:
    """A share of one, as a percentage."""
    return ("number", EN_DASH if value is None else percent(value))


def p_value(value: Any) -> Cell:
    """A p-value; the small ones as ``< 0.001``."""
    return ("number", metric_value("p_value", value))


def note(value: Any) -> Cell:
    """A sentence, which may take a line of its own."""
    return ("note", text(value)[1] if value else "")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name in the series, its head, and how its values are written."""

    name: str
    head: str
    write: Format = text


def cells(series: Sequence[Series], columns: Sequence[Column], *, group: str = "") -> list[tuple[Cell, ...]]:
    """Rows of several series of one name, the slice of each first where ``group`` gives it a head."""
    rows: list[tuple[Cell, ...]] = []
    for item in series:
        who: tuple[Cell, ...] = (("text", " × ".join(item.slice.values()) or "everyone"),) if group else ()
        rows += [(*who, *(column.write(record.get(column.name)) for column in columns)) for record in item.records()]
    return rows


def heads(columns: Sequence[Column], *, group: str = "") -> tuple[Cell, ...]:
    """The head row that belongs to :func:`cells`."""
    first: tuple[Cell, ...] = (("text", group),) if group else ()
    return (*first, *(("number" if column.write in _NUMBERS else "text", column.head) for column in columns))


_NUMBERS: tuple[Format, ...] = (measured, counted, share, p_value)


def table_exhibit(
    key: str,
    title: str,
    series: Sequence[Series],
    columns: Sequence[Column],
    *,
    group: str = "",
    matters: Callable[[Mapping[str, Any]], bool] | None = None,
    rest_title: tuple[str, str] = ("{n} more", "{n} more"),
    most: int = MOST_ROWS,
    **more: Any,
) -> Exhibit:
    """An exhibit around the table of some series.

    Parameters
    ----------
    matters
        Whether a record is of note; the others go to ``rest``, called ``rest_title``: the words for one and for several, with
        ``{n}`` for their number.
    most
        Rows shown.
    more
        Further fields of :class:`Exhibit`.
    """
    rows = cells(series, columns, group=group)
    records = [record for item in series for record in item.records()]
    wanted = [row for row, record in zip(rows, records, strict=True) if matters is None or matters(record)]
    others = [row for row, record in zip(rows, records, strict=True) if matters is not None and not matters(record)]
    return Exhibit(
        key=key,
        title=title,
        table=Table(heads=heads(columns, group=group), rows=tuple(wanted[:most])),
        rest=tuple(others[:MOST_OF_REST]),
        rest_title=rest_title[len(others) > 1].format(n=len(others)) if others else "",
        omitted=max(len(wanted) - most, 0) + max(len(others) - MOST_OF_REST, 0),
        **more,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The series of one report by name, in the order in which they stand there."""

    series: tuple[Series, ...] = field(default_factory=tuple)

    def named(self, name: str) -> list[Series]:
        """All series of a name."""
        return [item for item in self.series if item.name == name]

"""The label of a table, and how well one column tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.engines.port import ROWS
from audits.measures.quality.profile import NUMBERS, valued

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

MOST_CLASSES = 20
"""Labels that are numbers of more values than this are quantities; of other labels only the most common are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """How well one column tells the label: 0 not at all, 1 entirely.

    Attributes
    ----------
    column
        The column.
    strength
        Of its values; ``None`` where it cannot be told.
    low, high
        Interval of the strength, where there is one.
    rows
        Rows it rests on: those with a label and, for values in order, a value.
    method
        ``somers-d`` with the interval's name, ``cramers-v`` or ``pearson``.
    note
        What was measured.
    """

    column: str
    strength: float | None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    method: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The label's column, its kind, and its classes, most common first; a quantity has none."""

    column: str
    kind: str
    classes: tuple[Any, ...]
    rows: int


def read_label(engine: Engine, column: str) -> Label:
    """What the label is: classes or a quantity."""
    import ibis

    value = valued(engine.table, column)
    table = engine.table.mutate(_y=value).filter(value.notnull())
    values = table.group_by("_y").aggregate(**{ROWS: ibis._.count()})
    found = engine.grouped(measures={"rows": ibis._[ROWS].sum().cast("int64")}, of=values).columns()
    distinct, rows = int(found[ROWS][0]), int(found["rows"][0] or 0)
    kind = engine.columns[column]
    if kind in NUMBERS and distinct > MOST_CLASSES:
        return Label(column=column, kind=kind, classes=(), rows=rows)
    common = values.filter(ibis._[ROWS] >= engine.disclosure).order_by([ibis.desc(ROWS), "_y"]).limit(MOST_CLASSES)
    return Label(column=column, kind=kind, classes=tuple(engine.read(common).column("_y").to_pylist()), rows=rows)


def labelled(engine: Engine, label: Label, x: ibis.Value) -> ibis.Table:
    """Rows with a label, as ``_y``, beside an expression, as ``_x``."""
    y = valued(engine.table, label.column)
    return engine.table.mutate(_x=x, _y=y).filter(y.notnull())

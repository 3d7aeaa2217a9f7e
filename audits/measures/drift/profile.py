"""Counts whole tables: the reference by itself, and another by what was counted of the reference. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audits.measures.drift.correlations import MOST_COLUMNS, Correlations, correlate
from audits.measures.drift.counting import Step, count_numbers, empty_numbers, profile_numbers
from audits.measures.drift.numbers import Numbers
from audits.measures.drift.sides import FAMILIES, NUMERIC, Categories, Profile, Side
from audits.measures.drift.value_counts import DISTINCT, categories_of, count_categories, number_of
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine

FEW_LABELS = 20
"""Labels and predictions of at most so many distinct numbers are classes."""

_TOO_MANY = f"has more than {DISTINCT:,} distinct values, like an identifier: it cannot be compared as categories"
_CLIPPED = 0.01


def profile_table(engine: Engine, names: Sequence[str], *, bins: int, step: Step) -> Profile:
    """Count the columns ``names`` of a reference, and the bins by which others will be compared with it.

    Raises
    ------
    InvalidInput
        If it has no rows.
    """
    rows = _rows(engine, "reference")
    families = {name: FAMILIES[engine.columns[name]] for name in names}
    numeric = {name: number_of(engine, name, family) for name, family in families.items() if family in NUMERIC}
    counted = profile_numbers(engine, numeric, rows=rows, bins=bins, step=step)
    columns = {name: _side(engine, name, family, counted.get(name), rows) for name, family in families.items()}
    clips = {
        name: limits
        for name, side in columns.items()
        if side.family == "number" and isinstance(side.counted, Numbers) and (limits := _limits(side.counted))
    }
    return Profile(rows=rows, columns=columns, correlations=_correlations(engine, columns, clips))


def count_table(engine: Engine, names: Sequence[str], reference: Profile, *, step: Step) -> Profile:
    """Count the same columns of another table, each as the reference was.

    Raises
    ------
    InvalidInput
        If it has no rows.
    """
    rows = _rows(engine, "current data")
    families = {name: FAMILIES[engine.columns[name]] for name in names}
    numbers = {}
    for name, family in families.items():
        counted = reference.columns[name].counted
        if isinstance(counted, Numbers) and reference.columns[name].family == family:
            numbers[name] = counted
    values = {name: number_of(engine, name, families[name]) for name in numbers}
    found = count_numbers(engine, values, numbers, rows=rows, step=step)
    columns = {}
    for name, family in families.items():
        if reference.columns[name].failure:
            columns[name] = Side(family=family)
            continue
        side = _side(engine, name, family, found.get(name), rows)
        columns[name] = _of_nothing(side, reference.columns[name], rows)
    known = reference.correlations.clips if reference.correlations else {}
    clips = {name: known[name] for name in names if name in known and name in found}
    return Profile(rows=rows, columns=columns, correlations=_correlations(engine, columns, clips))


def with_categories(reference: Profile, named: Sequence[str], labels: Sequence[str]) -> Profile:
    """The reference with some columns of numbers as categories: those that were named, and labels of few values.

    Raises
    ------
    InvalidInput
        If a named column has more distinct numbers than were listed.
    """
    columns = dict(reference.columns)
    for name in dict.fromkeys([*named, *labels]):
        side = columns.get(name)
        if side is None or not isinstance(side.counted, Numbers):
            continue
        if side.counted.binned.atoms and (name in named or len(side.counted.binned.edges) <= FEW_LABELS):
            columns[name] = replace(side, counted=categories_of(side.counted))
        elif name in named:
            raise InvalidInput(f"{name!r} has too many distinct values to be categories", field="categorical")
    return replace(reference, columns=columns)


def _rows(engine: Engine, what: str) -> int:
    rows = engine.rows()
    if not rows:
        raise InvalidInput(f"the {what} has no rows; drift needs at least one on both sides", field="data")
    return rows


def _side(engine: Engine, name: str, family: str, counted: Numbers | None, rows: int) -> Side:
    if counted is not None:
        return Side(family=family, counted=counted, given=counted.finite)
    if family == "other":
        return Side(family=family, failure=f"is of a type that cannot be compared ({engine.table[name].type()})")
    categories = count_categories(engine, name, family, rows=rows)
    if categories is None:
        return Side(family=family, failure=_TOO_MANY, given=rows)
    return Side(family=family, counted=categories, given=rows - categories.missing)


def _of_nothing(side: Side, reference: Side, rows: int) -> Side:
    """A column without any value is of the reference's type, whatever its file says."""
    if side.given or side.family == reference.family or reference.counted is None:
        return side
    numbers = isinstance(reference.counted, Numbers)
    counted = empty_numbers(rows, np.empty(0)) if numbers else Categories({}, rows)
    return Side(family=reference.family, counted=counted)


def _limits(counted: Numbers) -> tuple[float, float] | None:
    """The 1st and 99th percentile: exact of listed values, else the nearest fine edges outside."""
    binned = counted.binned
    if not binned.rows or not len(binned.edges):
        return None
    through = np.cumsum(binned.counts)[1:] / binned.rows
    last = len(binned.edges) - 1
    low = binned.edges[min(int(np.searchsorted(through, _CLIPPED)), last)]
    high = binned.edges[min(int(np.searchsorted(through, 1 - _CLIPPED)) + (not binned.atoms), last)]
    return (float(low), float(high)) if low < high else None


def _correlations(
    engine: Engine, columns: Mapping[str, Side], clips: Mapping[str, tuple[float, float]]
) -> Correlations | None:
    some = dict(list(clips.items())[:MOST_COLUMNS])
    if len(some) < 2:  # noqa: PLR2004 - one column has no pair
        return None
    counted = {name: columns[name].counted for name in some}
    whole = [name for name, side in counted.items() if isinstance(side, Numbers | Categories) and not side.missing]
    numbers = {name: number_of(engine, name, "number", known_finite=name in whole) for name in some}
    return correlate(engine, numbers, some, whole)

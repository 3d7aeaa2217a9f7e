"""Anonymity as measurements, series and warnings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.measurement import Measurement
from audits.series import Series

if TYPE_CHECKING:
    from audits.kinds.anonymity import AnonymityParameters
    from audits.measures.anonymity.classes import ClassSizes, Diversity
    from audits.measures.anonymity.identifying import Hiding, Identifying

_MOST_SETS = 20
_OF_THE_ROWS = "of these rows, not of the people that they were drawn from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymity:
    """What was found of one table."""

    rows: int
    sizes: ClassSizes
    diversities: tuple[Diversity, ...]
    identifying: Identifying | None
    parameters: AnonymityParameters


def measurements_of(found: Anonymity) -> list[Measurement]:
    """``k_anonymity``, ``sample_uniqueness``, ``average_reidentification_risk``, ``l_diversity_…``, ``t_closeness``.

    Notes
    -----
    They describe the table itself, so they are exact and have no interval. Diversity and closeness are given for each
    sensitive column, and the worst of them without a slice. The average risk is the share ``classes / rows``: the mean over
    rows of one in the size of their class, as for a prosecutor who knows that a person is in the table (El Emam and
    Dankar 2008, JAMIA 15, 627–637).
    """
    return [*_of_sizes(found), *_of_diversities(found)]


def _of_sizes(found: Anonymity) -> Iterator[Measurement]:
    sizes = found.sizes
    quasi = ", ".join(found.parameters.quasi)
    yield _exact("k_anonymity", sizes.k, found.rows, f"rows in the smallest class of rows alike in {quasi}")
    yield _exact(
        "sample_uniqueness",
        sizes.unique / sizes.rows,
        found.rows,
        f"share of rows alone in their class; {_OF_THE_ROWS}",
    )
    yield _exact("average_reidentification_risk", sizes.classes / sizes.rows, found.rows, "classes per row")


def _of_diversities(found: Anonymity) -> Iterator[Measurement]:
    every = found.diversities
    for one in every:
        where = {"column": one.column}
        notes = {"t_closeness": _distance_note(one)}
        for metric, value in _values(one).items():
            yield _exact(metric, value, found.rows, notes.get(metric, ""), where)
    if not every:
        return
    for metric in ("l_diversity_distinct", "l_diversity_entropy"):
        worst = min(every, key=lambda one: _values(one)[metric] or 0.0)
        note = f"the least of the sensitive columns, in {worst.column!r}"
        yield _exact(metric, _values(worst)[metric], found.rows, note)
    unknown = next((one for one in every if one.distance is None), None)
    if unknown is not None:
        yield _exact("t_closeness", None, found.rows, f"not known for {unknown.column!r}: {unknown.problem}")
        return
    furthest = max(every, key=lambda one: one.distance or 0.0)
    note = f"the greatest of the sensitive columns, in {furthest.column!r}"
    yield _exact("t_closeness", furthest.distance, found.rows, note)


def _values(one: Diversity) -> dict[str, float | None]:
    return {
        "l_diversity_distinct": float(one.distinct),
        "l_diversity_entropy": math.exp(one.entropy),
        "t_closeness": one.distance,
    }


def _distance_note(one: Diversity) -> str:
    if one.problem:
        return one.problem
    if one.scale is None:
        return "equal distance: half the sum of the differences of shares"
    note = "ordered distance: the earth mover's over the ranks of the values"
    if one.scale.values > len(one.scale.starts):
        ranks = len(one.scale.starts)
        note += f"; {one.scale.values:,} values in {ranks:,} ranks, so exact to about {1 / (ranks - 1):.4f}"
    if one.scale.missing:
        note += f"; {one.scale.missing:,} rows without a value are left out"
    return note


def _exact(
    metric: str, value: float | None, rows: int, note: str = "", where: Mapping[str, str] | None = None
) -> Measurement:
    number = None if value is None else float(value)
    return Measurement(metric=metric, slice=where or {}, value=number, n=rows, method="exact", note=note)


def series_of(found: Anonymity) -> list[Series]:
    """``class_sizes``, ``identifying_columns`` and ``identifying_sets``."""
    rows = found.rows
    sizes = Series(
        name="class_sizes",
        title="Classes of records that are alike, by size",
        columns=("from", "to", "classes", "rows", "share_of_rows"),
        rows=tuple((least, most, count, held, held / rows) for least, most, count, held in found.sizes.buckets()),
    )
    if found.identifying is None:
        return [sizes]
    return [sizes, _columns(found, found.identifying), _sets(found, found.identifying)]


def _columns(found: Anonymity, identifying: Identifying) -> Series:
    order = {column: place for place, (column, _) in enumerate(identifying.greedy, start=1)}
    reached = dict(identifying.greedy)

    def row(column: str) -> tuple[object, ...]:
        without = identifying.without.get(column)
        alone = identifying.alone[column]
        return (
            column,
            alone.classes,
            alone.unique / found.rows,
            _added(found, without),
            without.k if without else None,
            order.get(column),
            reached[column] / found.rows if column in reached else None,
        )

    def worst_first(column: str) -> tuple[float, int, str]:
        added = _added(found, identifying.without.get(column))
        return -(added or 0.0), -identifying.alone[column].classes, column

    return Series(
        name="identifying_columns",
        title="Columns that make records unique",
        columns=(
            "column",
            "distinct",
            "uniqueness_alone",
            "uniqueness_added",
            "k_without",
            "greedy_step",
            "uniqueness_reached",
        ),
        rows=tuple(row(column) for column in sorted(found.parameters.quasi, key=worst_first)),
    )


def _added(found: Anonymity, without: Hiding | None) -> float | None:
    """The share of rows that the column makes unique: unique with it, not unique without."""
    return None if without is None else (found.sizes.unique - without.unique) / found.rows


def _sets(found: Anonymity, identifying: Identifying) -> Series:
    return Series(
        name="identifying_sets",
        title=f"Smallest sets of columns that make more than {found.parameters.single_out:.2%} of the records unique",
        columns=("columns", "uniqueness", "k", "classes"),
        rows=tuple(
            (list(columns), hiding.unique / found.rows, hiding.k, hiding.classes)
            for columns, hiding in identifying.smallest[:_MOST_SETS]
        ),
    )


def warnings_of(found: Anonymity) -> list[str]:
    """What the reader must know: uniqueness is of the sample, and what was not searched."""
    said = []
    if found.sizes.unique:
        said.append(
            f"{found.sizes.unique:,} of {found.rows:,} rows are unique in the table; how many are unique in the population "
            "that it was drawn from cannot be told from it"
        )
    if found.identifying:
        said += found.identifying.left_out
        cut = len(found.identifying.smallest) - _MOST_SETS
        if cut > 0:
            said.append(f"{cut} further sets of columns single records out as well; the worst {_MOST_SETS} are listed")
    if not found.diversities:
        said.append("no sensitive column was named: nothing is said of diversity and closeness")
    return said

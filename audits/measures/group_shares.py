"""Rows and shares of the groups of one table, and their ratio to a population. Pure of Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audits.group_names import UNKNOWN
from audits.intervals import critical_value, wilson
from audits.measurement import Measurement
from audits.measures.group_sums import sum_by_group
from audits.series import Series
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine

MOST_CELLS = 10_000
_BY_HAND = "schema.population gives no share of this group"


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupShares:
    """The groups of some columns, those that no row has among them.

    Attributes
    ----------
    columns
        The columns that are crossed.
    names
        The G groups, each one name per column, sorted; a missing value is the group ``unknown``.
    rows
        (G,) rows; −1 where they were held back, or might have been.
    total
        Rows of the table.
    population
        Group to its share of the population; empty where none was given for these columns.
    held_back
        Why some rows are not known; empty where all are.
    warnings
        What readers must know.
    """

    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    rows: npt.NDArray[np.int64]
    total: int
    population: Mapping[tuple[str, ...], float]
    held_back: str
    warnings: tuple[str, ...]

    def slices(self) -> list[dict[str, str]]:
        """The groups as slices."""
        return [dict(zip(self.columns, name, strict=True)) for name in self.names]


def count_groups(
    engine: Engine,
    columns: Sequence[str],
    population: Mapping[str, Mapping[str, float]],
    *,
    most_groups: int = 100,
) -> GroupShares:
    """Count the rows of every group of the columns.

    Groups of the population, and crossings of groups that are there, have 0 rows where no row is in them: a group that
    is absent is the least represented of all.

    Raises
    ------
    InvalidInput
        If a column is not there, has more groups than ``most_groups``, names no group in any row, or the columns cross
        in more than :data:`MOST_CELLS` groups.
    PredictionsError
        If there is no row.
    """
    sums = sum_by_group(engine, columns, most_groups=most_groups, field="over")
    counted: dict[tuple[str, ...], int] = {}
    for place, rows in zip(sums.group.tolist(), sums.rows.tolist(), strict=True):
        counted[sums.names[place]] = counted.get(sums.names[place], 0) + rows
    known = [
        sorted(({name[i] for name in counted} | set(population.get(column, ()))) - {UNKNOWN})
        for i, column in enumerate(columns)
    ]
    if prod(map(len, known)) > MOST_CELLS:
        what = " × ".join(columns)
        raise InvalidInput(f"{what} cross in more than {MOST_CELLS:,} groups; cross fewer columns", field="over")
    names = tuple(sorted({*counted, *product(*known)}))
    absent = -1 if sums.suppressed else 0
    return GroupShares(
        columns=tuple(columns),
        names=names,
        rows=np.array([counted.get(name, absent) for name in names], dtype=np.int64),
        total=engine.rows() if sums.suppressed else sum(counted.values()),
        population={(group,): share for group, share in population.get(columns[0], {}).items()}
        if len(columns) == 1
        else {},
        held_back=sums.held_back,
        warnings=tuple(sums.warnings()),
    )


def whole_count(found: GroupShares) -> Measurement:
    """``group_count`` of everybody: what the groups of any columns must add up to."""
    return Measurement(metric="group_count", value=found.total, n=found.total, method="exact count")


def share_measurements(found: GroupShares, confidences: Sequence[float]) -> list[Measurement]:
    """``group_count``, ``group_share`` and, where a population is given, ``population_ratio`` of every group.

    Notes
    -----
    Shares have Wilson's interval, each group's by itself: who asks that every group clear is not wrong more often than for
    one group alone. The population's share is taken as exact, so the ratio's limits are those of the share divided by it.
    """
    made = [
        Measurement(
            metric="group_count",
            slice=where,
            value=None if rows < 0 else rows,
            n=max(rows, 0),
            method="exact count",
            note=found.held_back if rows < 0 else "" if rows else "no row is of this group",
        )
        for where, rows in zip(found.slices(), found.rows.tolist(), strict=True)
    ]
    for confidence in confidences:
        made += _shares(found, confidence)
    return made


def _shares(found: GroupShares, confidence: float) -> list[Measurement]:
    low, high = wilson(np.maximum(found.rows, 0), found.total, critical_value(confidence))
    made = []
    for i, (name, where) in enumerate(zip(found.names, found.slices(), strict=True)):
        rows = int(found.rows[i])
        triple = None if rows < 0 else (rows / found.total, float(low[i]), float(high[i]))
        made.append(_measured("group_share", where, triple, found, confidence, found.held_back if rows < 0 else ""))
        if not found.population:
            continue
        share = found.population.get(name)
        ratio = None if triple is None or share is None else tuple(value / share for value in triple)
        note = _BY_HAND if share is None else found.held_back if rows < 0 else f"{share:.2%} of the population"
        made.append(_measured("population_ratio", where, ratio, found, confidence, note))
    return made


def _measured(
    metric: str,
    where: Mapping[str, str],
    triple: tuple[float, ...] | None,
    found: GroupShares,
    confidence: float,
    note: str,
) -> Measurement:
    value, low, high = triple or (None, None, None)
    return Measurement(
        metric=metric, slice=where, value=value, low=low, high=high, n=found.total, method="wilson",
        confidence=confidence, note=note,
    )  # fmt: skip


def share_series(found: GroupShares, confidence: float) -> Series:
    """``representation``: every group with its rows, share and ratio, the fewest rows first."""
    by_metric: dict[tuple[str, tuple[str, ...]], Measurement] = {
        (one.metric, tuple(one.slice.values())): one for one in _shares(found, confidence)
    }

    def row(name: tuple[str, ...], rows: int) -> tuple[object, ...]:
        share, ratio = by_metric["group_share", name], by_metric.get(("population_ratio", name))
        return (
            " × ".join(name), None if rows < 0 else rows, share.value, share.low, share.high,
            found.population.get(name), ratio.value if ratio else None, ratio.low if ratio else None,
            ratio.high if ratio else None,
        )  # fmt: skip

    listed = sorted(zip(found.names, found.rows.tolist(), strict=True), key=lambda item: (item[1], item[0]))
    return Series(
        name="representation",
        title=f"Rows by {' × '.join(found.columns)}, of {found.total:,}",
        columns=(
            "group", "rows", "share", "share_low", "share_high", "population", "ratio", "ratio_low", "ratio_high",
        ),
        rows=tuple(row(name, rows) for name, rows in listed),
    )  # fmt: skip

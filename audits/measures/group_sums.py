"""Sums by the groups of some columns, counted by an engine; every further grouping of them is a margin. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS
from audits.group_names import UNKNOWN
from audits.prediction_columns import _MISSING_GROUPS
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine, Value
    from audits.exact_sums import ExactSum

_MOST_NAMED = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupSums:
    """Rows of a grouped result, with the group that each belongs to.

    Attributes
    ----------
    columns
        The k columns of groups.
    names
        The G groups, each k names, sorted; a missing value is the group ``unknown``.
    group
        (R,) index into ``names``.
    further
        Name of a further key to its (R) values as the engine gave them.
    rows
        (R,) rows counted.
    sums
        Name of a reduction to its (R,) values; NaN where the engine gave none.
    unknown
        Column to the number of its rows that name no group.
    suppressed
        Cells that the engine held back.
    """

    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    group: npt.NDArray[np.int64]
    further: Mapping[str, list[Any]]
    rows: npt.NDArray[np.int64]
    sums: Mapping[str, npt.NDArray[np.float64]]
    unknown: Mapping[str, int]
    suppressed: int = 0

    @property
    def held_back(self) -> str:
        """Why no number can be told; empty where all can."""
        return f"held back: {self.suppressed} cells have too few rows to leave the data" if self.suppressed else ""

    def warnings(self) -> list[str]:
        """One for each column in which rows name no group."""
        return [
            f"{rows:,} rows name no group in {column!r}; they are the group 'unknown'"
            for column, rows in self.unknown.items()
            if rows
        ]

    def margin(self, columns: Sequence[str]) -> tuple[list[dict[str, str]], npt.NDArray[np.int64]]:
        """The groups over some of the columns as slices, sorted, and the (R,) index of each row among them."""
        chosen = [self.columns.index(column) for column in columns]
        cut = [tuple(name[i] for i in chosen) for name in self.names]
        kept = sorted(set(cut))
        place = {name: index for index, name in enumerate(kept)}
        table = np.array([place[name] for name in cut], dtype=np.int64)
        return [dict(zip(columns, name, strict=True)) for name in kept], table[self.group]


def sum_by_group(
    engine: Engine,
    columns: Sequence[str],
    measures: Mapping[str, Value] | None = None,
    *,
    further: Mapping[str, Value] | None = None,
    exact: Mapping[str, ExactSum] | None = None,
    where: Value | None = None,
    written: Sequence[str] = (),
    most_groups: int = 100,
    field: str = "sensitive",
) -> GroupSums:
    """Count and sum by the groups of some columns, named as they are written.

    Parameters
    ----------
    measures
        Name to reduction over the rows of a group.
    further
        Further keys to group by; their values come back as they are.
    exact
        Name to the sum whose two parts are among ``measures``; it comes back in their place.
    written
        Further columns to read as they are written.
    most_groups
        Most groups that one column may have.

    Raises
    ------
    InvalidInput
        If a column is not there, has more groups, or names no group in any row.
    PredictionsError
        If there is no row.
    """
    engine.require(*columns, field=field)
    keys: dict[str, Value] = {f"group_{i}": column for i, column in enumerate(columns)}
    result = engine.grouped(
        {**keys, **(further or {})}, measures, of=engine.as_written([*columns, *written]), where=where
    )
    found = result.columns()
    rows = np.array(found[ROWS], dtype=np.int64)
    if not rows.sum() and not result.suppressed:
        raise PredictionsError(f"{getattr(engine, 'title', engine.name)}: has no data rows")
    parts = [[group_name(value) for value in found[key]] for key in keys]
    for column, part in zip(columns, parts, strict=True):
        _refuse(column, part, most_groups, field)
    named = list(zip(*parts, strict=True)) if parts else [()] * len(rows)
    names = sorted(set(named))
    place = {name: index for index, name in enumerate(names)}
    sums = {name: total.of(result.table) for name, total in (exact or {}).items()}
    sums |= {name: np.array(found[name], dtype=np.float64) for name in measures or {} if exact is None}
    missing = {c: np.array([name == UNKNOWN for name in part]) for c, part in zip(columns, parts, strict=True)}
    return GroupSums(
        columns=tuple(columns),
        names=tuple(names),
        group=np.array([place[name] for name in named], dtype=np.int64),
        further={name: found[name] for name in further or {}},
        rows=rows,
        sums=sums,
        unknown={column: int(rows[mask].sum()) if len(rows) else 0 for column, mask in missing.items()},
        suppressed=result.suppressed,
    )


def group_name(value: Any) -> str:
    """The name of the group that a value stands for; ``unknown`` for a missing one."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return UNKNOWN
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return UNKNOWN if text.strip().lower() in _MISSING_GROUPS else text


def _refuse(column: str, names: list[str], most: int, field: str) -> None:
    distinct = sorted(set(names))
    if distinct == [UNKNOWN]:
        raise InvalidInput(f"column {column!r} names no group in any row", field=field)
    if len(distinct) > most:
        shown = ", ".join(map(repr, distinct[:_MOST_NAMED]))
        raise InvalidInput(
            f"column {column!r} has {len(distinct)} groups ({shown} …); at most {most} can be compared: bin it "
            "(ages into bands, places into regions) or raise max_groups",
            field=field,
        )

"""People by category: how many were assessed, and how many of them selected or scored above the median. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS, exactly
from audits.group_names import UNKNOWN
from audits.measures.group_sums import GroupSums, sum_by_group
from audits.measures.multiclass.confusion import class_name
from audits.measures.quantiles import quantiles
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Engine
    from audits.measures.bias_audit.parameters import BiasAudit

_TRUTH = {"0": 0, "1": 1, "false": 0, "true": 1}
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class People:
    """People by the crossed categories of all audited columns.

    Attributes
    ----------
    columns
        The audited columns.
    names
        The categories, each one name per column; ``unknown`` where it is not known.
    assessed, favoured
        (K,) people assessed, and those among them who were selected or scored above the median.
    median
        The median score of everybody assessed; ``None`` where the audit is of selections.
    """

    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    assessed: npt.NDArray[np.int64]
    favoured: npt.NDArray[np.int64]
    median: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """The known categories of some columns, and the people who are in none of them.

    Attributes
    ----------
    slices
        ``{column: category}`` of the C categories, sorted.
    assessed, favoured
        (C,) people.
    unknown
        People of unknown category.
    total
        Everybody assessed, known or not.
    """

    slices: list[dict[str, str]]
    assessed: npt.NDArray[np.int64]
    favoured: npt.NDArray[np.int64]
    unknown: int
    total: int


def selections(engine: Engine, asked: BiasAudit) -> People:
    """Who was selected, from rows that are persons, or from rows that are counts.

    Raises
    ------
    InvalidInput
        If values are missing or are not 0 and 1 (or whole numbers, for counts), if more people were selected than assessed,
        or nobody was assessed or selected.
    """
    assert asked.selected is not None
    wanted = [column for column in (asked.selected, asked.assessed) if column]
    engine.require(*wanted, field="selected")
    columns = _columns(asked)
    further = {"selected": asked.selected, **({"assessed": asked.assessed} if asked.assessed else {})}
    sums = sum_by_group(engine, columns, further=further, most_groups=asked.max_groups, field="sex")
    _refuse_suppressed(sums)
    if asked.counts:
        one, two = _counted(sums, "assessed", asked), _counted(sums, "selected", asked)
        assessed, favoured = one * sums.rows, two * sums.rows
    else:
        there = _truth(sums, "assessed", asked.assessed or "", None) if asked.assessed else np.ones_like(sums.rows)
        chosen = _truth(sums, "selected", asked.selected, asked.positive)
        assessed, favoured = there * sums.rows, chosen * sums.rows
    _refuse_impossible(sums, assessed, favoured)
    return _people(sums, columns, asked, assessed, favoured)


def scorings(engine: Engine, asked: BiasAudit) -> People:
    """Who scored above the median of the full sample, people of unknown category among it.

    A score equal to the median is not above it.

    Raises
    ------
    InvalidInput
        If scores are missing or not finite numbers, or all equal.
    """
    import ibis

    assert asked.score is not None
    engine.require(asked.score, field="score")
    if engine.columns[asked.score] not in ("integer", "number"):
        raise InvalidInput(f"column {asked.score!r} must hold numbers to be a score", field="score")
    score = ibis._[asked.score].cast("float64")
    sound = score.notnull() & ~score.isnan() & ~score.isinf()
    whole = engine.grouped({"sound": sound}, {"low": score.min(), "high": score.max()}).columns()
    wrong = sum(n for n, good in zip(whole[ROWS], whole["sound"], strict=True) if not good)
    if wrong:
        raise InvalidInput(f"column {asked.score!r}: {wrong:,} rows have no score that is a number", field="score")
    if whole[ROWS] and whole["low"][0] == whole["high"][0]:
        raise InvalidInput(
            f"column {asked.score!r}: all scores are {whole['low'][0]!r}, so nobody is above the median", field="score"
        )
    median = quantiles(engine, asked.score, [0.5])[0] if whole[ROWS] else 0.0
    columns = _columns(asked)
    above = (score > exactly(median)).cast("int64")
    sums = sum_by_group(engine, columns, {"above": above.sum()}, most_groups=asked.max_groups, field="sex")
    _refuse_suppressed(sums)
    if not sums.sums["above"].sum():
        raise InvalidInput(
            f"column {asked.score!r}: nobody scores above the median ({median:g}), because at least half share the "
            "highest score; scoring rates are not defined",
            field="score",
        )
    return _people(sums, columns, asked, sums.rows, sums.sums["above"].astype(np.int64), median)


def table(people: People, columns: Sequence[str]) -> Table:
    """The categories over some of the columns; who is unknown in any of them is in none.

    Raises
    ------
    InvalidInput
        If fewer than two categories are known: there is nothing to compare.
    """
    chosen = [people.columns.index(column) for column in columns]
    cut = [tuple(name[i] for i in chosen) for name in people.names]
    known = sorted({name for name in cut if UNKNOWN not in name})
    assessed, favoured = np.zeros(len(known), dtype=np.int64), np.zeros(len(known), dtype=np.int64)
    place = {name: index for index, name in enumerate(known)}
    for name, people_there, well in zip(cut, people.assessed, people.favoured, strict=True):
        if name in place:
            assessed[place[name]] += people_there
            favoured[place[name]] += well
    what = " × ".join(columns)
    if not known:
        raise InvalidInput(f"no category of {what} is known in any row", field=columns[0])
    if len(known) == 1:
        raise InvalidInput(
            f"{what} has one known category only ({', '.join(known[0])}): there is nothing to compare", field=columns[0]
        )
    return Table(
        slices=[dict(zip(columns, name, strict=True)) for name in known],
        assessed=assessed,
        favoured=favoured,
        unknown=int(people.assessed.sum() - assessed.sum()),
        total=int(people.assessed.sum()),
    )


def _columns(asked: BiasAudit) -> tuple[str, ...]:
    return tuple(column for column in (asked.sex, asked.race) if column)


def _people(
    sums: GroupSums,
    columns: tuple[str, ...],
    asked: BiasAudit,
    assessed: npt.NDArray[np.int64],
    favoured: npt.NDArray[np.int64],
    median: float | None = None,
) -> People:
    unknown = {text.strip().lower() for text in asked.unknown}
    named = [tuple(UNKNOWN if part.strip().lower() in unknown else part for part in name) for name in sums.names]
    names = sorted(set(named))
    place = {name: index for index, name in enumerate(names)}
    index = np.array([place[name] for name in named], dtype=np.int64)[sums.group]
    totals = [np.zeros(len(names), dtype=np.int64) for _ in range(2)]
    np.add.at(totals[0], index, assessed)
    np.add.at(totals[1], index, favoured)
    if not totals[0].sum():
        raise InvalidInput("nobody was assessed", field="assessed")
    if not totals[1].sum():
        raise InvalidInput("nobody was selected, so no impact ratio is defined", field="selected")
    kept = totals[0] > 0
    return People(
        columns=columns,
        names=tuple(name for name, there in zip(names, kept, strict=True) if there),
        assessed=totals[0][kept],
        favoured=totals[1][kept],
        median=median,
    )


def _truth(sums: GroupSums, key: str, column: str, positive: str | None) -> npt.NDArray[np.int64]:
    """(R,) zeros and ones of the values of a column of persons."""
    values = sums.further[key]
    missing = [value is None or str(value).strip() == "" for value in values]
    if any(missing):
        rows = int(sums.rows[np.array(missing)].sum())
        raise InvalidInput(f"column {column!r}: {rows:,} rows are empty; every person needs a value", field=key)
    if positive is not None:
        chosen = [_plain(value) == _plain(positive) for value in values]
        if not any(chosen):
            raise InvalidInput(f"column {column!r} never holds {positive!r}", field="positive")
        return np.array(chosen, dtype=np.int64)
    wrong = sorted({_plain(value) for value in values} - set(_TRUTH))
    if wrong:
        rows = sum(int(n) for n, value in zip(sums.rows, values, strict=True) if _plain(value) in wrong)
        shown = ", ".join(map(repr, wrong[:_MOST_NAMED]))
        hint = "; name the value that means selected (positive)" if key == "selected" else ""
        raise InvalidInput(f"column {column!r} holds {shown} in {rows:,} rows; it must be 0 or 1{hint}", field=key)
    return np.array([_TRUTH[_plain(value)] for value in values], dtype=np.int64)


def _plain(value: Any) -> str:
    """One text per value: numbers by their value, in small letters."""
    return class_name(value).lower() or str(value).strip().lower()


def _counted(sums: GroupSums, key: str, asked: BiasAudit) -> npt.NDArray[np.int64]:
    """(R,) whole numbers from 0 of a column of counts."""
    column = getattr(asked, key)
    numbers = []
    for value, group in zip(sums.further[key], sums.group.tolist(), strict=True):
        number = _number(value)
        if number is None or number < 0 or number != int(number):
            held = "is empty" if value is None else f"is {value}"
            raise InvalidInput(
                f"row {_row(sums, group)}: {column!r} {held}; it must be a whole number from 0", field=key
            )
        numbers.append(int(number))
    return np.array(numbers, dtype=np.int64)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def _row(sums: GroupSums, group: int) -> str:
    return ", ".join(f"{column}={name}" for column, name in zip(sums.columns, sums.names[group], strict=True))


def _refuse_impossible(sums: GroupSums, assessed: npt.NDArray[np.int64], favoured: npt.NDArray[np.int64]) -> None:
    over = np.flatnonzero(favoured > assessed)
    if len(over):
        first = int(over[0])
        raise InvalidInput(
            f"row {_row(sums, int(sums.group[first]))}: {favoured[first]:,} were selected of {assessed[first]:,} "
            "assessed; more cannot be selected than were assessed",
            field="selected",
        )


def _refuse_suppressed(sums: GroupSums) -> None:
    if sums.suppressed:
        raise InvalidInput(
            f"{sums.suppressed} categories are held back because they are small: a bias audit needs every category",
            field="disclosure",
        )

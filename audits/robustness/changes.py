"""Rows as promises have them: after a change, or with one feature swept over its values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.robustness.expectations import INCREASING, Expectation
from audits.robustness.rows import NUMBER, TEXT, Changes, Rows, Values
from registry.errors import InvalidInput

_DECILES = np.linspace(0, 1, 11)


def changed(rows: Rows, expectation: Expectation) -> tuple[Changes, npt.NDArray[np.bool_]]:
    """The rows after the change, and which of them it changes at all.

    Raises
    ------
    InvalidInput
        Naming a column that the model does not read, or that holds something else than the change puts there.
    """
    changes: dict[str, Values] = {}
    touched = np.zeros(len(rows), dtype=bool)
    for name, value in expectation.change.items():
        path = f"declared_expectations.{expectation.id}.change.{name}"
        if name not in rows.columns:
            raise InvalidInput(f"{path}: the model does not read {name!r}", field=path)
        old = rows.columns[name]
        new = _new_values(rows, name, value, path)
        changes[name] = new
        touched |= (new != old) & ~((new != new) & (old != old))  # noqa: PLR0124 - NaN
    return changes, touched


def _new_values(rows: Rows, name: str, value: Any, path: str) -> Values:
    old, number = rows.columns[name], rows.kinds[name] == NUMBER
    given = (
        list(value.values())
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, list | tuple)
        else [value]
    )
    fits = all(isinstance(one, int | float) and not isinstance(one, bool) for one in given)
    if number != fits or (not number and isinstance(value, Mapping)):
        holds = "numbers" if number else "texts" if rows.kinds[name] == TEXT else "neither numbers nor texts"
        raise InvalidInput(f"{path}: the column holds {holds}, so {value!r} cannot be done to it", field=path)
    if isinstance(value, Mapping):
        ((how, by),) = value.items()
        new = old + by if how == "add" else old * by
        rounded: Values = np.rint(new) if name in rows.whole else new
        return rounded
    new = old.copy()
    if isinstance(value, list | tuple):
        new[old == value[0]], new[old == value[1]] = value[1], value[0]
    else:
        new[:] = value
    return new


def sweep(rows: Rows, expectation: Expectation) -> Iterator[Changes]:
    """The rows with one feature set to each of the different deciles of its values, ascending.

    Raises
    ------
    InvalidInput
        If the model does not read it, or it holds no numbers.
    """
    name, path = expectation.feature, f"declared_expectations.{expectation.id}.feature"
    if rows.kinds.get(name) != NUMBER:
        why = "holds no numbers" if name in rows.columns else "is not read by the model"
        raise InvalidInput(f"{path}: {name!r} {why}, so it has no direction", field=path)
    known = rows.columns[name][np.isfinite(rows.columns[name])]
    if not len(known):
        raise InvalidInput(f"{path}: {name!r} has no value in these rows", field=path)
    points = np.quantile(known, _DECILES)
    for point in np.unique(np.rint(points) if name in rows.whole else points).tolist():
        yield {name: np.full(len(rows), point)}


def worst_reversal(scores: Sequence[Floats], direction: str) -> Floats:
    """How far, for each row, the score falls below what it had reached before, along the sweep (or rises, if decreasing)."""
    path = np.stack(scores) if direction == INCREASING else -np.stack(scores)
    found: Floats = (np.maximum.accumulate(path, axis=0) - path).max(axis=0)
    return found

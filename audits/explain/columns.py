"""Rows and background as columns of any type, and rows mixed of both: what a model is asked to be explained. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from registry.errors import InvalidInput

Array: TypeAlias = "np.ndarray[Any, Any]"
Score: TypeAlias = "Callable[[Mapping[str, Any]], Array]"
Progress: TypeAlias = "Callable[[float, str], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Rows to be explained, and the background that a missing feature is drawn from.

    Attributes
    ----------
    pool
        Feature to the values of the rows, then those of the background.
    rows, background
        How many of each.
    """

    pool: Mapping[str, Array]
    rows: int
    background: int

    @property
    def features(self) -> tuple[str, ...]:
        """In the model's order."""
        return tuple(self.pool)

    def mixed(self, row: Array, known: Array) -> dict[str, Array]:
        """For each pair of a row and a set of known features, the background with these features taken from the row.

        Parameters
        ----------
        row
            (pairs,) numbers of rows.
        known
            (pairs, features) bool.

        Returns
        -------
        dict
            Feature to (pairs × background,) values, the background of the first pair first.
        """
        others = self.rows + np.arange(self.background)
        result = {}
        for place, (name, values) in enumerate(self.pool.items()):
            index = np.where(known[:, place, None], row[:, None], others[None, :])
            result[name] = values[index.ravel()]
        return result

    def of_rows(self) -> dict[str, Array]:
        """The rows alone."""
        return {name: values[: self.rows] for name, values in self.pool.items()}

    def of_background(self) -> dict[str, Array]:
        """The background alone."""
        return {name: values[self.rows :] for name, values in self.pool.items()}


def columns_of(features: Sequence[str], rows: Mapping[str, Any], background: Mapping[str, Any]) -> Columns:
    """Put rows and background beside each other.

    Raises
    ------
    InvalidInput
        Naming the feature that is not there, or whose column is of another length, or if either has no rows.
    """
    pool: dict[str, Array] = {}
    counts: dict[str, int] = {}
    for what, given in (("rows", rows), ("background", background)):
        for name in features:
            if name not in given:
                raise InvalidInput(f"the model reads {name!r}, and the {what} have no such column", field=name)
            values = np.asarray(given[name])
            if values.ndim != 1 or counts.setdefault(what, len(values)) != len(values):
                raise InvalidInput(f"the column {name!r} of the {what} is not as long as the others", field=name)
            pool[name] = values if what == "rows" else _joined(pool[name], values)
        if not counts.get(what):
            raise InvalidInput(f"there are no {what} to explain with", field=what)
    return Columns(pool=pool, rows=counts["rows"], background=counts["background"])


def numbers_of(columns: Mapping[str, Array]) -> Array:
    """(features, rows) float64, missing values as NaN.

    Raises
    ------
    InvalidInput
        Naming the column that does not hold numbers.
    """
    result = []
    for name, values in columns.items():
        try:
            result.append(np.asarray(values, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"the model's trees compare numbers, and {name!r} holds others: {error}", field=name
            ) from error
    return np.ascontiguousarray(result, dtype=np.float64)


def _joined(rows: Array, background: Array) -> Array:
    """Numbers with numbers and texts with texts; all else as it is, one by one."""
    if (rows.dtype.kind in "biuf" and background.dtype.kind in "biuf") or rows.dtype.kind == background.dtype.kind:
        return np.concatenate([rows, background])
    return np.concatenate([rows.astype(object), background.astype(object)])


def ask(score: Score, columns: Mapping[str, Array], expected: int) -> Array:
    """Scores of so many rows.

    Raises
    ------
    InvalidInput
        If the model answers with another number of scores, or some that are no finite numbers.
    """
    scores = np.asarray(score(columns), dtype=np.float64)
    if scores.shape != (expected,) or not np.isfinite(scores).all():
        raise InvalidInput("the model did not give one finite score for each row", field="model")
    return scores

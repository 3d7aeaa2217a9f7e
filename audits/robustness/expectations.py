"""What a manifest promises of its model: more of this never lowers the score, changing that changes nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.robustness.rows import NUMBER, TEXT, Changes, Rows, Values
from registry.errors import InvalidInput

INCREASING, DECREASING = "increasing", "decreasing"
UNCHANGED = "unchanged"
EXPECTED = (UNCHANGED, "higher", "lower", "not-higher", "not-lower")
TOLERANCE = 1e-9
"""Scores that differ by less are the same, unless the manifest says otherwise."""

_DECILES = np.linspace(0, 1, 11)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One promise: either ``feature`` with ``direction``, or ``change`` with ``expect``."""

    id: str
    feature: str = ""
    direction: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)
    expect: str = ""
    tolerance: float = TOLERANCE

    def as_json(self) -> dict[str, Any]:
        """As it stands in the manifest, the tolerance spelled out."""
        form: dict[str, Any] = (
            {"feature": self.feature, "direction": self.direction}
            if self.feature
            else {"change": dict(self.change), "expect": self.expect}
        )
        return {"id": self.id, **form, "tolerance": self.tolerance}

    def sentence(self) -> str:
        """The promise in words."""
        if self.feature:
            way = "lowers" if self.direction == INCREASING else "raises"
            return f"more {self.feature} never {way} the score"
        done = " and ".join(f"{name} {_words(value)}" for name, value in self.change.items())
        kept = {
            UNCHANGED: "leaves the score as it is", "higher": "raises the score", "lower": "lowers the score",
            "not-higher": "never raises the score", "not-lower": "never lowers the score",
        }[self.expect]  # fmt: skip
        return f"{done} {kept}"

    def violation(self, before: Floats, after: Floats) -> Floats:
        """How far, for each row, the score went where it was not to go; for ``change`` with ``expect``."""
        moved = after - before
        return {UNCHANGED: np.abs(moved), "higher": -moved, "not-lower": -moved}.get(self.expect, moved)

    def violated(self, before: Floats, after: Floats) -> npt.NDArray[np.bool_]:
        """Which rows break it: ``higher`` and ``lower`` ask for more than the tolerance, the others allow up to it."""
        wrong = self.violation(before, after)
        if self.expect in ("higher", "lower"):
            return wrong >= -self.tolerance
        return wrong > self.tolerance


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        ((how, by),) = value.items()
        return f"plus {by:g}" if how == "add" else f"times {by:g}"
    return f"with {value[0]} and {value[1]} swapped" if isinstance(value, list | tuple) else f"set to {value}"


def parse_expectations(stated: Any) -> tuple[Expectation, ...]:
    """Read promises as the manifest writes them.

    Raises
    ------
    InvalidInput
        Naming the one that is wrong, and why.
    """
    if not isinstance(stated, list | tuple):
        raise InvalidInput("declared_expectations must be a list", field="declared_expectations")
    found = tuple(_parsed(item, f"declared_expectations[{index}]") for index, item in enumerate(stated))
    ids = [item.id for item in found]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            raise InvalidInput(f"{name!r} is named twice", field=f"declared_expectations[{index}].id")
    return found


def _parsed(item: Any, path: str) -> Expectation:
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str) or not item["id"]:
        raise InvalidInput(f"{path} must be a mapping with an id", field=path)
    tolerance = item.get("tolerance", TOLERANCE)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < float("inf"):
        raise InvalidInput(f"{path}.tolerance must be a number from 0", field=f"{path}.tolerance")
    keys = set(item) - {"id", "tolerance"}
    if keys == {"feature", "direction"} and item["direction"] in (INCREASING, DECREASING):
        return Expectation(
            id=item["id"], feature=str(item["feature"]), direction=item["direction"], tolerance=float(tolerance)
        )
    if keys == {"change", "expect"} and item["expect"] in EXPECTED and isinstance(item["change"], Mapping):
        for name, value in item["change"].items():
            _require_change(value, f"{path}.change.{name}")
        return Expectation(
            id=item["id"], change=dict(item["change"]), expect=item["expect"], tolerance=float(tolerance)
        )
    message = (
        f"{path} needs either feature and direction (increasing or decreasing), or change and expect "
        f"({', '.join(EXPECTED)})"
    )
    raise InvalidInput(message, field=path)


def _require_change(value: Any, path: str) -> None:
    number = int | float
    if isinstance(value, Mapping):
        sound = len(value) == 1 and set(value) <= {"add", "multiply"}
        sound = sound and all(isinstance(by, number) and not isinstance(by, bool) for by in value.values())
    elif isinstance(value, list | tuple):
        sound = len(value) == 2 and value[0] != value[1]  # noqa: PLR2004 - a pair
    else:
        sound = isinstance(value, str | int | float)
    if not sound:
        message = f"{path} must be a value, {{add: x}}, {{multiply: x}}, or a pair of values to swap, not {value!r}"
        raise InvalidInput(message, field=path)


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

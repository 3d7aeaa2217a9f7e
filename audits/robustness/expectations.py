"""What a manifest promises of its model: more of this never lowers the score, changing that changes nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from registry.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

INCREASING, DECREASING = "increasing", "decreasing"
UNCHANGED = "unchanged"
EXPECTED = (UNCHANGED, "higher", "lower", "not-higher", "not-lower")
TOLERANCE = 1e-9
"""Scores that differ by less are the same, unless the manifest says otherwise."""


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
        return {UNCHANGED: abs(moved), "higher": -moved, "not-lower": -moved}.get(self.expect, moved)

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

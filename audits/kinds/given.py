"""Parameters that came as JSON, taken one by one and checked. Pure of Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.errors import InvalidInput

_LARGEST_SEED = 2**53 - 1
_LEAST_CONFIDENCE = 0.5


class Given:
    """What was given to one kind of evaluation.

    Parameters
    ----------
    values
        The parameters.
    kind
        Name of the kind, for messages.
    known
        The parameters that it has.

    Raises
    ------
    InvalidInput
        Here and in every method: naming the parameter that is unknown, missing, of the wrong type or out of range.
    """

    def __init__(self, values: Mapping[str, Any], kind: str, known: Iterable[str]) -> None:
        self.values = values
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InvalidInput(f"{kind} has no parameter {unknown[0]!r}", field=unknown[0])

    def text(self, name: str) -> str | None:
        """A text, if given."""
        value = self.values.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise InvalidInput(f"{name} must be a text, not {value!r}", field=name)
        return value

    def required(self, name: str) -> str:
        """The name of a column that must be given."""
        value = self.text(name)
        if value is None:
            raise InvalidInput(f"name the {name} column", field=name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise InvalidInput(f"{name} must be true or false, not {value!r}", field=name)
        return value

    def whole(self, name: str, default: int, *, least: int = 0) -> int:
        """A whole number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST_SEED:
            raise InvalidInput(f"{name} must be a whole number from {least}, not {value!r}", field=name)
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number in [low, high]."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InvalidInput(f"{name} must lie between {low} and {high}, not {value!r}", field=name)
        return float(value)

    def texts(self, name: str, what: str = "column names") -> tuple[str, ...]:
        """A list of distinct texts; empty if not given."""
        value = self.values.get(name) or ()
        if not _is_list(value) or not all(isinstance(item, str) and item for item in value):
            raise InvalidInput(f"{name} must be a list of {what}, not {value!r}", field=name)
        if len(set(value)) < len(value):
            raise InvalidInput(f"{name} names something twice: {list(value)}", field=name)
        return tuple(value)

    def confidences(self) -> tuple[float, ...]:
        """Nominal coverages in [0.5, 1); 0.95 if not given."""
        value = self.values.get("confidences", (0.95,))
        if not _is_list(value) or not value:
            raise InvalidInput(f"confidences must be a list of numbers, not {value!r}", field="confidences")
        for share in value:
            number = isinstance(share, int | float) and not isinstance(share, bool)
            if not number or not _LEAST_CONFIDENCE <= share < 1:
                raise InvalidInput(f"confidences must lie between 0.5 and 1, not {share!r}", field="confidences")
        return tuple(dict.fromkeys(float(share) for share in value))


def refuse_shared(parts: Sequence[tuple[str, str | None]]) -> None:
    """Refuse one column in two parts: ``(part, column)``.

    Raises
    ------
    InvalidInput
        Naming the column and both parts.
    """
    taken: dict[str, str] = {}
    for part, column in parts:
        if column is None:
            continue
        if column in taken:
            raise InvalidInput(
                f"column {column!r} is named both as {taken[column]} and as {part}; each needs its own", field=part
            )
        taken[column] = part


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)

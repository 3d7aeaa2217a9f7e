"""What every format gives once a file is loaded: a description, and answers as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a loaded file says of itself; see ``audits.scoring.model.Signature`` for the words."""

    format: str
    inputs: Mapping[str, str]
    outputs: Sequence[str]
    classes: Sequence[str] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    trees: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answers to a batch of rows.

    Attributes
    ----------
    values
        (rows, k) float64: one column per class, or one alone; ``None`` where the model only decides.
    decisions
        The model's own decisions as texts; ``None`` where it has none, or none were asked for.
    """

    values: np.ndarray[Any, Any] | None
    decisions: Sequence[str] | None = None


class Loaded(Protocol):
    """A loaded file.

    Attributes
    ----------
    interface
        How it is asked, as plain JSON; see ``registry.execution.Interface``.
    """

    interface: Mapping[str, Any]
    description: Description

    def answer(self, rows: Rows, *, decisions: bool) -> Answer:
        """Answers to rows; ``decisions`` says whether the model's own decisions are wanted."""

    def outputs(self, rows: Rows) -> Mapping[str, Any]:
        """Every output by its own name, as arrays of numbers or texts with a row for each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows for a model.

    Attributes
    ----------
    names
        The columns, in the order in which the model reads them.
    matrix
        (rows, columns) float64, where all are numbers and came that way.
    columns
        Otherwise name to values: numbers (NaN where missing), or objects (texts, NaN where missing).
    """

    names: tuple[str, ...]
    count: int
    matrix: np.ndarray[Any, Any] | None = None
    columns: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """The values of one column."""
        return self.columns[name] if self.matrix is None else self.matrix[:, self.names.index(name)]

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold texts."""
        return tuple(name for name, values in self.columns.items() if values.dtype.kind == "O")

    def stacked(self) -> np.ndarray[Any, Any]:
        """(rows, columns): float64 where all are numbers, objects otherwise."""
        import numpy as np

        if self.matrix is not None:
            return self.matrix
        kind = object if self.texts else np.float64
        found = np.empty((self.count, len(self.names)), dtype=kind)
        for place, name in enumerate(self.names):
            found[:, place] = self.columns[name]
        return found

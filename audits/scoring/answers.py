"""What a model answered, checked and turned into score and decision: the same for files, endpoints and composites. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.sandbox.errors import ModelFailed
from audits.scoring.model import DECISION, SCORE, score_column
from registry.errors import InvalidInput
from registry.execution import Interface

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Decisions: TypeAlias = "Sequence[str] | pa.Array"

REGRESSION = "regression"
_PAIR = 2


class Answers:
    """Turns the outputs of a model into the columns of :meth:`audits.scoring.model.Model.score`.

    Parameters
    ----------
    name
        What people know the model by.
    known
        The classes that the model itself names, in the order of its outputs; empty where it names none.

    Attributes
    ----------
    classes
        The classes as texts, in the order of the outputs; empty for regression.

    Raises
    ------
    InvalidInput
        If the interface and the model disagree about the classes.
    """

    def __init__(self, name: str, interface: Interface, known: Sequence[str] = ()) -> None:
        self.name = name
        self.interface = interface
        self.classes = () if interface.task == REGRESSION else _classes(name, interface, known)
        self._known = tuple(known) or self.classes
        self._named = bool(known)
        if interface.positive and self.classes and interface.positive not in self.classes:
            message = (
                f"{name}: the positive class {interface.positive!r} is not among the classes {_listed(self.classes)}; "
                "name the classes in the order of the model's outputs under execution.classes"
            )
            raise InvalidInput(message, field="execution.classes")

    @property
    def needs_decisions(self) -> bool:
        """Whether the model's own decisions count; with a threshold they do not."""
        return bool(self.classes) and (self.interface.threshold is None or len(self.classes) > _PAIR)

    def scores(self, values: np.ndarray[Any, Any] | None, decisions: Decisions | None, *, rows: int) -> Any:
        """(rows,) float64: the scores alone. ``values`` and ``decisions`` as in :meth:`batch`."""
        matrix = self._matrix(values, decisions, rows, 0)
        return self._score_of(matrix)

    def batch(
        self, values: np.ndarray[Any, Any] | None, decisions: Decisions | None, *, rows: int, first: int = 0
    ) -> pa.RecordBatch:
        """Score and decision of one batch.

        Parameters
        ----------
        values
            (rows, k) numbers, or None where the model only decides.
        decisions
            The model's own, as texts in the model's words: a list or an Arrow column.
        rows, first
            How many rows were asked, and the number of the first one, for messages.

        Raises
        ------
        ModelFailed
            If rows, outputs or numbers are not what they must be, naming the first row that is wrong.
        """
        import numpy as np
        import pyarrow as pa

        matrix = self._matrix(values, decisions, rows, first)
        score = self._score_of(matrix)
        if not self.classes:
            return pa.RecordBatch.from_arrays([pa.array(score), pa.array(score)], names=[SCORE, DECISION])
        codes = self._codes(matrix, score, decisions, first)
        columns = [pa.array(score), pa.array(self.classes, type=pa.string()).take(pa.array(codes))]
        names = [SCORE, DECISION]
        if len(self.classes) > _PAIR:
            columns += [pa.array(np.ascontiguousarray(matrix[:, place])) for place in range(len(self.classes))]
            names += [score_column(name) for name in self.classes]
        return pa.RecordBatch.from_arrays(columns, names=names)

    @property
    def positive(self) -> int:
        """The place of the positive class among the classes."""
        return self.classes.index(self.interface.positive) if self.interface.positive else len(self.classes) - 1

    def _score_of(self, matrix: np.ndarray[Any, Any]) -> Any:
        if matrix.shape[1] == 1:
            if self._named and self.classes and self.positive != len(self.classes) - 1:
                # A model that names two classes and gives one number speaks of the second.
                message = (
                    f"{self.name}: the model's one output is of the class {self.classes[-1]!r}, and the positive class is "
                    f"{self.interface.positive!r}; make {self.classes[-1]!r} the positive class, or save a model that gives both"
                )
                raise InvalidInput(message, field="schema.positive")
            return matrix[:, 0].copy()
        if len(self.classes) > _PAIR:
            return matrix.max(axis=1)
        return matrix[:, self.positive].copy()

    def _codes(
        self, matrix: np.ndarray[Any, Any], score: Any, decisions: Decisions | None, first: int
    ) -> np.ndarray[Any, Any]:
        """The place of every row's class."""
        import numpy as np

        threshold = self.interface.threshold
        if threshold is not None and len(self.classes) == _PAIR:
            if decisions is not None:
                self._places(decisions, len(matrix), first)  # classes that are named wrongly must not pass unseen
            chosen: np.ndarray[Any, Any] = np.where(score >= threshold, self.positive, 1 - self.positive)
            return chosen
        if decisions is not None:
            return self._places(decisions, len(matrix), first)
        if matrix.shape[1] == len(self.classes):
            found: np.ndarray[Any, Any] = matrix.argmax(axis=1)
            return found
        message = f"{self.name}: the model gives a score and decides nothing; say execution.threshold"
        raise InvalidInput(message, field="execution.threshold")

    def _places(self, decisions: Decisions, rows: int, first: int) -> np.ndarray[Any, Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if len(decisions) != rows:
            raise self._failed(f"answered with {len(decisions):,} decisions to {rows:,} rows")
        column = decisions if isinstance(decisions, pa.Array) else pa.array(decisions, type=pa.string())
        places = pc.index_in(column, value_set=pa.array(self._known, type=pa.string()))
        if places.null_count:
            row = int(places.is_null().to_numpy(zero_copy_only=False).argmax())
            raise self._failed(
                f"decided {str(column[row].as_py())[:100]!r} in row {first + row:,}, which is none of the classes "
                f"{_listed(self._known)}"
            )
        found: np.ndarray[Any, Any] = places.to_numpy(zero_copy_only=False)
        return found

    def _matrix(
        self, values: np.ndarray[Any, Any] | None, decisions: Decisions | None, rows: int, first: int
    ) -> np.ndarray[Any, Any]:
        """The outputs as a checked matrix; of a model that only decides, 1 for the class that it chose."""
        import numpy as np

        if values is None:
            if decisions is None or not self.classes:
                raise self._failed("answered with neither scores nor decisions")
            places = self._places(decisions, rows, first)
            chosen: np.ndarray[Any, Any] = np.eye(len(self.classes))[places]
            return chosen
        matrix = np.asarray(values, dtype=np.float64)
        if len(matrix) != rows:
            raise self._failed(f"answered with {len(matrix):,} rows to {rows:,}")
        widths = {len(self.classes) or 1} | ({1} if len(self.classes) == _PAIR else set())
        if matrix.ndim != _PAIR or matrix.shape[1] not in widths:
            wanted = " or ".join(map(str, sorted(widths)))
            raise self._failed(f"answered with {matrix.shape[1]:,} numbers for each row; {wanted} was expected")
        sound = np.isfinite(matrix).all(axis=1)
        if not sound.all():
            row = int(sound.argmin())
            raise self._failed(
                f"answered {matrix[row].tolist()[:5]} in row {first + row:,}; scores must be finite numbers"
            )
        return matrix

    def _failed(self, sentence: str) -> ModelFailed:
        return ModelFailed(f"{self.name}: the model {sentence}")


def checked_outputs(name: str, batch: pa.RecordBatch, rows: int) -> pa.RecordBatch:
    """All outputs of a model, for the next step of a graph: finite float64 and text, as many rows as were asked.

    Raises
    ------
    ModelFailed
        Naming the output that is something else.
    """
    import numpy as np
    import pyarrow as pa

    if batch.num_rows != rows:
        raise ModelFailed(f"{name}: the model answered with {batch.num_rows:,} rows to {rows:,}")
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if column.null_count or not (pa.types.is_float64(field.type) or pa.types.is_string(field.type)):
            raise ModelFailed(f"{name}: the model answered {field.name[:100]!r} with nothing, or as {field.type}")
        if pa.types.is_float64(field.type) and not np.isfinite(column.to_numpy(zero_copy_only=False)).all():
            raise ModelFailed(f"{name}: the model answered {field.name[:100]!r} with numbers that are not finite")
    return batch


def _classes(name: str, interface: Interface, known: Sequence[str]) -> tuple[str, ...]:
    stated, there = interface.classes, tuple(known)
    if stated and there and len(stated) != len(there):
        message = f"{name}: the model has the classes {_listed(there)}, and execution.classes names {_listed(stated)}"
        raise InvalidInput(message, field="execution.classes")
    if stated and there and set(stated) == set(there) and stated != there:
        message = f"{name}: the model has the classes in the order {_listed(there)}, and execution.classes in another"
        raise InvalidInput(message, field="execution.classes")
    classes = stated or there
    if not classes and interface.task == "binary":
        classes = ("0", "1")
    if not classes:
        message = f"{name}: the model does not say which classes it has; name them under execution.classes"
        raise InvalidInput(message, field="execution.classes")
    if interface.task == "binary" and len(classes) != _PAIR:
        message = f"{name}: the task is binary, and the model has {len(classes)} classes: {_listed(classes)}"
        raise InvalidInput(message, field="schema.task")
    return classes


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""  # noqa: PLR2004 - what one sentence holds
    return ", ".join(map(repr, names[:20])) + more

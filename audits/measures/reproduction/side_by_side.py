"""Two models' answers to the same rows, gathered batch by batch, and what came of them. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.auc import roc_auc
from audits.group_names import UNKNOWN
from audits.measures.reproduction.grades import Compared
from audits.prediction_columns import class_text, text_of
from audits.sandbox.errors import ModelFailed
from audits.scoring.model import DECISION, SCORE
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

EDGES = (1e-9, 1e-4, 1e-2, 0.1)
"""Score differences are counted up to and including each of these, and above the last."""

_SHOWN = 5


class Names:
    """A column of few distinct values as codes."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def add(self, values: pa.Array, *, classes: bool = False) -> Codes:
        """The codes of the next rows; numbers that are the same class (``1``, ``1.0``) have the same."""
        encoded = values.dictionary_encode()
        texts = [text_of(value) for value in encoded.dictionary.to_pylist()]
        names = [class_text(text) if classes and text is not None else text or UNKNOWN for text in texts]
        table = np.array([*(self._codes.setdefault(name, len(self._codes)) for name in names), -1], dtype=np.int64)
        indices = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        if (indices == len(names)).any():
            table[-1] = self._codes.setdefault(UNKNOWN, len(self._codes))
        found: Codes = table[indices]
        return found

    @property
    def names(self) -> list[str]:
        """The distinct values by code."""
        return list(self._codes)


class SideBySide:
    """What the submitted and the rebuilt model answered.

    Parameters
    ----------
    task
        ``binary``, ``multiclass`` or ``regression``.
    label, sensitive
        Columns of the rows; without a label only shares are compared.
    tolerance
        Predictions of a regression that differ by more are different decisions.
    """

    def __init__(self, *, task: str, label: str | None, sensitive: Sequence[str], tolerance: float) -> None:
        self.task, self.label, self.tolerance = task, label, tolerance
        self.rows = self.decisions_differing = 0
        self.largest = 0.0
        self.spread = np.zeros(len(EDGES) + 1, dtype=np.int64)
        self._classes = Names()
        self._groups = {column: Names() for column in sensitive}
        self._parts: dict[str, list[Any]] = {}
        self._joined: dict[str, list[Any]] = {}

    @property
    def columns(self) -> list[str]:
        """The columns of the rows that it reads beside what the models read."""
        return [*([self.label] if self.label is not None else []), *self._groups]

    def add(self, rows: pa.RecordBatch, submitted: pa.RecordBatch, rebuilt: pa.RecordBatch) -> None:
        """Take the answers to the next rows.

        Raises
        ------
        ModelFailed
            If the rebuilt model has other classes than the submitted one.
        """
        sides = (submitted, rebuilt)
        scores = [name for name in submitted.schema.names if name == SCORE or name.startswith(f"{SCORE}:")]
        for name in scores:
            if name not in rebuilt.schema.names:
                message = f"it gives no {name}, so it has other classes than the submitted one"
                raise ModelFailed(message)
        widest = np.zeros(rows.num_rows)
        for name in scores:
            first, second = (_floats(side.column(name)) for side in sides)
            widest = np.maximum(widest, np.abs(first - second))
            if name == SCORE:
                self._keep("score", first, second)
        self.spread += np.bincount(np.searchsorted(EDGES, widest, side="left"), minlength=len(EDGES) + 1)
        self.largest = max(self.largest, float(widest.max(initial=0.0)))
        self.rows += rows.num_rows
        if self.task == "regression":
            self.decisions_differing += int((widest > self.tolerance).sum())
        else:
            decided = [self._classes.add(side.column(DECISION), classes=True) for side in sides]
            self.decisions_differing += int((decided[0] != decided[1]).sum())
            self._keep("decision", *decided)
        if self.label is not None:
            values = rows.column(self.label)
            told = _floats(values) if self.task == "regression" else self._classes.add(values, classes=True)
            if self.task == "regression" and not np.isfinite(told).all():
                raise InvalidInput(f"column {self.label!r} holds rows without a number", field="label")
            self._keep("label", told)
        for column, names in self._groups.items():
            self._keep(f"group {column}", names.add(rows.column(column)))

    def _keep(self, name: str, *values: Any) -> None:
        self._parts.setdefault(name, []).append(values)

    def _all(self, name: str) -> list[Any]:
        """All rows of what was kept, one array for each model (or one where both share it)."""
        if name not in self._joined:
            self._joined[name] = [np.concatenate(parts) for parts in zip(*self._parts[name], strict=True)]
        return self._joined[name]

    def metrics(self, positive: str) -> list[Compared]:
        """The metrics of both, over everybody and by group.

        Raises
        ------
        InvalidInput
            If no label is one of the classes that the models decide between: nothing could be compared.
        """
        if self.rows == 0:
            return []
        found = self._regression() if self.task == "regression" else self._classification(class_text(positive))
        for column, names in self._groups.items():
            (codes,) = self._all(f"group {column}")
            for code, name in enumerate(names.names):
                found += self._of_group(f"{column}: {name}", codes == code, class_text(positive))
        return found

    def _classification(self, positive: str) -> list[Compared]:
        decided = self._all("decision")
        found = []
        if self.label is not None:
            (label,) = self._all("label")
            names = self._classes.names
            if not np.isin(label, np.unique(np.concatenate(decided))).any():
                told, known = (
                    [repr(names[code]) for code in np.unique(codes)[:_SHOWN]] for codes in (label, decided[0])
                )
                message = f"column {self.label!r} holds {', '.join(told)}, and the model decides for {', '.join(known)}"
                raise InvalidInput(message, field="label")
            found.append(_pair("accuracy_score", "", [float((side == label).mean()) for side in decided]))
            truth = label == names.index(positive) if positive in names else np.zeros(len(label), dtype=bool)
            if self.task == "binary" and 0 < truth.sum() < len(truth):
                found.append(_pair("roc_auc_score", "", [roc_auc(truth, side).value for side in self._all("score")]))
        everyone = np.ones(self.rows, dtype=bool)
        return found + self._of_group("", everyone, positive)

    def _regression(self) -> list[Compared]:
        found = []
        predicted = self._all("score")
        if self.label is not None:
            (label,) = self._all("label")
            deviation = float(label.std())
            if deviation:
                r2 = [1 - float(((side - label) ** 2).mean()) / deviation**2 for side in predicted]
                errors = [float(np.abs(side - label).mean()) / deviation for side in predicted]
                found = [_pair("r2_score", "", r2), _pair("mean_absolute_error_by_deviation", "", errors)]
        return found + self._of_group("", np.ones(self.rows, dtype=bool), "")

    def _of_group(self, group: str, where: npt.NDArray[np.bool_], positive: str) -> list[Compared]:
        """What a group gets from each: the share of each class that counts, or the mean prediction in deviations."""
        if self.task == "regression":
            predicted = self._all("score")
            unit = float(predicted[0].std()) or 1.0
            means = [float(side[where].mean()) / unit for side in predicted]
            return [_pair("mean_prediction_by_deviation", group, means)]
        decided = self._all("decision")
        names = self._classes.names
        if self.task == "binary":
            wanted = [positive] if positive in names else []
            shares = [[float((side[where] == names.index(name)).mean()) for side in decided] for name in wanted]
            return [_pair("selection_rate", group, both) for both in shares or [[0.0, 0.0]]]
        found = []
        for code in np.unique(np.concatenate(decided)):
            both = [float((side[where] == code).mean()) for side in decided]
            label = ", ".join(filter(None, [group, f"class {names[code]}"]))
            found.append(_pair("selection_rate", label, both))
        return found


def _pair(metric: str, group: str, values: Sequence[float]) -> Compared:
    return Compared(metric=metric, group=group, submitted=values[0], rebuilt=values[1])


def _floats(values: pa.Array) -> Floats:
    import pyarrow as pa

    numbers: Floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def positive_class(stated: str, classes: Sequence[str]) -> str:
    """The class that counts as the favourable one: the stated, else the model's last, else ``1``."""
    return stated or (classes[-1] if classes else "1")

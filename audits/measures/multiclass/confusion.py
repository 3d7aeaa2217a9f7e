"""The confusion table of several classes, counted by an engine. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS
from audits.exact_sums import whole_numbers
from audits.intervals import Floats
from audits.measures.checked_numbers import check_numbers, weight_column
from audits.measures.distinct_values import holds_more_than
from audits.measures.sums import SumSet
from audits.prediction_columns import Levels
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Limits, open_sources, read_batches

if TYPE_CHECKING:
    import ibis

    from audits.engines.opening import Data
    from audits.engines.port import Engine
    from audits.parameters import Parameters

_FEWEST = 2
_MISSING = {"", "na", "n/a", "nan", "null", "none", "<na>"}
_MOST_NAMED = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Confusion:
    """Rows by what happened and what was predicted, over C classes.

    Attributes
    ----------
    classes
        Their names, sorted: all that occur as label or prediction. ``1``, ``1.0`` are one class.
    values, predicted
        Per class, the values of the label and of the prediction column (as the engine groups them) that mean it.
    counts
        (C, C) rows by label and prediction.
    mass, squares
        (C, C) their sums of weights and of squared weights; the counts where every row counts one.
    weighted
        Whether rows have weights.
    largest_weight
        The largest weight; 1 where there are none.
    suppressed
        Cells that the engine held back.
    """

    classes: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    predicted: tuple[tuple[Any, ...], ...]
    counts: npt.NDArray[np.int64]
    mass: Floats
    squares: Floats
    weighted: bool = False
    largest_weight: float = 1.0
    suppressed: int = 0

    @property
    def total(self) -> int:
        """Rows in all."""
        return int(self.counts.sum())


def class_name(value: Any) -> str:
    """One name per class: numbers by their value, all else as written, without space around. Empty where it is missing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    text = str(value).strip()
    if text.lower() in _MISSING:
        return ""
    padded = text.lstrip("+-")
    if len(padded) > 1 and padded[0] == "0" and padded[1].isdigit():
        return text
    try:
        as_number = float(text)
    except ValueError:
        return text
    return str(int(as_number)) if as_number.is_integer() and abs(as_number) < 1e15 else text  # noqa: PLR2004 - exact


def labelled(engine: Engine, parameters: Parameters) -> ibis.Table:
    """The table with label and prediction as they are written."""
    return engine.as_written([parameters.label, parameters.prediction])


def count_confusion(engine: Engine, data: Data, parameters: Parameters) -> Confusion:
    """Count the confusion table.

    Raises
    ------
    PredictionsError
        If a column lacks, a label or prediction is missing, there are more than ``max_groups`` classes, only one class has
        rows, or a weight is no positive number.
    """
    from audits.predictions import Roles

    scores = tuple(parameters.scores.values())
    Roles(parameters.label, parameters.prediction, None, scores, parameters.weight, None).refuse_shared(data.name)
    _check_columns(engine, data, parameters)
    largest = 1.0
    sums = SumSet()
    source = labelled(engine, parameters)
    if parameters.weight is not None:
        _, ranges = check_numbers(engine, data, {"weight": weight_column(parameters.weight)})
        largest, weight = ranges["weight"].high, source[parameters.weight].cast("float64")
        sums = SumSet(numbers={"mass": (weight, largest), "squares": (weight * weight, largest**2)})
    by = {"label": source[parameters.label], "prediction": source[parameters.prediction]}
    found = engine.grouped(by, sums.measures(), of=source)
    table = found.table
    if not len(table) and not found.suppressed:
        raise PredictionsError(f"{data.name}: has no data rows", file=data.name)
    columns = {name: table[name].to_pylist() for name in by}
    names = {name: [class_name(value) for value in values] for name, values in columns.items()}
    _refuse_missing(data, parameters, names, whole_numbers(table[ROWS]))
    classes = sorted({*names["label"], *names["prediction"]}, key=_class_order)
    _refuse_classes(data, parameters, names["label"], names["prediction"], suppressed=found.suppressed)
    place = {name: index for index, name in enumerate(classes)}
    flat = [
        len(classes) * place[one] + place[two] for one, two in zip(names["label"], names["prediction"], strict=True)
    ]

    def square(cells: Any) -> Floats:
        size = len(classes)
        return np.bincount(flat, weights=cells, minlength=size * size).astype(np.float64).reshape(size, size)

    read = sums.read(table)
    counts = square(read[ROWS]) if flat else np.zeros((0, 0))
    return Confusion(
        classes=tuple(classes),
        values=_meaning(classes, columns["label"], names["label"]),
        predicted=_meaning(classes, columns["prediction"], names["prediction"]),
        counts=counts.astype(np.int64),
        mass=square(read["mass"]) if "mass" in read else counts,
        squares=square(read["squares"]) if "squares" in read else counts,
        weighted=parameters.weight is not None,
        largest_weight=largest,
        suppressed=found.suppressed,
    )


def _meaning(classes: list[str], values: list[Any], names: list[str]) -> tuple[tuple[Any, ...], ...]:
    found: dict[str, dict[Any, None]] = {name: {} for name in classes}
    for value, name in zip(values, names, strict=True):
        found[name][value] = None
    return tuple(tuple(found[name]) for name in classes)


def _class_order(name: str) -> tuple[int, float, str]:
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)


def _check_columns(engine: Engine, data: Data, parameters: Parameters) -> None:
    for column in (parameters.label, parameters.prediction):
        if column not in engine.columns:
            there = ", ".join(map(repr, list(engine.columns)[:50]))
            message = f"{data.name}: has no column {column!r}; it has {there}"
            raise PredictionsError(message, file=data.name, column=column)
        if engine.columns[column] == "other":
            raise _error(data, column, "holds nested values, which do not name classes")
        if holds_more_than(engine, column, parameters.max_groups):
            hint = "is it a number to predict (task regression), or an identifier?"
            raise _error(data, column, f"holds more than {parameters.max_groups} classes; {hint}")


def _refuse_missing(
    data: Data, parameters: Parameters, names: dict[str, list[str]], rows: npt.NDArray[np.int64]
) -> None:
    for part, column in (("label", parameters.label), ("prediction", parameters.prediction)):
        missing = int(rows[[not name for name in names[part]]].sum()) if len(rows) else 0
        if missing:
            _raise_at_row(data, column)
            raise _error(data, column, f"is empty in {missing:,} rows; every row needs a class")


def _raise_at_row(data: Data, column: str) -> None:
    """Raise at the first row of a local file that names no class."""
    if data.path is None:
        return
    limits, levels = Limits(), Levels(column, limit=1 << 20)
    for batch in read_batches(open_sources(data.path, data.name, limits), [column], limits):
        levels.add(batch.columns[column], batch)
    levels.refuse_blanks()


def _refuse_classes(
    data: Data, parameters: Parameters, labels: list[str], predictions: list[str], *, suppressed: int
) -> None:
    if len(set(labels)) < _FEWEST and not suppressed:
        held = f"{labels[0]!r} in every row"
        raise _error(data, parameters.label, f"holds one class only ({held}); at least two are needed")
    if not set(labels) & set(predictions) and not suppressed:
        held = ", ".join(map(repr, sorted(set(predictions))[:_MOST_NAMED]))
        raise _error(data, parameters.prediction, f"holds none of the classes of the labels; it holds {held}")


def _error(data: Data, column: str, message: str) -> PredictionsError:
    return PredictionsError(f"{data.name}: column {column!r} {message}", file=data.name, column=column)

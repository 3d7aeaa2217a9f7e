"""How columns of several steps become one: mean, weighted mean, median, extremes, and majority of decisions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audits.sandbox.errors import ModelFailed
from registry.execution import Step

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MAJORITY = "majority"


def combined(step: Step, columns: Sequence[pa.Array]) -> np.ndarray[Any, Any]:
    """(rows,) float64: the numbers of several columns as one, row by row.

    Raises
    ------
    ModelFailed
        If a column holds no numbers.
    """
    import numpy as np
    import pyarrow as pa

    for name, column in zip(step.of, columns, strict=True):
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise ModelFailed(f"the step {step.name!r} takes the {step.combine} of {name!r}, which holds {column.type}")
    block = np.column_stack([column.to_numpy(zero_copy_only=False).astype(np.float64) for column in columns])
    found: np.ndarray[Any, Any]
    match step.combine:
        case "mean":
            found = block.mean(axis=1)
        case "weighted-mean":
            found = np.average(block, axis=1, weights=step.weights)
        case "median":
            found = np.median(block, axis=1)
        case "maximum":
            found = block.max(axis=1)
        case "minimum":
            found = block.min(axis=1)
        case _:
            raise ModelFailed(f"the step {step.name!r} combines by {step.combine!r}, which is not known")
    return found


def votes(step: Step, columns: Sequence[pa.Array], classes: Sequence[str]) -> np.ndarray[Any, Any]:
    """(rows, classes) float64: the share of the decisions that are for each class.

    Raises
    ------
    ModelFailed
        Naming a decision that is none of the classes.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = np.zeros((len(columns[0]), len(classes)))
    rows = np.arange(len(found))
    for name, column in zip(step.of, columns, strict=True):
        places = pc.index_in(column.cast(pa.string()), value_set=pa.array(list(classes), type=pa.string()))
        if places.null_count:
            row = int(places.is_null().to_numpy(zero_copy_only=False).argmax())
            raise ModelFailed(
                f"{name!r} is {column[row].as_py()!r} in row {row:,}, which is none of {', '.join(classes)}"
            )
        found[rows, places.to_numpy(zero_copy_only=False)] += 1
    return found / len(columns)


def elected(step: Step, columns: Sequence[pa.Array], shares: np.ndarray[Any, Any], classes: Sequence[str]) -> list[str]:
    """The class with the most decisions; of several, the one that the earliest column of ``step.of`` decided for."""
    import numpy as np

    most = shares.max(axis=1, keepdims=True)
    found = shares.argmax(axis=1)
    tied = np.flatnonzero((shares == most).sum(axis=1) > 1)
    decided = [classes[place] for place in found]
    for row in tied.tolist():
        leading = {classes[place] for place in np.flatnonzero(shares[row] == most[row]).tolist()}
        decided[row] = next(str(column[row].as_py()) for column in columns if str(column[row].as_py()) in leading)
    return decided

"""What a loaded model is asked inside the sandbox: load, score, trees.

An operation takes the loaded model, its arguments and an iterator of Arrow batches (or None), and returns plain JSON and an
iterator of batches (or None).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.inside.formats.class_names import class_names
from audits.inside.formats.columns import rows_in
from audits.inside.formats.loaded import Answer, Loaded
from audits.inside.loading import load_model

if TYPE_CHECKING:
    import pyarrow as pa

    Batches: TypeAlias = "Iterator[pa.RecordBatch] | None"
    Operation: TypeAlias = "Callable[[Loaded, Mapping[str, Any], Batches], tuple[dict[str, Any], Batches]]"

VALUE, DECISION = "value", "decision"
"""Columns of answers: ``value:0``, ``value:1`` … float64 for the outputs of the score, ``decision`` text."""


def load(setup: Mapping[str, Any], folder: Path) -> tuple[Loaded, dict[str, Any]]:
    """Load the model file ``setup["file"]`` that lies in ``folder``; what it says of itself is the second result."""
    loaded = load_model(Path(folder) / setup["file"], setup)
    told = loaded.description
    hello = {
        "format": told.format,
        "inputs": [[name, kind] for name, kind in told.inputs.items()],
        "outputs": list(told.outputs),
        "classes": list(told.classes),
        "libraries": dict(told.libraries),
        "told": dict(told.told),
        "trees": told.trees,
    }
    return loaded, hello


def score(state: Loaded, arguments: Mapping[str, Any], batches: Batches) -> tuple[dict[str, Any], Batches]:
    """Answer batches of rows, one for one; ``arguments["decisions"]`` says whether the model's own are wanted."""
    wanted = bool(arguments.get("decisions", True))
    names = state.interface["inputs"]
    return {}, (_batch_of(state.answer(rows_in(batch, names), decisions=wanted)) for batch in batches or ())


def outputs(state: Loaded, arguments: Mapping[str, Any], batches: Batches) -> tuple[dict[str, Any], Batches]:
    """All that the model answers, one batch for one: ``NAME``, or ``NAME:0`` … where an output has several columns."""
    names = state.interface["inputs"]
    return {}, (_all_columns(state.outputs(rows_in(batch, names)), batch.num_rows) for batch in batches or ())


def trees(state: Loaded, arguments: Mapping[str, Any], batches: Batches) -> tuple[dict[str, Any], Batches]:
    """The model's trees: ``found`` and what is told once, with one batch of a row per node; ``root`` marks first nodes."""
    import numpy as np
    import pyarrow as pa

    from audits.inside.trees import trees_of

    found = trees_of(state, state.interface)
    if found is None:
        return {"found": False}, None
    values, arrays = found
    nodes = dict(arrays)
    root = np.zeros(len(nodes["left"]), dtype=bool)
    root[nodes.pop("roots")] = True
    batch = pa.RecordBatch.from_pydict({**{name: pa.array(array) for name, array in nodes.items()}, "root": root})
    return {"found": True, **values}, iter([batch])


def _batch_of(answer: Answer) -> pa.RecordBatch:
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    if answer.values is not None:
        for place in range(answer.values.shape[1]):
            columns[f"{VALUE}:{place}"] = pa.array(answer.values[:, place])
    if answer.decisions is not None:
        columns[DECISION] = pa.array(answer.decisions, type=pa.string())
    return pa.RecordBatch.from_pydict(columns)


def _all_columns(outputs: Mapping[str, Any], rows: int) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    for name, output in outputs.items():
        block = np.asarray(output).reshape(rows, -1)
        for place in range(block.shape[1]):
            flat = block[:, place]
            number = flat.dtype.kind in "fiub"
            typed = pa.array(flat.astype(np.float64)) if number else pa.array(class_names(flat), type=pa.string())
            columns[name if block.shape[1] == 1 else f"{name}:{place}"] = typed
    return pa.RecordBatch.from_pydict(columns)


OPERATIONS: dict[str, Operation] = {"score": score, "outputs": outputs, "trees": trees}

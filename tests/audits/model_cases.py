"""Models for tests: a Python function behind the port that checks ask, and small files of every safe format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from audits.scoring.model import DECISION, SCORE, Signature
from registry.execution import Interface


class FunctionModel:
    """A model that is a function of columns, run in the test's own process: what sandboxed models are compared with."""

    def __init__(
        self,
        function: Callable[[Mapping[str, np.ndarray]], np.ndarray],
        inputs: tuple[str, ...],
        *,
        threshold: float = 0.5,
        texts: tuple[str, ...] = (),
    ) -> None:
        self.function = function
        self.interface = Interface(inputs=inputs, threshold=threshold)
        self.signature = Signature(
            format="onnx",
            inputs={name: "text" if name in texts else "number" for name in inputs},
            outputs=("score",),
            classes=("0", "1"),
        )
        self.rows_scored = 0

    def scores(self, columns: Mapping[str, Any]) -> np.ndarray:
        taken = {name: np.asarray(columns[name]) for name in self.interface.inputs}
        values = np.asarray(self.function(taken), dtype=np.float64)
        self.rows_scored += len(values)
        return values

    def score(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in self.interface.inputs}
            scores = self.scores(columns)
            decisions = np.where(scores >= self.interface.threshold, "1", "0")
            yield pa.RecordBatch.from_arrays([pa.array(scores), pa.array(decisions.tolist())], names=[SCORE, DECISION])

    def trees(self) -> None:
        return None

    def usage(self) -> None:
        return None


@contextmanager
def opened(model: FunctionModel) -> Iterator[FunctionModel]:
    """In the place of ``open_model`` where a test has no need of a sandbox."""
    yield model

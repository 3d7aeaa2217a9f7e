"""Scoring as a function from batches to batches, which opens the model where it runs: here, or in Spark's ``mapInArrow``. Pure.

``rows.mapInArrow(scoring_function(source, keep=("id",)), "id long, score double, prediction string")`` loads the model once per
partition, in a sandbox on the machine that holds the partition. The model's file travels with the function; this package must
be installed there.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audits.sandbox.limits import Limits
from audits.scoring.source import Composite, Endpoint, ModelFile, ModelSource
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.scoring.model import ScoringFunction

_MOST_BYTES = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """The function itself; it can be pickled, and holds the content of the files.

    Attributes
    ----------
    source
        What is run.
    files
        Path, as ``source`` names it, to content.
    limits
        Of each sandboxed process.
    keep
        Columns that are given back beside score and prediction, such as a key.
    """

    source: ModelSource
    files: dict[str, bytes]
    limits: Limits | None = None
    keep: tuple[str, ...] = ()

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score the batches of one partition, in order."""
        from audits.scoring.opening import open_model

        with tempfile.TemporaryDirectory(prefix="countersign-model-") as folder:
            source = _placed(self.source, self.files, Path(folder))
            with open_model(source, limits=self.limits) as model:
                for batch in batches:
                    if batch.num_rows:
                        yield _beside(batch, list(model.score(iter([batch]))), self.keep)


def scoring_function(
    source: ModelSource, limits: Limits | None = None, *, keep: tuple[str, ...] = ()
) -> ScoringFunction:
    """The function that scores partitions with a model.

    Parameters
    ----------
    keep
        Columns of the rows to give back beside ``score`` and ``prediction``.

    Raises
    ------
    InvalidInput
        If a file is too large to travel with a function.
    """
    files = {str(path): _content(path) for path in _paths(source)}
    return Scoring(source=source, files=files, limits=limits, keep=keep)


def _beside(batch: pa.RecordBatch, answers: list[pa.RecordBatch], keep: tuple[str, ...]) -> pa.RecordBatch:
    """One batch of the rows' own columns and what was answered to them."""
    import pyarrow as pa

    whole = pa.Table.from_batches(answers).combine_chunks()
    columns = [batch.column(name) for name in keep] + [column.chunk(0) for column in whole.columns]
    return pa.RecordBatch.from_arrays(columns, names=[*keep, *whole.column_names])


def _paths(source: ModelSource) -> Iterator[Path]:
    if isinstance(source, ModelFile):
        yield source.path
    if isinstance(source, Composite):
        for component in source.components.values():
            yield from _paths(component)


def _content(path: Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        message = f"{path.name} is larger than {_MOST_BYTES:,} bytes, which is the most that travels with a function"
        raise InvalidInput(message, field="model")
    return path.read_bytes()


def _placed(source: ModelSource, files: dict[str, bytes], folder: Path) -> ModelSource:
    """The same source, its files written to a folder of this machine."""
    if isinstance(source, Endpoint):
        return source
    if isinstance(source, Composite):
        inner = {name: _placed(component, files, folder) for name, component in source.components.items()}
        return replace(source, components=inner)
    content = files[str(source.path)]
    path = folder / f"{hashlib.sha256(content).hexdigest()}{source.path.suffix}"
    path.write_bytes(content)
    return replace(source, path=path)

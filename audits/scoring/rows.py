"""Rows of data for a model, read through the engines: all of them in batches, or a sample by hash of the key. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from audits.engines.opening import Data, open_data
from audits.engines.settings import Settings
from audits.engines.watching import watched
from audits.measures.sampled_rows import Sample, sample_rows
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.engines.port import Engine, Progress

BATCH_ROWS = 8192
"""Most rows of one batch that a model is asked at once."""


def rows_of(
    data: Data,
    columns: Sequence[str],
    *,
    key: Sequence[str] = (),
    most: int | None = None,
    seed: int = 0,
    field: str = "test",
    progress: Progress | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of ``data``, with ``columns`` in that order, in batches of at most :data:`BATCH_ROWS` rows.

    Parameters
    ----------
    key
        Columns that identify a row, for sampling; without them the sample is by the digest of all columns wanted.
    most
        Most rows wanted: those whose digests are the smallest, the same on every engine and every run. Without it all
        rows come, in the order in which the engine reads them, and nothing is held in memory.
    seed
        Of the sample.
    field
        What the data are among the inputs, for messages.
    progress
        Called about twice a second while the engine works; whatever it raises stops the reading.

    Raises
    ------
    InvalidInput
        Naming a column that is not there or that is of no type that a model can read.
    PredictionsError
        If the data cannot be read.
    """
    if most is not None:
        yield from batches_of(sample_of(data, columns, most=most, key=key, seed=seed, field=field).table)
        return
    with open_data(data) as engine:
        _require(engine, columns, field)
        wanted = engine.table.select(*dict.fromkeys(columns))
        if progress is None:
            yield from _bounded(engine.batches(wanted))
            return
        with watched(engine, progress, 0.0, 1.0, "reading rows"):
            yield from _bounded(engine.batches(wanted))


def table_of(
    data: Data,
    columns: Sequence[str],
    *,
    key: Sequence[str] = (),
    most: int | None = None,
    seed: int = 0,
    field: str = "test",
) -> pa.Table:
    """The same rows as :func:`rows_of`, as one table in memory."""
    import pyarrow as pa

    if most is not None:
        return sample_of(data, columns, most=most, key=key, seed=seed, field=field).table
    with open_data(data) as engine:
        _require(engine, columns, field)
        wanted = engine.table.select(*dict.fromkeys(columns))
        found = list(_bounded(engine.batches(wanted)))
        return pa.Table.from_batches(found, schema=wanted.schema().to_pyarrow())


def sample_of(
    data: Data,
    columns: Sequence[str],
    *,
    most: int,
    key: Sequence[str] = (),
    seed: int = 0,
    field: str = "test",
    settings: Settings | None = None,
) -> Sample:
    """At most ``most`` rows, with how many there are: for findings that say what they rest on.

    Raises
    ------
    InvalidInput
        As :func:`rows_of`.
    """
    with open_data(data, settings=settings) as engine:
        _require(engine, columns, field)
        engine.require(*key, field="key")
        return sample_rows(engine, list(dict.fromkeys(columns)), most, key=key, seed=seed)


def batches_of(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """A table as batches of at most :data:`BATCH_ROWS` rows; a table without rows gives none."""
    yield from table.to_batches(max_chunksize=BATCH_ROWS)


def split(batch: pa.RecordBatch, rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """A batch of any size as slices of at most ``rows`` rows, in order."""
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _bounded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from split(batch)


def _require(engine: Engine, columns: Sequence[str], field: str) -> None:
    if not columns:
        raise InvalidInput("name the columns that are wanted", field=field)
    engine.require(*columns, field=field)

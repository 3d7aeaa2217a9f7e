"""The groups that a Parquet file's author listed for a column, whether rows have them or not. Pure."""

from __future__ import annotations

from pathlib import Path

from audits.prediction_columns import text_of

_PARQUET = b"PAR1"


def declared_groups(path: Path | None, column: str) -> set[str]:
    """The categories of a column of a Parquet file (or of each in a directory); empty where it has none.

    Read from the dictionary of each row group, not from its rows.
    """
    if path is None:
        return set()
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return {name for file in files for name in _in_file(file, column)}


def _in_file(file: Path, column: str) -> set[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.open("rb") as stream:
        if stream.read(len(_PARQUET)) != _PARQUET:
            return set()
    names: set[str] = set()
    with pq.ParquetFile(file, memory_map=True) as opened:
        if not pa.types.is_dictionary(opened.schema_arrow.field(column).type):
            return names
        for group in range(opened.num_row_groups):
            batch = next(opened.iter_batches(batch_size=1, row_groups=[group], columns=[column]), None)
            if batch is not None:
                listed = batch.column(0).dictionary.to_pylist()
                names.update(name for value in listed if (name := text_of(value)) is not None)
    return names

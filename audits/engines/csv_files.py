"""CSV for an engine: checked row by row as texts, kept as Parquet beside, and given the types that all values have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audits.prediction_files import Limits, Source, header_of, read_batches

if TYPE_CHECKING:
    import duckdb

_MISSING = ("", "na", "n/a", "nan", "null", "none", "<na>")
"""Texts that mean "no value" in a column of numbers or dates; in a column of texts only the empty one does."""

_TYPES = {
    "BIGINT": "[+-]?[0-9]+",
    "DOUBLE": "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?",
    "BOOLEAN": "(?i:true|false)",
    "DATE": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "TIMESTAMP": "[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?",
}
"""Type to how its values are written. A column gets the first that all its values have, and stays text otherwise."""

_SUPERFLUOUS_ZERO = "[+-]?0[0-9].*"


TEXTS = "texts"
"""The view of all values as they are written."""


def convert_csv(connection: duckdb.DuckDBPyConnection, file: Source, folder: Path) -> dict[str, str]:
    """Write the file's values as texts into Parquet, seen as the view ``texts``.

    Returns
    -------
    dict
        Column to the SQL that gives its values with their type.

    A column in which a number begins with a superfluous zero (``00123``: a post code, an account) stays text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = header_of(file)
    kept = folder / "texts.parquet"
    schema = pa.schema([(name, pa.string()) for name in columns])
    with pq.ParquetWriter(kept, schema, compression="zstd") as writer:
        for batch in read_batches([file], columns, Limits()):
            writer.write_batch(
                pa.RecordBatch.from_arrays([batch.columns[name].cast(pa.string()) for name in columns], schema=schema)
            )
    source = "read_parquet('" + str(kept).replace("'", "''") + "')"
    types = _types(connection, source, columns)
    connection.execute(f"CREATE VIEW {TEXTS} AS SELECT * FROM {source}")  # noqa: S608 - quoted
    return {name: _typed(name, types[name]) for name in columns}


def select_typed(typed: Mapping[str, str], *, written: Collection[str] = ()) -> str:
    """The query for all columns with their types, but those ``written`` as they stand in the file."""
    columns = [_name(name) if name in written else sql for name, sql in typed.items()]
    return f"SELECT {', '.join(columns)} FROM {TEXTS}"  # noqa: S608 - quoted


def _types(connection: duckdb.DuckDBPyConnection, source: str, columns: list[str]) -> dict[str, str]:
    tests = []
    for name in columns:
        value = _given(name)
        tests += [f"count({value})"]
        tests += [
            f"count(CASE WHEN regexp_full_match({value}, '{written}') THEN TRY_CAST({value} AS {kind}) END)"
            for kind, written in _TYPES.items()
        ]
        tests += [f"count(CASE WHEN regexp_full_match({value}, '{_SUPERFLUOUS_ZERO}') THEN 1 END)"]
    counts = connection.execute(f"SELECT {', '.join(tests)} FROM {source}").fetchone()  # noqa: S608 - quoted
    assert counts is not None
    width = len(_TYPES) + 2
    return {name: _type_of(counts[i * width : (i + 1) * width]) for i, name in enumerate(columns)}


def _type_of(counts: tuple[int, ...]) -> str:
    given, *fits, zeros = counts
    if not given or zeros:
        return "VARCHAR"
    return next((kind for kind, fit in zip(_TYPES, fits, strict=True) if fit == given), "VARCHAR")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _given(name: str) -> str:
    missing = ", ".join(f"'{text}'" for text in _MISSING)
    return f"CASE WHEN lower(trim({_name(name)})) IN ({missing}) THEN NULL ELSE trim({_name(name)}) END"


def _typed(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"nullif({_name(name)}, '') AS {_name(name)}"
    return f"TRY_CAST({_given(name)} AS {kind}) AS {_name(name)}"

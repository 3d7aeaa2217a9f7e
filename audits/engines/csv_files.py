"""CSV for an engine: checked row by row as texts, kept as Parquet beside, and given the types that all values have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audits.engines.compiling import quoted
from audits.engines.files import check_csv_parts
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Limits, Source, read_batches

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


def convert_csv(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Source], folder: Path, limits: Limits
) -> dict[str, str]:
    """Write the values of all files as texts into Parquet, seen as the view ``texts``.

    Returns
    -------
    dict
        Column to the SQL that gives its values with their type. A column without a name is ``unnamed_1``, by its place.

    Raises
    ------
    PredictionsError
        If a file is not sound, or has other columns than the first.

    A column in which a number begins with a superfluous zero (``00123``: a post code, an account) stays text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = check_csv_parts(files)
    columns = [name or f"unnamed_{place}" for place, name in enumerate(written, 1)]
    if len(set(columns)) < len(columns) and len(set(written)) == len(written):
        raise PredictionsError(f"{files[0].name}: a column has no name; give it one", file=files[0].name, row=0)
    kept = folder / "texts.parquet"
    schema = pa.schema([(name, pa.string()) for name in columns])
    with pq.ParquetWriter(kept, schema, compression="zstd") as writer:
        for batch in read_batches(files, written, limits):
            writer.write_batch(
                pa.RecordBatch.from_arrays([batch.columns[name].cast(pa.string()) for name in written], schema=schema)
            )
    source = "read_parquet('" + str(kept).replace("'", "''") + "')"
    types = _types(connection, source, columns)
    connection.execute(f"CREATE VIEW {TEXTS} AS SELECT * FROM {source}")  # noqa: S608 - quoted
    return {name: _typed(name, types[name]) for name in columns}


def select_typed(typed: Mapping[str, str], *, written: Collection[str] = ()) -> str:
    """The query for all columns with their types, but those ``written`` as they stand in the file."""
    columns = [quoted(name) if name in written else sql for name, sql in typed.items()]
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
        tests += [
            f"count(CASE WHEN regexp_full_match({value}, '{written}') THEN 1 END)"
            for written in (_SUPERFLUOUS_ZERO, _TYPES["BIGINT"])
        ]
    counts = connection.execute(f"SELECT {', '.join(tests)} FROM {source}").fetchone()  # noqa: S608 - quoted
    assert counts is not None
    width = len(_TYPES) + 3
    return {name: _type_of(counts[i * width : (i + 1) * width]) for i, name in enumerate(columns)}


def _type_of(counts: tuple[int, ...]) -> str:
    given, *fits, zeros, whole = counts
    # Whole numbers that are too long for one are identifiers: as floating-point numbers they would run into each other.
    if not given or zeros or (whole == given and fits[0] < given):
        return "VARCHAR"
    return next((kind for kind, fit in zip(_TYPES, fits, strict=True) if fit == given), "VARCHAR")


def _given(name: str) -> str:
    missing = ", ".join(f"'{text}'" for text in _MISSING)
    return f"CASE WHEN lower(trim({quoted(name)})) IN ({missing}) THEN NULL ELSE trim({quoted(name)}) END"


def _typed(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"nullif({quoted(name)}, '') AS {quoted(name)}"
    return f"TRY_CAST({_given(name)} AS {kind}) AS {quoted(name)}"

"""The files of a data set: one, or the parts in a directory, alike in their columns, with digests made beside the counting."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from audits.prediction_errors import PredictionsError
from audits.prediction_files import (
    Limits,
    Source,
    check_parquet,
    digest_of_file,
    first_line,
    header_of,
    open_sources,
    told_sources,
)

if TYPE_CHECKING:
    import pyarrow as pa

LIMITS = Limits(file_bytes=1 << 42, unpacked_bytes=1 << 44, rows=20_000_000_000)
"""An engine streams and spills, so that files may be larger than memory; the limits only stop what can have no end."""

_SUFFIXES = (".parquet", ".csv")


def parts_of(path: Path, name: str, limits: Limits) -> list[Source]:
    """The file, or the Parquet or CSV files of the directory by name, told by their content.

    Raises
    ------
    PredictionsError
        If there is none, one is empty, too large or not what its name says, or the directory holds both kinds.
    """
    if not path.is_dir():
        return told_sources(path, name, limits)
    found = sorted(part for part in path.iterdir() if part.suffix.lower() in _SUFFIXES and not part.is_dir())
    if not found:
        raise PredictionsError(f"{name}: the directory holds no .parquet and no .csv file", file=name)
    if len({part.suffix.lower() for part in found}) > 1:
        raise PredictionsError(f"{name}: the directory holds Parquet and CSV files; keep one kind", file=name)
    parts = [source for part in found for source in told_sources(part, f"{name}/{part.name}", limits)]
    for part in parts:
        if part.format != parts[0].format:
            message = f"{part.name}: is {part.format} by its content, and {parts[0].name} is {parts[0].format}"
            raise PredictionsError(message, file=part.name)
    return parts


def check_parquet_parts(files: Sequence[Source], limits: Limits) -> None:
    """Refuse Parquet files that are not sound, that name a column twice, or whose columns differ.

    Raises
    ------
    PredictionsError
        Naming the file and the column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = []
    for file in files:
        check_parquet(file, limits)
        try:
            schemas.append((file.name, pq.read_schema(file.path, memory_map=True)))
        except (pa.ArrowException, OSError, ValueError) as error:
            message = f"{file.name}: is not a sound Parquet file: {first_line(error)}"
            raise PredictionsError(message, file=file.name) from error
    check_schemas(schemas)


def check_schemas(schemas: Sequence[tuple[str, pa.Schema]]) -> None:
    """Refuse parts, by name, that have no column, two columns that an engine cannot tell apart, or other columns than the first.

    Raises
    ------
    PredictionsError
        Naming the part and the column.
    """
    first: dict[str, str] = {}
    for name, schema in schemas:
        if not schema.names:
            raise PredictionsError(f"{name}: has no columns", file=name)
        check_names(name, schema.names)
        types = {field.name: _stored(field.type) for field in schema}
        _check_alike(name, types, schemas[0][0], first or types)
        # A part in which a column has no value at all says nothing of its type.
        first = {column: types[column] if kind == "null" else kind for column, kind in (first or types).items()}


def check_csv_parts(files: Sequence[Source]) -> list[str]:
    """The columns that all CSV files have.

    Raises
    ------
    PredictionsError
        Naming the file and the column that is not in all of them.
    """
    first = header_of(files[0])
    for file in files:
        columns = header_of(file)
        check_names(file.name, columns)
        _check_alike(file.name, dict.fromkeys(columns, ""), files[0].name, dict.fromkeys(first, ""))
    return first


def check_names(name: str, columns: Sequence[str]) -> None:
    """Refuse columns that an engine could not tell apart: DuckDB and Spark take no notice of upper and lower case."""
    seen: dict[bytes, str] = {}
    for column in columns:
        other = seen.setdefault(column.encode(errors="replace").lower(), column)
        if other != column:
            message = f"{name}: the columns {other!r} and {column!r} differ in upper and lower case only; rename one"
            raise PredictionsError(message, file=name, column=column)


def digests_of(files: Sequence[Source], limits: Limits) -> list[tuple[str, Future[str]]]:
    """Name and SHA-256: of Parquet made beside the counting; of text at once, where its encoding is checked too."""
    if files[0].format == "csv":
        opened = [source for file in files for source in open_sources(file.path, file.name, limits)]
        return [(file.name, _done(file.sha256)) for file in opened]
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="digest")
    digests = [(file.name, pool.submit(digest_of_file, file.path)) for file in files]
    pool.shutdown(wait=False)
    return digests


def _check_alike(name: str, columns: dict[str, str], first_name: str, first: dict[str, str]) -> None:
    for column in [*first, *columns]:
        if column not in columns or column not in first:
            has, lacks = (first_name, name) if column in first else (name, first_name)
            message = f"{lacks}: has no column {column!r}, which {has} has; all parts must have the same columns"
            raise PredictionsError(message, file=lacks, column=column)
        if columns[column] != first[column] and "null" not in {columns[column], first[column]}:
            message = (
                f"{name}: column {column!r} holds {columns[column]}, and in {first_name} {first[column]}; "
                "write all parts with one schema"
            )
            raise PredictionsError(message, file=name, column=column)


def _stored(type_: pa.DataType) -> str:
    """The type by name; how text is stored makes no difference."""
    import pyarrow as pa

    if pa.types.is_dictionary(type_):
        return _stored(type_.value_type)
    return "string" if pa.types.is_large_string(type_) or pa.types.is_string_view(type_) else str(type_)


def _done(digest: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(digest)
    return future

"""DuckDB, embedded: Parquet, CSV and directories of Parquet, streamed, on as much memory as it is given. Pure of Django."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.csv_files import convert_csv, select_typed
from audits.engines.port import Engine, Histogram, Origin, bound
from audits.prediction_errors import PredictionsError
from audits.prediction_files import (
    Limits,
    Source,
    check_parquet,
    digest_of_file,
    first_line,
    open_sources,
    told_sources,
)

if TYPE_CHECKING:
    import duckdb
    import ibis
    import pyarrow as pa

    from audits.engines.port import Value

_BATCH_ROWS = 1 << 17


class DuckEngine(Engine):
    """A table in DuckDB: files, or Arrow data that are in memory already."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, *, title: str, digests: Sequence[tuple[str, Future[str]]]
    ) -> None:
        import duckdb

        self.name = f"duckdb {duckdb.__version__}"
        self.title = title
        self.connection = connection
        self._digests = tuple(digests)
        self._closing: list[Any] = []
        self._typed: dict[str, str] = {}
        self.table = _unbound(connection)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The files with their SHA-256, computed beside the counting."""
        return tuple(Origin(path=path, sha256=digest.result()) for path, digest in self._digests)

    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression; batches are made as they are read."""
        import ibis

        with self._reading():
            yield from self.connection.execute(ibis.to_sql(expression, dialect="duckdb")).to_arrow_reader(_BATCH_ROWS)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise PredictionsError(f"{self.title}: cannot be read: {first_line(error)}", file=self.title) from error

    def as_written(self, columns: Sequence[str]) -> ibis.Table:
        """The table with those columns of a CSV file as the texts that stand there."""
        if not self._typed:
            return self.table
        self.connection.execute(f"CREATE OR REPLACE VIEW written AS {select_typed(self._typed, written=columns)}")
        return _unbound(self.connection, "written")

    def histograms(self, columns: Mapping[str, tuple[Value, Sequence[float]]]) -> dict[str, Histogram]:
        """By DuckDB's own aggregate, which searches the bin instead of descending a tree of comparisons."""
        if self.disclosure:
            return super().histograms(columns)
        return {name: self._histogram(value, edges) for name, (value, edges) in columns.items()}

    def _histogram(self, value: Value, edges: Sequence[float]) -> Histogram:
        import ibis

        # DuckDB's bins hold their upper edge and ours do not: the next smaller number bounds the same values. The numbers
        # are written as texts because DuckDB reads decimals with an error in the last bit.
        bounds = [math.nextafter(edge, -math.inf) for edge in edges]
        written = ", ".join(f"'{bound!r}'" for bound in bounds)
        inner = ibis.to_sql(self.table.select(v=bound(self.table, value).cast("float64")), dialect="duckdb")
        query = f"SELECT count(*), histogram(v, CAST([{written}] AS DOUBLE[])) FROM ({inner})"  # noqa: S608 - our numbers
        with self._reading():
            row = self.connection.execute(query).fetchone()
        assert row is not None
        found = row[1] or {}
        counts = tuple(found.get(edge, 0) for edge in (*bounds, math.inf))
        return Histogram(missing=row[0] - sum(counts), counts=counts)

    def close(self) -> None:
        """Close the connection and drop temporary files."""
        self.connection.close()
        for item in self._closing:
            item()


def open_files(path: Path, name: str, *, limits: Limits | None = None) -> DuckEngine:
    """Open a CSV file, a Parquet file, or a directory of Parquet files.

    Raises
    ------
    PredictionsError
        If it is missing, empty, too large, neither CSV nor Parquet, not sound, or has two columns of one name.
    """
    import duckdb

    limits = limits or Limits()
    files = told_sources(path, name, limits)
    digests = _digests(files, limits)
    connection = _connect()
    closing: list[Any] = []
    typed: dict[str, str] = {}
    try:
        if files[0].format == "csv":
            folder = tempfile.TemporaryDirectory(prefix="countersign-")
            closing.append(folder.cleanup)
            typed = convert_csv(connection, files[0], Path(folder.name))
            relation = select_typed(typed)
        else:
            paths = ", ".join(_quoted(str(file.path)) for file in files)
            relation = f"SELECT * FROM read_parquet([{paths}], union_by_name = false)"  # noqa: S608 - quoted paths
        connection.execute(f"CREATE VIEW source AS {relation}")
        engine = DuckEngine(connection, title=name, digests=digests)
    except duckdb.Error as error:
        _give_up(connection, closing)
        raise PredictionsError(f"{name}: is not a sound file: {first_line(error)}", file=name) from error
    except BaseException:
        _give_up(connection, closing)
        raise
    engine._closing, engine._typed = closing, typed
    return engine


def _digests(files: Sequence[Source], limits: Limits) -> list[tuple[str, Future[str]]]:
    """The digests of Parquet files, made beside the counting; those of text at once, where its encoding is checked too."""
    if files[0].format == "csv":
        return [(file.name, _done(file.sha256)) for file in open_sources(files[0].path, files[0].name, limits)]
    for file in files:
        check_parquet(file, limits)
    with_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="digest")
    digests = [(file.name, with_pool.submit(digest_of_file, file.path)) for file in files]
    with_pool.shutdown(wait=False)
    return digests


def _done(digest: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(digest)
    return future


def open_arrow(table: pa.Table, name: str = "rows in memory") -> DuckEngine:
    """Open Arrow data that are in memory already."""
    connection = _connect()
    connection.register("source", table)
    return DuckEngine(connection, title=name, digests=())


def _connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory database that loads no extension by itself and reads no network."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
    )


def _give_up(connection: duckdb.DuckDBPyConnection, closing: Sequence[Any]) -> None:
    connection.close()
    for item in closing:
        item()


def _unbound(connection: duckdb.DuckDBPyConnection, name: str = "source") -> ibis.Table:
    import ibis
    import pyarrow as pa

    reader = connection.execute(f"SELECT * FROM {name} LIMIT 0").to_arrow_reader()  # noqa: S608 - our own view
    # Dictionaries are a way to store text, not a type to compare by.
    plain = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in reader.schema]
    return ibis.table(ibis.Schema.from_pyarrow(pa.schema(plain)), name=name)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""DuckDB, embedded: a table of files or of Arrow data, streamed, on as much memory as it is given. Pure of Django."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.compiling import to_sql
from audits.engines.csv_files import convert_csv, select_typed
from audits.engines.duckdb_database import Database
from audits.engines.files import LIMITS, check_names, check_parquet_parts, digests_of, parts_of
from audits.engines.port import Engine, Histogram, Interrupted, Origin, bound
from audits.engines.settings import Settings
from audits.engines.typed_batches import as_declared
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Limits, first_line

if TYPE_CHECKING:
    import duckdb
    import ibis
    import pyarrow as pa

    from audits.engines.port import Value

_BATCH_ROWS = 1 << 17
_PERCENT = 100.0


class DuckEngine(Engine):
    """A table in DuckDB: files, or Arrow data that are in memory already.

    Parameters
    ----------
    database
        In which the view ``source`` is defined; the engine closes it.
    title
        What people know the data by; it stands in messages.
    digests
        What was read, with its SHA-256, which may still be being computed.
    written
        Column to the SQL of its typed values, where the file holds texts.
    """

    def __init__(
        self,
        database: Database,
        *,
        title: str,
        digests: Sequence[tuple[str, Future[str]]] = (),
        written: Mapping[str, str] | None = None,
    ) -> None:
        import duckdb

        self.name = f"duckdb {duckdb.__version__}"
        self.title = title
        self._database = database
        self._digests = tuple(digests)
        self._written = dict(written or {})
        self._views: dict[frozenset[str], ibis.Table] = {}
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._rows: int | None = None
        self.table = _unbound(database, "source")

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The files with their SHA-256, computed beside the counting."""
        return tuple(Origin(path=path, sha256=digest.result()) for path, digest in self._digests)

    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression; batches are made as they are read."""
        schema = expression.schema().to_pyarrow()
        return self.observed(self._stream(to_sql(expression, "duckdb"), schema))

    def as_written(self, columns: Sequence[str]) -> ibis.Table:
        """The table with those columns of a CSV file as the texts that stand there."""
        wanted = frozenset(columns).intersection(self._written)
        if not wanted:
            return self.table
        if wanted not in self._views:
            name = f"written_{len(self._views)}"
            self._database.connection.execute(f"CREATE VIEW {name} AS {select_typed(self._written, written=wanted)}")
            self._views[wanted] = _unbound(self._database, name)
        return self._views[wanted]

    def histograms(self, columns: Mapping[str, tuple[Value, Sequence[float]]]) -> dict[str, Histogram]:
        """By DuckDB's own aggregate, which searches the bin instead of descending a tree of comparisons."""
        if self.disclosure:
            return super().histograms(columns)
        return {name: self._histogram(value, edges) for name, (value, edges) in columns.items()}

    def _histogram(self, value: Value, edges: Sequence[float]) -> Histogram:
        # DuckDB's bins hold their upper edge and ours do not: the next smaller number bounds the same values. The numbers
        # are written as texts because DuckDB reads decimals with an error in the last bit.
        bounds = [math.nextafter(edge, -math.inf) for edge in edges]
        written = ", ".join(f"'{bound!r}'" for bound in bounds)
        number = bound(self.table, value)
        inner = to_sql(self.table.select(v=number.cast("float64")), "duckdb")
        if number.type().is_floating():
            inner = f"SELECT CASE WHEN isnan(v) THEN NULL ELSE v END AS v FROM ({inner})"  # noqa: S608 - our own query
        query = f"SELECT count(*) AS n, histogram(v, CAST([{written}] AS DOUBLE[])) AS bins FROM ({inner})"  # noqa: S608 - our numbers
        (row,) = [row for batch in self.observed(self._stream(query)) for row in batch.to_pylist()]
        found = dict(row["bins"] or ())
        counts = tuple(found.get(edge, 0) for edge in (*bounds, math.inf))
        return Histogram(missing=row["n"] - sum(counts), counts=counts)

    def read_from(self, digests: Sequence[tuple[str, Future[str]]], *, rows: int) -> None:
        """Say what was read, and how many rows it has, where the database does not know."""
        self._digests, self._rows = tuple(digests), rows

    def interrupt(self) -> None:
        """Stop all queries that run."""
        for cursor in tuple(self._running):
            cursor.interrupt()

    def progress(self) -> float | None:
        """As DuckDB tells it, which it does for watched queries only."""
        shares = [cursor.query_progress() for cursor in tuple(self._running)]
        known = [share / _PERCENT for share in shares if share >= 0]
        return min(known) if known else None

    def expected_rows(self) -> int | None:
        """As the files say."""
        if self._rows is None:
            row = self._database.connection.execute("SELECT count(*) FROM source").fetchone()
            self._rows = int(row[0]) if row else None
        return self._rows

    def _stream(self, sql: str, schema: pa.Schema | None = None) -> Iterator[pa.RecordBatch]:
        import duckdb
        import pyarrow as pa

        cursor = self._database.cursor(watched=self.watch is not None)
        self._running.add(cursor)
        try:
            for batch in cursor.execute(sql).to_arrow_reader(_BATCH_ROWS):
                yield batch if schema is None else as_declared(batch, schema)
        except (duckdb.Error, pa.ArrowException, OSError) as error:  # an error while rows stream is an OSError to Arrow
            raise self._told(error) from error
        finally:
            self._running.discard(cursor)
            cursor.close()

    def _told(self, error: Exception) -> Exception:
        said = first_line(error)
        if said.startswith("INTERRUPT Error"):
            return Interrupted(f"{self.title}: the query was stopped")
        if said.startswith("Out of Memory Error"):
            message = (
                f"{self.title}: needs more memory than COUNTERSIGN_ENGINE_MEMORY allows: {self._database.told(said)}"
            )
            return PredictionsError(message, file=self.title)
        return PredictionsError(f"{self.title}: cannot be read: {self._database.told(said)}", file=self.title)

    def close(self) -> None:
        """Close the database and drop temporary files."""
        for _, digest in self._digests:
            digest.cancel()
        self._database.close()


def open_files(path: Path, name: str, *, limits: Limits | None = None, settings: Settings | None = None) -> DuckEngine:
    """Open a CSV file, a Parquet file, or a directory of such files.

    Raises
    ------
    PredictionsError
        If it is missing, empty, too large, neither CSV nor Parquet, not sound, has two columns of one name, or parts whose
        columns differ.
    """
    limits = limits or LIMITS
    files = parts_of(path, name, limits)
    if files[0].format == "parquet":
        check_parquet_parts(files, limits)
    digests = digests_of(files, limits)

    def fill(database: Database) -> Mapping[str, str]:
        if files[0].format == "csv":
            written = convert_csv(database.connection, files, database.folder, limits)
            database.connection.execute(f"CREATE VIEW source AS {select_typed(written)}")
            return written
        database.define(database.parquet([(file.path, file.name) for file in files]))
        return {}

    return _opened(name, settings, digests, fill)


def open_arrow(data: Any, name: str = "rows in memory", *, settings: Settings | None = None) -> DuckEngine:
    """Open Arrow data: a table in memory, or a data set that is read as it is needed.

    Raises
    ------
    PredictionsError
        If a column has a type that cannot be counted, or two have one name.
    """
    check_names(name, data.schema.names)
    if twice := sorted({column for column in data.schema.names if data.schema.names.count(column) > 1}):
        raise PredictionsError(f"{name}: has two columns {twice[0]!r}; rename one", file=name, column=twice[0])

    def fill(database: Database) -> Mapping[str, str]:
        database.define(database.give(data))
        return {}

    return _opened(name, settings, (), fill)


def _opened(name: str, settings: Settings | None, digests: Sequence[tuple[str, Future[str]]], fill: Any) -> DuckEngine:
    import duckdb

    database = Database(settings or Settings.from_environment())
    try:
        return DuckEngine(database, title=name, digests=digests, written=fill(database))
    except duckdb.Error as error:
        message = f"{name}: is not a sound file: {database.told(first_line(error))}"
        database.close()
        raise PredictionsError(message, file=name) from error
    except BaseException:
        database.close()
        raise


def _unbound(database: Database, view: str) -> ibis.Table:
    import ibis
    import pyarrow as pa

    # Dictionaries are a way to store text, not a type to compare by.
    schema = database.schema_of(view)
    plain = [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
    return ibis.table(ibis.Schema.from_pyarrow(pa.schema(plain)), name=view)

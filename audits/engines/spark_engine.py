"""Spark: a table or Parquet files that a cluster reads, and of which only counts come back. Pure of Django."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audits.engines.addresses import Address, table_name
from audits.engines.compiling import quoted, scans_rows, to_sql
from audits.engines.fingerprint import origin_of, word_places
from audits.engines.port import Engine, Interrupted, Origin
from audits.engines.settings import Settings
from audits.engines.spark_sessions import Session, open_session
from audits.engines.typed_batches import as_declared, batch_of_rows
from audits.prediction_errors import PredictionsError
from audits.prediction_files import first_line
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

_BATCH_ROWS = 1 << 14
_DIGITS_OF_BIGINT = 18
_CASTS = {
    "float": "CAST({0} AS DOUBLE)",
    "timestamp": "CAST({0} AS TIMESTAMP_NTZ)",  # the session's time zone is UTC
    "void": "CAST({0} AS STRING)",
}
_KEPT = ("tinyint", "smallint", "int", "bigint", "double", "boolean", "string", "date", "timestamp_ntz", "binary")
_NESTED = ("array", "struct", "map")


class SparkEngine(Engine):
    """A relation on Spark, seen as the view ``source`` of a session of its own.

    Parameters
    ----------
    session
        The engine gives it back.
    address
        As it stands in evidence.
    timeout
        Seconds after which a query is given up.
    """

    def __init__(self, session: Session, address: Address, *, timeout: int) -> None:
        self.name = f"spark {session.spark.version}"
        self.address = address
        self._session = session
        self._timeout = timeout
        self._stopped = ""
        self._origin: Origin | None = None
        _define(_relation(session.spark, address))
        import ibis
        from pyspark.sql.pandas.types import to_arrow_schema

        self.table = ibis.table(
            ibis.Schema.from_pyarrow(to_arrow_schema(session.spark.table("source").schema)), name="source"
        )

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The address with the fingerprint of its rows, which takes a pass over them."""
        if self._origin is None:
            self._origin = self._fingerprint()
        return (self._origin,)

    def _fingerprint(self) -> Origin:
        import pyarrow as pa

        row = ", ".join(quoted(name, "`") for name in self.table.columns)
        sums = [
            f"CAST(coalesce(sum(CAST(conv(substr(h, {at}, {length}), 16, 10) AS DECIMAL(20, 0))), 0) AS STRING) AS w{at}"
            for at, length in word_places()
        ]
        query = (
            f"SELECT count(*) AS n, {', '.join(sums)} "  # noqa: S608 - our own parts
            f"FROM (SELECT md5(to_json(struct({row}))) AS h FROM source)"
        )
        schema = pa.schema([("n", pa.int64()), *((f"w{at}", pa.string()) for at, _ in word_places())])
        ((rows, *words),) = (
            tuple(found.values())
            for batch in self.observed(self._stream(query, schema, scan=False))
            for found in batch.to_pylist()
        )
        return origin_of(self.address.text, self.table.schema(), rows=rows, content=words)

    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression; a grouped result comes at once, other rows partition by partition."""
        schema = expression.schema().to_pyarrow()
        query = to_sql(expression, "pyspark")
        return self.observed(self._stream(query, schema, scan=scans_rows(expression)))

    def interrupt(self) -> None:
        """Cancel what this engine runs; other work of the application goes on."""
        self._stop("stopped")

    def progress(self) -> float | None:
        """The share of tasks done among the stages that run, where Spark tells it (not over Spark Connect)."""
        return self._session.share_done()

    def _stop(self, why: str) -> None:
        self._stopped = why
        self._session.cancel()

    def _stream(self, query: str, schema: pa.Schema, *, scan: bool) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        self._stopped = ""
        try:
            with self._session.working(), self._in_time():
                data = self._session.spark.sql(query)
                yield from _rows(data, schema) if scan else _arrow(data, schema)
        except (PySparkException, Py4JError, pa.ArrowException, ValueError) as error:
            raise self._told(error) from error

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Stop the query of the block when its time is over, and again if it goes on with another job."""
        done = threading.Event()

        def watch() -> None:
            seconds: float = self._timeout
            while not done.wait(seconds):
                self._stop("late")
                seconds = 1.0

        thread = threading.Thread(target=watch, name="timeout", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _told(self, error: Exception) -> Exception:
        if self._stopped == "stopped":
            return Interrupted(f"{self.address.text}: the query was stopped")
        if self._stopped:
            message = f"{self.address.text}: took longer than COUNTERSIGN_ENGINE_TIMEOUT allows"
        else:
            message = f"{self.address.text}: cannot be read: {first_line(error)}"
        return PredictionsError(message, file=self.address.text)

    def close(self) -> None:
        """Give the session back."""
        self._session.close()


def open_spark(address: Address, settings: Settings) -> SparkEngine:
    """Open a table, or Parquet files, on a standalone cluster or by Spark Connect.

    Raises
    ------
    InvalidInput
        If the cluster cannot be reached, or has no such table or files.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    address.one_of("table", "path")
    session = open_session(address)
    try:
        return SparkEngine(session, address, timeout=settings.timeout)
    except (PySparkException, Py4JError) as error:
        session.close()
        raise InvalidInput(f"{address.text}: cannot be read: {first_line(error)}", field="data") from error
    except BaseException:
        session.close()
        raise


def _relation(session: Any, address: Address) -> Any:
    if address.option("path"):
        return session.read.parquet(address.option("path"))
    return session.table(".".join(quoted(part, "`") for part in table_name(address.option("table"), fold=False)))


def _define(data: Any) -> None:
    """Make the view ``source`` with plain types; ``selectExpr`` means the same here and over Spark Connect."""
    columns = [_plain(field.name, field.dataType) for field in data.schema]
    data.selectExpr(*columns).createOrReplaceTempView("source")


def _plain(name: str, type_: Any) -> str:
    column, kind = quoted(name, "`"), type_.simpleString()
    if kind in _KEPT or kind.startswith(_NESTED):
        return column
    if kind.startswith("decimal"):
        whole = type_.scale == 0 and type_.precision <= _DIGITS_OF_BIGINT
        return f"CAST({column} AS {'BIGINT' if whole else 'DOUBLE'}) AS {column}"
    return f"{_CASTS.get(kind, 'CAST({0} AS STRING)').format(column)} AS {column}"


def _arrow(data: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in data.toArrow().to_batches():
        yield as_declared(batch, schema)


def _rows(data: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    kept: list[Any] = []
    for row in data.toLocalIterator(prefetchPartitions=True):
        kept.append(row)
        if len(kept) == _BATCH_ROWS:
            yield batch_of_rows(kept, schema)
            kept = []
    if kept:
        yield batch_of_rows(kept, schema)

"""PostgreSQL: a table or a query that is read in one read-only snapshot, and of which only counts leave. Pure of Django."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from audits.engines.addresses import Address
from audits.engines.compiling import quoted, to_sql
from audits.engines.fingerprint import origin_of, word_places
from audits.engines.port import Engine, Interrupted, Origin
from audits.engines.postgresql_source import columns_of, relation_of
from audits.engines.settings import Credentials, Settings
from audits.engines.typed_batches import batch_of_rows
from audits.prediction_errors import PredictionsError
from audits.prediction_files import first_line
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with a small initial

_BATCH_ROWS = 1 << 14
_CONNECT_SECONDS = 15
_SESSION = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL extra_float_digits = 1",  # the shortest text that is the number, to the last bit
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL synchronize_seqscans = off",  # the same order of rows each time, so the same floating sums
    "SET LOCAL cursor_tuple_fraction = 1",  # all rows will be read
)


class PostgresEngine(Engine):
    """A relation in PostgreSQL. All that one engine reads is of one snapshot.

    Parameters
    ----------
    connection
        In a read-only transaction; the engine closes it.
    address
        As it stands in evidence.
    """

    def __init__(self, connection: Connection, address: Address) -> None:
        version = connection.server_version
        self.name = f"postgresql {version // 10000}.{version % 10000}"
        self.address = address
        self._connection = connection
        self._names = (f"countersign_{number}" for number in itertools.count())
        self._interrupted = False
        self._origin: Origin | None = None
        relation = relation_of(address)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {relation} AS given LIMIT 0")  # noqa: S608 - quoted, or written anew
            schema, columns = columns_of(cursor.description or (), address.text)
        self._source = f"SELECT {columns} FROM {relation} AS given"  # noqa: S608 - quoted, or written anew
        import ibis

        self.table = ibis.table(schema, name="source")

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The address with the fingerprint of its rows, which takes a pass over them."""
        if self._origin is None:
            self._origin = self._fingerprint()
        return (self._origin,)

    def _fingerprint(self) -> Origin:
        import pyarrow as pa

        row = "ROW(" + ", ".join(map(quoted, self.table.columns)) + ")"
        sums = [
            f"coalesce(sum(CAST(CAST('x' || substr(h, {at}, {length}) AS bit(32)) AS bigint)), 0)::text AS w{at}"
            for at, length in word_places()
        ]
        query = (
            f"WITH source AS NOT MATERIALIZED ({self._source}) "  # noqa: S608 - our own parts
            f"SELECT count(*) AS n, {', '.join(sums)} FROM (SELECT md5(CAST({row} AS text)) AS h FROM source) AS rows"
        )
        schema = pa.schema([("n", pa.int64()), *((f"w{at}", pa.string()) for at, _ in word_places())])
        ((rows, *words),) = (
            tuple(found.values()) for batch in self.observed(self._stream(query, schema)) for found in batch.to_pylist()
        )
        return origin_of(self.address.text, self.table.schema(), rows=rows, content=words)

    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an expression through a cursor on the server; a batch at a time is here."""
        query = to_sql(expression, "postgres", source=self._source)
        return self.observed(self._stream(query, expression.schema().to_pyarrow()))

    def interrupt(self) -> None:
        """Ask the server to cancel what runs."""
        self._interrupted = True
        self._connection.cancel()

    def _stream(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        import psycopg2
        import pyarrow as pa

        try:
            with self._connection.cursor(name=next(self._names)) as cursor:
                cursor.execute(query)
                while rows := cursor.fetchmany(_BATCH_ROWS):
                    yield batch_of_rows(rows, schema)
        except psycopg2.extensions.QueryCanceledError as error:
            if self._interrupted:
                raise Interrupted(f"{self.address.text}: the query was stopped") from error
            message = f"{self.address.text}: took longer than COUNTERSIGN_ENGINE_TIMEOUT allows"
            raise PredictionsError(message, file=self.address.text) from error
        except (psycopg2.Error, pa.ArrowException, ValueError) as error:
            message = f"{self.address.text}: cannot be read: {first_line(error)}"
            raise PredictionsError(message, file=self.address.text) from error

    def close(self) -> None:
        """End the transaction and the connection."""
        self._connection.close()


def open_postgresql(address: Address, settings: Settings) -> PostgresEngine:
    """Connect, begin a read-only transaction of one snapshot, and look at the columns.

    Raises
    ------
    InvalidInput
        If there is no such server, login, table or credentials, or the query is not one SELECT. Never shows a password.
    """
    import psycopg2

    name = address.option("credentials")
    shown = settings.credentials(name) if name else Credentials("", {})
    connection = _connect(address, shown)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            for statement in (*_SESSION, f"SET LOCAL statement_timeout = {settings.timeout * 1000}"):
                cursor.execute(statement)
        return PostgresEngine(connection, address)
    except psycopg2.Error as error:
        connection.close()
        raise InvalidInput(f"{address.text}: cannot be read: {first_line(error)}", field="data") from error
    except BaseException:
        connection.close()
        raise


def _connect(address: Address, shown: Credentials) -> Connection:
    import psycopg2

    wanted: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "dbname": address.path,
        "user": shown["user"] or address.user or None,
        "password": shown["password"] or None,
        "sslmode": address.option("sslmode") or None,
    }
    try:
        return psycopg2.connect(
            **{key: value for key, value in wanted.items() if value},
            connect_timeout=_CONNECT_SECONDS,
            application_name="countersign",
            client_encoding="UTF8",
        )
    except (psycopg2.Error, UnicodeDecodeError) as error:
        said = first_line(error).replace(shown["password"] or "\0", "***")
        raise InvalidInput(f"{address.text}: cannot be reached: {said}", field="data") from None

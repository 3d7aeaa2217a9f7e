"""PostgreSQL gives the answers that DuckDB gives; it is only read, by a role that may do nothing else, and says what it refuses."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time

import ibis
import psycopg2
import pyarrow as pa
import pytest

from audits.engines.duckdb_engine import open_arrow
from audits.engines.opening import Data, open_data
from audits.engines.port import Interrupted
from audits.engines.settings import Settings
from audits.engines.watching import watched
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput
from tests.audits.engine_cases import KINDS, answers, awkward_table
from tests.audits.engine_servers import READER, SECRET, postgres

_ = ibis._
SETTINGS = Settings.from_environment({"COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE": f"{READER}:{SECRET}"})


@pytest.fixture(scope="module")
def warehouse():
    """A PostgreSQL with the awkward table in it."""
    with postgres() as server:
        server.load("risk.awkward", awkward_table())
        yield server


def opened(warehouse, what, **options):
    return open_data(Data.of(warehouse.address(what)), settings=SETTINGS, **options)


def test_it_answers_as_duckdb_does(warehouse):
    with opened(warehouse, "table=risk.awkward") as engine, open_arrow(awkward_table()) as duck:
        assert engine.columns == KINDS == duck.columns
        expected, found = answers(duck), answers(engine)
    different = [(name, found[name], expected[name]) for name in expected if found[name] != expected[name]]
    assert different == []
    assert engine.name.startswith("postgresql 18.")


def test_a_host_and_a_port_are_enough(warehouse):
    with warehouse.over_tcp() as port:
        address = f"postgresql://127.0.0.1:{port}/postgres?table=risk.awkward&credentials=warehouse"
        submitted = Data(name="training", url=address)
        allowed = Settings(environment=SETTINGS.environment, hosts=frozenset({"127.0.0.1"}))
        with open_data(submitted, settings=allowed) as engine:
            assert engine.rows() == 620
            assert engine.read(engine.table.select("id", "name")).num_rows == 620
        with pytest.raises(InvalidInput, match="may not ask"):
            open_data(submitted, settings=SETTINGS)


def test_a_query_stands_for_a_table(warehouse):
    query = "SELECT name AS who, count(*) AS times FROM risk.awkward WHERE flag GROUP BY 1 -- a comment"
    with opened(warehouse, "query=" + query.replace(" ", "+")) as engine, open_arrow(awkward_table()) as duck:
        assert engine.columns == {"who": "text", "times": "integer"}
        assert engine.grouped((), {"rows": _.times.sum()}).columns()["rows"] == [
            duck.grouped(where=_.flag).columns()["n"][0]
        ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM risk.awkward", "it is DELETE"),
        ("DROP TABLE risk.awkward", "it is DROP"),
        ("SELECT 1; SELECT 2", "there are 2 statements"),
        ("", "query="),
        ("SELECT 1) AS x; DROP TABLE risk.awkward; --", "cannot be parsed"),
        ("WITH gone AS (DELETE FROM risk.awkward RETURNING *) SELECT * FROM gone", "it holds DELETE"),
        ("SELECT * INTO risk.copy FROM risk.awkward", "it holds INTO"),
        ("SELECT * FROM risk.awkward FOR UPDATE", "it holds LOCK"),
        ("COPY risk.awkward TO '/tmp/x'", "it is COPY"),
        ("VACUUM", "it is "),
        ("SELEC 1", "cannot be parsed"),
        ("SELECT nothing FROM risk.awkward", "does not exist"),
        ("SELECT 1 AS a, 2 AS a", "two columns 'a'"),
        ("SELECT FROM risk.awkward", "has no columns"),
        ("SELECT set_config('transaction_read_only', 'off', false) AS x", None),
    ],
)
def test_only_one_select_that_reads_is_a_query(warehouse, query, said):
    asked = "query=" + query.replace(" ", "+").replace(";", "%3B")
    if said is None:
        with opened(warehouse, asked) as engine, pytest.raises(PredictionsError, match="read-write mode"):
            engine.rows() and engine.read(engine.table)
        return
    with pytest.raises(InvalidInput, match=said):
        opened(warehouse, asked)


def test_not_even_the_owner_writes(warehouse):
    """The transaction is read-only whoever asks: here a function that writes, called by the owner of the database."""
    warehouse.run(
        "CREATE TABLE IF NOT EXISTS risk.seen (x int)",
        "CREATE OR REPLACE FUNCTION risk.note() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO risk.seen VALUES (1) RETURNING x'",
    )
    owner = Settings.from_environment({"COUNTERSIGN_ENGINE_CREDENTIALS_OWNER": "postgres:x"})
    address = warehouse.address("query=SELECT+risk.note()+AS+x", credentials="owner")
    with (
        open_data(Data.of(address), settings=owner) as engine,
        pytest.raises(PredictionsError, match="read-only transaction"),
    ):
        engine.read(engine.table)
    with opened(warehouse, "query=SELECT+1+AS+x") as engine:
        assert engine.rows() == 1


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("table=risk.nothing", "does not exist"),
        ("table=pg_catalog.pg_authid", "permission denied"),
        ("table=risk.awkward;drop", "not the name of a table"),
        ('table="risk.awkward"', "does not exist"),
        ("", "table=… or query=…"),
        ("table=risk.awkward&query=SELECT+1", "one of them"),
        ("table=risk.awkward&sslmode=verify-full&sslkey=x", "must not hold a password"),
        ("table=risk.awkward&user=postgres", "no option 'user'"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(warehouse, what, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        opened(warehouse, what)
    assert SECRET not in str(refused.value)


def test_names_fold_as_postgresql_folds_them(warehouse):
    warehouse.load('risk."My Table"', pa.table({"Größe": [1, 2], "größe": [3, None]}))
    with opened(warehouse, 'table=RISK."My%20Table"') as engine:
        assert engine.grouped((), {"large": _["Größe"].sum(), "small": _["größe"].sum()}).columns() == {
            "large": [3],
            "small": [3],
            "n": [2],
        }


def test_a_wrong_password_is_not_repeated(warehouse):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        address = f"postgresql://127.0.0.1:{port}/loans?table=t&credentials=warehouse"
        with pytest.raises(InvalidInput, match="cannot be reached") as refused:
            open_data(Data.of(address), settings=SETTINGS)
    assert SECRET not in str(refused.value)
    with pytest.raises(InvalidInput, match="no credentials 'other' here; set COUNTERSIGN_ENGINE_CREDENTIALS_OTHER"):
        open_data(Data.of(address.replace("warehouse", "other")), settings=SETTINGS)


def test_every_type_is_read_plainly(warehouse):
    query = """SELECT 0.1::real AS single, 12.50::numeric AS amount, 7::numeric(9,0) AS whole, 'x'::char(3) AS padded,
        'ab'::varchar AS short, '2026-01-01 00:30+02'::timestamptz AS moment, '00000000-0000-0000-0000-000000000001'::uuid AS id,
        '{"a": 1}'::jsonb AS doc, ARRAY[1, NULL] AS many, '10.0.0.1'::inet AS host, '1 day'::interval AS span,
        '12:30'::time AS clock, 'NaN'::numeric AS none, 3000000000::oid AS oid, NULL AS nothing, '\\x00ff'::bytea AS bytes"""
    with opened(warehouse, "query=" + " ".join(query.split()).replace("+", "%2B").replace(" ", "+")) as engine:
        (row,) = engine.read(engine.table).to_pylist()
        kinds = engine.columns
    assert row.pop("none") != row.get("none")
    assert row == {
        "single": pytest.approx(0.10000000149011612, abs=0),
        "amount": 12.5,
        "whole": 7,
        "padded": "x",
        "short": "ab",
        "moment": dt.datetime.fromisoformat("2025-12-31T22:30:00"),
        "id": "00000000-0000-0000-0000-000000000001",
        "doc": '{"a": 1}',
        "many": "{1,NULL}",
        "host": "10.0.0.1/32",
        "span": "1 day",
        "clock": "12:30:00",
        "oid": "3000000000",
        "nothing": None,
        "bytes": b"\x00\xff",
    }
    assert [kinds[name] for name in ("single", "amount", "whole", "moment", "id", "bytes")] == [
        *("number", "number", "integer", "time", "text", "other")
    ]


def test_all_questions_see_one_snapshot(warehouse):
    warehouse.load("risk.growing", pa.table({"x": [1, 2, 3]}))
    with opened(warehouse, "table=risk.growing") as before:
        assert before.rows() == 3
        warehouse.run("INSERT INTO risk.growing VALUES (4)", "DELETE FROM risk.growing WHERE x = 1")
        assert before.grouped(["x"]).table.num_rows == 3
        fingerprint = before.origins
    with opened(warehouse, "table=risk.growing") as after:
        assert after.grouped((), {"most": _.x.max()}).columns() == {"most": [4], "n": [3]}
        assert after.origins[0].path == fingerprint[0].path
        assert after.origins[0].sha256 != fingerprint[0].sha256


def test_the_fingerprint_does_not_depend_on_the_order_of_rows(warehouse):
    with opened(warehouse, "query=SELECT+*+FROM+risk.awkward+ORDER+BY+id") as one:
        first = one._fingerprint()
    warehouse.run("CREATE TABLE risk.turned AS SELECT * FROM risk.awkward ORDER BY id DESC")
    warehouse.run(f"GRANT SELECT ON risk.turned TO {READER}")
    with opened(warehouse, "table=risk.turned") as other:
        other.address = one.address
        assert other._fingerprint() == first


def test_many_rows_come_in_batches(warehouse):
    with opened(warehouse, "query=SELECT+i,+'x'+||+i+AS+t+FROM+generate_series(1,+40000)+AS+s(i)") as engine:
        sizes = [batch.num_rows for batch in engine.batches(engine.table)]
        assert sum(sizes) == 40000
        assert max(sizes) == 1 << 14
        assert engine.read(engine.table.filter(_.i < 0)).num_rows == 0


def test_a_sum_that_does_not_fit_is_an_error_and_not_a_wrong_number(warehouse):
    large = "query=SELECT+9223372036854775807+AS+x+UNION+ALL+SELECT+1"
    with opened(warehouse, large) as engine, pytest.raises(PredictionsError, match="does not fit 64 bits"):
        engine.grouped((), {"total": _.x.sum()})


def test_what_runs_can_be_stopped_and_is_given_up_in_time(warehouse):
    slow = "query=SELECT+pg_sleep(30)::text+AS+x"

    class Cancelled(Exception):
        pass

    def progress(done, note):
        raise Cancelled

    began = time.monotonic()
    with opened(warehouse, slow) as engine, pytest.raises(Cancelled), watched(engine, progress, seconds=0.05):
        engine.read(engine.table)
    with opened(warehouse, slow) as engine:
        timer = threading.Timer(0.1, engine.interrupt)
        timer.start()
        with pytest.raises(Interrupted):
            engine.read(engine.table)
        timer.join()
    hurried = Settings(timeout=1, environment=SETTINGS.environment)
    late = pytest.raises(PredictionsError, match="COUNTERSIGN_ENGINE_TIMEOUT")
    with open_data(Data.of(warehouse.address(slow)), settings=hurried) as engine, late:
        engine.read(engine.table)
    assert time.monotonic() - began < 10


def test_an_engine_that_is_left_holds_no_connection(warehouse):
    with opened(warehouse, "table=risk.awkward") as engine:
        assert engine.rows() == 620
    with psycopg2.connect(warehouse.uri) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [READER])
        assert cursor.fetchone() == (0,)
    connection.close()


def test_few_rows_never_leave(warehouse):
    with opened(warehouse, "table=risk.awkward", disclosure=45) as engine:
        held = engine.grouped(["name"])
        assert held.suppressed == 10
        assert min(held.columns()["n"]) >= 45
    strict = Settings(disclosure=70, environment=SETTINGS.environment)
    with open_data(Data.of(warehouse.address("table=risk.awkward")), disclosure=50, settings=strict) as engine:
        assert engine.disclosure == 70


def test_what_an_engine_cannot_say_is_an_error_of_the_input(warehouse):
    with (
        opened(warehouse, "table=risk.awkward") as engine,
        pytest.raises(InvalidInput, match="cannot be asked of postgres"),
    ):
        engine.grouped((), {"x": _.name.hexdigest("md5").nunique()})

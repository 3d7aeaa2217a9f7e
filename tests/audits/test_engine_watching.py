"""Who waits sees rows go by, in his own thread; who waits no longer ends the query."""

from __future__ import annotations

import threading
import time

import ibis
import pyarrow as pa
import pytest

from audits.engines.duckdb_engine import open_arrow, open_files
from audits.engines.expressions import md5_hex
from audits.engines.port import Engine
from audits.engines.watching import watched

_ = ibis._


class Cancelled(Exception):
    """Raised by a callback."""


@pytest.fixture
def endless():
    """An engine, and a question that takes it minutes."""
    with open_arrow(pa.table({"x": range(60_000)})) as engine:
        crossed = engine.table.cross_join(engine.table.select(y=_.x))
        yield engine, crossed.aggregate(n=(_.x * _.y % 7).sum())


def test_rows_done_are_told_in_the_thread_of_the_caller(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": pa.array(range(3_000_000))}), path, row_group_size=100_000)
    said = []

    def progress(done, note):
        said.append((done, note, threading.current_thread()))

    with open_files(path, "x") as engine, watched(engine, progress, 0.2, 0.6, "counting", seconds=0.005):
        crossed = engine.table.mutate(y=md5_hex((engine.table.x % 1000).cast("string"))).aggregate(n=_.y.nunique())
        assert engine.read(crossed).to_pydict() == {"n": [1000]}
    shares = [done for done, _note, _thread in said]
    assert shares == sorted(shares)
    assert shares[-1] == 0.6
    assert all(0.2 <= share <= 0.6 for share in shares)
    assert {thread for _done, _note, thread in said} == {threading.current_thread()}
    assert any(note.endswith("of 3,000,000 rows") and note.startswith("counting: ") for _done, note, _thread in said)


def test_a_callback_that_raises_ends_the_query_and_the_block(endless):
    engine, question = endless
    began = time.monotonic()

    def progress(done, note):
        raise Cancelled("by ada")

    with pytest.raises(Cancelled, match="by ada"), watched(engine, progress, seconds=0.05):
        engine.read(question)
    assert time.monotonic() - began < 10
    assert engine.watch is None
    assert engine.rows() == 60_000
    assert not engine._running


def test_a_query_that_fails_fails_as_without_a_watch(endless):
    engine, _question = endless
    from audits.prediction_errors import PredictionsError

    with pytest.raises(PredictionsError), watched(engine, lambda done, note: None, seconds=0.01):
        engine.grouped({"y": _.x.cast("string").cast("date")})


def test_a_reader_who_leaves_early_ends_the_query(endless):
    engine, _question = endless
    with watched(engine, lambda done, note: None, seconds=0.01):
        batches = engine.batches(engine.table)
        assert next(batches).num_rows
        batches.close()
    assert not engine._running


def test_several_passes_share_the_way():
    said = []
    with open_arrow(pa.table({"x": [1, 2]})) as engine:
        with watched(engine, lambda done, note: said.append(done), 0.0, 1.0, passes=2):
            engine.rows()
            assert said[-1] == 0.5
            engine.rows()
            assert said[-1] == 1.0
            engine.rows()
        assert said[-1] == 1.0


def test_an_engine_is_interrupted_until_it_ends():
    """Between two steps of a query there is nothing to interrupt: the first call may come too early."""

    class Deaf(Engine):
        origins, calls, ended = (), 0, threading.Event()

        def batches(self, expression):
            def wait():
                self.ended.wait()
                raise InterruptedError
                yield

            return self.observed(wait())

        def interrupt(self):
            self.calls += 1
            if self.calls == 2:
                self.ended.set()

        def close(self):
            self.ended.set()

    engine = Deaf()

    def progress(done, note):
        raise Cancelled

    with engine, pytest.raises(Cancelled), watched(engine, progress, seconds=0.01):
        next(engine.batches(None))
    assert engine.calls == 2

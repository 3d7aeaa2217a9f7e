"""Spark gives the answers that DuckDB gives: on a real standalone cluster of a master and two workers, and by Spark Connect.

All of it is one test, because the cluster takes a while to start and test processes do not share it.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from audits.engines.duckdb_engine import open_arrow
from audits.engines.opening import Data, open_data
from audits.engines.port import Interrupted
from audits.engines.settings import Settings
from audits.engines.watching import watched
from audits.prediction_errors import PredictionsError
from audits.scoring.partitions import scoring_function
from audits.scoring.source import ModelFile
from registry.errors import InvalidInput
from registry.execution import Interface
from tests.audits.engine_cases import KINDS, answers, awkward_table
from tests.audits.engine_servers import java, spark_cluster, spark_connect, spark_environment
from tests.audits.scoring_cases import NAMES, labels, numbers

pytestmark = [
    pytest.mark.skipif(not java(), reason="Spark needs Java, and there is none here; bin/test installs it"),
    # Spark's gateway leaves the sockets of its results to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_ = ibis._


@pytest.fixture
def files(tmp_path):
    """The awkward table as Parquet in two parts, in a folder that every process may read."""
    folder = tmp_path / "parts"
    folder.mkdir()
    table = awkward_table()
    pq.write_table(table.slice(0, 300), folder / "a.parquet")
    pq.write_table(table.slice(300), folder / "b.parquet")
    return folder


SETTINGS = Settings.from_environment({"COUNTERSIGN_ENGINE_TIMEOUT": "120"})


def test_a_cluster_of_two_workers_answers_as_duckdb_does(files, tmp_path, monkeypatch):
    for name, value in spark_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    # Partitions are scored by Python on the workers, which must find what is installed here.
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with spark_cluster(tmp_path) as cluster:
        address = f"{cluster.url}?path={files}"
        with open_data(Data.of(address), settings=SETTINGS) as engine:
            _agrees_with_duckdb(engine)
            _has_a_fingerprint_that_shows_change(engine, address, files)
            _shares_its_application(address)
            _scores_partitions_in_sandboxes_of_their_own(engine, tmp_path)
            _stops_when_nobody_wants_the_answer(engine)
            _refuses_what_it_cannot_read(cluster.url, files)
        assert cluster.running() == 3
    assert cluster.running() == 0


def _agrees_with_duckdb(engine):
    assert engine.columns == KINDS
    with open_arrow(awkward_table()) as duck:
        expected = answers(duck)
    found = answers(engine)
    different = [(name, found[name], expected[name]) for name in expected if found[name] != expected[name]]
    assert different == []
    assert engine.name.startswith("spark 4.")


def _has_a_fingerprint_that_shows_change(engine, address, files):
    (origin,) = engine.origins
    assert origin.path == address
    table = awkward_table()
    pq.write_table(table.slice(310), files / "b.parquet")
    pq.write_table(table.slice(0, 310), files / "a.parquet")
    with open_data(Data.of(address), settings=SETTINGS) as parted_otherwise:
        assert parted_otherwise.origins == (origin,)
    changed = table.set_column(5, "at", table["at"].combine_chunks().fill_null(table["at"][0]))
    pq.write_table(changed.slice(0, 310), files / "a.parquet")
    with open_data(Data.of(address), settings=SETTINGS) as other:
        assert other.origins[0].sha256 != origin.sha256
        assert other.rows() == len(table)


def _shares_its_application(address):
    """A second table has views of its own; leaving it does not end the first."""
    with (
        open_data(Data.of(address), settings=SETTINGS) as first,
        open_data(Data.of(address), settings=SETTINGS) as second,
    ):
        second._session.spark.sql("SELECT 1 AS x").createOrReplaceTempView("source")
        assert first.rows() == 620
    with pytest.raises(InvalidInput, match="one cluster at a time"):
        open_data(Data.of(address.replace("127.0.0.1", "localhost")), settings=SETTINGS)


def _scores_partitions_in_sandboxes_of_their_own(engine, folder):
    """``mapInArrow`` with the very function that scores batches here."""
    block = numbers(400)
    path = folder / "model.onnx"
    path.write_bytes(
        to_onnx(LogisticRegression().fit(block, labels(block)), block[:1].astype("f4")).SerializeToString()
    )
    score = scoring_function(ModelFile(name="model.onnx", path=path, interface=Interface(inputs=NAMES)), keep=("id",))
    columns = [f"double(id % {7 + place}) / {7 + place} AS {name}" for place, name in enumerate(NAMES)]
    rows = engine._session.spark.range(0, 900, 1, 2).selectExpr("id", *columns)
    found = rows.mapInArrow(score, "id long, score double, prediction string").toArrow().sort_by("id")
    ids = np.arange(900)
    plain = pa.RecordBatch.from_pydict({name: ids % (7 + place) / (7 + place) for place, name in enumerate(NAMES)})
    here = pa.Table.from_batches(list(score(iter([plain.append_column("id", pa.array(ids))]))))
    assert found.equals(here.cast(found.schema))


def _stops_when_nobody_wants_the_answer(engine):
    """A cross join of 620 rows with themselves twice over and with 60 takes minutes; it is stopped from within and outside."""
    crossed = engine.table
    for number, rows in enumerate([_.id > 0, _.id > 0, _.id > 2_400_000]):
        crossed = crossed.cross_join(engine.table.filter(rows).select(**{f"id{number}": _.id}))
    endless = crossed.aggregate(n=(_.id * _.id0 + _.id1 * _.id2).max())

    class Cancelled(Exception):
        pass

    said = []

    def progress(done, note):
        said.append((done, note))
        if len(said) == 3:
            raise Cancelled

    began = time.monotonic()
    with pytest.raises(Cancelled), watched(engine, progress, 0.2, 0.6, "joining", seconds=0.3):
        engine.read(endless)
    assert all(0.2 <= done <= 0.6 for done, _note in said)
    timer = threading.Timer(1.0, engine.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        engine.read(endless)
    timer.join()
    assert time.monotonic() - began < 60
    assert engine.rows() == 620


def _refuses_what_it_cannot_read(master, files):
    for what, error, said in (
        ("path=/there/is/nothing", InvalidInput, "PATH_NOT_FOUND"),
        ("table=nobody.knows", InvalidInput, "NOT_FOUND"),
        ("table=a;drop", InvalidInput, "not the name of a table"),
        ("query=x", InvalidInput, "no option 'query'"),
        (f"path={files}&table=t", InvalidInput, "path"),
    ):
        with pytest.raises(error, match=said):
            open_data(Data.of(f"{master}?{what}"), settings=SETTINGS)
    unreadable = pytest.raises(PredictionsError, match=r"cannot be read: .*CAST_INVALID_INPUT")
    with open_data(Data.of(f"{master}?path={files}"), settings=SETTINGS) as engine, unreadable:
        engine.grouped({"number": _.name.cast("int64")})


def test_spark_connect_answers_as_duckdb_does(files, tmp_path):
    with (
        spark_connect(tmp_path) as server,
        open_data(Data.of(f"sc://{server}?path={files}"), settings=SETTINGS) as engine,
    ):
        _agrees_with_duckdb(engine)
        assert len(engine.origins[0].sha256) == 64
        assert engine.progress() is None
        _stops_when_nobody_wants_the_answer(engine)


def test_a_cluster_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="cannot be reached"):
        open_data(Data.of("spark://127.0.0.1:9?path=/data"), settings=SETTINGS)

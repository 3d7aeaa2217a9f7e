"""Objects in S3-compatible storage are read where they lie, column by column, by those who may."""

from __future__ import annotations

import io
import json

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.engines.opening import Data, open_data
from audits.engines.settings import Settings
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput
from tests.audits.engine_cases import KINDS, awkward_table, rows_of
from tests.audits.object_store import object_store

_ = ibis._


def parquet(table, **options):
    stream = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), stream, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def store():
    awkward = awkward_table()
    wide = pa.table({f"c{i}": np.random.default_rng(i).random(20_000) for i in range(20)})
    objects = {
        "lake/loans/a.parquet": parquet(awkward.slice(0, 300)),
        "lake/loans/b.parquet": parquet(awkward.slice(300)),
        "lake/loans/notes.txt": b"not data",
        "lake/loans/old/c.parquet": parquet(awkward),
        "lake/wide.parquet": parquet(wide),
        "lake/unlike/a.parquet": parquet({"x": [1]}),
        "lake/unlike/b.parquet": parquet({"x": ["1"]}),
        "lake/with space/größe.parquet": parquet({"x": [1]}),
    }
    with object_store(objects, key="AKREADER") as server:
        yield server


def opened(store, what, key="AKREADER"):
    credentials = {"access_key": key, "secret_key": "hush", "endpoint": store.endpoint, "region": "eu-central-1"}
    settings = Settings.from_environment({"COUNTERSIGN_ENGINE_CREDENTIALS_LAKE": json.dumps(credentials)})
    return open_data(Data.of(f"s3://lake/{what}?credentials=lake"), settings=settings)


@pytest.mark.parametrize("what", ["loans/*.parquet", "loans/"])
def test_objects_are_one_table(store, what):
    with opened(store, what) as engine:
        assert engine.columns == KINDS
        assert engine.rows() == engine.expected_rows() == 620
        assert rows_of(engine.read(engine.table)) == rows_of(_plain_table())
        assert rows_of(engine.grouped(["name"]).table)


def _plain_table():
    from audits.engines.duckdb_engine import open_arrow

    with open_arrow(awkward_table()) as engine:
        return engine.read(engine.table)


def test_names_of_objects_may_hold_anything(store):
    with opened(store, "with%20space/gr%C3%B6%C3%9Fe.parquet") as engine:
        assert engine.rows() == 1


def test_only_the_columns_that_are_asked_for_are_fetched(store):
    with opened(store, "wide.parquet") as engine:
        store.asked.clear()
        engine.grouped((), {"x": _.c7.sum()})
    fetched = 0
    for command, _path, span in store.asked:
        if command == "GET" and span:
            first, last = map(int, span.removeprefix("bytes=").split("-"))
            fetched += last - first + 1
    assert 0 < fetched < len(store.objects["lake/wide.parquet"]) / 4


def test_the_origin_changes_with_the_objects(store):
    with opened(store, "loans/") as engine:
        (before,) = engine.origins
    assert before.path == "s3://lake/loans/?credentials=lake"
    kept = store.objects["lake/loans/b.parquet"]
    store.objects["lake/loans/b.parquet"] = parquet(awkward_table().slice(300), compression="zstd")
    with opened(store, "loans/") as engine:
        assert engine.origins[0].sha256 != before.sha256
    store.objects["lake/loans/b.parquet"] = kept
    with opened(store, "loans/") as engine:
        assert engine.origins == (before,)


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("loans/nothing.parquet", InvalidInput, "no such object"),
        ("nothing/", InvalidInput, "names no object; there are 0 there"),
        ("loans/*.csv", InvalidInput, "names no object; there are 3 there"),
        ("loans/notes.txt", PredictionsError, "not a sound Parquet file"),
        ("unlike/", PredictionsError, r"b\.parquet: column 'x' holds string, and in s3://lake/unlike/a\.parquet int64"),
    ],
)
def test_what_cannot_be_read_is_named(store, what, error, said):
    with pytest.raises(error, match=said):
        opened(store, what)


def test_the_store_decides_who_reads(store):
    with pytest.raises(InvalidInput, match="ACCESS_DENIED") as refused:
        opened(store, "loans/", key="AKSTRANGER")
    assert "hush" not in str(refused.value)
    settings = Settings.from_environment({"COUNTERSIGN_ENGINE_CREDENTIALS_LAKE": "ada:hush"})
    with pytest.raises(InvalidInput, match="hold no access_key"):
        open_data(Data.of("s3://lake/loans/?credentials=lake"), settings=settings)

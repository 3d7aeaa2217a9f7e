"""Rows of test data for a model: all in their order, or the same sample on every run, brought into plain types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.engines.opening import Data
from audits.scoring.prepared import MATRIX, batch_of, prepared
from audits.scoring.rows import BATCH_ROWS, rows_of, sample_of, table_of
from registry.errors import InvalidInput

ROWS = 20_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "test.parquet"
    pq.write_table(pa.table({"id": range(ROWS), "x": np.arange(ROWS) / 7, "home": ["own", "rent"] * (ROWS // 2)}), path)
    return Data.of(path)


def test_all_rows_come_in_order_in_bounded_batches(data):
    batches = list(rows_of(data, ["home", "id"]))
    assert [batch.num_rows for batch in batches] == [BATCH_ROWS, BATCH_ROWS, ROWS - 2 * BATCH_ROWS]
    assert batches[0].schema.names == ["home", "id"]
    assert pa.Table.from_batches(batches)["id"].to_pylist() == list(range(ROWS))
    assert table_of(data, ["id"])["id"].to_pylist() == list(range(ROWS))


def test_a_sample_is_the_same_on_every_run_and_another_with_another_seed(data):
    drawn = sample_of(data, ["x", "home"], most=50, key=["id"], seed=1)
    assert (len(drawn.table), drawn.total) == (50, ROWS)
    again = pa.Table.from_batches(list(rows_of(data, ["x", "home"], key=["id"], most=50, seed=1)))
    assert again.equals(drawn.table)
    assert not table_of(data, ["x", "home"], key=["id"], most=50, seed=2).equals(drawn.table)


def test_a_column_that_is_not_there_is_named(data):
    with pytest.raises(InvalidInput, match="no column 'wage'; there are 'id', 'x', 'home'") as refusal:
        list(rows_of(data, ["x", "wage"]))
    assert refusal.value.field == "test"
    with pytest.raises(InvalidInput, match="no column 'number'"):
        sample_of(data, ["x"], most=5, key=["number"])


def test_reading_ends_when_nobody_wants_the_rows(data):
    class Cancelled(Exception):
        pass

    def progress(_share, _note):
        raise Cancelled

    with pytest.raises(Cancelled):
        list(rows_of(data, ["x"], progress=progress))


def test_columns_are_brought_into_types_that_every_model_can_be_given():
    day = dt.date(2026, 7, 1)
    batch = pa.RecordBatch.from_pydict(
        {
            "price": pa.array([Decimal("1.50"), None]),
            "day": pa.array([day, None]),
            "home": pa.array(["own", "rent"]).dictionary_encode(),
            "left": pa.array([1, 2]),
        }
    )
    found = prepared(batch, ["home", "price", "day"]).to_pydict()
    assert found == {"home": ["own", "rent"], "price": [1.5, None], "day": ["2026-07-01", None]}
    with pytest.raises(InvalidInput, match="reads 'wage', and the rows have 'price'"):
        prepared(batch, ["wage"])
    with pytest.raises(InvalidInput, match="'x' holds binary"):
        prepared(pa.RecordBatch.from_pydict({"x": [b"1"]}), ["x"])


def test_numbers_alone_cross_as_one_column_of_lists():
    columns = {"a": np.array([1.0, np.nan]), "b": [3, 4], "c": ["x", None]}
    (only,) = batch_of(columns, ["b", "a"]).columns
    np.testing.assert_array_equal(only.flatten().to_numpy(), [3.0, 1.0, 4.0, np.nan])
    assert batch_of(columns, ["b", "a"]).schema.names == [MATRIX]
    mixed = batch_of(columns, ["c", "a"]).to_pydict()
    assert mixed == {"c": ["x", None], "a": [1.0, None]}
    assert batch_of({MATRIX: [1.5]}, [MATRIX]).to_pydict() == {MATRIX: [1.5]}
    with pytest.raises(InvalidInput, match="reads 'd'"):
        batch_of(columns, ["d"])
    with pytest.raises(InvalidInput, match="'c' holds values of several types"):
        batch_of({"c": np.array(["x", 1.5], dtype=object)}, ["c"])

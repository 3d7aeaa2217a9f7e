"""Overlap of training and test data, and values that must be in other data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.engines.duckdb_engine import open_arrow
from audits.measures.quality.integrity import check_integrity
from audits.measures.quality.overlap import exact_overlap, near_overlap, shared_columns
from registry.errors import InvalidInput
from tests.audits.quality_cases import report_on, value, written

ROWS = st.tuples(st.sampled_from([1, 2, 3, None]), st.sampled_from(["a", "b", "", None]), st.sampled_from([0.5, 1.0]))


def table(rows):
    first, second, third = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {"i": pa.array(first, pa.int64()), "t": pa.array(second, pa.string()), "f": pa.array(third, pa.float64())}
    )


@settings(max_examples=12, deadline=None)
@given(train=st.lists(ROWS, min_size=1, max_size=12), test=st.lists(ROWS, min_size=1, max_size=12))
def test_exact_overlap_is_that_of_sets_of_rows(train, test):
    with open_arrow(table(train)) as one, open_arrow(table(test)) as other:
        found = exact_overlap(one, other, shared_columns(one, other), (len(train), len(test)))
    assert (found.found, found.rows) == (sum(row in set(train) for row in test), len(test))


def test_numbers_that_are_written_otherwise_are_the_same(tmp_path):
    train = written(tmp_path, {"a": [1, 2, 3], "b": ["x", "y", "z"]}, "train.parquet")
    test = written(tmp_path, {"a": [1.0, 2.5], "b": ["x", "y"], "c": [0, 0]}, "test.parquet")
    found = value(report_on(train, test), "train_test_overlap_rate")
    assert (found["value"], found["n"]) == (0.5, 2)
    assert "not compared: c" in found["note"]
    assert found["low"] < 0.5 < found["high"]


def test_tables_without_a_common_column_are_refused(tmp_path):
    train, test = written(tmp_path, {"a": [1]}), written(tmp_path, {"b": [1]}, "test.parquet")
    with pytest.raises(InvalidInput, match="share no column"):
        report_on(train, test)


def far_apart(rows=50):
    draw = np.random.default_rng(7)
    return {
        "a": draw.normal(size=rows) * 1000,
        "b": draw.normal(size=rows),
        "c": [f"Name {i}" for i in range(rows)],
        "d": draw.integers(0, 10**6, rows),
    }


def near(train, test, sample=1000):
    with open_arrow(pa.table(train)) as one, open_arrow(pa.table(test)) as other:
        kinds = shared_columns(one, other)
        return near_overlap(one, other, kinds, (one.rows(), other.rows()), sample=sample, step=lambda done: None)


def test_a_twin_may_differ_in_one_column_and_in_spelling():
    train = far_apart()
    test = {name: list(column[:4]) for name, column in train.items()}
    test["c"] = ["NAME 0", " name 1 ", "someone", "someone"]
    test["d"][0] += 500_000  # row 0: another d; row 2: another c; row 3: another c and another a
    test["a"][3] += 9000
    found = near(train, test)
    assert (found.rows, found.found) == (4, 3)


def test_a_number_moves_less_than_a_hundredth_of_a_deviation():
    train = {"a": [0.0, 100.0, 200.0, 300.0], "b": [1, 2, 3, 4], "c": [1, 2, 3, 4], "d": [1, 2, 3, 4]}
    barely = {"a": [100.1], "b": [2], "c": [2], "d": [99]}
    more = {"a": [103.0], "b": [2], "c": [2], "d": [99]}
    assert (near(train, barely).found, near(train, more).found) == (1, 0)


def test_no_row_is_near_another_by_chance():
    draw = far_apart(200)
    train = {name: column[:100] for name, column in draw.items()}
    test = {name: column[100:] for name, column in draw.items()}
    assert near(train, test).found == 0


def test_large_test_data_are_sampled_and_said_to_be():
    train = far_apart()
    found = near(train, train, sample=10)
    assert (found.rows, found.found) == (10, 10)
    assert "a sample of 10 test rows" in found.note


def test_few_columns_have_no_twins_worth_the_name(tmp_path):
    path = written(tmp_path, {"a": [1, 2], "b": [1, 2]})
    report = report_on(path, path)
    found = value(report, "near_overlap_rate")
    assert found["value"] is None
    assert "at least 4 shared columns" in found["note"]
    assert value(report, "train_test_overlap_rate")["value"] == 1


def test_referential_integrity_counts_rows_with_a_value():
    with (
        open_arrow(pa.table({"customer": [1, 1, 2, 9, None]})) as orders,
        open_arrow(pa.table({"id": [1.0, 2.0, 3.0], "name": ["a", "b", "c"]})) as customers,
    ):
        found = check_integrity(orders, "customer", customers, "id")
        assert (found.values, found.held, found.problem) == (4, 3, "")
        assert "cannot be compared" in check_integrity(orders, "customer", customers, "name").problem
        assert "no column 'key'" in check_integrity(orders, "customer", customers, "key").problem

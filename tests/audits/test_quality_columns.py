"""What is said of single columns and rows: counted by hand."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.engines.duckdb_engine import open_arrow
from audits.evaluate_cli import main
from audits.intervals import critical_value, wilson
from audits.measures.quality.profile import count_distinct_rows, profile_columns
from registry.canonical import canonical_json
from registry.errors import InvalidInput
from tests.audits.quality_cases import people, report_on, series, value, written


def test_completeness_counts_null_nan_and_empty_text_as_missing(tmp_path):
    columns = {
        "number": [1.0, math.nan, None, 4.0],
        "text": ["a", "", None, " "],
        "whole": [1, 2, 3, 4],
    }
    report = report_on(written(tmp_path, columns))
    assert value(report, "completeness", column="number")["value"] == 0.5
    assert value(report, "completeness", column="text")["value"] == 0.5
    full = value(report, "completeness", column="whole")
    low, high = wilson(4, 4, critical_value(0.95))
    assert (full["value"], full["low"], full["high"], full["n"]) == (1.0, float(low), float(high), 4)


def test_uniqueness_is_distinct_values_per_value(tmp_path):
    report = report_on(written(tmp_path, {"x": ["a", "a", "b", None], "y": [1, 2, 3, 4]}))
    assert value(report, "uniqueness", column="x")["value"] == pytest.approx(2 / 3)
    assert value(report, "uniqueness", column="y")["value"] == 1
    assert {row["column"]: row["unique"] for row in series(report, "quality")} == {"x": False, "y": True}


def test_constant_and_empty_columns_are_named(tmp_path):
    columns = {
        "same": ["x"] * 200,
        "empty": pa.array([None] * 200, pa.float64()),
        "nearly": [0] * 199 + [1],
        "sometimes": ["x"] * 100 + [None] * 100,
        "fine": list(range(200)),
    }
    report = report_on(written(tmp_path, columns))
    constant = value(report, "constant_columns")
    assert constant["value"] == 2
    assert constant["note"] == "in same, empty"
    problems = {row["column"]: row["problems"] for row in series(report, "quality")}
    assert problems["same"] == ["all rows have the same value"]
    assert problems["empty"] == ["no row has a value"]
    assert problems["nearly"] == ["99.50% of the rows have the same value"]
    assert problems["sometimes"] == ["100 rows without a value"]
    assert problems["fine"] == []


def test_the_worst_columns_come_first(tmp_path):
    columns = {"fine": [1, 2, 3, 4], "bad": ["?", " ", "a", None], "some": [1, None, 3, 4]}
    rows = series(report_on(written(tmp_path, columns)), "quality")
    assert [row["column"] for row in rows] == ["bad", "some", "fine"]
    assert rows[0]["problems"] == [
        "1 rows without a value",
        "1 rows of spaces alone",
        "1 rows with a text that stands for an unknown value",
    ]


def test_ends_are_shown_of_numbers_and_times_but_not_of_texts(tmp_path):
    columns = {
        "n": [3.5, -1.0, math.inf],
        "d": pa.array([date(2026, 3, 1), date(2025, 3, 1), None]),
        "name": ["Ada", "Grace", "Edsger"],
    }
    rows = {row["column"]: row for row in series(report_on(written(tmp_path, columns)), "quality")}
    assert (rows["n"]["min"], rows["n"]["max"]) == (-1.0, 3.5)
    assert "1 rows with a number without bound" in rows["n"]["problems"]
    assert (rows["d"]["min"], rows["d"]["max"]) == ("2025-03-01", "2026-03-01")
    assert (rows["name"]["min"], rows["name"]["max"]) == (None, None)


def test_duplicates_of_rows_and_of_a_key(tmp_path):
    columns = {"a": [1, 1, 1, 2, None, None], "b": ["x", "x", "y", "x", "z", "z"]}
    report = report_on(written(tmp_path, columns), key=["a"])
    assert value(report, "duplicate_rate")["value"] == 2 / 6
    assert value(report, "duplicate_rate", key="a")["value"] == 2 / 6
    assert value(report, "duplicate_rate")["n"] == 6


def test_columns_that_cannot_be_compared_are_counted(tmp_path):
    columns = {"list": pa.array([[1], [2], None]), "n": [1, 1, 1]}
    report = report_on(written(tmp_path, columns))
    assert value(report, "completeness", column="list")["value"] == pytest.approx(2 / 3)
    assert value(report, "uniqueness", column="list")["value"] is None
    assert value(report, "duplicate_rate")["value"] == pytest.approx(2 / 3)
    assert any("list" in warning for warning in report["warnings"])


def test_a_table_without_rows_is_measured_as_nothing(tmp_path):
    report = report_on(written(tmp_path, {"x": pa.array([], pa.int64())}))
    assert value(report, "completeness", column="x")["value"] is None
    assert value(report, "duplicate_rate")["value"] is None
    assert value(report, "constant_columns")["value"] is None
    assert "the table has no rows" in report["warnings"]
    canonical_json(report)


def test_freshness_counts_to_the_date_given(tmp_path):
    path = written(tmp_path, people(10))
    report = report_on(path, timestamp="day", as_of="2026-01-20")
    assert value(report, "freshness_days")["value"] == 10
    assert value(report_on(path, timestamp="day", as_of="2026-01-10"), "freshness_days")["value"] == 0
    future = value(report_on(path, timestamp="day", as_of="2026-01-05"), "freshness_days")
    assert future["value"] == -5
    assert "future" in future["note"]


cells = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, math.nan]))


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(st.tuples(cells, st.sampled_from(["a", "b", None])), min_size=1, max_size=20))
def test_the_counts_are_those_of_pandas(rows):
    first, second = zip(*rows, strict=True)
    frame = pd.DataFrame({"x": pd.array(first, dtype=float), "y": pd.array(second, dtype=object)})
    table = pa.table({"x": pa.array(first, pa.float64()), "y": pa.array(second, pa.string())})
    with open_arrow(table) as engine:
        columns = profile_columns(engine, lambda done, note: None)
        distinct = count_distinct_rows(engine, ["x", "y"])
    for name, column in columns.items():
        counts = frame[name].value_counts()
        assert (column.missing, column.distinct) == (frame[name].isna().sum(), frame[name].nunique())
        assert (column.most, column.alone) == (counts.max() if len(counts) else 0, (counts == 1).sum())
    assert distinct == len(rows) - frame.duplicated().sum()
    if columns["x"].present:
        assert columns["x"].mean == pytest.approx(float(np.nanmean(frame["x"])))


def test_the_same_data_give_the_same_bytes(tmp_path):
    path = written(tmp_path, people())
    first, again = (canonical_json(report_on(path, path, label="repaid", key=["id"])) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"label": "lab"}, "no column 'lab'"),
        ({"key": ["id", "no"]}, "no column 'no'"),
        ({"key": "id"}, "list"),
        ({"timestamp": "day"}, "as_of"),
        ({"timestamp": "sex", "as_of": "2026-01-01"}, "not dates"),
        ({"timestamp": "day", "as_of": "yesterday"}, "as_of must be a date"),
        ({"near_rows": 10**6}, "at most"),
        ({"confidence": 1}, "confidence"),
        ({"colour": "red"}, "no parameter 'colour'"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, parameters, message):
    with pytest.raises(InvalidInput, match=message):
        report_on(written(tmp_path, people(5)), **parameters)


def test_the_command_line_measures_and_says_what_is_wrong(tmp_path, capsys):
    path = str(written(tmp_path, people()))
    assert main(["quality", path, "--key", "id", "--label", "repaid", "--test", path, "--timestamp", "day"]) == 0
    assert "train_test_overlap_rate" in capsys.readouterr().out
    assert main(["quality", path, "--schema", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err

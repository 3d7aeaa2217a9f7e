"""Expectations of a table: what is kept, what is not, and files that say nothing sensible."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from audits.evaluate_cli import main
from audits.measures.quality.expectations import parse_expectations, read_expectations
from registry.errors import InvalidInput
from tests.audits.quality_cases import outcomes, people, report_on, value, written

ROOT = Path(__file__).resolve().parents[2]


def examined(tmp_path, data=None, *, reference=None, **document):
    inputs = [written(tmp_path, people() if data is None else data)]
    if reference is not None:
        inputs += [None, written(tmp_path, reference, "reference.parquet")]
    return report_on(*inputs, expectations=document, as_of="2026-03-10")


def test_a_sound_table_keeps_what_is_asked(tmp_path):
    report = examined(
        tmp_path,
        columns={
            "id": {"type": "integer", "unique": True, "not_null": True},
            "age": {"type": "number", "min": 20, "max": 69, "mean": {"min": 30, "max": 60}},
            "sex": {"type": "text", "in": ["male", "female"]},
            "mail": {"matches": "[^@]+@example[.]org"},
            "day": {"type": "date", "min": "2026-01-01", "max": "2026-12-31"},
            "repaid": {"in": [0, 1]},
            "nickname": {"required": False, "type": "text"},
        },
        table={"rows": {"min": 60, "max": 60}, "key": ["id"], "freshness": {"column": "day", "max_days": 10}},
    )
    found = outcomes(report)
    assert {one["status"] for one in found.values()} == {"passed"}
    assert value(report, "expectations_failed")["value"] == 0
    assert value(report, "expectations_failed")["n"] == len(found)
    assert value(report, "validity", column="age", expectation="max")["value"] == 1
    assert not any(column == "nickname" for _, column in found)


@pytest.mark.parametrize(
    ("column", "asked", "name", "observed"),
    [
        ("gone", {}, "required", "not there"),
        ("age", {"type": "text"}, "type", "integer"),
        ("age", {"min": 27}, "min", "9 of 60 values do not"),
        ("age", {"max": 26}, "max", "51 of 60 values do not"),
        ("age", {"matches": "[0-9]+"}, "matches", "holds values of kind integer"),
        ("age", {"in": ["20"]}, "in", "holds values of kind integer"),
        ("age", {"min": "2026-01-01"}, "min", "holds values of kind integer"),
        ("sex", {"in": ["male"]}, "in", "40 of 60 values do not"),
        ("sex", {"unique": True}, "unique", "2 values in 60 rows"),
        ("sex", {"mean": {"min": 0}}, "mean", "no numbers"),
        ("mail", {"matches": "p[0-9]@.*"}, "matches", "50 of 60 values do not"),
        ("day", {"max": "2026-01-31"}, "max", "29 of 60 values do not"),
        ("income", {"mean": {"max": 1000}}, "mean", None),
        ("id", {"references": "id"}, "references", "no reference data were given"),
    ],
)
def test_what_is_not_kept_is_told_without_values(tmp_path, column, asked, name, observed):
    report = examined(tmp_path, columns={column: asked})
    one = outcomes(report)[name, column]
    assert one["status"] == "failed"
    assert observed is None or one["observed"] == observed
    assert value(report, "expectations_failed")["value"] == 1


def test_most_of_the_values_may_be_enough(tmp_path):
    columns = {"x": [1] * 98 + [500, None]}
    enough = examined(tmp_path, columns, columns={"x": {"max": 10, "mostly": 0.98, "not_null": 0.99}})
    assert {one["status"] for one in outcomes(enough).values()} == {"passed"}
    valid = value(enough, "validity", column="x", expectation="max")
    assert (valid["value"], valid["n"]) == (98 / 99, 99)
    assert valid["low"] < 98 / 99 < valid["high"]
    few = examined(tmp_path, columns, columns={"x": {"max": 10, "mostly": 0.995, "not_null": True}})
    assert {key for key, one in outcomes(few).items() if one["status"] == "failed"} == {("max", "x"), ("not_null", "x")}


def test_a_fraction_is_the_bound_that_was_written(tmp_path):
    values = [0.1, 0.3, 0.7, 1.1, 2.2, 5.6]
    report = examined(tmp_path, {"x": values}, columns={"x": {"in": values, "min": 0.1, "max": 5.6}})
    assert {one["status"] for one in outcomes(report).values()} == {"passed"}


def test_a_column_without_values_keeps_nothing(tmp_path):
    empty = {"x": pa.array([None, None], pa.int64())}
    found = outcomes(examined(tmp_path, empty, columns={"x": {"min": 0, "not_null": 0.5, "mean": {"min": 0}}}))
    assert {key[0] for key, one in found.items() if one["status"] == "failed"} == {"min", "not_null", "mean"}


def test_the_table_as_a_whole(tmp_path):
    columns = {"a": [1, 1, None], "b": [1, 2, 3]}
    report = examined(
        tmp_path,
        columns,
        columns={"a": {}},
        table={
            "rows": {"min": 4},
            "key": ["a"],
            "closed": True,
            "freshness": {"column": "day", "max_days": 1},
        },
    )
    found = {key: one["observed"] for key, one in outcomes(report).items() if one["status"] == "failed"}
    assert found == {
        ("rows", ""): "3",
        ("key", "a"): "1 rows repeat a key, 1 have none",
        ("closed", ""): "also b",
        ("freshness", "day"): "not there",
    }


def test_a_key_whose_column_is_missing_fails(tmp_path):
    found = outcomes(examined(tmp_path, {"a": [1]}, table={"key": ["a", "b"]}))
    assert found["key", "a, b"]["observed"] == "b is not there"


def test_values_must_be_in_the_reference_data(tmp_path):
    orders = {"customer": [1, 1, 2, 9]}
    reference = {"id": [1, 2, 3]}
    report = examined(tmp_path, orders, reference=reference, columns={"customer": {"references": "id"}})
    assert outcomes(report)["references", "customer"]["status"] == "failed"
    found = value(report, "referential_integrity", column="customer")
    assert (found["value"], found["n"]) == (0.75, 4)
    kept = examined(tmp_path, orders, reference=reference, columns={"customer": {"references": "id", "mostly": 0.7}})
    assert outcomes(kept)["references", "customer"]["status"] == "passed"


def test_a_hostile_expression_does_not_hang(tmp_path):
    columns = {"x": ["a" * 5000 + "b"]}
    start = time.perf_counter()
    report = examined(tmp_path, columns, columns={"x": {"matches": "(a|aa)+(a*)*c"}})
    assert outcomes(report)["matches", "x"]["status"] == "failed"
    assert time.perf_counter() - start < 5


def test_an_expression_must_match_whole_values(tmp_path):
    report = examined(tmp_path, {"x": ["12345", "12345\n", "x12345"]}, columns={"x": {"matches": "[0-9]{5}|x"}})
    assert value(report, "validity", column="x", expectation="matches")["value"] == pytest.approx(1 / 3)


MALFORMED = {
    "nothing": "{}",
    "a list": "- a",
    "an unknown key": "columns: {a: {minimum: 3}}",
    "an unknown part": "rules: {}",
    "a type that is none": "columns: {a: {type: float}}",
    "a share above one": "columns: {a: {not_null: 1.5}}",
    "a share that is text": "columns: {a: {mostly: most}}",
    "bounds the wrong way": "columns: {a: {min: 5, max: 2}}",
    "bounds of two kinds": "columns: {a: {min: 5, max: 2026-01-01}}",
    "a bound that is no date": "columns: {a: {min: soon}}",
    "a date for a number": "columns: {a: {type: integer, min: 2026-01-01}}",
    "a number for a date": "columns: {a: {type: date, min: 5}}",
    "no values allowed": "columns: {a: {in: []}}",
    "a value allowed twice": "columns: {a: {in: [x, x]}}",
    "an expression that is none": "columns: {a: {matches: '(('}}",
    "an expression with a look ahead": "columns: {a: {matches: '(?=x)y'}}",
    "an expression too large": "columns: {a: {matches: '((a{1000}){1000}){1000}'}}",
    "a mean without bounds": "columns: {a: {mean: {}}}",
    "a mean the wrong way": "columns: {a: {mean: {min: 2, max: 1}}}",
    "rows the wrong way": "table: {rows: {min: 2, max: 1}}",
    "an empty key": "table: {key: []}",
    "freshness of nothing": "table: {freshness: {max_days: 3}}",
    "freshness that is negative": "table: {freshness: {column: a, max_days: -3}}",
    "YAML that is none": "columns: [",
    "an alias": "columns: {a: &x {}, b: *x}",
    "no text": "\ufffd",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_file_gets_one_clear_sentence(tmp_path, capsys, text):
    schema = tmp_path / "expectations.yaml"
    schema.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        read_expectations(schema.read_bytes(), "expectations.yaml")
    assert main(["quality", str(tmp_path / "none.parquet"), "--schema", str(schema)]) == 2
    error = capsys.readouterr().err
    assert "expectations.yaml" in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("columns: {a: {minimum: 3}}", "columns.a.minimum"),
        ("columns: {a: {min: 5, max: 2}}", "columns.a"),
        ("columns: {a: {matches: '(('}}", "columns.a.matches"),
        ("columns: {a: {type: float}}", "columns.a.type"),
        ("table: {freshness: {max_days: 3}}", "table.freshness.column"),
    ],
)
def test_the_error_names_the_path(text, path):
    with pytest.raises(InvalidInput) as caught:
        read_expectations(text.encode(), "x.yaml")
    assert caught.value.field == path
    assert f"x.yaml: {path}: " in str(caught.value)


def test_the_example_is_valid_and_survives_the_report():
    example = read_expectations((ROOT / "docs/examples/expectations.yaml").read_bytes(), "example")
    assert parse_expectations(example.as_json()) == example
    assert example.needs_reference


def test_the_guide_names_every_key_of_the_schema():
    import json

    schema = json.loads((ROOT / "audits/measures/quality/expectations.schema.json").read_text(encoding="utf-8"))
    guide = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
    keys = {*schema["$defs"]["column"]["properties"], *schema["$defs"]["table"]["properties"]}
    assert not {key for key in keys if f"`{key}`" not in guide}

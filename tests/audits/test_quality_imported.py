"""Results of pandera and Great Expectations: what became of each expectation, and no value of a row."""

from __future__ import annotations

import json

import pytest

from audits.evaluate_cli import main
from audits.measures.quality.imported import parse_results, read_results
from registry.canonical import canonical_json
from registry.errors import InvalidInput
from tests.audits.quality_cases import outcomes, people, report_on, value, written

SECRET = "ada.lovelace@example.org"

GREAT_EXPECTATIONS = {
    "success": False,
    "statistics": {"evaluated_expectations": 4},
    "results": [
        {
            "success": False,
            "expectation_config": {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "mail", "regex": "^p", "batch_id": "pandas-1"},
                "meta": {},
            },
            "result": {
                "element_count": 60,
                "missing_count": 10,
                "unexpected_count": 5,
                "unexpected_percent": 10.0,
                "partial_unexpected_list": [SECRET],
                "partial_unexpected_counts": [{"value": SECRET, "count": 5}],
            },
            "exception_info": {"raised_exception": False, "exception_message": None, "exception_traceback": None},
        },
        {
            "success": True,
            "expectation_config": {
                "expectation_type": "expect_column_mean_to_be_between",
                "kwargs": {"column": "age", "min_value": 20, "max_value": 60},
            },
            "result": {"observed_value": 41.5, "element_count": 60},
            "exception_info": {"raised_exception": False},
        },
        {
            "success": True,
            "expectation_config": {
                "type": "expect_column_distinct_values_to_be_in_set",
                "kwargs": {"column": "mail", "value_set": None},
            },
            "result": {"observed_value": [SECRET]},
        },
        {
            "success": False,
            "expectation_config": {"type": "expect_column_to_exist", "kwargs": {"column": "shoe"}},
            "result": {},
            "exception_info": {
                "('column', 'x')": {"raised_exception": True, "exception_message": SECRET, "exception_traceback": ""}
            },
        },
    ],
}

PANDERA_REPORT = {
    "SCHEMA": {
        "COLUMN_NOT_IN_DATAFRAME": [
            {"schema": None, "column": None, "check": "column_in_dataframe", "error": f"not in dataframe {SECRET}"}
        ]
    },
    "DATA": {
        "DATAFRAME_CHECK": [
            {"schema": None, "column": "age", "check": "greater_than(18)", "error": f"failure cases: {SECRET}"}
        ]
    },
}

PANDERA_CASES = {
    "schema_context": {"0": "Column", "1": "Column", "2": "Column"},
    "column": {"0": "mail", "1": "mail", "2": "age"},
    "check": {"0": "str_matches('^p')", "1": "str_matches('^p')", "2": "greater_than(18)"},
    "check_number": {"0": 0, "1": 0, "2": 0},
    "failure_case": {"0": SECRET, "1": SECRET, "2": "7"},
    "index": {"0": 3, "1": 4, "2": 5},
}


def test_great_expectations(tmp_path):
    report = report_on(written(tmp_path, people()), imported=GREAT_EXPECTATIONS)
    found = outcomes(report)
    assert [(key, one["status"], one["observed"]) for key, one in found.items()] == [
        (("expect_column_to_exist", "shoe"), "error", ""),
        (("expect_column_values_to_match_regex", "mail"), "failed", "5 of 50 values do not"),
        (("expect_column_mean_to_be_between", "age"), "passed", "41.5"),
        (("expect_column_distinct_values_to_be_in_set", "mail"), "passed", ""),
    ]
    assert {one["source"] for one in found.values()} == {"great_expectations"}
    assert value(report, "expectations_failed")["value"] == 2
    valid = value(
        report,
        "validity",
        column="mail",
        expectation="expect_column_values_to_match_regex",
        source="great_expectations",
    )
    assert (valid["value"], valid["n"]) == (0.9, 50)
    assert any("not measured here" in warning for warning in report["warnings"])


def test_the_same_expectation_twice_stays_two(tmp_path):
    twice = {"results": [GREAT_EXPECTATIONS["results"][0]] * 2}
    report = report_on(written(tmp_path, people()), imported=twice)
    slices = [m["slice"]["expectation"] for m in report["measurements"] if m["metric"] == "validity"]
    name = "expect_column_values_to_match_regex"
    assert slices == [name, f"{name} (2)"]


def test_a_report_of_pandera():
    found = parse_results(PANDERA_REPORT)
    assert [(one.expectation, one.column, one.status, one.source) for one in found] == [
        ("column_in_dataframe", "", "failed", "pandera"),
        ("greater_than(18)", "age", "failed", "pandera"),
    ]


@pytest.mark.parametrize("form", ["columns", "lists", "records"])
def test_the_failure_cases_of_pandera_are_counted(form):
    lists = {name: list(column.values()) for name, column in PANDERA_CASES.items()}
    records = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    found = parse_results({"columns": PANDERA_CASES, "lists": lists, "records": records}[form])
    assert [(one.expectation, one.column, one.observed) for one in found] == [
        ("str_matches('^p')", "mail", "2 failure cases"),
        ("greater_than(18)", "age", "1 failure case"),
    ]


@pytest.mark.parametrize("document", [GREAT_EXPECTATIONS, PANDERA_REPORT, PANDERA_CASES])
def test_no_value_of_a_row_is_taken_over(tmp_path, document):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    report = report_on(written(tmp_path, people()), imported=document)
    assert SECRET not in canonical_json(report).decode()
    kept = report["parameters"]["imported"]
    assert parse_results(kept) == parse_results(document) == read_results(path.read_bytes(), "results.json")


def test_a_clean_report_is_no_failure(tmp_path):
    report = report_on(written(tmp_path, people()), imported={"success": True, "results": []})
    assert value(report, "expectations_failed")["value"] == 0
    assert value(report, "expectations_failed")["n"] == 0


def entry(**changes):
    return {"results": [{**GREAT_EXPECTATIONS["results"][0], **changes}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("7", "is neither"),
        ("{}", "is neither"),
        ('{"results": {}}', "results must be a list"),
        ('{"results": [7]}', r"results\[0\].expectation_config"),
        (json.dumps(entry(expectation_config={})), "has no type"),
        (json.dumps(entry(success="yes")), "success: must be true or false"),
        (json.dumps(entry(result={"element_count": -1})), "element_count: must be a whole number"),
        (json.dumps(entry(result=[1])), "result: must be an object"),
        ('{"DATA": []}', "is neither|DATA must be|must be an object"),
        ('{"DATA": {"X": 7}}', "DATA.X must be a list"),
        ('{"DATA": {"X": [7]}}', r"DATA.X\[0\]: must be an object"),
        ('[{"column": "a", "check": 7}]', "check: must be a text"),
        ('{"schema_context": [], "column": ["a"], "check": []}', "as long as each other"),
    ],
)
def test_a_malformed_file_gets_one_clear_sentence(tmp_path, capsys, document, message):
    with pytest.raises(InvalidInput, match=message):
        read_results(document.encode(), "results.json")
    path = tmp_path / "results.json"
    path.write_text(document, encoding="utf-8")
    assert main(["quality", str(tmp_path / "none.parquet"), "--imported", str(path)]) == 2
    error = capsys.readouterr().err
    assert "results.json" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("changes", [{"status": "fine"}, {"valid": 5}, {"valid": 7, "of": 3}, {"expectation": 7}])
def test_outcomes_that_are_none_are_refused(changes):
    (first, *_) = parse_results(GREAT_EXPECTATIONS)
    whole = {**first.as_json(), "valid": None, "of": None}
    assert parse_results([whole])
    with pytest.raises(InvalidInput):
        parse_results([{**whole, **changes}])

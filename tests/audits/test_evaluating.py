"""One evaluation from file to report: the contract of its shape, the same bytes each time, errors for what is impossible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audits.engines.opening import Data
from audits.evaluate import evaluate
from audits.measurement import Measurement
from audits.predictions import PredictionsError
from audits.tensor import CountTensor
from registry.canonical import canonical_json
from registry.errors import InvalidInput
from tests.audits.prediction_cases import COLUMNS, ROWS, csv_text, write

FAIRNESS = {**COLUMNS, "sensitive": ["race", "sex"]}


@pytest.fixture
def data(tmp_path):
    return write(tmp_path, csv_text())


def test_a_report_holds_what_is_promised(data):
    report = evaluate("fairness", [Data(path=data, name="predictions.csv")], {**FAIRNESS, "intersections": True})
    assert {"kind", "measurements", "inputs", "parameters", "engine", "code_version", "warnings"} <= set(report)
    assert report["kind"] == "fairness"
    assert [entry["path"] for entry in report["inputs"]] == ["predictions.csv"]
    assert report["engine"].startswith("duckdb ")
    assert report["code_version"].startswith("countersign ")
    assert report["parameters"]["confidences"] == [0.95]
    assert {tuple(m["over"]) for m in report["measurements"]} == {(), ("race",), ("sex",), ("race", "sex")}
    selection = [
        m for m in report["measurements"] if m["metric"] == "selection_rate" and m["slice"] == {"race": "black"}
    ]
    assert [(m["value"], m["n"], m["tp"], m["fp"], m["tn"], m["fn"]) for m in selection] == [(0.5, 4, 1, 1, 1, 1)]
    assert [Measurement.from_json(m).as_json() for m in report["measurements"]] == report["measurements"]


@pytest.mark.parametrize("kind", ["performance", "fairness", "comparison"])
def test_the_same_input_gives_the_same_bytes(data, kind):
    files = [data] * (2 if kind == "comparison" else 1)
    parameters = FAIRNESS if kind == "fairness" else COLUMNS
    first, again = (canonical_json(evaluate(kind, files, {**parameters, "seed": 5})) for _ in range(2))
    assert first == again
    assert json.loads(first)["kind"] == kind


def test_the_tensor_in_the_report_is_the_counts_of_the_rows(data):
    stored = evaluate("fairness", [data], FAIRNESS)["tensor"]
    tensor = CountTensor.from_json(stored)
    assert tensor.digest == stored["sha256"]
    assert tensor.margin(["race"]).counts.tolist() == [[1, 1, 1, 1], [2, 1, 0, 3]]


def test_sets_of_columns_may_be_given_one_by_one(data):
    report = evaluate("fairness", [data], {**COLUMNS, "over": [["sex"], ["race", "sex"]]})
    assert {tuple(m["over"]) for m in report["measurements"]} == {(), ("sex",), ("race", "sex")}


def test_each_confidence_and_minimum_group_is_measured(data):
    report = evaluate("fairness", [data], {**FAIRNESS, "confidences": [0.9, 0.95], "minimum_groups": [0.0, 0.3]})
    found = {
        (m["confidence"], m["minimum_group"])
        for m in report["measurements"]
        if m["metric"] == "demographic_parity_ratio"
    }
    assert found == {(c, g) for c in (0.9, 0.95) for g in (0.0, 0.3)}


def test_the_champion_may_name_its_columns_otherwise(tmp_path, data):
    renamed = write(tmp_path, csv_text(header="race,sex,paid,decision,probability"), "champion.csv")
    champion = {"label": "paid", "prediction": "decision", "score": "probability"}
    report = evaluate("comparison", [data, renamed], {**COLUMNS, "champion": champion})
    assert report["warnings"] == []
    differences = ("accuracy_score", "recall_score", "selection_rate", "roc_auc_score", "log_loss", "brier_score_loss")
    assert [m["value"] for m in report["measurements"] if m["metric"] in differences] == [0] * len(differences)


def test_unknown_groups_and_undefined_values_are_warned_of(tmp_path):
    path = write(tmp_path, csv_text([*ROWS, ",f,1,1,0.5"]))
    warnings = evaluate("fairness", [Data(path=path, name="p.csv")], FAIRNESS)["warnings"]
    assert "p.csv: 1 rows name no group in 'race'; they are the group 'unknown'" in warnings
    assert any("undefined" in warning for warning in warnings)


def test_what_was_compared_with_fairlearn_is_said(data):
    report = evaluate("fairness", [data], FAIRNESS)
    assert report["cross_check"].startswith("fairlearn ")
    assert report["cross_check"].endswith("values equal within 1e-12")
    assert "cross_check" not in evaluate("fairness", [data], {**FAIRNESS, "cross_check": False})


def test_a_disclosure_threshold_holds_back_small_cells_and_what_rests_on_them(data):
    report = evaluate("fairness", [data], {**FAIRNESS, "disclosure": 2})
    ratio = [m for m in report["measurements"] if m["metric"] == "demographic_parity_ratio" and m["over"] == ["race"]]
    assert [(m["value"], m["low"], m["high"]) for m in ratio] == [(None, None, None)]
    assert ratio[0]["note"].startswith("held back: fewer than 2 rows in ")
    assert "cross_check" not in report


def test_progress_rises_to_one(data):
    seen = []
    evaluate("fairness", [data], FAIRNESS, progress=lambda done, note: seen.append((done, note)))
    shares = [done for done, _ in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert all(note for _, note in seen)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": None}, "name the label column"),
        ({"threshold": 0.5}, "no parameter 'threshold'"),
        ({"confidences": [0.95, 1.0]}, "confidences must lie between"),
        ({"confidences": []}, "confidences must be a list"),
        ({"confidences": [float("nan")]}, "confidences must lie between"),
        ({"minimum_groups": [0.6]}, "minimum_groups must lie between"),
        ({"sensitive": "race"}, "sensitive must be a list"),
        ({"sensitive": ["race", "race"]}, "names a column twice"),
        ({"sensitive": []}, "name at least one sensitive column"),
        ({"over": [[]]}, "empty set of columns"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"intersections": "yes"}, "true or false"),
        ({"champion": {"sensitive": "x"}}, "champion may give"),
    ],
)
def test_impossible_parameters_are_named(data, change, words):
    with pytest.raises(InvalidInput, match=words):
        evaluate("fairness", [data], {**FAIRNESS, **change})


def test_unknown_kinds_and_wrong_numbers_of_files_are_refused(data):
    with pytest.raises(InvalidInput, match="'vibes' is no kind of evaluation"):
        evaluate("vibes", [data], COLUMNS)
    with pytest.raises(InvalidInput, match="comparison reads challenger and champion: 2 data sets, not 1"):
        evaluate("comparison", [data], COLUMNS)


def test_bad_predictions_name_file_column_and_row(tmp_path):
    path = write(tmp_path, csv_text([*ROWS, "black,f,,1,0.5"]))
    with pytest.raises(PredictionsError) as caught:
        evaluate("performance", [Data(path=path, name="p.csv")], COLUMNS)
    assert (caught.value.file, caught.value.column, caught.value.row) == ("p.csv", "repaid", 11)


def test_importing_the_measures_loads_nothing_heavy():
    modules = "audits.evaluate, audits.evaluate_cli, audits.fairness, audits.performance, audits.comparison, audits.predictions"
    code = (
        f"import sys, {modules}\n"
        "heavy = {'pandas', 'sklearn', 'fairlearn', 'scipy', 'pyarrow', 'shap', 'matplotlib', 'weasyprint', 'django'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

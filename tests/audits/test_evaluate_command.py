"""``countersign evaluate``: tables for people, one object for machines, exit 2 with the place of what is wrong."""

from __future__ import annotations

import json

import pytest
from fairlearn.metrics import demographic_parity_ratio

from audits.evaluate_cli import main
from tests.audits.prediction_cases import ROWS, csv_text, write

OPTIONS = ["--label", "repaid", "--prediction", "approved", "--score", "score"]


@pytest.fixture
def data(tmp_path):
    return write(tmp_path, csv_text())


def test_fairness_as_json_gives_fairlearns_values(data, capsys):
    assert main(["fairness", str(data), *OPTIONS, "--sensitive", "race,sex", "--intersections", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = [row.split(",") for row in ROWS]
    label, prediction = [int(row[2]) for row in rows], [int(row[3]) for row in rows]
    for over, groups in {
        ("race",): [row[0] for row in rows],
        ("sex",): [row[1] for row in rows],
        ("race", "sex"): [row[0] + row[1] for row in rows],
    }.items():
        expected = demographic_parity_ratio(label, prediction, sensitive_features=groups)
        found = [
            m["value"]
            for m in report["measurements"]
            if m["metric"] == "demographic_parity_ratio" and tuple(m["over"]) == over
        ]
        assert found == [pytest.approx(expected, abs=1e-12)]


def test_text_shows_groups_with_limits_and_sample_sizes(data, capsys):
    assert main(["fairness", str(data), *OPTIONS, "--sensitive", "race", "--minimum-group", "0.45"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["black", "selection_rate", "0.5000", "0.1500", "0.8500", "4", "wilson"] in lines
    assert ["group", "metric", "value", "low", "high", "n", "method"] in lines
    assert "over race (0.95 simultaneous, groups of at least 45.00%)" in out
    assert "left out below 45.00% of rows: race=black (n 4)" in out
    assert "sha256:" in out


def test_performance_and_comparison_as_text(data, capsys):
    assert main(["performance", str(data), *OPTIONS]) == 0
    out = capsys.readouterr().out
    assert "accuracy_score" in out
    assert "roc_auc_score" in out
    assert main(["comparison", str(data), str(data), *OPTIONS, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "comparison"


def test_confidence_and_seed_are_passed_on(data, capsys):
    assert main(["performance", str(data), *OPTIONS, "--confidence", "0.9,0.99", "--seed", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["parameters"]["confidences"] == [0.9, 0.99]
    assert report["parameters"]["seed"] == 3
    assert {m["confidence"] for m in report["measurements"]} == {0.9, 0.99}


def test_bad_input_exits_two_and_names_file_column_and_row(tmp_path, capsys):
    path = write(tmp_path, csv_text([*ROWS, "black,f,1,1,1.5"]), "bad.csv")
    assert main(["fairness", str(path), *OPTIONS, "--sensitive", "race"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{path}: column 'score', row 11 (line 12): holds 1.5" in captured.err


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["fairness", "x.csv", "--label", "y"],
        ["fairness", "x.csv", "--label", "y", "--prediction", "p"],
        ["fairness", "x.csv", "--label", "y", "--prediction", "p", "--sensitive", "a,,b"],
        ["performance", "x.csv", "--label", "y", "--prediction", "p", "--confidence", "high"],
        ["performance", "no-such-file.csv", "--label", "y", "--prediction", "p"],
        ["vibes", "x.csv"],
    ],
)
def test_wrong_usage_exits_two(argv, capsys):
    assert main(argv) == 2
    assert capsys.readouterr().err


def test_help_exits_zero(capsys):
    assert main(["fairness", "--help"]) == 0
    assert "--minimum-group" in capsys.readouterr().out

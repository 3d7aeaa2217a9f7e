"""``evaluate remedy``: thresholds and training for parity, measured on rows not trained on; bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from registry.errors import InvalidInput
from tests.audits.prediction_cases import write

ASKED = {"label": "repaid", "prediction": "approved", "score": "score", "sensitive": ["race"]}


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    """Race moves income, and income moves what the model says more than it should."""
    draw = np.random.default_rng(0)
    n = 1600
    race = draw.choice(["black", "white"], n, p=[0.4, 0.6])
    income = draw.normal(0, 1, n) + 0.8 * (race == "white")
    debt = draw.normal(0, 1, n)
    repaid = (draw.random(n) < 1 / (1 + np.exp(-(0.7 * income - 0.7 * debt)))).astype(int)
    score = (1 / (1 + np.exp(-(income - 0.6 * debt)))).round(4)
    approved = (score >= 0.5).astype(int)
    purpose = draw.choice(["car", "house"], n)
    columns = zip(
        race, income.round(3), debt.round(3), purpose, np.arange(n) % 30, repaid, score, approved, strict=True
    )
    lines = ["race,income,debt,purpose,street,repaid,score,approved", *(",".join(map(str, row)) for row in columns)]
    return write(tmp_path_factory.mktemp("loans"), "\n".join(lines) + "\n", "loans.csv")


@pytest.fixture(scope="module")
def trained(loans):
    return evaluate("remedy", [loans], {**ASKED, "features": ["income", "debt", "purpose"]})


def value(report, metric, remedy):
    found = [m for m in report["measurements"] if m["metric"] == metric and m["slice"] == {"remedy": remedy}]
    assert len(found) == 1
    assert found[0]["low"] <= found[0]["value"] <= found[0]["high"]
    return found[0]["value"]


def test_thresholds_bring_parity_and_say_what_it_costs(loans):
    report = evaluate("remedy", [loans], ASKED)
    before = value(report, "demographic_parity_ratio", "as decided now")
    assert before < 0.75
    assert value(report, "demographic_parity_ratio", "group thresholds, ratio 0.9") >= 0.9
    cost = value(report, "accuracy_score", "as decided now") - value(
        report, "accuracy_score", "group thresholds, ratio 0.9"
    )
    assert -0.03 < cost < 0.06
    odds = value(report, "equalized_odds_difference", "group thresholds, equalized odds")
    assert odds < value(report, "equalized_odds_difference", "as decided now")
    assert [s["title"] for s in report["series"]] == ["What thresholds by race would do"]


@pytest.mark.parametrize(
    "remedy",
    [
        "ThresholdOptimizer, demographic parity",
        "ExponentiatedGradient, demographic parity",
        "GridSearch, demographic parity",
    ],
)
def test_training_for_parity_brings_selection_together_on_unseen_rows(trained, remedy):
    plain = value(trained, "demographic_parity_ratio", "logistic model, as trained")
    assert plain < 0.75
    assert value(trained, "demographic_parity_ratio", remedy) > plain + 0.1
    accuracy = value(trained, "accuracy_score", "logistic model, as trained")
    assert accuracy - 0.08 < value(trained, "accuracy_score", remedy) < accuracy + 0.03


@pytest.mark.parametrize("remedy", ["ThresholdOptimizer, equalized odds", "ExponentiatedGradient, equalized odds"])
def test_training_for_equal_odds_brings_odds_together(trained, remedy):
    plain = value(trained, "equalized_odds_difference", "logistic model, as trained")
    assert value(trained, "equalized_odds_difference", remedy) < plain


def test_who_is_measured_is_said(trained):
    one = next(m for m in trained["measurements"] if m["slice"]["remedy"].startswith("Exponentiated"))
    assert one["n"] == 800
    assert "all 1,600 rows: trained on one half, measured on the other" in one["note"]
    caveats = {row[0]: row[-1] for row in trained["series"][1]["rows"]}
    assert "law may forbid" in caveats["ThresholdOptimizer, demographic parity"]
    assert "by lot" in caveats["ExponentiatedGradient, demographic parity"]


def test_the_same_bytes_again(loans):
    asked = {**ASKED, "features": ["income", "purpose"], "rows": 400}
    one, two = (json.dumps(evaluate("remedy", [loans], asked), allow_nan=False) for _ in range(2))
    assert one == two
    assert "a sample of 400 of 1,600 rows" in one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": None}, "name the score column"),
        ({"sensitive": []}, "at least one sensitive column"),
        ({"task": "regression"}, "binary decisions"),
        ({"features": ["wealth"]}, "no column 'wealth'"),
        ({"features": ["repaid"]}, "cannot be a feature"),
        ({"features": ["debt"], "rows": 5}, "whole number from 400"),
        ({"features": ["debt"], "sensitive": ["street"]}, "groups; training is for 2 to 20"),
        ({"method": "x"}, "no parameter 'method'"),
        ({"label": "race"}, "race"),
    ],
)
def test_bad_input_is_refused(loans, change, message):
    with pytest.raises(InvalidInput) as error:
        evaluate("remedy", [loans], {**ASKED, **change})
    assert message in str(error.value)


def test_groups_too_thin_to_train_for_are_named(tmp_path):
    rows = [f"{'zulu' if i < 3 else 'white'},{i % 2},{i % 3 % 2},0.{i % 9}" for i in range(400)]
    path = write(tmp_path, "\n".join(["race,repaid,approved,score", *rows]) + "\n")
    with pytest.raises(InvalidInput, match="zulu have too few rows"):
        evaluate("remedy", [path], {**ASKED, "features": ["approved"]})


def test_the_command_prints_remedies(loans, capsys):
    options = ["--label", "repaid", "--prediction", "approved", "--score", "score", "--sensitive", "race"]
    assert main(["remedy", str(loans), *options]) == 0
    assert "group thresholds, ratio 0.9" in capsys.readouterr().out

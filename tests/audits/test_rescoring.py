"""Are the predictions that were submitted what the model gives? Every way of touching them up is found, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import audits.scoring.opening
from audits.evaluate import evaluate
from audits.rescoring.alignment import as_text
from registry.errors import InvalidInput
from tests.audits.model_cases import FunctionModel, opened

ROWS = 500
PARAMETERS = {
    "prediction": "predicted",
    "score": "score",
    "label": "approve",
    "sensitive": ["race"],
    "key": ["application"],
    "model": {"inputs": ["income", "debt"], "threshold": 0.5},
}


def logistic(columns):
    return 1 / (1 + np.exp(-(columns["income"] - 0.5 * columns["debt"])))


@pytest.fixture(scope="module")
def applications():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "application": np.arange(ROWS),
            "income": rng.normal(size=ROWS),
            "debt": rng.normal(size=ROWS),
            "approve": rng.integers(0, 2, ROWS),
            "race": rng.choice(["black", "white"], ROWS),
        }
    )


@pytest.fixture
def predictions(applications):
    scores = logistic(applications)
    return pd.DataFrame(
        {
            "application": applications["application"],
            "approve": applications["approve"],
            "race": applications["race"],
            "score": scores,
            "predicted": (scores >= 0.5).astype(int),
        }
    )


@pytest.fixture
def rescore(monkeypatch, tmp_path, applications):
    model = FunctionModel(logistic, ("income", "debt"))
    monkeypatch.setattr(audits.scoring.opening, "open_model", lambda source, **more: opened(model))
    (tmp_path / "model.onnx").write_bytes(b"stands for the model")

    def run(submitted, test=applications, **changes):
        test.to_parquet(tmp_path / "test.parquet")
        submitted.to_parquet(tmp_path / "predictions.parquet")
        files = [tmp_path / name for name in ("model.onnx", "test.parquet", "predictions.parquet")]
        return evaluate("rescoring", files, {**PARAMETERS, **changes})

    return run


def found(report):
    return {row["metric"]: row["value"] for row in report["measurements"] if not row["slice"]}


def test_the_models_own_predictions_agree_in_any_order(rescore, predictions):
    report = rescore(predictions.sample(frac=1, random_state=1))
    assert found(report)["prediction_agreement"] == 1.0
    assert found(report)["predictions_verified"] == 1.0
    assert found(report)["score_difference"] == 0.0
    assert report["series"] == []


def touched(predictions, row, **changes):
    frame = predictions.copy()
    for column, value in changes.items():
        frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("changes", "metric"),
    [
        ({"score": 0.99}, "scores_off"),
        ({"score": None}, "scores_off"),
        ({"score": float("inf")}, "scores_off"),
        ({"race": "white or black"}, "stated_off"),
        ({"race": None}, "stated_off"),
        ({"approve": 2}, "stated_off"),
    ],
)
def test_one_touched_value_is_found(rescore, predictions, changes, metric):
    report = rescore(touched(predictions, 17, **changes))
    assert found(report)["prediction_agreement"] == 0.0
    assert found(report)[metric] == 1.0


def test_a_decision_against_the_score_is_found(rescore, predictions):
    report = rescore(touched(predictions, 17, predicted=1 - predictions.loc[17, "predicted"]))
    assert found(report)["decisions_off"] == 1.0
    assert found(report)["prediction_agreement"] == 0.0
    (row,) = report["series"][0]["rows"]
    assert row[0] == "17"


def test_inconvenient_rows_cannot_be_left_out_nor_convenient_ones_added(rescore, predictions):
    fewer = found(rescore(predictions[predictions["application"] > 4]))
    assert (fewer["rows_left_out"], fewer["prediction_agreement"]) == (5.0, 0.0)
    more = pd.concat([predictions, touched(predictions, 3, application=9999).iloc[[3]]])
    more = found(rescore(more))
    assert (more["rows_added"], more["prediction_agreement"]) == (1.0, 0.0)
    twice = found(rescore(pd.concat([predictions, predictions.iloc[[3]]])))
    assert (twice["rows_twice"], twice["prediction_agreement"]) == (1.0, 0.0)


def test_groups_that_the_test_data_do_not_hold_cannot_be_verified(rescore, predictions, applications):
    report = rescore(predictions, test=applications.drop(columns="race"))
    assert found(report)["prediction_agreement"] == 1.0
    assert found(report)["predictions_verified"] == 0.0
    assert "race" in report["warnings"][0]


def test_rounding_within_the_tolerance_is_no_difference(rescore, predictions):
    rounded = predictions.assign(score=predictions["score"].astype("float32").astype(float))
    assert found(rescore(rounded))["prediction_agreement"] == 1.0
    assert found(rescore(rounded, score_tolerance=0))["prediction_agreement"] == 0.0


def test_a_score_at_the_threshold_may_fall_on_either_side(rescore, predictions, applications):
    at_it = applications.assign(income=applications["debt"] / 2)  # every score is one half
    other = predictions.assign(score=0.5, predicted=np.arange(ROWS) % 2)
    assert found(rescore(other, test=at_it))["prediction_agreement"] == 1.0


def test_decisions_may_differ_as_far_as_policy_lets_them(rescore, predictions):
    other = touched(predictions, 17, predicted=1 - predictions.loc[17, "predicted"])
    assert found(rescore(other, decision_tolerance=1 / ROWS))["prediction_agreement"] == 1.0
    assert found(rescore(other, decision_tolerance=0.5 / ROWS))["prediction_agreement"] == 0.0


def test_the_same_input_gives_the_same_report(rescore, predictions):
    changed = touched(predictions, 17, score=0.99)
    assert rescore(changed) == rescore(changed)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"key": []}, "key"), ({"key": ["number"]}, "key"), ({"score": "points"}, "prediction"), ({"score_tolerance": 0.5}, "score_tolerance")],
)  # fmt: skip
def test_what_is_wrong_is_named(rescore, predictions, changes, field):
    with pytest.raises(InvalidInput) as refused:
        rescore(predictions, **changes)
    assert refused.value.field == field


def test_test_data_without_a_column_that_the_model_reads_are_refused(rescore, predictions, applications):
    with pytest.raises(InvalidInput, match="'debt'"):
        rescore(predictions, test=applications.drop(columns="debt"))


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (pa.array([1, 0]), ["1", "0"]),
        (pa.array([1.0, 0.5]), ["1", "0.5"]),
        (pa.array([True, False]), ["1", "0"]),
        (pa.array(["True", "false"]), ["1", "0"]),
        (pa.array(["1.0", "2.50"]), ["1", "2.5"]),
        (pa.array(["007", "yes"]), ["007", "yes"]),
        (pa.array([float("nan"), None]), [None, None]),
    ],
)
def test_values_that_mean_the_same_are_written_alike(values, written):
    assert as_text(values).to_pylist() == written

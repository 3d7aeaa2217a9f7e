"""Several classes: scikit-learn's values from the confusion table, limits that cover, and what cannot be measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from audits.evaluate import evaluate
from audits.intervals import critical_value
from audits.measures.multiclass.confusion import Confusion, class_name
from audits.measures.multiclass.metrics import confusion_measurements, mean_f1
from tests.audits.prediction_cases import write

CLASSES = np.array(["cat", "dog", "eel", "fox"])
SCORES = {"cat": "s0", "dog": "s1", "eel": "s2", "fox": "s3"}


def animals(seed=0, n=600, *, sure=1.5) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    label = draw.choice(4, n, p=[0.5, 0.25, 0.15, 0.1])
    label[:4] = range(4)
    logits = draw.normal(size=(n, 4)) + sure * np.eye(4)[label]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    frame = pd.DataFrame({f"s{i}": chances[:, i] for i in range(4)})
    return frame.assign(y=CLASSES[label], p=CLASSES[chances.argmax(axis=1)], w=draw.uniform(0.3, 2, n))


def report_of(tmp_path, frame, **parameters):
    path = tmp_path / "animals.parquet"
    frame.to_parquet(path)
    return evaluate("performance", [path], {"label": "y", "prediction": "p", "task": "multiclass", **parameters})


def value(report, metric, **where):
    return next(m for m in report["measurements"] if m["metric"] == metric and m["slice"] == where)


@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_scikit_learns(tmp_path, weighted):
    frame = animals()
    weight = frame["w"] if weighted else None
    report = report_of(tmp_path, frame, scores=SCORES, **({"weight": "w"} if weighted else {}))
    chances = frame[[f"s{i}" for i in range(4)]]
    plain = {"y_true": frame["y"], "y_pred": frame["p"], "sample_weight": weight}
    expected = {
        "accuracy_score": peer.accuracy_score(**plain),
        "balanced_accuracy_score": peer.balanced_accuracy_score(**plain),
        "f1_score_macro": peer.f1_score(**plain, average="macro"),
        "f1_score_weighted": peer.f1_score(**plain, average="weighted"),
        "matthews_corrcoef": peer.matthews_corrcoef(**plain),
        "log_loss": peer.log_loss(frame["y"], chances, sample_weight=weight, labels=CLASSES),
        "roc_auc_score_ovr": peer.roc_auc_score(frame["y"], chances, multi_class="ovr", sample_weight=weight),
    }
    for metric, wanted in expected.items():
        found = value(report, metric)
        assert found["value"] == pytest.approx(wanted, abs=1e-12), metric
        assert found["low"] <= found["value"] <= found["high"]
    precision, recall, f1, _ = peer.precision_recall_fscore_support(**plain, labels=CLASSES)
    for index, name in enumerate(CLASSES):
        assert value(report, "precision_score", **{"class": name})["value"] == pytest.approx(precision[index])
        assert value(report, "recall_score", **{"class": name})["value"] == pytest.approx(recall[index])
        assert value(report, "f1_score", **{"class": name})["value"] == pytest.approx(f1[index])


def test_the_confusion_matrix_is_scikit_learns(tmp_path):
    frame = animals(1)
    table = next(s for s in report_of(tmp_path, frame)["series"] if s["name"] == "confusion_matrix")
    assert table["columns"] == ["label", *(f"predicted {name}" for name in CLASSES), "n"]
    assert [row[1:-1] for row in table["rows"]] == peer.confusion_matrix(frame["y"], frame["p"]).tolist()


def test_order_of_rows_and_how_classes_are_written_do_not_matter(tmp_path):
    one = write(tmp_path, "y,p\n" + "1,1.0\n2,2.0\n3,1.0\n3,3.0\n" * 5, "one.csv")
    two = write(tmp_path, "y,p\n" + "3,3\n3,1\n2,2\n1,1\n" * 5, "two.csv")
    reports = [
        evaluate("performance", [path], {"label": "y", "prediction": "p", "task": "multiclass"}) for path in (one, two)
    ]
    assert reports[0]["measurements"] == reports[1]["measurements"]
    assert value(reports[0], "accuracy_score")["value"] == 0.75


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1.0", "1"),
        (" a ", "a"),
        ("007", "007"),
        ("0.5", "0.5"),
        (None, ""),
        ("NA", ""),
        (-0.0, "0"),
    ],
)
def test_one_name_per_class(written, name):
    assert class_name(written) == name


def test_classes_that_are_only_predicted_or_never(tmp_path):
    frame = pd.DataFrame({"y": ["a", "a", "b", "b", "c"] * 10, "p": ["a", "b", "b", "d", "b"] * 10})
    report = report_of(tmp_path, frame)
    assert value(report, "recall_score", **{"class": "d"})["value"] is None
    assert "no row is of this class" in value(report, "recall_score", **{"class": "d"})["note"]
    assert value(report, "precision_score", **{"class": "c"})["value"] is None
    assert value(report, "f1_score", **{"class": "d"})["value"] == 0
    assert value(report, "f1_score_macro")["value"] == pytest.approx(
        peer.f1_score(frame["y"], frame["p"], average="macro")
    )
    assert value(report, "balanced_accuracy_score")["value"] == pytest.approx((0.5 + 0.5 + 0) / 3)


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_slope_of_the_mean_f1_is_its_derivative(cells, weighted):
    table = np.array(cells, dtype=float).reshape(3, 3) + 0.5
    centre, slope = mean_f1(table, weighted=weighted)
    for i in range(3):
        for j in range(3):
            moved = table.copy()
            moved[i, j] += 1e-6
            step = (mean_f1(moved, weighted=weighted)[0] - centre) / 1e-6
            assert slope[i, j] == pytest.approx(step, abs=1e-5)


@pytest.mark.parametrize("n", [150, 600])
def test_limits_cover(n):
    chances = np.array([[0.4, 0.06, 0.04], [0.05, 0.2, 0.05], [0.02, 0.04, 0.14]])
    drawn = np.random.default_rng(2).multinomial(n, chances.ravel(), 400).reshape(-1, 3, 3)
    truth = {m.metric: m.value for m in measured(chances * 1e9) if not m.slice}
    hits: dict[str, list[bool]] = {}
    for table in drawn:
        for m in measured(table):
            if not m.slice and m.metric != "count":
                hits.setdefault(m.metric, []).append(m.low <= truth[m.metric] <= m.high)
    assert {name: round(float(np.mean(h)), 3) for name, h in hits.items() if not 0.92 <= np.mean(h) <= 0.985} == {}


def measured(table):
    counts = np.asarray(table).astype(np.int64)
    classes = tuple("abc")
    empty = tuple(() for _ in classes)
    mass = counts.astype(float)
    confusion = Confusion(classes=classes, values=empty, predicted=empty, counts=counts, mass=mass, squares=mass)
    return list(confusion_measurements(confusion, [0.95]))


def test_log_loss_of_few_rows_is_drawn_again_and_covers(tmp_path):
    truth = float(-np.log(np.choose([0, 0], [[0.7], [0.3]])).mean())
    assert truth == pytest.approx(-np.log(0.7))
    report = report_of(tmp_path, animals(5, 80), scores=SCORES)
    assert value(report, "log_loss")["method"] == "bootstrap-percentile"
    again = report_of(tmp_path, animals(5, 80).sample(frac=1, random_state=0), scores=SCORES)
    assert value(report, "log_loss") == value(again, "log_loss")


def test_small_cells_are_held_back_and_nothing_is_told_from_what_is_left(tmp_path):
    report = report_of(tmp_path, animals(6, 300), disclosure=8)
    assert {m["value"] for m in report["measurements"]} == {None}
    assert all("held back" in m["note"] for m in report["measurements"])
    assert report["series"] == []


def test_interval_is_wider_with_more_confidence(tmp_path):
    report = report_of(tmp_path, animals(7, 400), confidences=[0.9, 0.99])
    narrow, wide = (m for m in report["measurements"] if m["metric"] == "f1_score_macro")
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]
    assert critical_value(0.99) > critical_value(0.9)

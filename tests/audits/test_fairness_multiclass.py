"""Fairness of classes: selection rates by group and class against fairlearn, the worst class over groups, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, demographic_parity_ratio

from audits.evaluate import evaluate
from registry.errors import InvalidInput
from tests.audits.prediction_cases import write

COLUMNS = {"label": "grade", "prediction": "given", "task": "multiclass"}
CLASSES = ["A", "B", "C"]


def school(seed=0, n=400):
    draw = np.random.default_rng(seed)
    side = draw.choice(["left", "middle", "right"], n, p=[0.5, 0.3, 0.2])
    grade = draw.choice(CLASSES, n)
    given = np.where(draw.random(n) < 0.7, grade, draw.choice(CLASSES, n))
    given = np.where((side == "right") & (given == "A") & (draw.random(n) < 0.4), "B", given)
    return {"side": side, "grade": grade, "given": given}


def save(tmp_path, data, name="school.csv"):
    lines = [",".join(data), *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
    return write(tmp_path, "\n".join(lines) + "\n", name)


def measured(path, **asked):
    return evaluate("fairness", [path], {**COLUMNS, "sensitive": ["side"], **asked})["measurements"]


def find(measurements, metric, over=(), **where):
    found = [m for m in measurements if m["metric"] == metric and m["slice"] == where and m["over"] == list(over)]
    assert len(found) == 1
    return found[0]


def test_each_class_is_fairlearns_one_against_the_rest_and_the_worst_is_reported(tmp_path):
    data = school()
    found = measured(save(tmp_path, data))
    gaps, ratios = [], []
    for name in CLASSES:
        chosen = data["given"] == name
        gaps.append(demographic_parity_difference(chosen, chosen, sensitive_features=data["side"]))
        ratios.append(demographic_parity_ratio(chosen, chosen, sensitive_features=data["side"]))
        for side in ("left", "middle", "right"):
            rate = find(found, "selection_rate", **{"side": side, "class": name})
            assert rate["value"] == pytest.approx(chosen[data["side"] == side].mean(), abs=1e-12)
    gap, ratio = (find(found, f"demographic_parity_{what}", ["side"]) for what in ("difference", "ratio"))
    assert gap["value"] == pytest.approx(max(gaps), abs=1e-12)
    assert ratio["value"] == pytest.approx(min(ratios), abs=1e-12)
    assert f"class {CLASSES[int(np.argmin(ratios))]}; lowest right" in ratio["note"]
    for m in (gap, ratio):
        assert 0 <= m["low"] <= m["value"] <= m["high"] <= 1


def test_accuracy_by_group_and_its_difference(tmp_path):
    data = school(1)
    found = measured(save(tmp_path, data))
    right = data["grade"] == data["given"]
    by_side = [right[data["side"] == side].mean() for side in ("left", "middle", "right")]
    assert find(found, "accuracy_score")["value"] == pytest.approx(right.mean())
    assert find(found, "accuracy_score", side="middle")["value"] == pytest.approx(by_side[1])
    assert find(found, "accuracy_score_difference", ["side"])["value"] == pytest.approx(np.ptp(by_side))
    counts = [m["value"] for m in found if m["metric"] == "count" and m["slice"]]
    assert sum(counts) == find(found, "count")["value"] == 400


def test_two_classes_agree_with_the_binary_task(tmp_path):
    data = school(2)
    data = {"side": data["side"], **{c: (data[c] == "A").astype(int) for c in ("grade", "given")}}
    path = save(tmp_path, data)
    many, two = measured(path), measured(path, task="binary")
    for metric in ("demographic_parity_difference", "accuracy_score_difference"):
        one = find(many, metric, ["side"])["value"]
        assert one == pytest.approx(find(two, metric, ["side"])["value"], abs=1e-12)
    rates = [
        find(m, "selection_rate", **w) for m, w in ((many, {"side": "left", "class": "1"}), (two, {"side": "left"}))
    ]
    assert (rates[0]["value"], rates[0]["low"]) == pytest.approx((rates[1]["value"], rates[1]["low"]), abs=1e-12)


def test_weights_repeat_rows_and_order_changes_nothing(tmp_path):
    data = {**school(3, n=80), "w": np.random.default_rng(3).integers(1, 4, 80)}
    weighted = measured(save(tmp_path, data), weight="w")
    long = {name: np.repeat(v, data["w"])[::-1] for name, v in data.items()}
    repeated = measured(save(tmp_path, long, "long.csv"))
    for m in weighted:
        if m["metric"] in ("selection_rate", "accuracy_score", "demographic_parity_ratio"):
            other = find(repeated, m["metric"], m["over"], **m["slice"])
            assert m["value"] == pytest.approx(other["value"], abs=1e-12)


def test_numbers_that_are_equal_are_one_class(tmp_path):
    data = {"side": ["l", "l", "r", "r"], "grade": [1, 2, 3, 1], "given": ["1.0", "2", "3", "2.0"]}
    found = measured(save(tmp_path, data))
    assert find(found, "accuracy_score")["value"] == 0.75


@pytest.mark.parametrize(
    ("change", "asked", "message"),
    [
        ({"grade": ["", "B", "C", "A"]}, {}, "1 rows are empty"),
        ({"given": ["A", "B", "", ""]}, {}, "2 rows are empty"),
        ({}, {"sensitive": ["class"]}, "cannot be called 'class'"),
        ({}, {"prediction": "grade"}, "named both as label and as prediction"),
        ({}, {"sensitive": ["street"]}, "no column 'street'"),
        ({"side": ["", "", "", ""]}, {}, "names no group in any row"),
        ({"side": ["a", "b", "c", "d"]}, {"max_groups": 3}, "has 4 groups"),
        ({}, {"weight": "w"}, "a positive number"),
    ],
)
def test_bad_input_is_refused(tmp_path, change, asked, message):
    data = {
        "side": ["l", "l", "r", "r"],
        "grade": ["A", "B", "C", "A"],
        "given": ["A", "B", "B", "C"],
        "class": ["x", "x", "y", "y"],
        "w": [1, 0, 1, 1],
    } | change
    with pytest.raises(InvalidInput) as error:
        measured(save(tmp_path, data), **asked)
    assert message in str(error.value)


def test_held_back_counts_give_no_number(tmp_path):
    found = measured(save(tmp_path, school(4, n=60)), disclosure=4)
    assert {m["value"] for m in found} == {None}

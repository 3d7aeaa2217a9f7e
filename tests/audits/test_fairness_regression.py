"""Fairness of predicted numbers: means of groups against numpy, scipy and fairlearn; weights; order; bad columns."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from scipy import stats
from sklearn.metrics import mean_absolute_error

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from registry.errors import InvalidInput
from tests.audits.prediction_cases import write

COLUMNS = {"label": "price", "prediction": "guess", "task": "regression"}


def houses(seed=0, n=300, shift=0.0):
    draw = np.random.default_rng(seed)
    area = draw.choice(["east", "north", "west"], n, p=[0.5, 0.3, 0.2])
    price = draw.normal(300, 60, n)
    guess = price + draw.normal(0, 20, n) * np.where(area == "west", 2, 1) + shift
    return {"area": area, "price": price.round(3), "guess": guess.round(3), "w": draw.uniform(0.5, 3, n).round(3)}


def save(tmp_path, data, name="houses.csv"):
    lines = [",".join(data), *(",".join(map(str, row)) for row in zip(*data.values(), strict=True))]
    return write(tmp_path, "\n".join(lines) + "\n", name)


def measured(path, **asked):
    return evaluate("fairness", [path], {**COLUMNS, "sensitive": ["area"], **asked})["measurements"]


def find(measurements, metric, over=(), **where):
    found = [m for m in measurements if m["metric"] == metric and m["slice"] == where and m["over"] == list(over)]
    assert len(found) == 1
    return found[0]


def test_means_and_limits_are_scipys(tmp_path):
    data = houses()
    found = measured(save(tmp_path, data))
    error = data["guess"] - data["price"]
    for area in ("east", "north", "west"):
        mine = data["area"] == area
        for metric, values in (
            ("mean_prediction", data["guess"]),
            ("mean_error", error),
            ("mean_absolute_error", np.abs(error)),
        ):
            m = find(found, metric, area=area)
            expected = stats.ttest_1samp(values[mine], 0).confidence_interval(0.95)
            assert m["value"] == pytest.approx(values[mine].mean(), rel=1e-12, abs=1e-9)
            assert (m["low"], m["high"]) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)
            assert m["n"] == mine.sum()
    assert find(found, "count")["value"] == 300


def test_group_errors_and_their_ratio_are_fairlearns(tmp_path):
    data = houses(1)
    found = measured(save(tmp_path, data))
    frame = MetricFrame(
        metrics=mean_absolute_error, y_true=data["price"], y_pred=data["guess"], sensitive_features=data["area"]
    )
    ratio = find(found, "mean_absolute_error_ratio", ["area"])
    assert ratio["value"] == pytest.approx(frame.ratio(method="between_groups"), rel=1e-12)
    assert ratio["low"] <= ratio["value"] <= ratio["high"] <= 1
    assert "lowest" in ratio["note"]
    assert "highest west" in ratio["note"]


def test_two_groups_are_compared_as_welch_does(tmp_path):
    data = houses(2)
    data["area"] = np.where(data["area"] == "west", "west", "east")
    found = find(measured(save(tmp_path, data)), "mean_prediction_difference", ["area"])
    one, two = (data["guess"][data["area"] == area] for area in ("east", "west"))
    if one.mean() < two.mean():
        one, two = two, one
    expected = stats.ttest_ind(one, two, equal_var=False).confidence_interval(0.95)
    assert found["value"] == pytest.approx(one.mean() - two.mean(), rel=1e-9)
    assert found["high"] == pytest.approx(expected.high, rel=1e-6)
    assert found["low"] == pytest.approx(max(expected.low, 0), rel=1e-6)


def test_weights_repeat_rows(tmp_path):
    data = houses(3, n=60)
    data["w"] = np.random.default_rng(3).integers(1, 4, 60)
    weighted = measured(save(tmp_path, data), weight="w")
    repeated = measured(save(tmp_path, {name: np.repeat(v, data["w"]) for name, v in data.items()}, "long.csv"))
    for metric in ("mean_prediction", "mean_error", "mean_absolute_error"):
        for area in ("east", "north", "west"):
            one, two = (find(m, metric, area=area)["value"] for m in (weighted, repeated))
            assert one == pytest.approx(two, rel=1e-12, abs=1e-10)


def test_large_numbers_lose_no_digits_and_order_of_rows_changes_no_bit(tmp_path):
    data = houses(4, shift=0.0)
    data = {**data, "price": data["price"] + 1e9, "guess": data["guess"] + 1e9}
    order = np.random.default_rng(0).permutation(300)
    one = measured(save(tmp_path, data))
    two = measured(save(tmp_path, {name: v[order] for name, v in data.items()}, "shuffled.csv"))
    assert one == two
    plain = measured(save(tmp_path, houses(4), "plain.csv"))
    for area in ("east", "north", "west"):
        big, small = (find(m, "mean_error", area=area) for m in (one, plain))
        assert big["high"] - big["low"] == pytest.approx(small["high"] - small["low"], rel=1e-5)


def test_limits_of_the_largest_difference_cover():
    """Nominal 95 % over four groups of equal means and of unequal ones; 400 draws each."""
    from audits.intervals import Floats
    from audits.measures.means import Means
    from audits.measures.pairs import largest_gap

    draw = np.random.default_rng(6)
    for centres in (np.zeros(4), np.array([0.0, 0.0, 0.3, 0.5])):
        held = 0
        for _ in range(400):
            rows = [draw.normal(c, s, n) for c, s, n in zip(centres, (1, 2, 1, 3), (15, 40, 60, 200), strict=True)]
            n: Floats = np.array([len(x) for x in rows], dtype=float)
            means = Means.of_sums(
                rows=n,
                weight=n,
                weight_squares=n,
                sum=np.array([x.sum() for x in rows]),
                squares=np.array([((x - x.mean()) ** 2).sum() for x in rows]),
            )
            gap = largest_gap(means.value, means.difference_limits, 0.95)
            held += gap.low <= np.ptp(centres) <= gap.high
        assert held >= 0.94 * 400


def test_a_missing_group_is_a_group_and_one_row_has_no_limits(tmp_path):
    data = houses(5, n=40)
    data["area"] = np.array(["", *data["area"][1:]])
    report = evaluate("fairness", [save(tmp_path, data)], {**COLUMNS, "sensitive": ["area"]})
    alone = find(report["measurements"], "mean_error", area="unknown")
    assert (alone["n"], alone["low"], alone["high"]) == (1, None, None)
    assert "one row only" in alone["note"]
    assert any("1 rows name no group" in warning for warning in report["warnings"])
    gap = find(report["measurements"], "mean_error_difference", ["area"])
    assert gap["value"] is not None
    assert gap["low"] is None


def test_small_groups_may_be_left_out_of_comparisons(tmp_path):
    data = houses(6, n=200)
    data["area"] = np.array(["far", "far", *data["area"][2:]])
    found = measured(save(tmp_path, data), minimum_groups=[0.05])
    assert find(found, "mean_error", area="far")["n"] == 2
    assert "left out below 5.00% of rows: far" in find(found, "mean_error_difference", ["area"])["note"]


def test_intersections_are_margins(tmp_path):
    data = {**houses(7), "floor": np.random.default_rng(1).choice(["high", "low"], 300)}
    found = measured(save(tmp_path, data), sensitive=["area", "floor"], intersections=True)
    mine = (data["area"] == "west") & (data["floor"] == "low")
    assert find(found, "mean_prediction", area="west", floor="low")["value"] == pytest.approx(
        data["guess"][mine].mean()
    )
    assert find(found, "mean_prediction_difference", ["area", "floor"])["n"] == 300


def test_held_back_counts_give_no_number(tmp_path):
    data = houses(8, n=60)
    data["area"] = np.array(["far", *data["area"][1:]])
    found = measured(save(tmp_path, data), disclosure=3)
    assert {m["value"] for m in found} == {None}
    assert all("held back" in m["note"] for m in found)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("guess", "much", "not a number"),
        ("price", "", "is empty"),
        ("price", "inf", "finite number"),
    ],
)
def test_what_is_no_number_is_refused_with_its_row(tmp_path, column, value, message):
    data = houses(9, n=20)
    data[column] = np.array([*data[column][:3].astype(str), value, *data[column][4:].astype(str)])
    with pytest.raises(InvalidInput) as error:
        measured(save(tmp_path, data))
    assert column in str(error.value)
    assert "row 4" in str(error.value)
    assert message in str(error.value)


def test_the_command_knows_the_task(tmp_path, capsys):
    path = str(save(tmp_path, houses()))
    options = ["--label", "price", "--prediction", "guess", "--sensitive", "area", "--task", "regression"]
    assert main(["fairness", path, *options]) == 0
    assert "mean_error_difference" in capsys.readouterr().out
    assert main(["fairness", path, *options, "--weight", "price", "--json"]) == 2
    assert "named both as" in capsys.readouterr().err

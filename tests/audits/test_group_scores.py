"""Scores by group: means, distances between distributions, calibration within groups, against scipy and by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.counted import Counted
from audits.evaluate import evaluate
from audits.intervals import critical_value
from audits.measures.group_scores import Distributions, distances, label_surplus, largest_distance, score_means
from audits.measures.group_scores_report import group_score_measurements, group_score_series
from tests.audits.prediction_cases import COLUMNS, csv_text, find, lender, write

Z = critical_value(0.95)


def table_of(predictions, *columns):
    return Counted.of_rows(predictions).scores.margin(columns)


def by_race(predictions):
    codes, names = predictions.sensitive["race"]
    return [codes == code for code in range(len(names))]


def test_mean_score_and_its_limits_are_scipys():
    predictions = lender(seed=4)
    means = score_means([b for i in range(3) for b in [table_of(predictions, "race").bins(i)]])
    low, high = means.limits(Z)
    for i, mine in enumerate(by_race(predictions)):
        score = predictions.score[mine]
        expected = stats.ttest_1samp(score, 0).confidence_interval(0.95)
        assert means.value[i] == pytest.approx(score.mean(), abs=1e-12)
        assert (low[i], high[i]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_distance_is_scipys_wasserstein():
    predictions = lender(seed=5)
    apart = distances(Distributions.of_table(table_of(predictions, "race"), [0, 1, 2]))
    groups = by_race(predictions)
    for i in range(3):
        for j in range(3):
            expected = stats.wasserstein_distance(predictions.score[groups[i]], predictions.score[groups[j]])
            assert apart[i, j] == pytest.approx(expected, abs=1e-12)


def test_weighted_distance_is_scipys():
    predictions = lender(seed=6, weighted=True)
    apart = distances(Distributions.of_table(table_of(predictions, "race"), [0, 1, 2]))
    one, two = by_race(predictions)[:2]
    expected = stats.wasserstein_distance(
        predictions.score[one], predictions.score[two], predictions.weight[one], predictions.weight[two]
    )
    assert apart[0, 1] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_changes_nothing_and_weights_repeat(seed):
    predictions = lender(seed=seed, n=60)
    order = np.random.default_rng(seed).permutation(60)
    twice = np.r_[order, order]
    shuffled = replace(
        predictions,
        label=predictions.label[twice],
        prediction=predictions.prediction[twice],
        score=predictions.score[twice],
        sensitive={name: (codes[twice], names) for name, (codes, names) in predictions.sensitive.items()},
    )
    weighted = replace(predictions, weight=np.full(60, 2.0))
    found = [distances(Distributions.of_table(table_of(p, "race"), [0, 1, 2])) for p in (shuffled, weighted)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    means = [score_means([table_of(p, "race").bins(i) for i in range(3)]).value for p in (shuffled, weighted)]
    np.testing.assert_allclose(means[0], means[1], atol=1e-12)


def test_limits_of_the_distance_hold_where_distributions_are_equal_and_where_not():
    """Nominal 95 %: of 200 draws no fewer than 184 hold (binomial noise alone goes down to that), at 0 as well."""
    draw = np.random.default_rng(1)
    for shift in (0.0, 0.2):
        held = 0
        for _ in range(200):
            score = np.r_[draw.uniform(0, 0.8, 120), draw.uniform(shift, 0.8 + shift, 80)].round(3)
            codes = np.repeat([0, 1], [120, 80]).astype(np.int32)
            predictions = replace(lender(n=200, races=("a", "b")), score=score, sensitive={"race": (codes, ("a", "b"))})
            found = largest_distance(Distributions.of_table(table_of(predictions, "race"), [0, 1]), [0.95], seed=0)[0]
            held += found.low - 1e-9 <= shift <= found.high + 1e-9
        assert held >= 184


def test_a_true_difference_is_seen():
    predictions = lender(seed=2, n=3000)
    codes = predictions.sensitive["race"][0]
    shifted = replace(predictions, score=np.clip(predictions.score * 0.7 + 0.25 * (codes == 2), 0, 1))
    distance = find(
        group_score_measurements(table_of(shifted, "race"), [0.95], [0.0], seed=0), "score_distance", over=("race",)
    )
    assert distance.low > 0.1
    assert "farthest apart asian and white" in distance.note


def test_label_surplus_is_the_mean_of_label_minus_score():
    predictions = lender(seed=7)
    table = table_of(predictions, "race")
    surplus = label_surplus([table.bins(i) for i in range(3)])
    for i, mine in enumerate(by_race(predictions)):
        expected = (predictions.label[mine] - predictions.score[mine]).mean()
        assert surplus.value[i] == pytest.approx(expected, abs=1e-12)
    gap = find(group_score_measurements(table, [0.95], [0.0], seed=0), "calibration_difference", over=("race",))
    assert gap.value == pytest.approx(np.ptp(surplus.value), abs=1e-12)
    assert gap.low <= gap.value <= gap.high


def test_calibration_error_of_a_group_is_that_of_its_rows_alone():
    predictions = lender(seed=8, n=4000)
    measured = group_score_measurements(table_of(predictions, "race"), [0.95], [0.0], seed=0)
    mine = by_race(predictions)[1]
    alone = replace(
        predictions,
        label=predictions.label[mine],
        prediction=predictions.prediction[mine],
        score=predictions.score[mine],
        sensitive={},
        unknown={},
    )
    from audits.measures.score_report import calibration_error_measurement

    one = calibration_error_measurement(table_of(alone).bins(), 0.95, seed=0)
    found = find(measured, "expected_calibration_error", race="black")
    assert found.value == pytest.approx(one.value, abs=1e-12)
    # The quick interval of many groups is the slow one's, but for the noise of drawing.
    assert (found.low, found.high) == pytest.approx((one.low, one.high), abs=0.008)


def test_the_quick_interval_of_groups_covers_as_the_slow_one_does():
    """Of 80 draws of 900 rows, labels a tenth above the score, no fewer than 71 hold; ends agree with the slow ones."""
    from audits.measures.calibration import calibration_error_interval, reliability_by_mass
    from audits.measures.group_calibration import _interval
    from audits.score_table import ScoreBins

    draw, held, apart = np.random.default_rng(0), 0, []
    normal = draw.standard_normal((1000, 64))
    for seed in range(80):
        score = draw.uniform(0.2, 0.8, 900).round(3)
        label = draw.random(900) < score + 0.1
        levels, place = np.unique(score, return_inverse=True)
        counts = np.stack([np.bincount(place, weights=~label), np.bincount(place, weights=label)], axis=1)
        cells = ScoreBins(
            score=levels, low=levels, high=levels, counts=counts.astype(np.int64), weights=counts, squares=counts
        )
        bins = reliability_by_mass(cells)
        low, high = _interval(bins, 0.95, normal, seed=seed)
        held += low <= 0.1 <= high
        if seed < 2:
            apart += list(np.abs(np.subtract((low, high), calibration_error_interval(bins, 0.95, seed=seed))))
    assert held >= 71
    assert max(apart) < 0.01


def test_few_equal_scores_are_not_certain():
    predictions = lender(n=40)
    codes = predictions.sensitive["race"][0]
    equal = replace(predictions, score=np.where(codes == 0, 0.9, predictions.score))
    mean = find(group_score_measurements(table_of(equal, "race"), [0.95], [0.0], seed=0), "score_mean", race="asian")
    assert mean.value == pytest.approx(0.9)
    assert (mean.low < 0.85, mean.high > 0.95, mean.method) == (True, True, "wilson")


def test_small_groups_are_left_out_of_comparisons_only():
    predictions = lender(seed=3, n=400)
    codes = predictions.sensitive["race"][0].copy()
    codes[20:] = np.where(codes[20:] == 0, 1, codes[20:])
    predictions = replace(predictions, sensitive={"race": (codes, predictions.sensitive["race"][1])})
    measured = group_score_measurements(table_of(predictions, "race"), [0.95], [0.1], seed=0)
    assert find(measured, "score_mean", race="asian").n < 40
    assert "asian" not in find(measured, "score_distance", over=("race",), minimum_group=0.1).note


def test_series_hold_each_group():
    series = group_score_series(table_of(lender(), "race"), 0.95)
    assert {(s.name, s.slice["race"]) for s in series} == {
        (name, race) for name in ("calibration", "score_distribution") for race in ("asian", "black", "white")
    }
    assert all(sum(row["n"] for row in s.records()) > 0 for s in series)


def test_the_report_is_the_same_to_the_byte_and_plain_json(tmp_path):
    path = write(tmp_path, csv_text())
    asked = {**COLUMNS, "sensitive": ["race", "sex"], "intersections": True}
    one, two = (json.dumps(evaluate("fairness", [path], asked), allow_nan=False) for _ in range(2))
    assert one == two
    metrics = {m["metric"] for m in json.loads(one)["measurements"]}
    assert {"score_mean", "score_distance", "calibration_difference", "theil_index"} <= metrics


def test_without_a_score_nothing_is_said_of_scores(tmp_path):
    path = write(tmp_path, csv_text())
    asked = {name: value for name, value in COLUMNS.items() if name != "score"}
    report = evaluate("fairness", [path], {**asked, "sensitive": ["race"]})
    metrics = {m["metric"] for m in report["measurements"]}
    assert not metrics & {"score_mean", "score_distance", "remedied_accuracy_score"}
    assert report["series"] == []


def test_held_back_counts_give_no_number(tmp_path):
    path = write(tmp_path, csv_text())
    report = evaluate("fairness", [path], {**COLUMNS, "sensitive": ["race"], "disclosure": 3})
    index = [m for m in report["measurements"] if m["metric"] == "theil_index"]
    assert [m["value"] for m in index] == [None]
    assert "held back" in index[0]["note"]

"""Who changes sides, within which group the challenger is worse, and what that is worth: against counts made by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from audits.comparison import compare
from audits.intervals import critical_value, newcombe_difference, wilson
from audits.measures.comparison.benefit import benefit_difference
from audits.measures.comparison.joint import joint_table
from audits.measures.comparison.pairing import Pairing
from audits.measures.comparison.parameters import parse_comparison
from audits.measures.comparison.report import measure_pairing
from audits.paired import tango_difference
from registry.amounts import parse_amounts
from registry.errors import InvalidInput
from tests.audits.prediction_cases import find
from tests.audits.test_comparing_with_champion import models

AMOUNTS = {"true_positive": 100, "false_positive": -500, "true_negative": 0, "false_negative": -20, "currency": "EUR"}
ASKED = {"label": "y", "prediction": "p", "over": [["race"], ["race", "sex"]], "amounts": AMOUNTS}


@pytest.fixture(scope="module")
def pair():
    return models(seed=3, n=900)


@pytest.fixture(scope="module")
def findings(pair):
    return measured(pair)


def measured(pair, **more):
    return measure_pairing(
        Pairing(challenger=pair[0], champion=pair[1], by="order"), parse_comparison({**ASKED, **more})
    )


def group(predictions, column, name):
    codes, names = predictions.sensitive[column]
    return codes == names.index(name)


def test_what_was_measured_before_is_measured_alike(pair, findings):
    old, _ = compare(*pair, confidences=[0.95])
    assert findings.measurements[: len(old)] == old


def test_flips_of_a_group_are_counted_by_direction_and_truth(pair, findings):
    one, two = pair
    series = next(s for s in findings.series if s.name == "flips" and s.title.endswith("by race"))
    record = next(r for r in series.records() if r["group"] == "black")
    here = group(one, "race", "black")
    lost, gained = here & (two.prediction > one.prediction), here & (one.prediction > two.prediction)
    assert record["rows"] == here.sum()
    assert (record["to_negative"], record["to_positive"]) == (lost.sum(), gained.sum())
    assert record["to_negative_label_1"] == (lost & (one.label == 1)).sum()
    assert record["to_positive_label_0"] == (gained & (one.label == 0)).sum()
    assert (record["champion_selected"], record["challenger_selected"]) == (
        two.prediction[here].sum(),
        one.prediction[here].sum(),
    )
    changed = (lost | gained).sum()
    low, high = wilson(changed, here.sum(), critical_value(0.95))
    rate = find(findings.measurements, "flip_rate", race="black")
    assert (rate.value, rate.low, rate.high) == (changed / here.sum(), low, high)
    assert findings.series[0].title == "Who changes sides"


def test_the_difference_of_flips_between_groups_holds_for_all_pairs(pair, findings):
    one, two = pair
    changed = one.prediction != two.prediction
    counts = {
        name: (changed[group(one, "race", name)].sum(), group(one, "race", name).sum())
        for name in ("asian", "black", "white")
    }
    found = find(findings.measurements, "flip_rate_difference", over=("race",))
    gaps = {(a, b): abs(counts[a][0] / counts[a][1] - counts[b][0] / counts[b][1]) for a, b in combinations(counts, 2)}
    assert found.value == pytest.approx(max(gaps.values()), abs=1e-12)
    wide = [newcombe_difference(*counts[a], *counts[b], critical_value(0.95, 3)) for a, b in gaps]
    narrow = [newcombe_difference(*counts[a], *counts[b], critical_value(0.95)) for a, b in gaps]
    assert max(max(float(h), -float(low)) for low, h in narrow) <= found.high + 1e-9
    assert found.high <= max(max(float(h), -float(low)) for low, h in wide) + 1e-9
    assert found.low <= found.value <= found.high


def test_small_groups_are_left_out_where_policy_says_so(pair):
    one, two = pair
    codes = one.sensitive["race"][0].copy()
    codes[:] = 1
    codes[:5] = 0
    few = {"race": (codes, ("few", "many")), "sex": one.sensitive["sex"]}
    found = measured((replace(one, sensitive=few), two), over=[["race"]], minimum_groups=[0.0, 0.05]).measurements
    assert find(found, "flip_rate_difference", over=("race",)).value is not None
    left = find(found, "flip_rate_difference", over=("race",), minimum_group=0.05)
    assert (left.value, left.note) == (None, "fewer than two groups to compare")
    assert find(found, "count", race="few").value == 5


def test_differences_within_groups_have_a_shared_level(pair, findings):
    one, two = pair
    here = group(one, "race", "white")
    right = [(m.prediction == m.label)[here] for m in (one, two)]
    b, c = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    found = find(findings.measurements, "accuracy_score", race="white")
    assert found.value == pytest.approx(right[0].mean() - right[1].mean(), abs=1e-12)
    assert (found.low, found.high) == tango_difference(b, c, here.sum(), critical_value(0.95, 3))
    assert found.method == "tango-sidak"
    positive = here & (one.label == 1)
    recall = find(findings.measurements, "recall_score", race="white")
    assert recall.value == pytest.approx(one.prediction[positive].mean() - two.prediction[positive].mean(), abs=1e-12)
    crossed = [m for m in findings.measurements if m.metric == "selection_rate" and set(m.slice) == {"race", "sex"}]
    assert len(crossed) == 6


def test_areas_are_compared_only_where_both_classes_have_ten_rows(pair):
    one, two = pair
    codes = np.zeros(len(one), dtype=np.int32)
    codes[np.flatnonzero(one.label == 1)[:9]] = 1
    codes[np.flatnonzero(one.label == 0)[:50]] = 1
    split = {"race": (codes, ("most", "nine")), "sex": one.sensitive["sex"]}
    found = measured((replace(one, sensitive=split), two), over=[["race"]]).measurements
    assert find(found, "roc_auc_score", race="most").value is not None
    assert find(found, "roc_auc_score", race="nine").note == "a class has 9 rows in this group, fewer than 10"


def test_groups_smaller_than_may_be_told_are_told_nothing_of(pair):
    found = measured(pair, over=[["race"], ["race", "sex"]], disclosure=200)
    assert not [m for m in found.measurements if "sex" in m.slice or "sex" in m.over]
    assert any("nothing is told by race × sex" in warning for warning in found.warnings)


def worth(label, decision):
    return np.where(label == 1, np.where(decision == 1, 100, -20), np.where(decision == 1, -500, 0))


def test_the_benefit_is_the_mean_of_what_each_decision_brings(pair, findings):
    one, two = pair
    found = find(findings.measurements, "benefit_difference")
    gain = worth(one.label, one.prediction) - worth(one.label, two.prediction)
    assert found.value == pytest.approx(gain.mean(), abs=1e-9)
    half = critical_value(0.95) * gain.std(ddof=1) / len(gain) ** 0.5
    assert (found.low, found.high) == pytest.approx((gain.mean() - half, gain.mean() + half), rel=0.05)
    record = next(s for s in findings.series if s.name == "benefit_difference").records()[0]
    assert record["challenger"] == pytest.approx(worth(one.label, one.prediction).mean())
    assert record["per_1000"] == pytest.approx(1000 * gain.mean())
    assert "EUR a decision" in found.note


def test_a_benefit_without_any_flip_is_not_known_exactly():
    counts = np.zeros((2, 2, 2), dtype=np.int64)
    counts[1, 1, 1] = counts[0, 0, 0] = 25
    value, low, high = benefit_difference(counts, parse_amounts(AMOUNTS), critical_value(0.95))
    assert value == 0
    assert low < -20 < 20 < high


@pytest.mark.parametrize(
    ("n", "flips"), [(300, (0.02, 0.01, 0.03, 0.01)), (300, (0.05, 0.1, 0.02, 0.08)), (2000, (0.005,) * 4)]
)
def test_the_interval_of_a_benefit_covers(n, flips):
    # Kinds of flips as in the docstring: gained by label 0 and 1, lost by label 0 and 1; the rest keep their side.
    amounts, draw, z = parse_amounts(AMOUNTS), np.random.default_rng(5), critical_value(0.95)
    truth = -500 * flips[0] + 120 * flips[1] + 500 * flips[2] - 120 * flips[3]
    inside = 0
    for cells in draw.multinomial(n, [*flips, 1 - sum(flips)], 1500):
        counts = np.zeros((2, 2, 2), dtype=np.int64)
        counts[0, 1, 0], counts[1, 1, 0], counts[0, 0, 1], counts[1, 0, 1], counts[1, 1, 1] = cells
        _, low, high = benefit_difference(counts, amounts, z)
        inside += low <= truth <= high
    assert 0.935 <= inside / 1500 <= 0.985


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "euro"}, "amounts.currency"),
        ({"true_positive": float("nan")}, "amounts.true_positive"),
        ({"true_positive": True}, "amounts.true_positive"),
        ({"bonus": 1}, "amounts"),
        ({"true_positive": -20, "false_positive": 0}, "amounts"),
    ],
)
def test_amounts_that_say_nothing_are_refused(change, field):
    with pytest.raises(InvalidInput) as refused:
        parse_amounts({**AMOUNTS, **change})
    assert refused.value.field == field


def test_the_joint_table_counts_every_row_once(pair):
    table = joint_table(*pair, ("race", "sex"))
    assert sum(table.sizes) == len(pair[0])
    assert [len(table.rows(i)) for i in range(len(table.slices))] == table.sizes
    assert table.slices[0] == {"race": "asian", "sex": "f"}

"""Fairness: fairlearn's values per group, intersection and aggregate; intervals that hold for all pairs at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fair
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_score, roc_auc_score

from audits.counted import Counted
from audits.cross_check import CrossCheckFailed, cross_check
from audits.fairness import measure_fairness
from audits.intervals import critical_value, koopman_ratio, newcombe_difference, wilson
from audits.predictions import Predictions
from audits.rates import Rate
from registry.errors import InvalidInput
from tests.audits.prediction_cases import find, lender

OVER = (("race",), ("sex",), ("race", "sex"))
PEERS = {
    "selection_rate": fair.selection_rate,
    "true_positive_rate": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "false_negative_rate": fair.false_negative_rate,
    "accuracy_score": accuracy_score,
    "precision_score": precision_score,
}
AGGREGATES = (
    "demographic_parity_ratio",
    "demographic_parity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "equal_opportunity_difference",
)


def measured(predictions, over=OVER, confidences=(0.95,), minimum_groups=(0.0,)):
    counted = Counted.of_rows(predictions)
    return measure_fairness(counted, over=over, confidences=confidences, minimum_groups=minimum_groups)


def columns_of(predictions):
    return pd.DataFrame({c: np.array(names)[codes] for c, (codes, names) in predictions.sensitive.items()})


def limits_of(interval):
    return pytest.approx(tuple(float(limit) for limit in interval))


def of_counts(groups) -> Predictions:
    """Predictions with the given ``{group: (tp, fp, tn, fn)}``."""
    cells = ((1, 1), (0, 1), (0, 0), (1, 0))
    rows = [
        (g, y, p) for g, cs in enumerate(groups.values()) for (y, p), n in zip(cells, cs, strict=True) for _ in range(n)
    ]
    codes, label, prediction = np.array(rows).T
    return Predictions(
        label=label.astype(np.int8),
        prediction=prediction.astype(np.int8),
        sensitive={"race": (codes.astype(np.int32), tuple(groups))},
        unknown={},
    )


@given(st.integers(0, 100_000), st.integers(60, 500), st.booleans())
@settings(max_examples=8, deadline=None)
def test_every_value_is_fairlearns(seed, n, weighted):
    lent = lender(seed, n, weighted=weighted)
    found, groups = measured(lent), columns_of(lent)
    for over in OVER:
        frame = fair.MetricFrame(
            metrics=PEERS,
            y_true=lent.label,
            y_pred=lent.prediction,
            sensitive_features=groups[list(over)],
            sample_params={name: {"sample_weight": lent.weight} for name in PEERS},
        )
        for key, row in frame.by_group.iterrows():
            where = dict(zip(over, [key] if len(over) == 1 else key, strict=True))
            for name in PEERS:
                assert find(found, name, **where).value == pytest.approx(row[name], abs=1e-12)
        for name in AGGREGATES:
            expected = getattr(fair, name)(
                lent.label, lent.prediction, sensitive_features=groups[list(over)], sample_weight=lent.weight
            )
            assert find(found, name, over=over).value == pytest.approx(expected, abs=1e-12)
    for name in PEERS:
        assert find(found, name).value == pytest.approx(frame.overall[name], abs=1e-12)
    for m in found:
        if m.low is not None:
            assert m.low <= m.value <= m.high, m


def test_rates_and_limits_by_hand():
    found = measured(of_counts({"black": (20, 10, 50, 20), "white": (60, 20, 10, 10)}), over=[("race",)])
    black = find(found, "selection_rate", race="black")
    assert (black.value, black.n, black.method) == (0.3, 100, "wilson")
    assert (black.low, black.high) == tuple(wilson(30, 100, critical_value(0.95)))
    assert black.counts == {"tp": 20, "fp": 10, "tn": 50, "fn": 20}
    assert find(found, "true_positive_rate", race="black").n == 40
    assert find(found, "false_positive_rate", race="white").value == pytest.approx(2 / 3)
    assert find(found, "count", race="white").value == 100
    assert find(found, "tp", race="white").value == 60
    ratio = find(found, "demographic_parity_ratio", over=["race"])
    assert ratio.value == pytest.approx(0.3 / 0.8)
    assert (ratio.low, ratio.high) == limits_of(koopman_ratio(30, 100, 80, 100, critical_value(0.95)))
    assert "lowest race=black (0.3000, n 100), highest race=white (0.8000, n 100)" in ratio.note
    difference = find(found, "demographic_parity_difference", over=["race"])
    assert (difference.low, difference.high) == limits_of(newcombe_difference(80, 100, 30, 100, critical_value(0.95)))
    odds = find(found, "equalized_odds_difference", over=["race"])
    assert odds.value == pytest.approx(max(60 / 70 - 20 / 40, 20 / 30 - 10 / 60))
    # Two pairs at once: the true and the false positive rates. They vary independently, so Šidák's value is nearly right.
    narrow, wide = (
        newcombe_difference([60, 20], [70, 30], [20, 10], [40, 60], critical_value(0.95, pairs)) for pairs in (1, 2)
    )
    assert wide[0].max() <= odds.low < narrow[0].max()
    assert narrow[1].max() < odds.high <= wide[1].max()
    assert odds.method == "newcombe-maxt"


def test_more_groups_make_the_same_ratio_less_certain():
    two = {"black": (30, 0, 50, 20), "white": (60, 10, 20, 10)}
    five = two | {f"other{i}": (55, 10, 25, 10) for i in range(3)}
    few, many = (
        find(measured(of_counts(g), over=[("race",)]), "demographic_parity_ratio", over=["race"]) for g in (two, five)
    )
    assert few.value == many.value
    assert many.low < few.low


def test_a_rate_of_nobody_is_undefined_and_said_to_be_left_out():
    found = measured(
        of_counts({"asian": (0, 5, 20, 0), "black": (20, 10, 50, 20), "white": (60, 20, 10, 10)}), over=[("race",)]
    )
    rate = find(found, "true_positive_rate", race="asian")
    assert (rate.value, rate.low, rate.high, rate.n) == (None, None, None, 0)
    assert "no positive row" in rate.note
    odds = find(found, "equalized_odds_difference", over=["race"])
    assert "left out: race=asian (true_positive_rate undefined)" in odds.note
    assert odds.value == pytest.approx(2 / 3 - 10 / 60)


def test_when_nobody_is_selected_the_ratio_is_undefined_and_the_difference_zero():
    found = measured(of_counts({"black": (0, 0, 50, 20), "white": (0, 0, 30, 10)}), over=[("race",)])
    ratio = find(found, "demographic_parity_ratio", over=["race"])
    assert (ratio.value, ratio.low, ratio.high) == (None, None, None)
    assert "no group was ever selected" in ratio.note
    difference = find(found, "demographic_parity_difference", over=["race"])
    assert difference.value == difference.low == 0
    assert difference.high > 0.03


def test_a_group_that_is_never_selected_makes_the_ratio_zero_with_an_upper_limit():
    ratio = find(
        measured(of_counts({"black": (0, 0, 50, 20), "white": (20, 10, 30, 10)}), over=[("race",)]),
        "demographic_parity_ratio",
        over=["race"],
    )
    assert (ratio.value, ratio.low) == (0, 0)
    assert 0.05 < ratio.high < 0.3


def test_one_group_alone_cannot_be_compared():
    found = measured(of_counts({"white": (20, 10, 30, 10)}), over=[("race",)])
    for name in AGGREGATES:
        aggregate = find(found, name, over=["race"])
        assert aggregate.value is None
        assert "fewer than two groups" in aggregate.note


def test_small_groups_are_shown_but_are_no_comparators():
    groups = {"asian": (2, 0, 0, 0), "black": (20, 10, 50, 20), "white": (50, 20, 20, 10)}
    found = measured(of_counts(groups), over=[("race",)], minimum_groups=(0.0, 0.02))
    everyone = find(found, "demographic_parity_ratio", over=["race"])
    large = find(found, "demographic_parity_ratio", over=["race"], minimum_group=0.02)
    assert everyone.value == pytest.approx(0.3)
    assert large.value == pytest.approx(0.3 / 0.7)
    assert large.n == 200
    assert "left out below 2.00% of rows: race=asian (n 2)" in large.note
    alone = measured(of_counts({"black": (20, 10, 50, 20), "white": (50, 20, 20, 10)}), over=[("race",)])
    same = find(alone, "demographic_parity_ratio", over=["race"])
    assert (large.low, large.high) == (same.low, same.high)
    shown = find(found, "selection_rate", race="asian")
    assert shown.value == 1.0
    assert "left out of ratios and differences" in shown.note


def test_areas_per_group_come_with_scores():
    lent = lender(6, 300)
    found, groups = measured(lent), columns_of(lent)
    for (race, sex), rows in groups.groupby(["race", "sex"]).groups.items():
        expected = roc_auc_score(lent.label[rows], lent.score[rows])
        assert find(found, "roc_auc_score", race=race, sex=sex).value == pytest.approx(expected, abs=1e-12)
    assert not [m for m in measured(replace(lent, score=None)) if m.metric == "roc_auc_score"]


def test_the_area_of_a_group_of_one_class_is_undefined():
    lent = of_counts({"asian": (0, 5, 20, 0), "white": (60, 20, 10, 10)})
    lent = replace(lent, score=np.linspace(0, 1, len(lent)))
    area = find(measured(lent, over=[("race",)]), "roc_auc_score", race="asian")
    assert area.value is None
    assert "one class only" in area.note


@given(st.permutations(["asian", "black", "white"]))
@settings(max_examples=6, deadline=None)
def test_what_groups_are_called_changes_no_number(names):
    groups = {"asian": (5, 10, 30, 5), "black": (20, 10, 50, 20), "white": (60, 20, 10, 10)}
    renamed = dict(zip(names, groups.values(), strict=True))
    for name in AGGREGATES:
        one = find(measured(of_counts(groups), over=[("race",)]), name, over=["race"])
        two = find(measured(of_counts(renamed), over=[("race",)]), name, over=["race"])
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), abs=1e-15)


def test_too_many_groups_to_compare_are_refused():
    groups = {f"g{i:03d}": (1, 1, 1, 1) for i in range(401)}
    with pytest.raises(InvalidInput, match="401 groups cannot be compared"):
        measured(of_counts(groups), over=[("race",)])


def test_simultaneous_intervals_cover_the_true_ratio():
    draw, truth = np.random.default_rng(12), {"a": 0.30, "b": 0.35, "c": 0.45}
    covered = 0
    for _ in range(60):
        selected = {g: int(draw.binomial(150, p)) for g, p in truth.items()}
        lent = of_counts({g: (x, 0, 150 - x, 1) for g, x in selected.items()})
        ratio = find(measured(lent, over=[("race",)]), "demographic_parity_ratio", over=["race"])
        covered += ratio.low <= 0.30 / 0.45 <= ratio.high
    assert covered >= 54  # 60 × 0.95 less three standard errors


def test_predictive_parity_compares_precision_where_it_is_defined():
    groups = {"asian": (0, 0, 30, 10), "black": (20, 20, 50, 20), "white": (60, 20, 10, 10)}
    found = measured(of_counts(groups), over=[("race",)])
    assert find(found, "precision_score", race="white").value == 0.75
    assert "no row that was predicted positive" in find(found, "precision_score", race="asian").note
    parity = find(found, "predictive_parity_difference", over=["race"])
    assert parity.value == pytest.approx(0.75 - 0.5)
    assert (parity.low, parity.high) == limits_of(newcombe_difference(60, 80, 20, 40, critical_value(0.95)))
    assert parity.method == "newcombe"
    assert "left out: race=asian (precision_score undefined)" in parity.note


def test_the_ratio_of_odds_is_undefined_where_all_rates_of_one_kind_are_zero():
    found = measured(of_counts({"black": (20, 0, 50, 20), "white": (60, 0, 10, 10)}), over=[("race",)])
    ratio = find(found, "equalized_odds_ratio", over=["race"])
    assert ratio.value is None
    assert "false_positive_rate" in ratio.note


def test_what_rests_on_cells_held_back_is_not_told():
    lent = of_counts({"black": (20, 10, 50, 2), "white": (60, 20, 10, 10)})
    whole = Counted.of_rows(lent)
    counts = np.where(whole.tensor.counts < 5, 0, whole.tensor.counts)
    censored = replace(whole, tensor=replace(whole.tensor, counts=counts), disclosure=5, suppressed=1)
    found = measure_fairness(censored, over=[("race",)], confidences=(0.95,), minimum_groups=(0.0,))
    told = {(m.metric, m.slice.get("race")) for m in found if m.value is not None}
    white = {m.metric for m in found if m.slice == {"race": "white"}}
    assert told == {(metric, "white") for metric in white} | {
        (metric, "black") for metric in ("tp", "fp", "tn", "false_positive_rate", "precision_score")
    }
    held = [m for m in found if m.value is None]
    assert {m.note for m in held} == {"held back: fewer than 5 rows in 1 cells"}
    assert all((m.low, m.high, m.n, m.counts) == (None, None, 0, {}) for m in held)


def test_fairlearn_is_asked_for_a_second_opinion(monkeypatch):
    tensor = Counted.of_rows(lender(3, weighted=True)).tensor
    assert cross_check(tensor, OVER).endswith(": 72 values equal within 1e-12")
    monkeypatch.setattr(Rate, "point", lambda rate, tensor: np.full(len(tensor.keys), 0.25))
    with pytest.raises(CrossCheckFailed, match=r"selection_rate of everybody is .* by our count"):
        cross_check(tensor, OVER)

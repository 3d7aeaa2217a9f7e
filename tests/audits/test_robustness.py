"""``evaluate robustness``: models whose flips, shifts and broken promises are known in closed form."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from audits.evaluate import evaluate
from audits.kinds import robustness as kind
from audits.robustness.asking import Asker
from audits.robustness.expectations import parse_expectations
from audits.robustness.parameters import parse_robustness
from audits.robustness.rows import Rows
from audits.robustness.worst_slice import axes_of, find_worst_slice
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from registry.errors import InvalidInput
from tests.audits.model_cases import FunctionModel

N = 1200
INPUTS = ("income", "debt", "region")
MODEL = {"inputs": list(INPUTS), "threshold": 0.5}
GIVEN = {"model": MODEL, "key": ["id"], "rows": N, "label": "approved", "sensitive": ["sex"]}


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    rng = np.random.default_rng(11)
    income, debt = rng.normal(50, 10, N), rng.normal(20, 5, N)
    regions = rng.choice(["north", "south", "west"], N)
    lines = ["id,income,debt,region,sex,approved"]
    for index in range(N):
        approved = int(income[index] + rng.normal(0, 5) > 50)
        sex = "f" if index % 3 else "m"
        lines.append(f"{index},{income[index]:.6f},{debt[index]:.6f},{regions[index]},{sex},{approved}")
    path = tmp_path_factory.mktemp("robustness") / "test.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def linear(columns) -> np.ndarray:
    """Decides by income alone, at 50; what is missing counts as 50."""
    return logistic((np.nan_to_num(columns["income"], nan=50.0) - 50) / 10)


def model_of(function, texts=("region",)) -> FunctionModel:
    return FunctionModel(function, INPUTS, texts=texts)


@pytest.fixture
def measure(monkeypatch, people, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"a function in its place")

    def run(model, **changes):
        @contextmanager
        def open_model(_source, **_more):
            yield model

        monkeypatch.setattr(kind, "open_model", open_model)
        return evaluate("robustness", [file, people], {**GIVEN, **changes})

    return run


def measured(report, metric, perturbation="", feature="", **place):
    wanted = {name: value for name, value in (("perturbation", perturbation), ("feature", feature)) if value} | place
    found = [item for item in report["measurements"] if item["metric"] == metric and item["slice"] == wanted]
    assert len(found) == 1, f"{len(found)} of {metric} {wanted}"
    return found[0]


def series(report, name):
    item = next(item for item in report["series"] if item["name"] == name)
    return [dict(zip(item["columns"], row, strict=True)) for row in item["rows"]]


def test_flips_of_a_linear_model_under_noise_are_those_of_theory(measure):
    """Income is normal with spread σ, noise normal with spread s: the sign changes with probability arctan(s/σ)/π."""
    report = measure(model_of(linear))
    for percent in (1, 5, 10):
        noise = percent / 100 * 2 * norm.ppf(0.75)  # in σ: the interquartile range of a normal distribution is 1.349 σ
        expected = math.atan(noise) / math.pi
        for feature in ("", "income"):
            item = measured(report, "decision_flip_rate", f"noise-{percent}", feature)
            assert item["n"] == N
            assert item["value"] == pytest.approx(expected, abs=4 * math.sqrt(expected / N))
            assert item["low"] <= item["value"] <= item["high"]
        assert measured(report, "decision_flip_rate", f"noise-{percent}", "debt")["value"] == 0
        assert measured(report, "score_shift", f"noise-{percent}", "debt")["value"] == 0


def test_what_noise_costs_is_told_where_the_truth_is_known(measure):
    report = measure(model_of(linear))
    none = measured(report, "accuracy_drop", "noise-10", "debt")
    assert (none["value"], none["method"]) == (0, "tango")
    wrong_unit = measured(report, "accuracy_drop", "unit-1000", "income")
    assert wrong_unit["value"] == pytest.approx(0.35, abs=0.06)  # of 85 % right only every second is left
    assert wrong_unit["low"] > 0.25
    assert measured(report, "roc_auc_drop", "unit-1000", "income")["value"] == pytest.approx(0.42, abs=0.06)
    without = measure(model_of(linear), label=None)
    assert not [item for item in without["measurements"] if item["metric"] in ("accuracy_drop", "roc_auc_drop")]


def test_gaps_units_and_values_out_of_range_do_what_arithmetic_says(measure):
    report = measure(model_of(linear))
    assert measured(report, "decision_flip_rate", "missing", "income")["value"] == pytest.approx(0.5, abs=0.05)
    assert measured(report, "decision_flip_rate", "unit-1000", "income")["value"] == pytest.approx(0.5, abs=0.05)
    assert measured(report, "decision_flip_rate", "out-of-range-10", "income")["value"] == pytest.approx(0.5, abs=0.05)
    for percent in (5, 20):
        item = measured(report, "decision_flip_rate", f"missing-{percent}")
        assert item["value"] == pytest.approx(0.5 * percent / 100, abs=0.03)
    assert measured(report, "decision_flip_rate", "unseen", "region")["value"] == 0
    shifts = next(
        row
        for row in series(report, "perturbations")
        if row["perturbation"] == "missing" and row["feature"] == "income"
    )
    assert 0 < shifts["shift_mean"] < shifts["shift_p95"] < shifts["shift_max"] <= 0.5


def test_a_model_that_refuses_unseen_categories_is_told_and_no_crash(measure):
    def strict(columns):
        if not set(columns["region"]) <= {"north", "south", "west"}:
            raise ModelFailed("the category is not known")
        return linear(columns)

    report = measure(model_of(strict))
    refused = measured(report, "error_rate", "unseen", "region")
    assert (refused["value"], refused["n"], refused["note"]) == (1, N, "the category is not known")
    flips = measured(report, "decision_flip_rate", "unseen", "region")
    assert flips["value"] is None
    assert flips["note"] == "the model answered about none of these rows: the category is not known"
    assert measured(report, "error_rate", "noise-5")["value"] == 0
    # Gaps in all columns: only the rows that lost their region are refused.
    lost = measured(report, "error_rate", "missing-5")
    assert lost["value"] == pytest.approx(0.05, abs=0.025)
    assert measured(report, "decision_flip_rate", "missing-5")["n"] == N - round(lost["value"] * N)


def test_only_the_rows_that_are_refused_count_as_refused():
    opened = []

    class Fragile(FunctionModel):
        """Is ended by one row, and has to be started again."""

        dead = False

        def score(self, batches):
            for batch in batches:
                values = batch.column("x").to_numpy(zero_copy_only=False)
                if self.dead or (values > 900).any():
                    self.dead = True
                    raise ModelFailed("the process was ended")
                yield from super().score(iter([batch]))

    @contextmanager
    def open_model():
        opened.append(Fragile(lambda columns: logistic(columns["x"] / 1000), ("x",)))
        yield opened[-1]

    rows = Rows.of(pa.table({"x": np.arange(256.0)}), ["x"])
    worse = rows.columns["x"].copy()
    worse[[37, 200]] = 1000.0
    with Asker(open_model=open_model, rows=rows) as asker:
        assert asker.ask().answered.all()
        answers = asker.ask({"x": worse})
        assert np.flatnonzero(~answers.answered).tolist() == [37, 200]
        assert answers.message == "the process was ended"
        assert asker.ask().answered.all()
    assert len(opened) > 1


MONOTONE = {"id": "income-up", "feature": "income", "direction": "increasing"}


def test_a_monotone_model_keeps_its_promise_and_a_wavy_one_breaks_it(measure):
    kept = measure(model_of(linear), declared_expectations=[MONOTONE])
    item = measured(kept, "expectation_violations", expectation="income-up")
    assert (item["value"], item["n"], item["low"]) == (0, N, 0)
    assert item["note"] == "more income never lowers the score; the largest violation is 0"
    falling = [{**MONOTONE, "direction": "decreasing"}]
    assert (
        measured(
            measure(model_of(linear), declared_expectations=falling), "expectation_violations", expectation="income-up"
        )["value"]
        == 1
    )

    def wavy(columns):
        """Falls by 0.2 beyond an income of 60, but only for those with debts above 20: every second."""
        return linear(columns) - np.where((columns["income"] > 60) & (columns["debt"] > 20), 0.2, 0.0)

    broken = measure(model_of(wavy), declared_expectations=[MONOTONE, {**MONOTONE, "id": "roughly", "tolerance": 0.2}])
    item = measured(broken, "expectation_violations", expectation="income-up")
    assert item["value"] == pytest.approx(0.5, abs=0.04)
    assert measured(broken, "expectation_violations", expectation="roughly")["value"] == 0
    row = series(broken, "expectations_of_model")[0]
    assert 0 < row["largest"] <= 0.2
    assert len(row["examples"]) == 3
    assert all(len(name) == 12 and set(name) <= set("0123456789abcdef") for name in row["examples"])


@pytest.mark.parametrize(
    ("expectation", "share"),
    [
        ({"change": {"region": ["north", "south"]}, "expect": "unchanged"}, 1.0),
        ({"change": {"region": ["east", "far east"]}, "expect": "unchanged"}, None),
        ({"change": {"debt": {"add": 5}}, "expect": "unchanged"}, 0.0),
        ({"change": {"income": {"add": 5}}, "expect": "higher"}, 0.0),
        ({"change": {"income": {"add": 5}}, "expect": "not-lower"}, 0.0),
        ({"change": {"income": {"add": 5}}, "expect": "not-higher"}, 1.0),
        ({"change": {"income": {"multiply": 0.5}}, "expect": "lower"}, 0.0),
        ({"change": {"debt": 0}, "expect": "lower"}, 1.0),
        ({"change": {"income": {"add": 5}}, "expect": "unchanged", "tolerance": 0.5}, 0.0),
        ({"change": {"income": 50, "region": "west"}, "expect": "unchanged"}, 1.0),
    ],
)
def test_a_change_does_to_the_score_what_the_manifest_says(measure, expectation, share):
    def by_region(columns):
        return linear(columns) + np.where(np.asarray(columns["region"]) == "north", 0.01, 0.0)

    report = measure(model_of(by_region), declared_expectations=[{"id": "promise", **expectation}])
    item = measured(report, "expectation_violations", expectation="promise")
    assert item["value"] == (None if share is None else pytest.approx(share, abs=0.002))
    if share is None:
        assert (item["n"], item["note"]) == (0, "the change touches no row that the model answers")


def test_the_slice_that_suffers_most_is_found(measure):
    """Men in the north are decided by the last digits of their debt; everybody else by nothing at all."""

    def unfair(columns):
        shaky = (np.asarray(columns["region"]) == "north") & (columns["income"] < 45)
        return np.where(shaky & (np.floor(columns["debt"] * 100) % 2 == 0), 0.9, 0.2)

    report = measure(model_of(unfair))
    item = measured(report, "worst_slice_flip_rate", "noise-5")
    assert item["value"] == pytest.approx(0.5, abs=0.15)
    assert item["low"] < item["value"] <= item["high"]
    assert item["note"].startswith("region north and income below") or "income below" in item["note"]
    first = series(report, "flipped_slices")[0]
    assert "region = north" in first["slice"]
    overall = measured(report, "decision_flip_rate", "noise-5")["value"]
    assert item["low"] > overall


def test_limits_of_slices_hold_for_all_of_them_together():
    """Flips come by chance at 10 % everywhere: the truly worst slice has 10 %, and the interval says so."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        axes = axes_of({name: rng.choice(["a", "b", "c"], 1000).astype(object) for name in "xyz"})
        flipped = rng.random(1000) < 0.1
        worst = find_worst_slice(axes, flipped, np.ones(1000, dtype=bool), least_rows=50, confidence=0.9)
        assert worst.looked_at == 9 + 27
        held += worst.low <= 0.1 <= worst.high
    assert held >= 90


def test_the_same_question_has_the_same_bytes(measure):
    one, two = (measure(model_of(linear), declared_expectations=[MONOTONE]) for _ in range(2))
    assert json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    other = measure(model_of(linear), seed=1)
    assert measured(other, "score_shift", "noise-5") != measured(one, "score_shift", "noise-5")


def test_a_regression_has_shifts_and_no_decisions(measure):
    report = measure(model_of(lambda columns: columns["income"] * 2.0), task="regression", label=None)
    metrics = {item["metric"] for item in report["measurements"]}
    assert metrics == {"score_shift", "error_rate"}


def test_without_a_sandbox_nothing_is_measured(monkeypatch, people, tmp_path):
    def open_model(_source, **_more):
        raise SandboxUnavailable("bwrap is not installed")

    monkeypatch.setattr(kind, "open_model", open_model)
    file = tmp_path / "m.onnx"
    file.write_bytes(b"")
    with pytest.raises(SandboxUnavailable):
        evaluate("robustness", [file, people], GIVEN)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"noise": [0.5]}, "noise"),
        ({"missing": [101]}, "missing"),
        ({"units": "1000"}, "units"),
        ({"rows": 0}, "rows"),
        ({"rows": 1_000_000}, "rows"),
        ({"task": "ranking"}, "task"),
        ({"strength": 1}, "strength"),
        ({"declared_expectations": {"id": "x"}}, "declared_expectations"),
        ({"declared_expectations": [{"id": "x"}]}, "declared_expectations[0]"),
        ({"declared_expectations": [{**MONOTONE, "direction": "up"}]}, "declared_expectations[0]"),
        ({"declared_expectations": [{**MONOTONE, "tolerance": -1}]}, "declared_expectations[0].tolerance"),
        ({"declared_expectations": [MONOTONE, MONOTONE]}, "declared_expectations[1].id"),
        ({"declared_expectations": [{"id": "x", "change": {"a": {"divide": 2}}, "expect": "lower"}]}, "declared_expectations[0].change.a"),
        ({"declared_expectations": [{"id": "x", "change": {"a": [1]}, "expect": "lower"}]}, "declared_expectations[0].change.a"),
    ],
)  # fmt: skip
def test_impossible_questions_are_refused_by_name(wrong, field):
    with pytest.raises(InvalidInput) as refused:
        parse_robustness(wrong)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        ({"id": "x", "feature": "rent", "direction": "increasing"}, "'rent' is not read by the model"),
        ({"id": "x", "feature": "region", "direction": "increasing"}, "'region' holds no numbers"),
        ({"id": "x", "change": {"rent": 1}, "expect": "lower"}, "does not read 'rent'"),
        ({"id": "x", "change": {"region": {"add": 1}}, "expect": "lower"}, "the column holds texts"),
        ({"id": "x", "change": {"income": "much"}, "expect": "lower"}, "the column holds numbers"),
    ],
)
def test_a_promise_that_cannot_be_tried_is_refused(measure, expectation, says):
    with pytest.raises(InvalidInput, match=says):
        measure(model_of(linear), declared_expectations=[expectation])


def test_promises_read_as_sentences():
    stated = [
        MONOTONE,
        {"id": "swap", "change": {"sex": ["f", "m"]}, "expect": "unchanged"},
        {"id": "more", "change": {"income": {"multiply": 2}, "debt": {"add": -1}}, "expect": "not-lower"},
    ]
    assert [item.sentence() for item in parse_expectations(stated)] == [
        "more income never lowers the score",
        "sex with f and m swapped leaves the score as it is",
        "income times 2 and debt plus -1 never lowers the score",
    ]

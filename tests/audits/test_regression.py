"""Regression: scikit-learn's values from sums alone, limits that cover, shapes that hold every row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from audits.engines.duckdb_engine import open_arrow
from audits.engines.opening import Data
from audits.evaluate import evaluate
from audits.intervals import wilson
from audits.measures.regression.metrics import estimates_of, regression_measurements, replicates
from audits.measures.regression.moments import Moments, checked_rows, moments_of
from audits.measures.regression.shapes import calibration_series, residual_series
from audits.parameters import Parameters

METRICS = ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "r2_score", "median_absolute_error")


def prices(seed=0, n=500, *, noise=0.3, scale=1.0, offset=0.0):
    draw = np.random.default_rng(seed)
    label = scale * np.exp(draw.normal(size=n)) + offset
    return label, label + scale * (noise * draw.standard_normal(n) + 0.05), draw.uniform(0.2, 3, n)


def measured(label, prediction, weight=None, *, confidences=(0.95,), seed=0):
    columns = {"y": label, "p": prediction} | ({} if weight is None else {"w": weight})
    parameters = Parameters(label="y", prediction="p", weight=None if weight is None else "w")
    with open_arrow(pa.table(columns)) as engine:
        rows = checked_rows(engine, Data(name="rows"), parameters)
        sums = moments_of(rows)
        found = list(regression_measurements(rows, sums, confidences=confidences, seed=seed))
        return {m.metric: m for m in found}, [residual_series(rows, sums), calibration_series(rows, sums, 0.95)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("n", "scale", "offset"), [(7, 1.0, 0.0), (199, 1e-9, 0.0), (200, 1e6, -3e5), (5000, 1.0, 1e4)]
)
def test_values_are_scikit_learns(n, scale, offset, weighted):
    label, prediction, weight = prices(1, n, scale=scale, offset=offset)
    weight = weight if weighted else None
    found, _ = measured(label, prediction, weight)
    for metric in METRICS:
        expected = getattr(peer, metric)(label, prediction, sample_weight=weight)
        assert found[metric].value == pytest.approx(expected, rel=1e-9), metric
        assert found[metric].low <= found[metric].value <= found[metric].high
    assert found["mean_error"].value == pytest.approx(np.average(prediction - label, weights=weight), rel=1e-9)
    assert found["mean_squared_error"].method == ("bootstrap-percentile" if n < 200 else "delta")


@given(st.integers(0, 500))
@settings(max_examples=2, deadline=None)
def test_weights_are_repetitions_and_order_does_not_matter(seed):
    label, prediction, _ = prices(seed, 60)
    draw = np.random.default_rng(seed)
    times, order = draw.integers(1, 4, 60), draw.permutation(60)
    weighted, _ = measured(label[order], prediction[order], times[order].astype(float))
    repeated, _ = measured(np.repeat(label, times), np.repeat(prediction, times))
    for metric in METRICS:
        assert weighted[metric].value == pytest.approx(repeated[metric].value, rel=1e-12)
    plain, again = measured(label, prediction)[0], measured(label[order], prediction[order])[0]
    assert plain == again


def test_values_by_hand():
    found, _ = measured([1.0, 2.0, 3.0, 6.0], [2.0, 2.0, 1.0, 6.0])
    assert {name: found[name].value for name in ("mean_absolute_error", "mean_squared_error", "mean_error")} == {
        "mean_absolute_error": 0.75,
        "mean_squared_error": 1.25,
        "mean_error": -0.25,
    }
    assert found["median_absolute_error"].value == 0.5
    assert found["r2_score"].value == pytest.approx(1 - 5 / 14)
    assert found["count"].value == 4


def test_what_few_rows_and_equal_labels_cannot_tell():
    found, _ = measured([3.0], [4.0])
    assert (found["mean_absolute_error"].value, found["mean_absolute_error"].low) == (1.0, None)
    assert "one row" in found["mean_absolute_error"].note
    found, _ = measured([0.1] * 300, np.linspace(0, 1, 300))
    assert found["r2_score"].value is None
    assert "all labels are equal" in found["r2_score"].note


def test_perfect_predictions():
    label = np.linspace(1, 5, 300)
    found, (residuals, _) = measured(label, label)
    assert (found["mean_squared_error"].value, found["r2_score"].value, found["median_absolute_error"].value) == (
        0,
        1,
        0,
    )
    assert sum(row["n"] for row in residuals.records()) == 300


def moments(label, prediction):
    """What an engine would sum, without one."""
    error, about = prediction - label, label - label.mean()
    powers = {
        "": np.ones(len(label)),
        "_e": error,
        "_a": np.abs(error),
        "_e2": error**2,
        "_e4": error**4,
        "_d2": about**2,
        "_d4": about**4,
        "_e2d2": error**2 * about**2,
    }
    sums = {f"{weight}{name}": float(values.sum()) for weight in ("w", "w2") for name, values in powers.items()}
    low, high = float(error.min()), float(error.max())
    return Moments(rows=len(label), sums=sums, mean_label=float(label.mean()), low=low, high=high, constant=False)


def houses(seed, n):
    """Labels that are the prediction and an error of skewed spread."""
    draw = np.random.default_rng(seed)
    prediction = draw.standard_normal(n) * 2
    return prediction + draw.standard_normal(n) * np.exp(0.3 * draw.standard_normal(n)), prediction


def test_large_sample_limits_cover():
    truth = {name: found.value for name, found in estimates_of(moments(*houses(999, 1_000_000))).items()}
    hits: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(600):
        for name, found in estimates_of(moments(*houses(seed, 250))).items():
            low, high = found.limits(1.96)
            hits[name].append(low <= truth[name] <= high)
    assert {name: np.mean(h) for name, h in hits.items() if not 0.92 <= np.mean(h) <= 0.975} == {}


def test_the_bootstrap_covers_where_rows_are_few():
    truth = {name: found.value for name, found in estimates_of(moments(*houses(999, 1_000_000))).items()}
    hits: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(80):
        drawn = replicates(*houses(seed, 120), np.ones(120), np.ones(120, dtype=np.int64), seed=seed)
        for name, values in drawn.items():
            low, high = np.quantile(values, [0.025, 0.975])
            hits[name].append(low <= truth[name] <= high)
    assert {name: np.mean(h) for name, h in hits.items() if np.mean(h) < 0.88} == {}


def test_limits_of_the_median_cover():
    draw = np.random.default_rng(5)
    errors = np.sort(np.abs(draw.standard_normal((800, 301))), axis=1)
    low, high = (int(np.ceil(limit * 301)) - 1 for limit in np.ravel(wilson(150.5, 301, 1.96)))
    assert 0.93 <= np.mean((errors[:, low] <= 0.67449) & (errors[:, high] >= 0.67449)) <= 0.97


def test_bootstrap_is_seeded():
    label, prediction, _ = prices(3, 80)
    one, two, other = (measured(label, prediction, seed=seed)[0]["mean_squared_error"] for seed in (1, 1, 2))
    assert one == two
    assert (one.low, one.high) != (other.low, other.high)


def test_shapes_hold_every_row():
    label, prediction, weight = prices(4, 3000)
    _, (residuals, calibration) = measured(label, prediction, weight)
    rows = residuals.records()
    assert sum(row["n"] for row in rows) == 3000
    assert (rows[0]["lower"], rows[-1]["upper"]) == (None, None)
    inside = [row for row in rows if row["lower"] is not None and row["upper"] is not None]
    edges = [inside[0]["lower"], *(row["upper"] for row in inside)]
    counts, _ = np.histogram(prediction - label, edges)
    assert [row["n"] for row in inside] == pytest.approx(counts.tolist(), abs=1)
    bins = calibration.records()
    assert sum(row["n"] for row in bins) == 3000
    first = prediction < bins[0]["upper"]
    assert bins[0]["mean_label"] == pytest.approx(np.average(label[first], weights=weight[first]), rel=1e-12)
    assert bins[0]["low"] < bins[0]["mean_label"] < bins[0]["high"]


def test_nothing_of_single_rows_leaves_where_small_groups_are_held_back(tmp_path):
    label, prediction, _ = prices(5, 400)
    path = tmp_path / "prices.parquet"
    pd.DataFrame({"y": label, "p": prediction}).to_parquet(path)
    report = evaluate("performance", [path], {"label": "y", "prediction": "p", "task": "regression", "disclosure": 10})
    found = {m["metric"]: m for m in report["measurements"]}
    assert found["median_absolute_error"]["value"] is None
    assert "held back" in found["median_absolute_error"]["note"]
    assert found["mean_absolute_error"]["value"] == pytest.approx(peer.mean_absolute_error(label, prediction))
    extremes = {float(f(v)) for v in (label, prediction, prediction - label) for f in (np.min, np.max)}
    told = {value for series in report["series"] for row in series["rows"] for value in row}
    assert not extremes & told
    assert all(row[-1] == 0 or row[-1] >= 10 for series in report["series"] for row in series["rows"])

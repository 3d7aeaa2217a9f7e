"""The work that the fairness benchmarks share: columns of 2, 5 and 8 groups and their intersection, six rates, all intervals."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bench

OVER = [["sex"], ["race"], ["age"], list(bench.COLUMNS)]
RATES = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "accuracy_score",
    "precision_score",
)


def ours(path: Path) -> dict[str, Any]:
    """``countersign evaluate fairness`` as a function: reads the Parquet file, digests it, and measures with intervals."""
    from audits.evaluate import evaluate

    parameters = {"label": "y", "prediction": "p", "over": OVER, "cross_check": False}
    return evaluate("fairness", [path], parameters)


def points(path: Path) -> dict[tuple[str, tuple[str, ...]], float]:
    """The six rates of every group without intervals, from the same counting of the same file."""
    from audits.counted import count_predictions
    from audits.engines.opening import Data, open_data
    from audits.parameters import Parameters
    from audits.rates import GROUP_RATES

    data = Data(name="rows", path=path)
    with open_data(data) as engine:
        counted = count_predictions(engine, Parameters(label="y", prediction="p"), list(bench.COLUMNS), data=data)
    return {
        (rate.name, tuple(where.values())): float(value)
        for margin in map(counted.tensor.margin, OVER)
        for rate in GROUP_RATES
        for where, value in zip(margin.slices(), rate.point(margin), strict=True)
    }


def after_counting(path: Path) -> float:
    """Seconds of everything that comes after the counting: rates, intervals, 1,000 replicates."""
    from audits.counted import count_predictions
    from audits.engines.opening import Data, open_data
    from audits.fairness import measure_fairness
    from audits.parameters import Parameters

    data = Data(name="rows", path=path)
    with open_data(data) as engine:
        counted = count_predictions(engine, Parameters(label="y", prediction="p"), list(bench.COLUMNS), data=data)
    start = time.perf_counter()
    measure_fairness(counted, over=OVER, confidences=(0.95,), minimum_groups=(0.0,))
    return time.perf_counter() - start


def values(report: dict[str, Any]) -> dict[tuple[str, tuple[str, ...]], float]:
    """Metric and group names to the value of a group's rate or count."""
    return {
        (m["metric"], tuple(m["slice"][column] for column in bench.COLUMNS if column in m["slice"])): m["value"]
        for m in report["measurements"]
        if not m["over"] and m["metric"] in {*RATES, "count", "tp", "fp", "tn", "fn"}
    }

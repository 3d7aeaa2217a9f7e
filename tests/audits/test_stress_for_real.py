"""Load and robustness of a model in the real sandbox and behind a real endpoint, against the estimator in process."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.linear_model import LogisticRegression

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.robustness.parameters import RobustnessParameters
from audits.robustness.perturbations import perturbations_of
from audits.robustness.rows import Rows
from tests.audits.endpoint_server import Behaviour, serving
from tests.audits.scoring_cases import NAMES, labels, numbers

ROWS = 400
AT_50, WHOLE = frozenset({"50", "1"}), frozenset[str]()
WORDS = ["--inputs", ",".join(NAMES), "--threshold", "0.5", "--key", "id", "--json"]


@pytest.fixture(scope="module")
def block():
    return numbers(ROWS)


@pytest.fixture(scope="module")
def estimator(block):
    return LogisticRegression().fit(block, labels(block))


@pytest.fixture(scope="module")
def files(block, estimator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stress")
    converted = to_onnx(
        estimator, initial_types=[("x", DoubleTensorType([None, len(NAMES)]))], options={"zipmap": False}
    )
    (folder / "model.onnx").write_bytes(converted.SerializeToString())
    rows = [",".join(["id", *NAMES, "repaid"])]
    rows += [
        f"{i},{','.join(map(repr, row))},{label}"
        for i, (row, label) in enumerate(zip(block.tolist(), labels(block), strict=True))
    ]
    (folder / "test.csv").write_text("\n".join(rows) + "\n")
    (folder / "promises.yaml").write_text("- {id: income-up, feature: income, direction: increasing}\n")
    return folder


def values(report, metric):
    return {
        frozenset(item["slice"].values()): item["value"] for item in report["measurements"] if item["metric"] == metric
    }


def test_robustness_in_the_sandbox_is_that_of_the_estimator_in_process(files, estimator, capsys):
    asked = ["robustness", str(files / "model.onnx"), str(files / "test.csv"), *WORDS, "--label", "repaid"]
    assert main([*asked, "--expectations", str(files / "promises.yaml")]) == 0
    report = json.loads(capsys.readouterr().out)
    # The same rows in the same order, and the same noise: the estimator itself must flip the same decisions.
    from audits.engines.opening import Data
    from audits.scoring.rows import table_of

    table = table_of(Data.of(files / "test.csv"), list(NAMES), key=["id"], most=5000)
    rows = Rows.of(table, NAMES)
    before = estimator.predict(np.column_stack([rows.columns[name] for name in NAMES]))
    flips = values(report, "decision_flip_rate")
    compared = 0
    for item in perturbations_of(rows, RobustnessParameters()):
        if item.name.startswith(("noise", "out-of-range", "unit")):
            changed = {**rows.columns, **item.changes(0)}
            after = estimator.predict(np.column_stack([changed[name] for name in NAMES]))
            place = {item.name, item.feature} - {""}
            assert flips[frozenset(place)] == pytest.approx((before != after).mean(), abs=1.5 / ROWS), place
            compared += 1
    assert compared == 3 + 4 * 6
    assert values(report, "expectation_violations")[frozenset({"income-up"})] == (0 if estimator.coef_[0][0] > 0 else 1)
    assert next(item["path"] for item in report["inputs"]).endswith("model.onnx")


def test_load_in_the_sandbox_tells_what_the_process_took(files, capsys):
    asked = ["load", str(files / "model.onnx"), str(files / "test.csv"), *WORDS, "--rates", "50", "--seconds", "0.6"]
    assert main([*asked, "--no-saturation", "--champion", str(files / "model.onnx")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert values(report, "error_rate")[AT_50] == 0
    assert values(report, "latency_p50_ms")[AT_50] > 0
    assert values(report, "latency_ratio_to_champion")[AT_50 | {"p50"}] > 0
    assert values(report, "model_size_mb")[WHOLE] == (files / "model.onnx").stat().st_size / 1e6
    assert values(report, "peak_memory_mb")[WHOLE] > 10
    assert 0 < values(report, "cold_start_seconds")[WHOLE] < 120
    assert values(report, "cpu_ms_per_row")[WHOLE] > 0


def test_latencies_of_an_endpoint_of_known_delays_are_those_delays(files):
    """Nine of ten answers after 40 ms, each tenth after 400 ms: far apart, so that no busy machine takes one for the other."""
    count = iter(range(10**6))

    def answer(asked):
        time.sleep(0.4 if next(count) % 10 == 0 else 0.04)
        return [("p", "FP64", np.full((len(asked["x"]), 1), 0.7))]

    behaviour = Behaviour(
        inputs=[{"name": "x", "datatype": "FP64", "shape": [-1, 4]}],
        outputs=[{"name": "p", "datatype": "FP64", "shape": [-1, 1]}],
        answer=answer,
    )
    with serving(behaviour) as url:
        report = evaluate(
            "load",
            [f"{url}/v2/models/credit", files / "test.csv"],
            {
                "model": {"inputs": list(NAMES), "threshold": 0.5},
                "rates": [50],
                "seconds": 2,
                "connections": 12,
                "saturation": False,
                "key": ["id"],
            },
        )
    median, p95 = (values(report, f"latency_{name}_ms")[AT_50] for name in ("p50", "p95"))
    assert 39 <= median <= 200
    assert 396 <= p95 <= 900
    assert values(report, "error_rate")[AT_50] == 0
    assert values(report, "cold_start_seconds")[WHOLE] is None
    assert values(report, "peak_memory_mb")[WHOLE] is None
    histogram = next(item for item in report["series"] if item["name"] == "load_histogram")
    slow = sum(row[2] for row in histogram["rows"] if row[0] >= 380)
    assert 8 <= slow <= 20
    assert math.isclose(sum(row[3] for row in histogram["rows"]), 1)

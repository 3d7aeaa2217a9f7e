"""Weights without code are read by the architectures that are known, their tensors checked one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

from audits.inside.refusal import Refusal
from tests.audits.scoring_cases import NAMES, InProcess, batch_of, labels, numbers

EXACT = 1e-12


def weights(folder, tensors, **metadata):
    path = folder / "model.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, metadata or None)
    return path


def test_logistic_regressions_of_two_and_three_classes(tmp_path):
    block = numbers()
    two = LogisticRegression().fit(block, labels(block))
    path = weights(tmp_path, {"weight": two.coef_, "bias": two.intercept_}, classes='["no", "yes"]')
    answer = InProcess(path, architecture="logistic", threshold=0.5).answers(batch_of(block))
    np.testing.assert_allclose(answer.column("score"), two.predict_proba(block)[:, 1], rtol=0, atol=EXACT)
    assert answer.column("prediction").to_pylist() == two.predict(block).tolist()
    three = LogisticRegression().fit(block, np.digitize(block[:, 0], [-0.5, 0.5]))
    path = weights(tmp_path, {"weight": three.coef_, "bias": three.intercept_}, architecture="logistic")
    answer = InProcess(path, task="multiclass", classes=("0", "1", "2")).answers(batch_of(block))
    np.testing.assert_allclose(answer.column("score:1"), three.predict_proba(block)[:, 1], rtol=0, atol=EXACT)
    assert answer.column("prediction").to_pylist() == [str(value) for value in three.predict(block)]


def test_a_line_with_scaled_inputs(tmp_path):
    path = weights(
        tmp_path,
        {
            "weight": np.array([1.0, 0.0, -2.0, 0.5]),
            "bias": np.array(3.0),
            "input.mean": np.array([1.0, 0.0, 0.0, 0.0]),
            "input.scale": np.array([2.0, 1.0, 1.0, 1.0]),
        },
        inputs=json.dumps(NAMES),
    )
    answer = InProcess(path, architecture="linear", task="regression").answers(batch_of([[5.0, 9.0, 1.0, 4.0]]))
    assert answer.column("prediction").to_pylist() == [(5 - 1) / 2 - 2 + 2 + 3]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_networks_answer_as_those_of_scikit_learn(activation, tmp_path):
    block = numbers(100)
    for network, task in (
        (
            MLPClassifier(hidden_layer_sizes=(5, 3), activation=activation, max_iter=400, random_state=1, tol=1e-2),
            "binary",
        ),
        (
            MLPRegressor(hidden_layer_sizes=(4,), activation=activation, max_iter=400, random_state=1, tol=1e-2),
            "regression",
        ),
    ):
        network.fit(block, labels(block) if task == "binary" else block[:, 0])
        layers = enumerate(zip(network.coefs_, network.intercepts_, strict=True))
        tensors = {}
        for place, (weight, bias) in layers:
            tensors |= {f"layers.{place}.weight": weight.T, f"layers.{place}.bias": bias}
        path = weights(tmp_path, tensors, activation=activation)
        answer = InProcess(path, architecture="mlp", task=task, threshold=0.5).answers(batch_of(block))
        expected = network.predict_proba(block)[:, 1] if task == "binary" else network.predict(block)
        np.testing.assert_allclose(answer.column("score"), expected, rtol=0, atol=EXACT)


LINE = {"weight": np.ones((1, 4)), "bias": np.zeros(1)}


@pytest.mark.parametrize(
    ("tensors", "metadata", "interface", "said"),
    [
        (LINE, {}, {}, "say linear, logistic, mlp in execution.architecture"),
        (LINE, {}, {"architecture": "transformer"}, "not 'transformer'"),
        (LINE, {"architecture": "mlp"}, {"architecture": "linear"}, "says that its architecture is 'mlp'"),
        (LINE, {"note": "x"}, {"architecture": "linear"}, "metadata 'note'"),
        (
            LINE,
            {"inputs": '["a", "b", "c", "d"]'},
            {"architecture": "linear"},
            "reads a, b, c, d, and execution.inputs",
        ),
        (LINE, {"inputs": "[1"}, {"architecture": "linear"}, "no JSON list of texts"),
        (LINE, {"activation": "gelu"}, {"architecture": "linear"}, "activation 'gelu'"),
        ({"weight": np.ones((1, 4))}, {}, {"architecture": "linear"}, "linear reads bias, weight"),
        ({**LINE, "extra": np.ones(1)}, {}, {"architecture": "linear"}, "bias, extra, weight"),
        (
            {"weight": np.ones((1, 3)), "bias": np.zeros(1)},
            {},
            {"architecture": "linear"},
            r"weight of the shape \(1, 3\)",
        ),
        ({**LINE, "bias": np.zeros(2)}, {}, {"architecture": "linear"}, r"bias of the shape \(2,\)"),
        ({**LINE, "weight": np.full((1, 4), np.nan)}, {}, {"architecture": "linear"}, "not finite"),
        ({**LINE, "input.mean": np.ones(4)}, {}, {"architecture": "linear"}, "both or neither"),
        (
            {**LINE, "input.mean": np.ones(4), "input.scale": np.zeros(4)},
            {},
            {"architecture": "linear"},
            "0 in input.scale",
        ),
        (LINE, {}, {"architecture": "mlp"}, "layers.0.weight, layers.0.bias"),
        (LINE, {}, {"architecture": "logistic", "task": "regression"}, "say linear or mlp"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tensors, metadata, interface, said, tmp_path):
    with pytest.raises(Refusal, match=said):
        InProcess(weights(tmp_path, tensors, **metadata), **interface)


def test_what_is_no_sound_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(Refusal, match="no sound safetensors file"):
        InProcess(path, architecture="linear")

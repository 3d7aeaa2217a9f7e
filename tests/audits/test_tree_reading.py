"""Which models are trees and nothing else: what has another part in the score is not read as trees, but explained otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audits.inside.formats import onnx_file, skops_file
from audits.inside.trees import trees_of
from registry.execution import Interface

NAMES = ("a", "b", "c")
ROWS = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32)
ROWS[:, 2] = np.abs(np.round(ROWS[:, 2]))
SIGN = (ROWS[:, 0] > 0).astype(int)
OF_CATEGORIES = ("functools.partial", "sklearn.utils.validation.check_array")
"""Types that estimators over categories bring along, and that are not allowed by themselves."""
COUNTS = np.round(np.exp(ROWS[:, 1]))


def read(tmp_path, estimator, target, **interface):
    """What is read of the estimator's file; here the file is our own, so no sandbox is needed."""
    import skops.io

    skops.io.dump(estimator.fit(ROWS, target), tmp_path / "model.skops")
    asked = Interface(inputs=NAMES, **interface).as_json()
    return trees_of(skops_file.load(tmp_path / "model.skops", asked, allowed=OF_CATEGORIES), asked)


@pytest.mark.parametrize(
    ("estimator", "target", "interface"),
    [
        (make_pipeline(StandardScaler(), RandomForestClassifier(2, max_depth=2)), SIGN, {}),
        (make_pipeline(SimpleImputer(add_indicator=True), RandomForestClassifier(2, max_depth=2)), SIGN, {}),
        (RandomForestClassifier(2, max_depth=2), np.digitize(ROWS[:, 0], [-0.5, 0.5]), {"task": "multiclass"}),
        (RandomForestClassifier(2, max_depth=2), SIGN, {"output": "predict"}),
        (RandomForestRegressor(2, max_depth=2), np.column_stack([COUNTS, COUNTS]), {"task": "regression"}),
        (GradientBoostingRegressor(n_estimators=2, init=LinearRegression()), COUNTS, {"task": "regression"}),
        (HistGradientBoostingRegressor(max_iter=2, loss="poisson"), COUNTS, {"task": "regression"}),
        (HistGradientBoostingRegressor(max_iter=2, categorical_features=[2]), COUNTS, {"task": "regression"}),
        (LinearRegression(), COUNTS, {"task": "regression"}),
    ],
    ids=["scaler", "indicator", "three-classes", "votes", "two-outputs", "start", "poisson", "categories", "linear"],
)
def test_what_is_more_than_trees_is_not_read(tmp_path, estimator, target, interface):
    if interface.get("task") != "regression" and interface.get("output") is None:
        interface = {"classes": tuple(str(value) for value in np.unique(target)), **interface}
    assert read(tmp_path, estimator, target, **interface) is None


def test_boosted_classes_say_log_odds_and_turn_with_the_positive_class(tmp_path):
    estimator = GradientBoostingClassifier(n_estimators=3, max_depth=2, random_state=0)
    (one, _), (other, _) = (read(tmp_path, estimator, SIGN, classes=("0", "1"), positive=name) for name in "10")
    assert one["link"] == other["link"] == "logit"
    assert (one["base"], one["scale"]) == (-other["base"], -other["scale"])
    raw, _ = read(tmp_path, estimator, SIGN, classes=("0", "1"), output="decision_function")
    assert raw["link"] == "identity"


def test_an_imputer_sends_missing_values_where_its_own_value_goes(tmp_path):
    estimator = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=100.0), RandomForestClassifier(2, max_depth=3)
    )
    _values, arrays = read(tmp_path, estimator, SIGN, classes=("0", "1"))
    assert not arrays["default_left"].any(), "100 is above every threshold"


def graph(*, modes=("BRANCH_LEQ", "LEAF", "LEAF"), tracks=(0, 0, 0), before=(), **more):
    """A file with one tree of one split at 0.5: 1 on the true branch, 2 on the false one."""
    from onnx import TensorProto, helper

    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [1, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_modes": list(modes),
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": list(tracks),
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
        "n_targets": 1,
    }
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        [before[-1].output[0] if before else "x"],
        ["y"],
        domain="ai.onnx.ml",
        **attributes | more,
    )
    made = helper.make_graph(
        [*before, trees],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


def read_graph(tmp_path, model):
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    asked = Interface(inputs=NAMES, task="regression").as_json()
    loaded = onnx_file.load(tmp_path / "model.onnx", asked)
    return loaded, trees_of(loaded, asked)


@pytest.mark.parametrize("tracks", [0, 1])
@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"])
def test_every_comparison_of_onnx_is_read_as_the_runtime_makes_it(tmp_path, mode, tracks):
    """Below, at, and above the threshold, the numbers next to it, and a missing value."""
    from audits.inside.formats.loaded import Rows
    from audits.scoring.model import TreeEnsemble
    from tests.audits.tree_cases import summed

    loaded, (values, arrays) = read_graph(tmp_path, graph(modes=(mode, "LEAF", "LEAF"), tracks=(tracks, 0, 0)))
    near = [np.nextafter(np.float32(0.5), np.float32(side)) for side in (-9, 9)]
    rows = np.zeros((6, 3))
    rows[:, 1] = [0.5, *near, -3, 3, np.nan]
    trees = TreeEnsemble(**arrays, **values)
    expected = loaded.answer(Rows(names=NAMES, count=6, matrix=rows), decisions=False).values[:, 0]
    assert [summed(trees, row) for row in rows] == expected.tolist()


def test_graphs_with_more_than_trees_are_not_read(tmp_path):
    from onnx import helper

    assert read_graph(tmp_path, graph())[1] is not None
    assert read_graph(tmp_path, graph(aggregate_function="MAX"))[1] is None
    assert read_graph(tmp_path, graph(modes=("BRANCH_EQ", "LEAF", "LEAF")))[1] is None
    scaler = helper.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[1.0], scale=[2.0])
    assert read_graph(tmp_path, graph(before=(scaler,)))[1] is None

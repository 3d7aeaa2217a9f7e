"""ONNX files answer as the estimator they were made from, to the precision of 32 bits; what they keep elsewhere is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from audits.inside.refusal import Refusal
from tests.audits.scoring_cases import NAMES, InProcess, applicants, batch_of, labels, numbers

NEAR = 1e-6


def converted(estimator, folder, example=None, **options):
    path = folder / "model.onnx"
    model = to_onnx(
        estimator, np.zeros((1, 4), np.float32) if example is None else None, initial_types=example, **options
    )
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def block():
    # Rounded to 32 bits, so that trees decide alike at their thresholds.
    return numbers().astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("zipmap", [True, False], ids=["maps", "arrays"])
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), GradientBoostingClassifier(n_estimators=5), RandomForestClassifier(5, random_state=0)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_classifier_answers_as_the_estimator(estimator, zipmap, block, tmp_path):
    estimator.fit(block, labels(block))
    model = InProcess(converted(estimator, tmp_path, options={"zipmap": zipmap}))
    values, own = model.raw(batch_of(block))
    np.testing.assert_allclose(values, estimator.predict_proba(block), rtol=0, atol=NEAR)
    assert own == estimator.predict(block).tolist()
    assert model.hello["classes"] == ["no", "yes"]
    assert model.hello["trees"] == (not isinstance(estimator, LogisticRegression))
    assert "ai.onnx " in model.hello["told"]["opset"]


def test_numbered_classes_and_regressions(block, tmp_path):
    forest = RandomForestClassifier(5, random_state=0).fit(block, np.digitize(block[:, 0], [-0.5, 0.5]))
    answer = InProcess(converted(forest, tmp_path), task="multiclass").answers(batch_of(block))
    np.testing.assert_allclose(answer.column("score:2"), forest.predict_proba(block)[:, 2], rtol=0, atol=NEAR)
    assert answer.column("prediction").to_pylist() == [str(value) for value in forest.predict(block)]
    trees = RandomForestRegressor(5, random_state=0).fit(block, block[:, 0])
    predicted = InProcess(converted(trees, tmp_path), task="regression").answers(batch_of(block))
    np.testing.assert_allclose(predicted.column("prediction"), trees.predict(block), rtol=0, atol=NEAR)


def test_one_input_for_each_column_with_texts_and_missing_values(tmp_path):
    frame = applicants()[["income", "home"]].fillna({"home": ""})
    frame["income"] = frame["income"].astype(np.float32)
    parts = [("n", SimpleImputer(), ["income"]), ("k", OneHotEncoder(handle_unknown="ignore"), ["home"])]
    pipeline = make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(frame, frame["home"] == "rent")
    types = [("income", FloatTensorType([None, 1])), ("home", StringTensorType([None, 1]))]
    model = InProcess(converted(pipeline, tmp_path, types), inputs=("home", "income"))
    rows = pa.RecordBatch.from_pandas(frame.replace({"home": {"": None}}), preserve_index=False)
    values, _own = model.raw(rows)
    np.testing.assert_allclose(values, pipeline.predict_proba(frame), rtol=0, atol=NEAR)
    assert dict(model.hello["inputs"]) == {"home": "text", "income": "number"}
    with pytest.raises(Refusal, match=r"reads the inputs income, home, and execution\.inputs names income"):
        InProcess(converted(pipeline, tmp_path, types), inputs=("income",))


def graph_of(nodes, inputs, outputs, tensors=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def info(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weighted(name="w"):
    """x @ w, with two outputs of numbers."""
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [4, 1], [1.0, 2.0, 3.0, 4.0])
    nodes = [helper.make_node("MatMul", ["x", name], ["logit"]), helper.make_node("Sigmoid", ["logit"], ["chance"])]
    return graph_of(nodes, [info("x", [None, 4])], [info("logit", [None, 1]), info("chance", [None, 1])], [tensor])


def test_the_output_that_holds_the_score_is_named_where_there_are_several(block, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(weighted().SerializeToString())
    with pytest.raises(Refusal, match=r"outputs logit, chance; say in execution\.output which one is the score"):
        InProcess(path)
    logit = block @ [1.0, 2.0, 3.0, 4.0]
    answer = InProcess(path, output="chance", threshold=0.5).answers(batch_of(block))
    np.testing.assert_allclose(answer.column("score"), 1 / (1 + np.exp(-logit)), rtol=0, atol=NEAR)
    assert answer.column("prediction").to_pylist() == ["1" if value >= 0 else "0" for value in logit]
    with pytest.raises(Refusal, match="no output 'other'; it has logit, chance"):
        InProcess(path, output="other")


def _outside(tensor):
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("float_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def _in_the_graph(model):
    _outside(model.graph.initializer[0])


def _in_a_constant(model):
    inner = helper.make_tensor("c", TensorProto.FLOAT, [1], [1.0])
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=inner))
    _outside(model.graph.node[-1].attribute[0].t)


def _in_a_branch(model):
    branch = helper.make_graph([], "b", [], [info("v", [1])], [helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])])
    model.graph.node.append(helper.make_node("If", ["logit"], ["i"], then_branch=branch, else_branch=branch))
    _outside(model.graph.node[-1].attribute[0].g.initializer[0])


@pytest.mark.parametrize("place", [_in_the_graph, _in_a_constant, _in_a_branch])
def test_weights_outside_the_file_are_refused_wherever_they_hide(place, tmp_path):
    model = weighted()
    place(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(Refusal, match=r"outside the file, in '../../etc/passwd'"):
        InProcess(path, output="logit")


def test_what_is_no_sound_graph_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07 and so on")
    with pytest.raises(Refusal, match="no sound ONNX file"):
        InProcess(path)
    path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    with pytest.raises(Refusal, match="its graph has no node"):
        InProcess(path)
    unknown = graph_of([helper.make_node("Nonsense", ["x"], ["y"])], [info("x", [None, 4])], [info("y", [None, 1])])
    path.write_bytes(unknown.SerializeToString())
    with pytest.raises(Refusal, match="cannot be loaded"):
        InProcess(path)
    narrow = graph_of([helper.make_node("Neg", ["x"], ["y"])], [info("x", [None, 3])], [info("y", [None, 3])])
    path.write_bytes(narrow.SerializeToString())
    with pytest.raises(Refusal, match=rf"reads 3 columns, and execution\.inputs names 4: {', '.join(NAMES)}"):
        InProcess(path)

"""A composite runs its components as a graph: ensembles, pipelines and chains of texts; the last step's answer counts."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from audits.sandbox.errors import ModelFailed
from audits.scoring import opening
from audits.scoring.model import Signature
from audits.scoring.opening import open_model
from audits.scoring.source import Composite, ModelFile
from registry.errors import InvalidInput
from registry.execution import Interface, Step
from tests.audits.model_cases import FunctionModel
from tests.audits.scoring_cases import NAMES, batch_of, labels, numbers, saved

GRID = np.array([[0.1, 0.9], [0.8, 0.6], [0.3, 0.2], [0.5, 0.5]])
ROWS = pa.RecordBatch.from_pydict({"a": GRID[:, 0], "b": GRID[:, 1], "more": ["x"] * 4})


class Writer:
    """A component that answers with texts, as one that reads pictures or tells languages does."""

    def __init__(self, column, write, output="text"):
        self.interface = Interface(inputs=(column,))
        self.signature = Signature(format="endpoint", inputs={column: "text"}, outputs=(output,), sandboxed=False)
        self._write, self._output = write, output

    def outputs(self, batches):
        for batch in batches:
            (column,) = batch.columns
            yield pa.RecordBatch.from_pydict({self._output: [self._write(value) for value in column.to_pylist()]})

    def usage(self):
        return None


def function(name, **changes):
    return FunctionModel(lambda columns: columns[name], (name,), **changes)


@pytest.fixture
def run(monkeypatch):
    """Opens a composite of steps over models that are given, and scores rows."""

    def opened(steps, components, rows=ROWS, **interface):
        made = {"inputs": tuple(n for n in rows.schema.names if n != "more"), "threshold": 0.5, **interface}
        source = Composite(
            name="whole", steps=tuple(steps), interface=Interface(**made), components=dict.fromkeys(components)
        )

        @contextmanager
        def ready(component, **_more):
            yield models.pop(0)

        models = list(components.values())
        monkeypatch.setattr(opening, "open_model", ready)
        from audits.scoring.composite import open_composite

        with open_composite(source) as model:
            return model, pa.Table.from_batches(list(model.score(iter([rows])))).to_pydict()

    return opened


PAIR = [Step(name="first", component="a@1"), Step(name="second", component="b@1")]
BOTH = ("first.score", "second.score")


@pytest.mark.parametrize(
    ("how", "weights", "expected"),
    [
        ("mean", (), [0.5, 0.7, 0.25, 0.5]),
        ("weighted-mean", (3, 1), [0.3, 0.75, 0.275, 0.5]),
        ("median", (), [0.5, 0.7, 0.25, 0.5]),
        ("maximum", (), [0.9, 0.8, 0.3, 0.5]),
        ("minimum", (), [0.1, 0.6, 0.2, 0.5]),
    ],
)
def test_an_ensemble_combines_scores_and_the_whole_decides_by_its_own_threshold(how, weights, expected, run):
    steps = [*PAIR, Step(name="vote", combine=how, of=BOTH, weights=weights)]
    model, found = run(steps, {"a@1": function("a"), "b@1": function("b")}, threshold=0.6)
    assert found["score"] == pytest.approx(expected, abs=1e-15)
    assert found["prediction"] == ["1" if value >= 0.6 else "0" for value in expected]
    np.testing.assert_allclose(model.scores({"a": GRID[:, 0], "b": GRID[:, 1]}), expected, atol=1e-15)
    assert (model.signature.format, model.signature.sandboxed) == ("composite", True)
    assert model.trees() is None


def test_a_majority_counts_decisions_and_a_tie_goes_to_the_first(run):
    steps = [*PAIR, Step(name="vote", combine="majority", of=("first.prediction", "second.prediction"))]
    _model, found = run(steps, {"a@1": function("a"), "b@1": function("b", threshold=0.55)}, threshold=None)
    assert found["score"] == [0.5, 1.0, 0.0, 0.5]
    assert found["prediction"] == ["0", "1", "0", "1"]


def test_a_step_takes_what_another_gives_by_the_names_of_the_graph(run):
    steps = [
        Step(name="risk", component="a@1", outputs={"score": "chance"}),
        Step(name="price", component="p@1", inputs={"rate": "risk.chance", "b": "b"}),
    ]
    price = FunctionModel(lambda columns: columns["rate"] * columns["b"], ("rate", "b"), threshold=0.25)
    model, found = run(steps, {"a@1": function("a"), "p@1": price}, threshold=None)
    np.testing.assert_allclose(found["score"], GRID[:, 0] * GRID[:, 1], atol=1e-15)
    assert found["prediction"] == ["0", "1", "0", "1"]
    assert model.signature.inputs == {"a": "number", "b": "number"}


def test_texts_pass_from_one_step_to_the_next(run):
    pictures = pa.RecordBatch.from_pydict({"picture": ["dog.png", "hund.png", "cat.png"]})
    written = {"dog.png": "the dog", "hund.png": "der hund", "cat.png": "a cat"}
    language = Writer("text", lambda text: "de" if "der" in text else "en", output="code")

    def about_dogs(columns):
        german = columns["language"] == "de"
        return np.array(
            [float(("hund" if de else "dog") in text) for de, text in zip(german, columns["text"], strict=True)]
        )

    steps = [
        Step(name="ocr", component="ocr@1", outputs={"text": "words"}),
        Step(name="tongue", component="lang@2", inputs={"text": "ocr.words"}),
        Step(name="topic", component="topic@3", inputs={"text": "ocr.words", "language": "tongue.code"}),
    ]
    topic = FunctionModel(about_dogs, ("text", "language"), texts=("text", "language"))
    components = {"ocr@1": Writer("picture", written.get), "lang@2": language, "topic@3": topic}
    model, found = run(steps, components, rows=pictures)
    assert found == {"score": [1.0, 1.0, 0.0], "prediction": ["1", "1", "0"]}
    assert model.signature.inputs == {"picture": "text"}
    assert not model.signature.sandboxed
    assert model.usage() is None


def test_what_a_step_takes_and_nobody_gives_is_named(run):
    steps = [*PAIR, Step(name="vote", combine="mean", of=("first.score", "second.chance"))]
    second = function("b")
    second.outputs = second.score
    with pytest.raises(InvalidInput, match=r"step 'vote' takes 'second\.chance', and there are .*'second\.score'"):
        run(steps, {"a@1": function("a"), "b@1": second})
    decided = Step(name="vote", combine="mean", of=("first.prediction", "second.score"))
    with pytest.raises(ModelFailed, match=r"takes the mean of 'first\.prediction', which holds string"):
        run([*PAIR, decided], {"a@1": function("a"), "b@1": function("b")})
    with pytest.raises(InvalidInput, match="positive class is '0', and the score of the last step is of '1'"):
        run([PAIR[0]], {"a@1": function("a")}, positive="0")
    with pytest.raises(InvalidInput, match="component 'b@1' of the step 'second' is not there"):
        run(PAIR, {"a@1": function("a")})


def test_files_of_two_formats_run_in_sandboxes_of_their_own(tmp_path):
    block = numbers(500).astype(np.float32).astype(np.float64)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(block, labels(block))
    line = LogisticRegression().fit(block, labels(block))
    onnx = tmp_path / "line.onnx"
    onnx.write_bytes(to_onnx(line, block[:1].astype(np.float32)).SerializeToString())
    interface = Interface(inputs=NAMES)
    components = {
        "tree@1": ModelFile(name="tree.skops", path=saved(tree, tmp_path), interface=interface),
        "line@2": ModelFile(name="line.onnx", path=onnx, interface=interface),
    }
    steps = (
        Step(name="tree", component="tree@1"),
        Step(name="line", component="line@2"),
        Step(name="both", combine="mean", of=("tree.score", "line.score")),
    )
    whole = Interface(inputs=NAMES, threshold=0.5, classes=("no", "yes"))
    with open_model(Composite(name="both", steps=steps, interface=whole, components=components)) as model:
        found = pa.Table.from_batches(list(model.score(iter([batch_of(block)]))))
        assert set(model.signature.libraries) >= {"scikit-learn", "onnxruntime"}
        assert model.signature.sandboxed
        assert model.usage().peak_memory_bytes > 20 << 20
    expected = (tree.predict_proba(block)[:, 1] + line.predict_proba(block)[:, 1]) / 2
    np.testing.assert_allclose(found["score"], expected, rtol=0, atol=1e-6)
    assert set(found["prediction"].to_pylist()) == {"no", "yes"}

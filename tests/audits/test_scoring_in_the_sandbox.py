"""A model that is opened runs in sandboxes, answers in order over several of them, and says what it is."""

from __future__ import annotations

import pickle

import cloudpickle
import numpy as np
import pyarrow as pa
import pytest
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from audits.sandbox import probe
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.scoring.model import Signature
from audits.scoring.opening import open_model
from audits.scoring.partitions import scoring_function
from audits.scoring.source import ModelFile
from registry.execution import Interface
from tests.audits.scoring_cases import NAMES, batch_of, labels, numbers, saved

ROWS = 20_000
INTERFACE = Interface(inputs=NAMES)


@pytest.fixture(scope="module")
def block():
    return numbers(ROWS)


@pytest.fixture(scope="module")
def forest(block):
    return RandomForestClassifier(5, max_depth=5, random_state=0).fit(block, labels(block))


@pytest.fixture(scope="module")
def opened(forest, tmp_path_factory):
    """The forest in two sandboxes, as long as the tests of this file take."""
    path = saved(forest, tmp_path_factory.mktemp("models"))
    with open_model(ModelFile(name="forest.skops", path=path, interface=INTERFACE), processes=2) as model:
        yield model


def table_of(batches):
    return pa.Table.from_batches(list(batches))


def test_two_sandboxes_answer_all_rows_in_order(opened, forest, block):
    wide = batch_of(np.column_stack([block, np.arange(ROWS)]), (*NAMES, "id"))
    ragged = [wide.slice(0, 5), wide.slice(5, 0), wide.slice(5, 10_000), wide.slice(10_005)]
    found = table_of(opened.score(iter(ragged)))
    assert found.column_names == ["score", "prediction"]
    np.testing.assert_array_equal(found["score"], forest.predict_proba(block)[:, 1])
    assert found["prediction"].to_pylist() == forest.predict(block).tolist()


def test_scores_alone_are_those_of_the_rows_by_column(opened, forest, block):
    columns = dict(zip(NAMES, block.T, strict=True))
    np.testing.assert_array_equal(opened.scores(columns), forest.predict_proba(block)[:, 1])
    few = {name: list(values[:3]) for name, values in columns.items()}
    np.testing.assert_array_equal(opened.scores(few), forest.predict_proba(block[:3])[:, 1])
    assert opened.scores({name: [] for name in NAMES}).shape == (0,)


def test_what_it_says_of_itself(opened):
    told = opened.signature
    assert isinstance(told, Signature)
    assert (told.format, told.classes, told.sandboxed, told.trees) == ("skops", ("no", "yes"), True, True)
    assert told.told == {"estimator": "RandomForestClassifier"}
    assert told.size_bytes > 1000
    assert 0 < told.load_seconds < 120
    assert set(told.libraries) == {"scikit-learn", "skops"}


def test_its_trees_come_out_checked_and_add_up_to_its_scores(opened, block):
    trees = opened.trees()
    assert len(trees.roots) == 5
    sample = block[:200].astype(np.float32) if trees.float32 else block[:200]
    total = np.zeros(len(sample))
    for root in trees.roots:
        node = np.full(len(sample), root)
        while (inner := trees.left[node] >= 0).any():
            goes_left = sample[np.arange(len(sample)), trees.feature[node]] <= trees.threshold[node]
            node = np.where(inner, np.where(goes_left, trees.left[node], trees.right[node]), node)
        total += trees.value[node]
    scores = opened.scores(dict(zip(NAMES, block[:200].T, strict=True)))
    np.testing.assert_allclose(trees.base + trees.scale * total, scores, rtol=0, atol=1e-9)


def test_whoever_stops_reading_can_ask_again(opened, forest, block):
    reading = opened.score(iter([batch_of(block)]))
    assert next(reading).num_rows > 0
    reading.close()

    class Cancelled(Exception):
        pass

    def cancelled():
        yield batch_of(block)
        raise Cancelled

    with pytest.raises(Cancelled):
        list(opened.score(cancelled()))
    few = table_of(opened.score(iter([batch_of(block[:7])])))
    np.testing.assert_array_equal(few["score"], forest.predict_proba(block[:7])[:, 1])


def test_what_the_model_cannot_take_is_told_and_ends_nothing(opened, block):
    texts = pa.RecordBatch.from_pydict({name: ["a", "b"] for name in NAMES})
    with pytest.raises(ModelFailed, match=r"^forest\.skops: .*could not convert string to float"):
        list(opened.score(iter([texts])))
    assert len(table_of(opened.score(iter([batch_of(block[:2])])))) == 2
    usage = opened.usage()
    assert usage.cpu_seconds > 0.1
    assert usage.peak_memory_bytes > 20 << 20


def test_an_onnx_file_scores_partitions_wherever_the_function_is_sent(block, tmp_path):
    estimator = LogisticRegression().fit(block, labels(block))
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(estimator, block[:1].astype(np.float32)).SerializeToString())
    source = ModelFile(name="model.onnx", path=path, interface=INTERFACE)
    sent = cloudpickle.dumps(scoring_function(source, keep=("id",)))
    path.unlink()
    rows = batch_of(np.column_stack([block[:9000], np.arange(9000)]), (*NAMES, "id"))
    found = table_of(pickle.loads(sent)(iter([rows, rows.slice(0, 0), rows.slice(3, 2)])))
    assert found.column_names == ["id", "score", "prediction"]
    assert found["id"].to_pylist() == [*range(9000), 3, 4]
    expected = estimator.predict_proba(block[:9000])[:, 1]
    np.testing.assert_allclose(found["score"][:9000], expected, rtol=0, atol=1e-6)


def test_a_file_that_is_refused_inside_is_refused_by_its_name(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07 and so on")
    with (
        pytest.raises(ModelFailed, match=r"^credit\.onnx: .*is no sound ONNX file"),
        open_model(ModelFile(name="credit.onnx", path=path, interface=INTERFACE)),
    ):
        pass


def test_without_a_sandbox_no_model_is_run(forest, tmp_path, monkeypatch):
    def unavailable():
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(probe, "require_sandbox", unavailable)
    source = ModelFile(name="m.skops", path=saved(forest, tmp_path), interface=INTERFACE)
    with pytest.raises(SandboxUnavailable, match="bubblewrap is not installed"), open_model(source):
        pass


def test_loading_can_be_cancelled(opened, forest, tmp_path):
    class Cancelled(Exception):
        pass

    def progress(_share, note):
        assert note.startswith("loading the model")
        raise Cancelled

    source = ModelFile(name="m.skops", path=saved(forest, tmp_path), interface=INTERFACE)
    with pytest.raises(Cancelled), open_model(source, progress=progress):
        pass

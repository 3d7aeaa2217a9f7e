"""Files of skops are loaded by an allow-list of types, and answer as the estimator itself does, to the last bit."""

from __future__ import annotations

import functools
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from audits.inside.refusal import Refusal
from audits.scoring.settings import ScoringSettings
from registry.errors import InvalidInput
from tests.audits.scoring_cases import NAMES, InProcess, applicants, batch_of, labels, numbers, saved

EXACT = 1e-12


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        KNeighborsClassifier(3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_classifier_answers_as_in_its_own_process(estimator, tmp_path):
    missing = isinstance(estimator, HistGradientBoostingClassifier)
    block = numbers(missing=missing)
    estimator.fit(block, labels(block))
    model = InProcess(saved(estimator, tmp_path))
    values, own = model.raw(batch_of(block))
    np.testing.assert_allclose(values, estimator.predict_proba(block), rtol=0, atol=EXACT)
    assert own == estimator.predict(block).tolist()
    assert model.hello["classes"] == ["no", "yes"]
    assert dict(model.hello["inputs"]) == dict.fromkeys(NAMES, "number")
    assert "scikit-learn" in model.hello["libraries"]


def test_three_classes_give_a_column_each(tmp_path):
    block = numbers()
    forest = RandomForestClassifier(5, random_state=0).fit(block, np.digitize(block[:, 0], [-0.5, 0.5]))
    answer = InProcess(saved(forest, tmp_path), task="multiclass").answers(batch_of(block))
    assert answer.schema.names == ["score", "prediction", "score:0", "score:1", "score:2"]
    expected = forest.predict_proba(block)
    np.testing.assert_allclose(answer.column("score:1"), expected[:, 1], rtol=0, atol=EXACT)
    np.testing.assert_allclose(answer.column("score"), expected.max(axis=1), rtol=0, atol=EXACT)
    assert answer.column("prediction").to_pylist() == [str(value) for value in forest.predict(block)]


def test_a_regression_predicts_numbers(tmp_path):
    block = numbers()
    forest = RandomForestRegressor(5, random_state=0).fit(block, block[:, 0])
    answer = InProcess(saved(forest, tmp_path), task="regression").answers(batch_of(block))
    np.testing.assert_allclose(answer.column("prediction"), forest.predict(block), rtol=0, atol=EXACT)
    assert answer.column("score").equals(answer.column("prediction"))


def test_texts_and_missing_values_reach_a_pipeline_as_they_are(tmp_path):
    frame = applicants()
    numeric = make_pipeline(SimpleImputer(), StandardScaler())
    kinds = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    parts = [("n", numeric, ["income"]), ("k", kinds, ["home"]), ("t", TfidfVectorizer(), "purpose")]
    pipeline = make_pipeline(ColumnTransformer(parts), LogisticRegression())
    pipeline.fit(frame, np.where(frame["purpose"] == "debt", "no", "yes"))
    # The interface's order is the caller's; the pipeline is given its own.
    model = InProcess(saved(pipeline, tmp_path), inputs=("purpose", "home", "income"))
    values, _own = model.raw(pa.RecordBatch.from_pandas(frame, preserve_index=False))
    np.testing.assert_allclose(values, pipeline.predict_proba(frame), rtol=0, atol=EXACT)
    assert dict(model.hello["inputs"]) == {"purpose": "text", "home": "text", "income": "number"}


def test_a_vectoriser_of_texts_takes_its_one_column(tmp_path):
    texts = np.array(["good day", "bad day", "good night", "bad luck"] * 5, dtype=object)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, np.tile([1, 0], 10))
    model = InProcess(saved(pipeline, tmp_path), inputs=("letter",))
    answer = model.answers(pa.RecordBatch.from_pydict({"letter": texts.tolist()}))
    np.testing.assert_allclose(answer.column("score"), pipeline.predict_proba(texts)[:, 1], rtol=0, atol=EXACT)
    assert answer.column("prediction").to_pylist() == ["1", "0"] * 10


def test_a_model_without_probabilities_decides_or_gives_its_decision_function_where_that_is_said(tmp_path):
    block = numbers()
    machine = LinearSVC().fit(block, labels(block))
    path = saved(machine, tmp_path)
    decides = InProcess(path).answers(batch_of(block))
    assert decides.column("score").to_pylist() == [float(value == "yes") for value in machine.predict(block)]
    says = InProcess(path, output="decision_function").answers(batch_of(block))
    np.testing.assert_allclose(says.column("score"), machine.decision_function(block), rtol=0, atol=EXACT)
    with pytest.raises(Refusal, match="no output 'predict_proba'; it has decision_function, predict"):
        InProcess(path, output="predict_proba")


def test_every_type_that_is_not_allowed_is_listed_with_what_to_do(tmp_path):
    block = numbers()
    odd = FunctionTransformer(functools.partial(np.multiply, 2), validate=False)
    partial = saved(make_pipeline(odd, LogisticRegression()).fit(block, labels(block)), tmp_path)
    with pytest.raises(Refusal, match=r"types that are not allowed: functools\.partial\."):
        InProcess(partial)
    trusting = InProcess(partial, allowed=["functools.partial"])  # what an operator adds is loaded
    assert trusting.answers(batch_of(block)).num_rows == len(block)
    known = make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()).fit(block, labels(block))
    path = saved(known, tmp_path)
    InProcess(path)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = content["schema.json"].decode()
    assert '"LogisticRegression"' in schema
    content["schema.json"] = schema.replace('"LogisticRegression"', '"system"').replace(
        "sklearn.linear_model._logistic", "os"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(Refusal, match=r"types that are not allowed: os\.system\..*COUNTERSIGN_SKOPS_TYPES"):
        InProcess(path)


def test_columns_that_the_model_does_not_read_are_named(tmp_path):
    frame = applicants()[["income"]].fillna(0.0)
    named = saved(LogisticRegression().fit(frame, np.arange(len(frame)) % 2), tmp_path)
    with pytest.raises(Refusal, match=r"reads the columns income, and execution\.inputs names wage"):
        InProcess(named, inputs=("wage",))
    block = numbers()
    plain = saved(LogisticRegression().fit(block, labels(block)), tmp_path)
    with pytest.raises(Refusal, match=r"reads 4 columns, and execution\.inputs names 2: a, b"):
        InProcess(plain, inputs=("a", "b"))


def test_what_is_no_sound_file_is_refused(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Refusal, match="no sound skops file"):
        InProcess(path)
    for name, said in (("archive/data.pkl", "data.pkl, a pickle"), ("weights.npy", "no schema.json")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(Refusal, match=said):
            InProcess(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", '{"__class__": "x"}')
    with pytest.raises(Refusal, match="no sound skops file"):
        InProcess(path)
    with pytest.raises(Refusal, match="StandardScaler, which predicts nothing"):
        InProcess(saved(StandardScaler().fit(numbers()), tmp_path))


def test_an_operator_names_types_in_full():
    named = ScoringSettings.from_environment({"COUNTERSIGN_SKOPS_TYPES": "xgboost.sklearn.XGBClassifier, a.b"})
    assert named.skops_types == ("xgboost.sklearn.XGBClassifier", "a.b")
    for wrong in ("*", "xgboost", "a.b;c", "a..b"):
        with pytest.raises(InvalidInput, match="COUNTERSIGN_SKOPS_TYPES"):
            ScoringSettings.from_environment({"COUNTERSIGN_SKOPS_TYPES": wrong})

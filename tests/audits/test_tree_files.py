"""Values of models in files, run and read in the sandbox: equal to all subsets played against the model itself."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from audits.explain.brute_force import interaction_values, shapley_values
from audits.explain.explanation import explain, interactions
from audits.scoring.opening import open_model
from audits.scoring.source import ModelFile
from registry.execution import Interface

NAMES = ("a", "b", "c", "d")
CLOSE = 1e-6


def numbers(seed, count, *, missing=0.0):
    draw = np.random.default_rng(seed)
    found = draw.normal(size=(count, len(NAMES))).astype(np.float32).astype(np.float64)
    found[draw.random(found.shape) < missing] = np.nan
    return found


def columns(rows, names=NAMES):
    return {name: rows[:, place] for place, name in enumerate(names)}


def truth(rows):
    filled = np.nan_to_num(rows)
    return (filled[:, 0] + filled[:, 1] * filled[:, 2] > 0.2).astype(int)


def written(folder, name, estimator):
    """The estimator in a file, by the suffix of the name."""
    path = folder / name
    if name.endswith(".skops"):
        import skops.io

        skops.io.dump(estimator, path)
    else:
        from skl2onnx import to_onnx

        options = {"zipmap": False} if hasattr(estimator, "classes_") else {}
        path.write_bytes(to_onnx(estimator, numbers(0, 1).astype(np.float32), options=options).SerializeToString())
    return path


def estimators():
    """File to estimator, whether rows have missing values, task, positive class, and the scale that is explained."""
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    forest = RandomForestClassifier(4, max_depth=4, random_state=0)
    boosted = GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=0)
    return {
        "forest.skops": (make_pipeline(SimpleImputer(), forest), 0.2, "binary", "0", "probability"),
        "binned.skops": (HistGradientBoostingClassifier(max_iter=6), 0.2, "binary", "1", "log-odds"),
        "boosted.onnx": (boosted, 0.0, "binary", "0", "log-odds"),
        "forest.onnx": (RandomForestRegressor(3, max_depth=4, random_state=0), 0.0, "regression", "", "value"),
        "votes.onnx": (forest, 0.0, "binary", "0", "probability"),
    }


CASES = ("forest.skops", "binned.skops", "boosted.onnx", "forest.onnx", "votes.onnx")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Every file in a sandbox of its own, once for all tests here."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("models")
    with ExitStack() as stack:
        found = {}
        for name, (estimator, missing, task, positive, _scale) in estimators().items():
            rows = numbers(1, 300, missing=missing)
            # fitted on the columns in another order than the manifest names them in, where files know of names
            turned = pd.DataFrame(rows, columns=NAMES)[list(NAMES)[::-1]] if name.endswith(".skops") else rows
            estimator.fit(turned, truth(rows))
            interface = Interface(inputs=NAMES, task=task, positive=positive)
            source = ModelFile(name=name, path=written(folder, name, estimator), interface=interface)
            found[name] = stack.enter_context(open_model(source))
        yield found


def played(model, rows, background, scale):
    """(rows, 2**features): the model's own mean answer, on the scale that is explained, for every set of known features."""
    size = rows.shape[1]
    sets = ((np.arange(1 << size)[:, None] >> np.arange(size)) & 1).astype(bool)
    mixed = np.where(sets[None, :, None], rows[:, None, None], background[None, None])
    scores = model.scores(columns(mixed.reshape(-1, size)))
    if scale == "log-odds":
        scores = np.log(scores / (1 - scores))
    return scores.reshape(len(rows), len(sets), len(background)).mean(axis=2)


@pytest.mark.parametrize("name", CASES)
def test_values_of_a_file_are_those_of_all_subsets(models, name):
    model, (_estimator, missing, _task, _positive, scale) = models[name], estimators()[name]
    rows, background = numbers(2, 6, missing=missing), numbers(3, 25, missing=missing)
    games = played(model, rows, background, scale)
    found = explain(model, columns(rows), columns(background))
    assert (found.method, found.scale) == ("tree-interventional", scale)
    np.testing.assert_allclose(found.values, shapley_values(games), rtol=0, atol=CLOSE)
    np.testing.assert_allclose(found.base, games[:, 0], rtol=0, atol=CLOSE)
    np.testing.assert_allclose(found.outputs, games[:, -1], rtol=0, atol=CLOSE)
    assert found.additivity_error <= CLOSE
    together = interactions(model, columns(rows), columns(background))
    np.testing.assert_allclose(together.values, interaction_values(games), rtol=0, atol=CLOSE)


def test_trees_answer_as_the_model_does_on_many_rows_and_at_their_thresholds(models):
    """Rows on the thresholds themselves: there a comparison that is off by one rounding goes the other way."""
    for name, model in models.items():
        trees = model.trees()
        inner = trees.left >= 0
        rows = numbers(4, 400, missing=estimators()[name][1])
        draw = np.random.default_rng(5)
        for feature in range(len(NAMES)):
            limits = trees.threshold[inner & (trees.feature == feature)]
            chosen = draw.random(len(rows)) < 0.5
            rows[chosen, feature] = draw.choice(limits, chosen.sum())
        found = explain(model, columns(rows), columns(rows[:20]))
        assert found.additivity_error <= CLOSE, name


@pytest.mark.parametrize(("name", "values"), [("and.skops", [0.375, 0.375, 0, 0]), ("or.onnx", [0.125, 0.125, 0, 0])])
def test_and_or_of_two_of_four_features(tmp_path, name, values):
    """Known from shap's notebooks: a row of ones among all sixteen; what is left of 1 is shared by the two that count."""
    from sklearn.tree import DecisionTreeRegressor

    rows = ((np.arange(16)[:, None] >> np.arange(4)) & 1).astype(np.float64)
    target = rows[:, :2].min(axis=1) if name.startswith("and") else rows[:, :2].max(axis=1)
    path = written(tmp_path, name, DecisionTreeRegressor(random_state=0).fit(rows, target))
    source = ModelFile(name=name, path=path, interface=Interface(inputs=NAMES, task="regression"))
    with open_model(source) as model:
        found = explain(model, columns(np.ones((1, 4))), columns(rows))
    assert found.method == "tree-interventional"
    assert found.values[0] == pytest.approx(values, abs=1e-12)

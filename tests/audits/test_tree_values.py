"""Values of trees: against all subsets, against shap, and against what the trees themselves give."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from audits.explain.brute_force import interaction_values, shapley_values
from audits.explain.tree_groups import table_limit
from audits.explain.tree_interactions import tree_interactions
from audits.explain.tree_values import tree_values
from audits.sandbox.errors import ModelFailed
from tests.audits.tree_cases import (
    chain,
    drawn_trees,
    interventional_game,
    of_scikit_learn,
    path_dependent_game,
    summed,
    trees_from,
)

CLOSE = 1e-12


@pytest.fixture
def draw():
    return np.random.default_rng(5)


def rows_of(draw, count, features, *, missing=0.0):
    rows = draw.integers(-3, 4, (count, features)) / 2.0
    rows[draw.random(rows.shape) < missing] = np.nan
    return rows


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("depth", [1, 3, 6])
def test_values_and_interactions_are_those_of_all_subsets(draw, depth, strict):
    trees = drawn_trees(draw, trees=3, depth=depth, features=5, base=0.7, scale=0.5, strict=strict)
    rows, background = rows_of(draw, 4, 5, missing=0.1), rows_of(draw, 6, 5, missing=0.1)
    games = np.array([interventional_game(trees, row, background) for row in rows])
    remembered = np.array([path_dependent_game(trees, row) for row in rows])

    for given, expected in ((background.T, games), (None, remembered)):
        found = tree_values(trees, rows.T, given)
        np.testing.assert_allclose(found.values, shapley_values(expected), atol=CLOSE)
        np.testing.assert_allclose(found.base, expected[:, 0], atol=CLOSE)
        pairs = tree_interactions(trees, rows.T, given)
        np.testing.assert_allclose(pairs.values, interaction_values(expected), atol=CLOSE)


def test_leaves_with_many_features_on_their_path_have_the_same_values(draw):
    features = 11
    trees, rows, background = chain(features, draw), draw.normal(size=(3, features)), draw.normal(size=(4, features))
    assert table_limit(len(rows), len(background)) < features, "none of the last leaves gets a table"

    games = np.array([interventional_game(trees, row, background) for row in rows])
    np.testing.assert_allclose(tree_values(trees, rows.T, background.T).values, shapley_values(games), atol=CLOSE)
    games = np.array([path_dependent_game(trees, row) for row in rows])
    np.testing.assert_allclose(tree_values(trees, rows.T).values, shapley_values(games), atol=CLOSE)


def test_many_rows_get_tables_and_few_get_none_with_the_same_values(draw):
    trees, rows, background = chain(12, draw), draw.normal(size=(2500, 12)), draw.normal(size=(400, 12))
    assert table_limit(2500, 400) >= 11 > table_limit(2, 400)
    for given in (background.T, None):
        many, few = tree_values(trees, rows.T, given).values, tree_values(trees, rows[:2].T, given).values
        np.testing.assert_allclose(few, many[:2], atol=CLOSE)


def test_a_path_of_forty_features_adds_up(draw):
    trees, rows, background = chain(40, draw), draw.normal(size=(50, 40)), draw.normal(size=(30, 40))
    given = np.array([summed(trees, row) for row in rows])
    for other in (background.T, None):
        found = tree_values(trees, rows.T, other)
        np.testing.assert_allclose(found.base + found.values.sum(axis=1), given, atol=CLOSE)
    assert tree_interactions(trees, rows.T, background.T) is None


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(draw, threads):
    trees, rows = drawn_trees(draw, trees=20, depth=7, features=8), rows_of(draw, 3000, 8, missing=0.05)
    once, again = (
        tree_values(trees, rows.T, rows[:50].T, threads=1),
        tree_values(trees, rows.T, rows[:50].T, threads=threads),
    )
    assert (once.values == again.values).all()


def test_a_background_of_thousands_is_used_whole(draw):
    trees, rows, background = (
        drawn_trees(draw, trees=2, depth=4, features=4),
        rows_of(draw, 3, 4),
        rows_of(draw, 3001, 4),
    )
    found = tree_values(trees, rows.T, background.T)
    assert found.base == pytest.approx(np.mean([summed(trees, row) for row in background]), abs=1e-12)
    one_by_one = np.mean(
        [tree_values(trees, rows.T, part.T).values for part in np.split(background[:3000], 100)], axis=0
    )
    last = tree_values(trees, rows.T, background[3000:].T).values
    np.testing.assert_allclose(found.values, (one_by_one * 3000 + last) / 3001, atol=CLOSE)


def test_inputs_are_rounded_to_32_bits_where_the_model_rounds_them():
    """0.1 in 32 bits is above 0.1, so a threshold of 0.1 sends it right, and in 64 bits left."""
    node = {
        "left": [1, -1, -1],
        "right": [2, -1, -1],
        "feature": [0, 0, 0],
        "threshold": [0.1, 0, 0],
        "value": [0, 0, 1.0],
    }
    part = {name: np.asarray(values) for name, values in node.items()}
    part |= {"cover": np.ones(3), "default_left": np.zeros(3, dtype=bool)}
    for float32, expected in ((True, 1.0), (False, 0.0)):
        found = tree_values(trees_from([part], float32=float32), np.array([[0.1]]), np.array([[-1.0]]))
        assert found.values[0, 0] == expected
        assert found.base == 0


@pytest.fixture(scope="module")
def learned():
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(600, 8)).astype(np.float32).astype(np.float64)
    return rows, rows[:, 0] * rows[:, 1] + np.sin(2 * rows[:, 2]) + (rows[:, 3] > 0) + 0.1 * draw.normal(size=600)


def with_shap(model, background, kind, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        masker = None if background is None else shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.TreeExplainer(model, masker, feature_perturbation=kind)
        pairs = explainer.shap_interaction_values(rows[:5]) if background is None else None
        return explainer.shap_values(rows, check_additivity=False), float(np.ravel(explainer.expected_value)[0]), pairs


@pytest.mark.parametrize("which", ["forest", "boosted"])
def test_forests_and_boosted_trees_agree_with_shap(learned, which):
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor

    rows, target = learned
    if which == "forest":
        model = RandomForestRegressor(n_estimators=8, max_depth=9, random_state=0).fit(rows, target)
        trees = of_scikit_learn(list(model.estimators_), scale=1 / 8)
    else:
        model = GradientBoostingRegressor(n_estimators=15, max_depth=4, random_state=0).fit(rows, target)
        trees = of_scikit_learn(list(model.estimators_[:, 0]), base=float(target.mean()), scale=model.learning_rate)
    asked, background = rows[:40], rows[100:230]

    values, base, _pairs = with_shap(model, background, "interventional", asked)
    found = tree_values(trees, asked.T, background.T)
    np.testing.assert_allclose(found.values, values, atol=1e-6)
    assert found.base == pytest.approx(base, abs=1e-6)

    values, base, pairs = with_shap(model, None, "tree_path_dependent", asked)
    found = tree_values(trees, asked.T)
    np.testing.assert_allclose(found.values, values, atol=1e-6)
    assert found.base == pytest.approx(base, abs=1e-6)
    together = tree_interactions(trees, asked[:5].T)
    if together is not None:
        np.testing.assert_allclose(together.values, pairs, atol=1e-6)
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), model.predict(asked), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"left": [1, 0, -1]}, "children"),
        ({"left": [2, -1, -1]}, "two nodes have one child"),
        ({"left": [0, -1, -1]}, "two nodes have one child"),
        ({"left": [7, -1, -1]}, "not among their nodes"),
        ({"feature": [3, 0, 0]}, "not among its 1 inputs"),
        ({"threshold": [np.nan, 0, 0]}, "not finite"),
        ({"value": [0, np.inf, 0]}, "not finite"),
        ({"cover": [1, 1]}, "not all of one length"),
    ],
)
def test_arrays_that_are_no_trees_are_refused(change, sentence):
    """They come out of a process that we do not trust, and compiled code looks at no bounds."""
    given = {
        "left": [1, -1, -1],
        "right": [2, -1, -1],
        "feature": [0, 0, 0],
        "threshold": [0, 0, 0],
        "value": [0, 0, 1.0],
    }
    given |= {"cover": [2, 1, 1], "default_left": [False] * 3} | change
    from audits.scoring.model import TreeEnsemble

    trees = TreeEnsemble(roots=np.array([0]), **{name: np.asarray(values) for name, values in given.items()})
    with pytest.raises(ModelFailed, match=sentence):
        tree_values(trees, np.zeros((1, 2)), np.zeros((1, 2)))


def test_without_covers_there_are_no_path_dependent_values(draw):
    trees = drawn_trees(draw, trees=1, depth=2, features=2)
    trees.cover[:] = np.nan
    with pytest.raises(ModelFailed, match="background"):
        tree_values(trees, np.zeros((2, 1)))
    assert tree_values(trees, np.zeros((2, 1)), np.zeros((2, 1))).values.tolist() == [[0, 0]]


def test_what_progress_raises_ends_the_work(draw):
    class CancelledError(Exception):
        pass

    def progress(share, note):
        assert 0 <= share <= 1
        raise CancelledError

    with pytest.raises(CancelledError):
        tree_values(drawn_trees(draw, trees=2, depth=3, features=3), rows_of(draw, 9, 3).T, progress=progress)

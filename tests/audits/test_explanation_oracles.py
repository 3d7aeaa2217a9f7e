"""Importance, curves, losses, places and gaps: held against shap, scikit-learn and SciPy, and against repeated draws."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

from audits.explain.dependence import dependence_on, grid_of
from audits.explain.explanation import explain
from audits.explain.groups import share_gaps
from audits.explain.importance import mean_importance, ranks, share_importance
from audits.explain.permutation_importance import drops, labelled
from audits.explain.stability import rank_correlation, stability_of
from tests.audits.model_cases import FunctionModel

NAMES = ("a", "b", "c", "d")


def columns(matrix):
    return {name: matrix[:, place] for place, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def fitted():
    """A model with an interaction, its rows, and the same model behind our port."""
    draw = np.random.default_rng(7)
    rows = draw.normal(size=(300, 4)).round(2)
    rows[:, 3] = draw.integers(0, 4, 300)
    label = (rows[:, 0] + rows[:, 1] * rows[:, 3] + draw.normal(size=300) > 0).astype(int)
    estimator = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(rows, label)

    def score(given):
        return estimator.predict_proba(np.column_stack([given[name] for name in NAMES]))[:, 1]

    return SimpleNamespace(estimator=estimator, rows=rows, label=label, model=FunctionModel(score, NAMES))


def test_importance_is_shaps_own(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what shap says of matplotlib when it is imported
        import shap

    rows, background = fitted.rows[:25], fitted.rows[200:220]
    ours = mean_importance(explain(fitted.model, columns(rows), columns(background)).values, 0.95)
    masker = shap.maskers.Independent(background, max_samples=len(background))
    theirs = shap.explainers.Exact(lambda x: fitted.estimator.predict_proba(x)[:, 1], masker)(rows)
    assert np.allclose(ours.value, np.abs(theirs.values).mean(axis=0), atol=1e-9)


def test_curves_are_scikit_learns(fitted):
    for place in (0, 3):
        ours = dependence_on(fitted.model, columns(fitted.rows), NAMES[place], groups={}, confidence=0.95)
        asked = {place: np.array(ours.grid)}
        theirs = partial_dependence(
            fitted.estimator, fitted.rows, [place], custom_values=asked, kind="both", method="brute",
            response_method="predict_proba",
        )  # fmt: skip
        assert np.allclose(ours.mean, theirs["average"][0], atol=1e-12)
        assert np.allclose(ours.lines, theirs["individual"][0][:30], atol=1e-12)


def test_values_are_taken_from_those_that_were_seen():
    numbers = np.array([0.0, 1.0, 1.0, np.nan, 3.0])
    assert grid_of(numbers) == ("number", (0.0, 1.0, 3.0))
    texts = np.array(["car", "home", "home", None], dtype=object)
    assert grid_of(texts) == ("category", ("home", "car"))
    many = np.random.default_rng(0).normal(size=500)
    kind, grid = grid_of(many)
    assert (kind, len(grid)) == ("number", 20)
    assert set(grid) <= set(many.tolist())


def test_losses_are_scikit_learns_within_the_noise_of_shuffling(fitted):
    data = labelled(columns(fitted.rows), fitted.label.astype(object), fitted.model.interface, "1")
    _, ours = drops(fitted.model, data, repeats=20, seed=1)
    theirs = permutation_importance(
        fitted.estimator, fitted.rows, fitted.label, scoring="roc_auc", n_repeats=20, random_state=0
    )
    for place, drop in enumerate(ours):
        noise = 4 * np.sqrt(2 / 20) * theirs.importances_std[place] + 1e-12
        assert abs(drop.value - theirs.importances_mean[place]) < noise


def test_losses_of_r2_and_of_accuracy_are_those_of_their_formulas():
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(400, 4))
    truth = 3 * rows[:, 0] + rows[:, 1]
    linear = LinearRegression().fit(rows, truth)
    model = FunctionModel(lambda c: linear.predict(np.column_stack([c[name] for name in NAMES])), NAMES)
    object.__setattr__(model.interface, "task", "regression")
    value, found = drops(model, labelled(columns(rows), truth.astype(object), model.interface, ""), repeats=30, seed=0)
    assert value == pytest.approx(1.0)
    # Shuffling x with weight w adds 2 w² Var(x) to the squared error: R² falls by 2 w² / (9 + 1).
    assert found[0].value == pytest.approx(1.8, abs=0.15)
    assert found[1].value == pytest.approx(0.2, abs=0.05)
    low, high = found[1].interval(0.95)
    assert low < 0.2 < high

    classes = LogisticRegression().fit(rows, truth > 0)
    sides = FunctionModel(lambda c: classes.predict_proba(np.column_stack([c[name] for name in NAMES]))[:, 1], NAMES)
    object.__setattr__(sides.interface, "task", "multiclass")
    data = labelled(columns(rows), (truth > 0).astype(int).astype(object), sides.interface, "")
    value, found = drops(sides, data, repeats=5, seed=0)
    assert value == pytest.approx(classes.score(rows, truth > 0))
    assert found[0].value > 0.2 > found[1].value


def test_rank_correlations_are_scipys_with_ties_too():
    draw = np.random.default_rng(5)
    for _ in range(50):
        one, two = draw.integers(0, 4, 8).astype(float), draw.integers(0, 4, 8).astype(float)
        if len(set(one)) > 1 < len(set(two)):
            assert rank_correlation(one, two) == pytest.approx(spearmanr(one, two).statistic)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4.0)))


def test_an_explanation_that_is_repeated_the_same_is_stable_and_one_turned_round_is_not():
    values = np.random.default_rng(0).normal(size=(80, 4)) * [4.0, 3.0, 2.0, 1.0]
    same = stability_of(values, [values, values], 0.95, seed=0)
    assert (same.correlation.value, same.correlation.low) == (1.0, 1.0)
    assert (same.change.value, same.overlap.value) == (0.0, 1.0)
    turned = stability_of(values, [values[:, ::-1]], 0.95, seed=0)
    assert turned.correlation.value == -1.0
    assert turned.change.value > 0.2


def test_places_hold_the_true_ones_as_often_as_they_say():
    """Two features alike, one more and one less important, in 150 draws of 60 rows each."""
    scale = np.array([1.0, 1.0, 1.3, 0.7])
    possible = [(2, 3), (2, 3), (1, 1), (4, 4)]
    covered = np.zeros(4)
    for draw in range(150):
        values = np.random.default_rng(draw).normal(size=(60, 4)) * scale
        found = ranks(values, 0.9, seed=draw)
        covered += [low <= best and worst <= high for low, high, (best, worst) in zip(found.low, found.high, possible, strict=True)]  # fmt: skip
    assert (covered / 150 > 0.85).all()


def test_gaps_between_groups_that_are_alike_are_seldom_sure_and_true_ones_are_covered():
    """Three groups; in the first half of the draws alike, in the second with shares of 2/3 and 1/3 in one of them."""
    alike = covered = 0
    for number in range(120):
        draw = np.random.default_rng(number)
        scale = np.ones((150, 2))
        different = number >= 60
        if different:
            scale[:50, 0] = 2.0
        groups = {name: np.arange(start, start + 50) for name, start in (("x", 0), ("y", 50), ("z", 100))}
        largest = share_gaps(draw.normal(size=(150, 2)) * scale, groups, 0.9, seed=number).largest
        if different:
            covered += largest.low <= 2 / 3 - 1 / 2 <= largest.high
        else:
            alike += largest.low == 0
    assert alike >= 49
    assert covered >= 49


def test_shares_cover_the_true_ones():
    """Shares of |N(0, 1)| and |N(0, 3)| are 1/4 and 3/4."""
    inside = 0
    for number in range(300):
        values = np.random.default_rng(number).normal(size=(100, 2)) * [1.0, 3.0]
        found = share_importance(values, 0.95)
        inside += found.low[0] <= 0.25 <= found.high[0]
    assert inside / 300 > 0.92

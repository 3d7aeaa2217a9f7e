"""Shapley values of games and of models: the axioms, numbers worked out by hand, and how the method is chosen."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audits.explain.brute_force import interaction_values, shapley_values
from audits.explain.explanation import NotAdditive, explain, interactions
from audits.scoring.model import TreeEnsemble
from registry.errors import InvalidInput
from tests.audits.model_cases import FunctionModel
from tests.audits.tree_cases import drawn_trees

PLAYERS = 4
worths = arrays(np.float64, 1 << PLAYERS, elements=st.floats(-100, 100))
axioms = settings(max_examples=40, deadline=None)


def by_orders(game):
    """The other definition: what a player adds to those who came before, over all orders of coming."""
    n = int(np.log2(len(game)))
    values = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        there = 0
        for player in order:
            values[player] += game[there | (1 << player)] - game[there]
            there |= 1 << player
    return values / len(orders)


@given(worths)
@axioms
def test_subsets_and_orders_define_the_same_values(game):
    np.testing.assert_allclose(shapley_values(game), by_orders(game), atol=1e-9)


@given(worths)
@axioms
def test_values_and_interactions_share_out_what_everybody_makes_together(game):
    assert shapley_values(game).sum() == pytest.approx(game[-1] - game[0], abs=1e-9)
    together = interaction_values(game)
    np.testing.assert_allclose(together.sum(axis=1), shapley_values(game), atol=1e-9)
    np.testing.assert_allclose(together, together.T, atol=1e-9)


@given(worths, worths, st.floats(-3, 3))
@axioms
def test_values_are_linear_in_the_game(one, other, times):
    np.testing.assert_allclose(
        shapley_values(one + times * other), shapley_values(one) + times * shapley_values(other), atol=1e-8
    )


@given(worths)
@axioms
def test_players_who_can_be_exchanged_get_the_same_and_who_does_nothing_gets_nothing(game):
    members = np.arange(1 << PLAYERS)
    swapped = (members & ~3) | ((members & 1) << 1) | ((members >> 1) & 1)
    values = shapley_values((game + game[swapped]) / 2)
    assert values[0] == pytest.approx(values[1], abs=1e-9)
    assert shapley_values(game[members & ~4])[2] == pytest.approx(0, abs=1e-12)
    assert interaction_values(game[members & ~4])[2] == pytest.approx(np.zeros(PLAYERS), abs=1e-9)


def test_the_glove_game():
    """One owns a left glove, two a right one each; a pair is worth 1: 2/3, 1/6, 1/6, as textbooks have it."""
    game = np.array([float(bool(s & 1) and bool(s & 6)) for s in range(8)])
    assert shapley_values(game) == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    # the left glove and a right one: 1 when alone together, 0 once the other right glove is there: (1 + 0) / 2, halved
    assert interaction_values(game)[0, 1] == pytest.approx(1 / 4)
    # the right gloves: 0 without the left one, -1 with it: halved twice
    assert interaction_values(game)[1, 2] == pytest.approx(-1 / 4)


def test_too_many_players_and_worths_that_are_no_game_are_refused():
    with pytest.raises(ValueError, match="not 6"):
        shapley_values(np.zeros(6))
    with pytest.raises(ValueError, match="17 players"):
        shapley_values(np.zeros(1 << 17))


FEATURES = ("a", "b", "c", "d")
ALL_ROWS = {name: np.arange(16.0).astype(int) >> place & 1 for place, name in enumerate(FEATURES)}
ONES = {name: np.ones(1) for name in FEATURES}


def test_and_of_two_features_gives_each_three_eighths():
    """With all sixteen rows as background the mean is 1/4; both are 1 and share the 3/4 that are left; c and d do nothing."""
    found = explain(FunctionModel(lambda x: x["a"] * x["b"], FEATURES), ONES, ALL_ROWS)
    assert found.method == "exact"
    assert found.base == 0.25
    assert found.values[0] == pytest.approx([0.375, 0.375, 0, 0], abs=1e-15)


def test_or_of_two_features_gives_each_an_eighth():
    """The mean is 3/4, and both share the 1/4 that is left."""
    found = explain(FunctionModel(lambda x: np.maximum(x["a"], x["b"]), FEATURES), ONES, ALL_ROWS)
    assert found.base == 0.75
    assert found.values[0] == pytest.approx([0.125, 0.125, 0, 0], abs=1e-15)


MIXED = ("age", "income", "town", "unused")


def of_people(x):
    return 1 / (1 + np.exp(-(x["age"] * x["income"] + (x["town"] == "Delft") * x["age"] - (x["town"] == "Oss"))))


def people(seed, count):
    draw = np.random.default_rng(seed)
    town = draw.choice(["Delft", "Oss", "Gouda"], count)
    return {
        "age": draw.normal(size=count),
        "income": draw.integers(0, 3, count),
        "town": town,
        "unused": draw.normal(size=count),
    }


@pytest.fixture
def model():
    return FunctionModel(of_people, MIXED, texts=("town",))


def test_a_model_of_few_features_is_explained_exactly_by_its_definition(model):
    rows, background = people(1, 3), people(2, 7)
    found = explain(model, rows, background)
    for row in range(3):
        game = [
            np.mean(
                of_people({n: rows[n][row : row + 1] if s >> j & 1 else background[n] for j, n in enumerate(MIXED)})
            )
            if s != 15
            else of_people({n: rows[n][row : row + 1] for n in MIXED})[0]
            for s in range(16)
        ]
        assert found.values[row] == pytest.approx(by_orders(np.array(game)), abs=1e-12)
    assert (found.method, found.scale, found.standard_error) == ("exact", "probability", None)
    assert found.evaluations == model.rows_scored == 3 + 3 * 7 * 16
    assert found.additivity_error < 1e-12


MORE = (*MIXED, *"efghijkl")
COUNTED = (*MIXED, *"efg")


def many_columns(seed, count):
    draw = np.random.default_rng(seed)
    return people(seed, count) | {name: draw.normal(size=count) for name in "efghijkl"}


def test_orders_are_sampled_where_all_coalitions_are_too_many():
    """102 rows of background: more than shap's own hundred."""
    score = lambda x: of_people(x) + x["e"] * x["f"] * x["g"]  # noqa: E731 - the same for both models
    rows, background = many_columns(1, 2), many_columns(2, 102)
    # features that do nothing change nothing: those that count can be explained exactly by themselves
    exact = explain(FunctionModel(score, COUNTED), rows, background)
    assert exact.method == "exact"
    model = FunctionModel(score, MORE, texts=("town",))
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    asked = model.rows_scored
    found = explain(model, rows, background, seed=3, most_evaluations=125_000)
    assert found.method == "permutation"
    assert found.evaluations == model.rows_scored - asked <= 125_000 + 2
    assert found.base == pytest.approx(exact.base, abs=1e-12)
    assert found.additivity_error < 1e-12
    assert (np.abs(found.values[:, :7] - exact.values) <= 5 * found.standard_error[:, :7] + 1e-12).all()
    assert found.standard_error.max() > 0
    assert (found.values[:, [3, *range(7, 12)]] == 0).all(), "features that are not used"
    assert (explain(model, rows, background, seed=3, most_evaluations=125_000).values == found.values).all()
    assert (explain(model, rows, background, seed=4, most_evaluations=125_000).values != found.values).any()
    assert np.random.get_state()[1].tolist() == before, "others' random numbers are left alone"  # noqa: NPY002


def test_a_model_without_interactions_is_sampled_without_error():
    model = FunctionModel(lambda x: x["age"] + 2 * x["income"], MORE)
    rows, background = many_columns(1, 2), many_columns(2, 30)
    found = explain(model, rows, background, most_evaluations=4 * 2 * 30 * 25)
    assert found.method == "permutation"
    assert found.standard_error == pytest.approx(0, abs=1e-12)
    assert found.values[:, 1] == pytest.approx(2 * (rows["income"] - background["income"].mean()))


def test_interactions_are_exact_or_sampled(model):
    rows, background = people(1, 2), people(2, 12)
    exact = interactions(model, rows, background)
    assert exact.method == "exact"
    assert exact.values.sum(axis=2) == pytest.approx(explain(model, rows, background).values, abs=1e-12)

    many = {f"x{place}": np.random.default_rng(place).normal(size=2 + 12) for place in range(11)}
    wide = FunctionModel(lambda x: x["x0"] * x["x1"] + x["x2"], tuple(many))
    asked, other = ({name: values[part] for name, values in many.items()} for part in (slice(2), slice(2, None)))
    sampled = interactions(wide, asked, other, most_evaluations=200_000)
    assert sampled.method == "sampled-pairs"
    assert sampled.evaluations == wide.rows_scored <= 200_000
    # of a product of two alone every set of others gives the same, half of it in each place: (x0 - E x0)(x1 - E x1) here
    drawn = (asked["x0"][:, None] - other["x0"]) * (asked["x1"][:, None] - other["x1"])
    assert sampled.values[:, 0, 1] == pytest.approx(drawn.mean(axis=1) / 2)
    assert sampled.values[:, 2, 2] == pytest.approx(asked["x2"] - other["x2"].mean())
    assert sampled.standard_error[:, 0, 1] == pytest.approx(0, abs=1e-12)


def test_too_small_a_budget_is_told_and_nothing_is_asked_in_vain(model):
    with pytest.raises(InvalidInput, match="explain fewer rows") as caught:
        explain(model, people(1, 5), people(2, 50), most_evaluations=100)
    assert caught.value.field == "most_evaluations"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"age": None}, "age"), ({"income": np.ones(9)}, "income"), (dict.fromkeys(MIXED, ()), "rows")],
)
def test_rows_that_do_not_fit_are_refused(model, change, field):
    rows = {name: values for name, values in {**people(1, 3), **change}.items() if values is not None}
    with pytest.raises(InvalidInput) as caught:
        explain(model, rows, people(2, 4))
    assert caught.value.field == field


class WithTrees(FunctionModel):
    """A model that says which trees it is made of."""

    def __init__(self, trees, function, features):
        super().__init__(function, features)
        self.given = trees

    def trees(self) -> TreeEnsemble:
        return self.given


def test_trees_that_are_not_the_model_are_an_error():
    trees = drawn_trees(np.random.default_rng(1), trees=2, depth=3, features=2)
    model = WithTrees(trees, lambda x: np.zeros(len(x["a"])), ("a", "b"))
    with pytest.raises(NotAdditive, match="add up to"):
        explain(model, {"a": np.ones(3), "b": np.ones(3)}, {"a": np.zeros(2), "b": np.ones(2)})


def test_what_progress_raises_ends_sampling_and_playing():
    class CancelledError(Exception):
        pass

    def progress(share, note):
        raise CancelledError

    for features in (MIXED, MORE):
        with pytest.raises(CancelledError):
            explain(FunctionModel(of_people, features), many_columns(1, 2), many_columns(2, 40), progress=progress)

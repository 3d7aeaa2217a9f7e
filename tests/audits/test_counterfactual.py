"""The nearest change that changes a decision: against closed forms, brute force on the grid, and what it promises."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.explain.counterfactual import changeable, nearest


def model(function, threshold=0.0):
    """A score and a decision from a function of columns."""

    def ask(columns):
        scores = np.asarray(function(columns), dtype=np.float64)
        return scores, np.where(scores >= threshold, "yes", "no")

    return ask


def background(rows=400, **columns):
    """Independent columns: numbers around 0, unless told otherwise."""
    random = np.random.default_rng(7)
    return {name: column(random, rows) for name, column in columns.items()}


def normal(random, rows):
    return random.normal(size=rows)


def whole(random, rows):
    return random.integers(0, 20, size=rows).astype(float)


def test_of_a_linear_model_it_is_the_seen_value_next_to_the_closed_form():
    seen = background(a=normal, b=normal)
    row = {"a": -0.5, "b": -0.4}
    found = nearest(model(lambda x: 2 * x["a"] + x["b"]), row, changeable(seen, numbers=["a", "b"])).found
    # 2a + b = 0 is reached by a alone at 0.2, by b alone at 1.0.
    a, b = (np.sort(seen[name]) for name in "ab")
    expected = {"a": a[a >= 0.2][0], "b": b[b >= 1.0][0]}
    singles = {next(iter(item.changes)): item for item in found if len(item.changes) == 1}
    assert {name: item.changes[name] for name, item in singles.items()} == expected
    mad = {name: np.median(np.abs(seen[name] - np.median(seen[name]))) for name in "ab"}
    for name, item in singles.items():
        assert item.distance == pytest.approx(abs(expected[name] - row[name]) / mad[name])
        assert item.decision == "yes"
    assert found[0].distance <= found[1].distance


def test_what_one_feature_cannot_do_two_can_and_then_three():
    seen = background(a=whole, b=whole, c=whole)
    features = changeable(seen, numbers=["a", "b", "c"])
    row = {"a": 0.0, "b": 0.0, "c": 0.0}
    both = nearest(model(lambda x: (x["a"] >= 5) & (x["b"] >= 7), threshold=1), row, features)
    assert both.found[0].changes == {"a": 5.0, "b": 7.0}
    every = nearest(model(lambda x: (x["a"] >= 5) & (x["b"] >= 7) & (x["c"] >= 2), threshold=1), row, features)
    assert every.found[0].changes == {"a": 5.0, "b": 7.0, "c": 2.0}


def test_two_features_of_a_linear_model_come_close_to_brute_force():
    seen = background(a=whole, b=whole)
    features = changeable(seen, numbers=["a", "b"])
    row = {"a": 3.0, "b": 4.0}

    def far(x):
        return x["a"] + x["b"] - 25

    found = nearest(model(far), row, features).found[0]
    reachable = [
        (sum(item.distance(row[item.name], value) for item, value in zip(features, values, strict=True)), values)
        for values in itertools.product(*(item.values for item in features))
        if sum(values) >= 25
    ]
    assert set(found.changes) == {"a", "b"}
    # The grid of pairs is coarser than all values; bisection brings it within one step of the best.
    step = max(1 / item.deviation for item in features)
    assert found.distance <= min(reachable)[0] + step + 1e-9


def test_nothing_is_claimed_where_nothing_was_found():
    seen = background(a=normal, b=normal)
    search = nearest(model(lambda x: x["a"] * 0 - 1), {"a": 0.0, "b": 0.0}, changeable(seen, numbers=["a", "b"]))
    assert search.found == ()
    assert search.tried > 100
    assert search.most_features == 3


def test_categories_change_to_what_was_seen_and_count_one():
    seen = {"kind": np.array(["cash", "cash", "loan", "gift"], dtype=object)}
    search = nearest(
        model(lambda x: [1.0 if kind == "gift" else -1.0 for kind in x["kind"]]),
        {"kind": "cash"},
        changeable(seen, numbers=[]),
    )
    (found,) = search.found
    assert (dict(found.changes), found.distance) == ({"kind": "gift"}, 1.0)


def test_a_missing_value_may_be_filled_in():
    seen = background(a=normal)
    search = nearest(
        model(lambda x: np.where(np.isnan(x["a"]), -1.0, x["a"])), {"a": float("nan")}, changeable(seen, numbers=["a"])
    )
    assert search.found[0].changes["a"] >= 0
    assert search.found[0].distance == 1.0


def test_what_is_fixed_stays_and_a_direction_is_kept():
    seen = background(age=whole, income=whole)
    row = {"age": 9.0, "income": 9.0}
    ask = model(lambda x: np.abs(x["income"] - 9) + 10 * (x["age"] - 9) - 4)
    free = nearest(ask, row, changeable(seen, numbers=seen)).found
    assert free[0].changes == {"age": 10.0}
    up = changeable(seen, numbers=seen, fixed=["age"], only={"income": "increase"})
    assert [dict(item.changes) for item in nearest(ask, row, up).found] == [{"income": 13.0}]
    down = changeable(seen, numbers=seen, fixed=["age"], only={"income": "decrease"})
    assert [dict(item.changes) for item in nearest(ask, row, down).found] == [{"income": 5.0}]


def test_a_cancelled_search_stops():
    class Cancelled(Exception):
        pass

    def cancel(share, note):
        raise Cancelled

    seen = background(a=normal)
    with pytest.raises(Cancelled):
        nearest(model(lambda x: x["a"]), {"a": -1.0}, changeable(seen, numbers=["a"]), progress=cancel)


NAMES = ("a", "b", "c", "d")


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(-3, 3), min_size=10, max_size=10),
    row=st.lists(st.integers(0, 19), min_size=4, max_size=4),
    shift=st.integers(-40, 40),
    fixed=st.sets(st.sampled_from(NAMES), max_size=2),
)
def test_what_it_promises_of_any_model(weights, row, shift, fixed):
    seen = background(rows=60, **dict.fromkeys(NAMES, whole))
    pairs = list(itertools.combinations_with_replacement(range(4), 2))

    def score(x):
        return sum(w * x[NAMES[i]] * x[NAMES[j]] for w, (i, j) in zip(weights, pairs, strict=True)) / 10 + shift

    ask = model(score)
    start = dict(zip(NAMES, map(float, row), strict=True))
    features = changeable(seen, numbers=NAMES, fixed=fixed)
    search = nearest(ask, start, features)
    assert search == nearest(ask, start, features)
    one = {name: np.array([value]) for name, value in start.items()}
    before = ask(one)[1][0]
    for item in search.found:
        changed = {name: np.array([item.changes.get(name, value)]) for name, value in start.items()}
        assert ask(changed)[1][0] == item.decision != before
        assert not fixed & set(item.changes)
        assert len(item.changes) <= 3
        assert all(item.changes[name] in set(seen[name]) for name in item.changes)
    for feature in features:
        if feature.name in fixed:
            continue
        hits = [
            feature.distance(start[feature.name], value)
            for value in feature.candidates(start[feature.name], 64)
            if ask({**one, feature.name: np.array([value])})[1][0] != before
        ]
        singles = [item for item in search.found if set(item.changes) == {feature.name}]
        if hits and len(search.found) < 3:
            assert singles, "a change of one feature was there, and not found"
        assert all(item.distance <= min(hits) + 1e-9 for item in singles)

"""Generalized entropy and Theil's index: the formulas row by row, their parts, their limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.measures.inequality import generalized_entropy, inequality, inequality_measurements, theil
from audits.tensor import count
from tests.audits.prediction_cases import find, lender


def row_by_row(benefit, alpha):
    """Speicher et al. (2018), equation 2, on every person."""
    relative = benefit / benefit.mean()
    if alpha == 1:
        return float(np.mean(np.where(relative > 0, relative * np.log(np.where(relative > 0, relative, 1)), 0)))
    return float(np.mean(relative**alpha - 1) / (alpha * (alpha - 1)))


def benefits(predictions):
    return predictions.prediction.astype(float) - predictions.label + 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 120))
def test_both_indices_are_the_formula_on_every_person(seed, n):
    predictions = lender(seed=seed, n=n)
    found = inequality(count(predictions).margin(["race"]), 0.95, seed=0)
    assert found["generalized_entropy_index"].value == pytest.approx(row_by_row(benefits(predictions), 2), abs=1e-12)
    assert found["theil_index"].value == pytest.approx(row_by_row(benefits(predictions), 1), abs=1e-12)


@pytest.mark.parametrize(("name", "alpha"), [("generalized_entropy_index", 2), ("theil_index", 1)])
def test_the_parts_are_those_of_the_published_decomposition(name, alpha):
    """Between: everybody has the mean of the group. Within: the groups' own indices, weighted by (n_g/n)(μ_g/μ)^α."""
    predictions = lender(seed=2, n=300)
    benefit, codes = benefits(predictions), predictions.sensitive["race"][0]
    means = np.array([benefit[codes == g].mean() for g in range(3)])
    index = inequality(count(predictions).margin(["race"]), 0.95, seed=0)[name]
    assert index.between == pytest.approx(row_by_row(means[codes], alpha), abs=1e-12)
    within = sum(
        (codes == g).mean() * (means[g] / benefit.mean()) ** alpha * row_by_row(benefit[codes == g], alpha)
        for g in range(3)
    )
    assert index.within == pytest.approx(within, abs=1e-12)


def test_by_hand():
    """Two people with benefits 0 and 2: μ = 1, GE(2) = ((0 − 1) + (4 − 1)) / 4 = 1/2, Theil = (0 + 2 ln 2)/2 = ln 2."""
    benefit, people = np.array([0.0, 2.0]), np.array([1.0, 1.0])
    assert float(generalized_entropy(benefit, people)) == pytest.approx(0.5)
    assert float(theil(benefit, people)) == pytest.approx(np.log(2))


def test_weights_repeat_rows():
    predictions = lender(seed=3, n=100)
    weighted = replace(predictions, weight=np.full(100, 3.0))
    one, two = (inequality(count(p).margin(["race"]), 0.95, seed=0) for p in (predictions, weighted))
    assert one["theil_index"].value == pytest.approx(two["theil_index"].value, abs=1e-12)
    assert one["theil_index"].high == pytest.approx(two["theil_index"].high, abs=1e-12)


def test_perfect_decisions_are_equal_but_not_certainly_so():
    predictions = lender(seed=4, n=60)
    perfect = replace(predictions, prediction=predictions.label)
    index = inequality(count(perfect).margin(["race"]), 0.95, seed=0)["theil_index"]
    assert index.value == 0
    assert 0 < index.high < 0.1


def test_nobody_benefits():
    predictions = lender(n=30)
    nobody = replace(predictions, label=np.ones(30, dtype=np.int8), prediction=np.zeros(30, dtype=np.int8))
    measured = inequality_measurements(count(nobody).margin(["race"]), [0.95], seed=0)
    index = find(measured, "theil_index", over=("race",))
    assert index.value is None
    assert "nobody has any benefit" in index.note


def test_limits_cover():
    """In 300 draws of 200 people the interval holds the true index in 92–98 %, and the part between groups in at least 94 %."""
    draw = np.random.default_rng(5)
    truth = np.array([[0.45, 0.1, 0.1, 0.35], [0.3, 0.05, 0.25, 0.4]])
    benefit = np.array([1.0, 2.0, 0.0, 1.0])
    total = float(generalized_entropy(benefit, truth.sum(axis=0)))
    between = float(generalized_entropy(truth @ benefit, np.ones(2)))
    base = count(lender(n=100, races=("a", "b"))).margin(["race"])
    held = [0, 0]
    for _ in range(300):
        counts = draw.multinomial(200, (truth / 2).ravel()).reshape(2, 4)
        index = inequality(replace(base, counts=counts), 0.95, seed=0)["generalized_entropy_index"]
        held[0] += index.low <= total <= index.high
        held[1] += index.between_low <= between <= index.between_high
    assert 276 <= held[0] <= 294
    assert held[1] >= 282

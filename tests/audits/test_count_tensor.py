"""The count tensor adds up: over parts of the rows, and over the columns it is not asked about."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.predictions import Predictions
from audits.tensor import CountTensor, count, merge
from registry.canonical import canonical_json
from registry.errors import InvalidInput
from tests.audits.prediction_cases import lender


def part_of(predictions: Predictions, rows) -> Predictions:
    """Those rows, with only the group names that they hold, as a partition on its own would be read."""
    sensitive = {}
    for column, (codes, names) in predictions.sensitive.items():
        present, recoded = np.unique(codes[rows], return_inverse=True)
        sensitive[column] = (recoded.astype(np.int32), tuple(names[i] for i in present))
    weight = None if predictions.weight is None else predictions.weight[rows]
    return Predictions(
        label=predictions.label[rows],
        prediction=predictions.prediction[rows],
        sensitive=sensitive,
        weight=weight,
        unknown={},
    )


def test_by_hand():
    predictions = Predictions(
        label=np.array([0, 0, 1, 1, 1], dtype=np.int8),
        prediction=np.array([0, 1, 0, 1, 1], dtype=np.int8),
        sensitive={"sex": (np.array([0, 0, 1, 1, 0], dtype=np.int32), ("f", "m"))},
        unknown={},
    )
    tensor = count(predictions)
    assert tensor.slices() == [{"sex": "f"}, {"sex": "m"}]
    assert tensor.counts.tolist() == [[1, 1, 0, 1], [0, 0, 1, 1]]  # tn, fp, fn, tp
    assert tensor.margin(()).counts.tolist() == [[1, 1, 1, 2]]
    assert tensor.total == 5


@given(st.integers(0, 10_000), st.lists(st.integers(0, 3), min_size=60, max_size=60), st.permutations(range(4)))
@settings(max_examples=40, deadline=None)
def test_the_tensor_of_the_whole_is_the_merged_tensors_of_its_parts(seed, assignment, order):
    whole = lender(seed, n=60)
    parts = [np.flatnonzero(np.array(assignment) == i) for i in order]
    merged = merge(count(part_of(whole, rows)) for rows in parts if len(rows))
    assert merged.as_json() == count(whole).as_json()
    assert merged.digest == count(whole).digest


def test_weights_add_up_as_counts_do():
    whole = lender(4, n=80, weighted=True)
    merged = merge([count(part_of(whole, slice(0, 30))), count(part_of(whole, slice(30, 80)))])
    tensor = count(whole)
    np.testing.assert_array_equal(merged.counts, tensor.counts)
    np.testing.assert_allclose(merged.mass, tensor.mass, rtol=1e-12)
    np.testing.assert_allclose(merged.squares, tensor.squares, rtol=1e-12)
    assert tensor.mass.sum() == pytest.approx(whole.weight.sum())


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_margin_is_what_counting_fewer_columns_gives(seed):
    predictions = lender(seed, n=50)
    for columns in (["race"], ["sex"], ["sex", "race"], []):
        assert count(predictions).margin(columns).as_json() == count(predictions, columns).as_json()


def test_many_combinations_are_counted_sparsely_and_alike():
    draw = np.random.default_rng(1)
    n, names = 500, tuple(f"g{i:03d}" for i in range(90))
    many = {f"c{i}": (draw.integers(0, 90, n).astype(np.int32), names) for i in range(4)}
    predictions = replace(lender(2, n=n), sensitive=many)
    tensor = count(predictions)
    assert tensor.total == n
    assert tensor.margin(["c2"]).as_json() == count(predictions, ["c2"]).as_json()


def test_more_columns_than_can_be_crossed_are_refused():
    predictions = lender(2, n=50)
    codes = (np.zeros(50, dtype=np.int32), tuple(f"g{i}" for i in range(1000)))
    with pytest.raises(InvalidInput, match="too many combinations"):
        count(replace(predictions, sensitive={f"c{i}": codes for i in range(8)}))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_survives_json(weighted):
    tensor = count(lender(6, weighted=weighted))
    again = CountTensor.from_json(json.loads(canonical_json(tensor.as_json())))
    assert again.as_json() == tensor.as_json()
    assert again.digest == tensor.digest


def test_tensors_of_different_columns_do_not_merge():
    predictions = lender(6)
    with pytest.raises(InvalidInput, match="same columns"):
        merge([count(predictions, ["race"]), count(predictions, ["sex"])])
    with pytest.raises(InvalidInput, match="zip"):
        count(predictions).margin(["zip"])

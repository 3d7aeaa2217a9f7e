"""What is done to inputs is what its name says, the same for the same seed, and nothing where it is nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.robustness.parameters import RobustnessParameters
from audits.robustness.perturbations import NEVER_SEEN, perturbations_of, scale_of
from audits.robustness.rows import Rows


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=3, max_size=30),
    st.lists(st.sampled_from(["a", "b", "c"]) | st.none(), min_size=30, max_size=30),
)
def test_perturbing_by_nothing_changes_nothing(numbers, texts):
    table = pa.table({"x": pa.array(numbers, pa.float64()), "t": texts[: len(numbers)]})
    rows = Rows.of(table, ["x", "t"])
    asked = RobustnessParameters(noise=(0,), missing=(0,), out_of_range=(), units=(1,))
    done = [item for item in perturbations_of(rows, asked) if item.name in ("noise-0", "missing-0", "unit-1")]
    assert {item.name for item in done} >= {"missing-0"}
    for item in done:
        assert rows.batch(item.changes(3)).equals(rows.batch())
    assert rows.batch().to_pydict() == table.to_pydict()


def test_perturbations_are_what_they_say():
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "age": pa.array(rng.integers(20, 80, 500)),
            "flag": rng.integers(0, 2, 500),
            "city": ["x", "y"] * 250,
            "born": [None] * 500,
        }
    )
    rows = Rows.of(table, table.column_names)
    made = {(item.name, item.feature): item.changes(1) for item in perturbations_of(rows, RobustnessParameters())}
    assert ("noise-5", "flag") not in made, "a flag is no quantity"
    assert ("noise-5", "age") in made
    noisy = made["noise-10", "age"]["age"]
    assert (noisy == np.rint(noisy)).all(), "whole numbers stay whole"
    moved = np.concatenate(
        [
            item.changes(s)["age"] - rows.columns["age"]
            for s in range(20)
            for item in perturbations_of(rows, RobustnessParameters())
            if (item.name, item.feature) == ("noise-10", "age")
        ]
    )
    assert moved.std() == pytest.approx(scale_of(rows.columns["age"]) / 10, rel=0.05)
    assert set(made["unseen", "city"]["city"]) == {NEVER_SEEN}
    far = made["out-of-range-1", "age"]["age"]
    scale = scale_of(rows.columns["age"])
    assert set(far.tolist()) == {np.rint(79 + scale), np.rint(20 - scale)}
    assert (made["unit-1000", "age"]["age"] == rows.columns["age"] * 1000).all()
    gaps = made["missing-20", ""]
    assert set(gaps) == set(table.column_names)
    assert np.isnan(gaps["age"]).mean() == pytest.approx(0.2, abs=0.06)
    assert rows.batch(made["missing", "age"]).column("age").null_count == 500
    assert rows.batch().schema.field("age").type == pa.int64()

"""The three operations mean what they say: counts and sums by group, bins, and a sample that depends on keys alone."""

from __future__ import annotations

import hashlib
import math
from collections import Counter

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from audits.engines.duckdb_engine import open_arrow
from audits.engines.port import MISSING_BIN
from registry.errors import InvalidInput
from tests.audits.engine_cases import plain

_ = ibis._

NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, 0.1, 0.5, 1.0]))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), NUMBERS), max_size=60)
EDGES = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8).map(
    lambda found: sorted({x + 0.0 for x in found})
)


def table_of(rows):
    return pa.table(
        {"g": pa.array([g for g, _x in rows], pa.string()), "x": pa.array([x for _g, x in rows], pa.float64())}
    )


def counted(result):
    columns = result.columns()
    rows = columns.pop("n")
    return Counter(dict(zip(zip(*(map(plain, column) for column in columns.values()), strict=True), rows, strict=True)))


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, edges=EDGES)
def test_bins_are_where_python_puts_them(rows, edges):
    def place(x):
        return MISSING_BIN if x is None or math.isnan(x) else sum(x >= edge for edge in edges)

    expected = Counter((g, place(x)) for g, x in rows)
    with open_arrow(table_of(rows)) as engine:
        assert counted(engine.histogram("x", edges, by=["g"])) == expected
        (one,) = engine.histograms({"x": ("x", edges)}).values()
    per_bin = Counter(place(x) for _g, x in rows)
    assert one.missing == per_bin[MISSING_BIN]
    assert one.counts == tuple(per_bin[place] for place in range(len(edges) + 1))


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 60), seed=st.integers(0, 5))
def test_parts_add_up_to_the_whole_in_any_order(rows, cut, seed):
    def count(some):
        with open_arrow(table_of(some)) as engine:
            return counted(engine.grouped(["g", "x"])), counted(engine.histogram("x", [0.0, 0.1, 0.5], by=["g"]))

    groups, bins = count(rows)
    parts = [count(rows[:cut]), count(rows[cut:])]
    assert groups == parts[0][0] + parts[1][0]
    assert bins == parts[0][1] + parts[1][1]
    turned = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    assert count(turned) == (groups, bins)


def test_edges_that_do_not_ascend_are_refused():
    with open_arrow(pa.table({"x": [1.0]})) as engine, pytest.raises(InvalidInput, match="must ascend"):
        engine.histogram("x", [0.0, 0.0])


def test_groups_below_the_threshold_do_not_leave_and_are_counted():
    with open_arrow(pa.table({"g": ["a"] * 5 + ["b"] * 4 + [None] * 3, "x": range(12)})) as engine:
        engine.disclosure = 4
        held = engine.grouped(["g"], {"x": _.x.sum()})
        assert (held.suppressed, sorted(held.columns()["g"]), sorted(held.columns()["n"])) == (1, ["a", "b"], [4, 5])
        assert engine.grouped(()).columns() == {"n": [12]}
        binned = engine.histogram("x", [4.0, 6.0])
        assert (sorted(binned.columns()["n"]), binned.suppressed) == ([4, 6], 1)
        assert engine.histograms({"x": ("x", [4.0, 6.0])})["x"].suppressed == 1


@pytest.fixture(scope="module")
def people():
    """Two thousand rows whose keys are numbers and names, in no order."""
    order = np.random.default_rng(1).permutation(2000)
    names = [None if i % 50 == 0 else f"Größe {i}" for i in order]
    with open_arrow(pa.table({"id": order - 1000, "name": names, "half": order % 2, "x": order / 7})) as engine:
        yield engine


def test_the_sample_is_that_of_the_smallest_digests(people):
    """The digest as the documentation has it, by Python's own MD5."""
    sample = people.keyed_sample(25, key=["id", "name"], columns=["id", "name"], seed=7)

    def digest(row):
        told = ["" if value is None else f"={value}" for value in row]
        return hashlib.md5("\x1f".join(["7", *told]).encode()).hexdigest()

    rows = zip(*people.read(people.table.select("id", "name")).to_pydict().values(), strict=True)
    expected = sorted(rows, key=digest)[:25]
    assert list(zip(*sample.to_pydict().values(), strict=True)) == expected


def test_a_sample_grows_without_changing_and_another_seed_draws_others(people):
    small, large = (people.keyed_sample(rows, key=["id"])["id"].to_pylist() for rows in (50, 500))
    other = people.keyed_sample(50, key=["id"], seed=1)["id"].to_pylist()
    assert large[:50] == small
    assert len(set(small) & set(other)) < 10
    assert len(people.keyed_sample(5000, key=["id"])) == 2000
    assert people.keyed_sample(2, key=["id"]).column_names == ["id", "name", "half", "x"]


def test_the_sample_is_drawn_evenly(people):
    """Of 150 draws of 40 rows each, every tenth of the rows gets its share: no more different than chance has it."""
    drawn = np.zeros(10)
    for seed in range(150):
        ids = people.keyed_sample(40, key=["id"], columns=["id"], seed=seed)["id"].to_numpy()
        drawn += np.bincount((ids + 1000) // 200, minlength=10)
    assert chisquare(drawn).pvalue > 0.001


def test_keys_that_engines_write_differently_are_refused(people):
    with pytest.raises(InvalidInput, match="'x' holds number; a key is made of whole numbers"):
        people.keyed_sample(1, key=["x"])
    with pytest.raises(InvalidInput, match="no column 'nobody'"):
        people.keyed_sample(1, key=["nobody"])

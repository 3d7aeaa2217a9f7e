"""Leakage of the label: what knows it, what does not, and the peer libraries' numbers."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import pearsonr
from scipy.stats.contingency import association, crosstab
from sklearn.metrics import roc_auc_score

from audits.engines.duckdb_engine import open_arrow
from audits.measures.quality.cramers import corrected_cramers_v
from audits.measures.quality.label import read_label
from audits.measures.quality.leakage import measure_leakage
from tests.audits.quality_cases import people, report_on, series, value, written

DRAW = np.random.default_rng(3)
ROWS = 400
LABEL = DRAW.integers(0, 2, ROWS)


def leak(columns, name="x", label="y"):
    with open_arrow(pa.table(columns)) as engine:
        return measure_leakage(engine, read_label(engine, label), name, 0.95)


def test_a_number_against_two_classes_is_the_auc_of_scikit_learn():
    score = np.round(DRAW.normal(size=ROWS) + LABEL, 1)
    found = leak({"x": score, "y": LABEL})
    assert found.strength == pytest.approx(abs(2 * roc_auc_score(LABEL, score) - 1), abs=1e-12)
    assert found.low < found.strength < found.high
    turned = leak({"x": -score, "y": LABEL})
    assert turned.strength == pytest.approx(found.strength)
    assert (turned.low, turned.high) == (pytest.approx(found.low), pytest.approx(found.high))


def test_delongs_interval_is_the_one_of_the_rows():
    from audits.auc import auc_interval, roc_auc
    from audits.intervals import critical_value

    score = np.round(DRAW.normal(size=ROWS) + 2 * LABEL, 1)
    low, high, _ = auc_interval(roc_auc(LABEL, score), critical_value(0.95))
    found = leak({"x": score, "y": LABEL})
    assert (found.low, found.high) == (pytest.approx(2 * low - 1), pytest.approx(2 * high - 1))


def test_several_classes_are_taken_one_against_the_rest():
    classes = DRAW.integers(0, 3, ROWS)
    score = np.where(classes == 2, 5.0, DRAW.normal(size=ROWS))
    found = leak({"x": score, "y": np.array(["low", "mid", "high"])[classes]})
    expected = max(abs(2 * roc_auc_score(classes == one, score) - 1) for one in range(3))
    assert found.strength == pytest.approx(expected, abs=1e-12)
    assert "class high" in found.note


def test_a_category_is_cramers_v_corrected_for_chance():
    category = np.where(DRAW.random(ROWS) < 0.7, LABEL, DRAW.integers(2, 4, ROWS))
    found = leak({"x": np.array(list("abcd"))[category], "y": LABEL})
    table = crosstab(category, LABEL).count
    assert found.method == "cramers-v"
    phi = association(table, method="cramer") ** 2 * min(np.array(table.shape) - 1)
    r, c = table.shape
    rest = [side - (side - 1) ** 2 / (ROWS - 1) for side in (r, c)]
    expected = math.sqrt(max(0, phi - (r - 1) * (c - 1) / (ROWS - 1)) / (min(rest) - 1))
    assert found.strength == pytest.approx(expected, abs=1e-12)


def test_names_that_are_all_different_do_not_know_the_label():
    assert leak({"x": [f"person {i}" for i in range(ROWS)], "y": LABEL}).strength == 0
    assert corrected_cramers_v(1.0, ROWS, 2, ROWS) == 0


def test_a_renamed_label_is_known_entirely():
    assert leak({"x": np.array(["no", "yes"])[LABEL], "y": LABEL}).strength == pytest.approx(1)
    assert leak({"x": LABEL.astype(bool), "y": LABEL}).strength == pytest.approx(1)


def test_a_copy_is_called_a_copy():
    found = leak({"x": LABEL.astype(float), "y": LABEL})
    assert (found.strength, found.note) == (1.0, "a copy of the label")
    with_gaps = [None, *map(str, LABEL[1:])]
    assert leak({"x": with_gaps, "y": with_gaps}).note == "a copy of the label"


def test_the_mere_presence_of_a_value_can_know_the_label():
    """A date of default is filled in only where there was one."""
    found = leak({"x": [float(i % 7) if one else None for i, one in enumerate(LABEL)], "y": LABEL})
    assert found.strength == pytest.approx(1)
    assert "whether there is a value" in found.note


def test_a_quantity_is_correlated():
    quantity = DRAW.normal(size=ROWS)
    x = quantity + DRAW.normal(size=ROWS)
    found = leak({"x": x, "y": quantity})
    expected = pearsonr(x, quantity)
    limits = expected.confidence_interval(0.95)
    assert found.strength == pytest.approx(expected.statistic)
    assert (found.low, found.high) == (pytest.approx(limits.low), pytest.approx(limits.high))
    assert leak({"x": [3.0] * ROWS, "y": quantity}).strength == 0


def test_a_label_of_one_value_tells_nothing():
    found = leak({"x": [1, 2, 3], "y": [1, 1, 1]})
    assert found.strength is None
    assert found.note == "the label has one value only"


def test_the_column_is_named_as_a_problem(tmp_path):
    columns = people()
    columns["age"] = [None] * 30 + columns["age"][30:]
    columns["default_code"] = [f"code {one}" for one in columns["repaid"]]
    report = report_on(written(tmp_path, columns), label="repaid")
    assert value(report, "label_leakage", column="default_code")["value"] == pytest.approx(1)
    assert value(report, "label_leakage", column="mail")["value"] == 0
    worst = series(report, "quality")[0]
    assert worst["column"] == "default_code"
    assert worst["problems"][0].startswith("tells the label almost entirely")

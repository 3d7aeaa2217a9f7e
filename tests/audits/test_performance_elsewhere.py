"""Performance in PostgreSQL: decisions, classes and numbers give there what they give in a file here."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.evaluate import evaluate
from tests.audits.engine_servers import READER, SECRET, postgres

DECISIONS = {"label": "y", "prediction": "p", "score": "s", "weight": "w", "slices": ["region", "age"]}
CLASSES = {"task": "multiclass", "label": "k", "prediction": "kp", "scores": {"a": "sa", "b": "sb"}, "slices": ["age"]}
NUMBERS = {"task": "regression", "label": "v", "prediction": "vp", "weight": "w", "slices": ["region", "age"]}


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    draw = np.random.default_rng(8)
    n = 1200
    label, score = draw.integers(0, 2, n), draw.random(n).round(3)
    value = np.exp(draw.normal(size=n))
    return pa.table(
        {
            "y": label,
            "p": np.where(draw.random(n) < 0.8, label, 1 - label),
            "s": score,
            "w": draw.uniform(0.3, 2, n),
            "region": draw.choice(["east", "west", "north"], n),
            "age": draw.integers(18, 80, n),
            "k": np.array(["a", "b"])[label],
            "kp": np.where(score > 0.5, "a", "b"),
            "sa": score,
            "sb": 1 - score,
            "v": value,
            "vp": value + draw.normal(size=n) / 3,
        }
    )


@pytest.fixture(scope="module")
def warehouse(rows):
    with postgres() as server:
        server.load("risk.rows", rows)
        yield server


def close(one, two) -> bool:
    """Equal, or numbers that differ in their last digits."""
    return one == two or (
        isinstance(one, float) and isinstance(two, float) and one == pytest.approx(two, rel=1e-9, abs=1e-12)
    )


@pytest.mark.parametrize("parameters", [DECISIONS, CLASSES, NUMBERS], ids=["decisions", "classes", "numbers"])
def test_a_table_there_gives_what_a_file_gives_here(warehouse, rows, parameters, tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
    path = tmp_path / "rows.parquet"
    pq.write_table(rows, path)
    here = evaluate("performance", [path], parameters)
    there = evaluate("performance", [warehouse.address("table=risk.rows")], parameters)
    assert "postgresql" in there["engine"]
    for one, two in zip(here["measurements"], there["measurements"], strict=True):
        for key in one.keys() - {"value", "low", "high"}:
            assert one[key] == two[key], one["metric"]
        for key in ("value", "low", "high"):
            assert close(one[key], two[key]), one["metric"]
    for one, two in zip(here["series"], there["series"], strict=True):
        assert one["columns"] == two["columns"]
        assert len(one["rows"]) == len(two["rows"])
        for first, second in zip(one["rows"], two["rows"], strict=True):
            assert all(map(close, first, second)), one["name"]

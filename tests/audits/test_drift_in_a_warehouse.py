"""Drift of a table in PostgreSQL: the same counts and conclusions as in DuckDB, listed or binned, and across engines."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.evaluate import evaluate
from audits.measures.drift import value_counts
from tests.audits.engine_cases import awkward_table
from tests.audits.engine_servers import READER, SECRET, postgres


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A table with everything awkward in it and one of many values, as files and in PostgreSQL."""
    folder = tmp_path_factory.mktemp("data")
    draw = np.random.default_rng(0)
    wide = pa.table({"x": draw.normal(size=240), "y": draw.lognormal(size=240), "k": draw.integers(0, 200, 240)})
    tables = {"awkward": awkward_table(), "rest": awkward_table(500).slice(7), "wide": wide, "half": wide.slice(90)}
    with postgres() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
            server.load(f"risk.{name}", table)
        yield {name: (folder / f"{name}.parquet", server.address(f"table=risk.{name}")) for name in tables}


def rounded(value):
    """Floating sums may differ in their last bits between engines; nothing else may."""
    if isinstance(value, float):
        return float(f"{value:.7g}") if abs(value) > 1e-9 else 0.0
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def found(reference, current):
    report = evaluate("drift", [reference, current], {"key": [], "classifier": False})
    return rounded({part: report[part] for part in ("measurements", "series", "warnings")})


@pytest.mark.parametrize(
    ("first", "second", "distinct"), [("awkward", "rest", 1 << 16), ("awkward", "rest", 20), ("wide", "half", 60)]
)
def test_all_engines_and_both_together_find_the_same(places, monkeypatch, first, second, distinct):
    monkeypatch.setattr(value_counts, "DISTINCT", distinct)
    (file, table), (other_file, other_table) = places[first], places[second]
    expected = found(file, other_file)
    assert found(table, other_table) == expected
    assert found(file, other_table) == expected

"""Quality and anonymity of a table in PostgreSQL: as in DuckDB, and nothing of single rows where a threshold holds it back."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.evaluate import evaluate
from tests.audits.engine_cases import awkward_table
from tests.audits.engine_servers import READER, SECRET, postgres

QUALITY = {
    "label": "flag",
    "key": ["id"],
    "timestamp": "at",
    "as_of": "2026-02-01",
    "expectations": {
        "columns": {
            "name": {"matches": "[A-Za-z]+", "not_null": 0.5},
            "score": {"min": 0.1, "max": 1, "in": [0.1, 0.5, 0.30000000000000004]},
            "day": {"max": "2024-01-01"},
            "small": {"mean": {"min": 0}, "references": "small"},
        }
    },
}
ANONYMITY = {"quasi": ["name", "flag", "small", "day"], "sensitive": ["score", "single", "whole"], "single_out": 0.0}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same table as a file and in PostgreSQL."""
    path = tmp_path_factory.mktemp("data") / "awkward.parquet"
    pq.write_table(awkward_table(), path)
    with postgres() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
        server.load("risk.awkward", awkward_table())
        yield path, server.address("table=risk.awkward")


def rounded(value):
    """Floating sums may differ in their last bits between engines; nothing else may."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(("kind", "parameters"), [("quality", QUALITY), ("anonymity", ANONYMITY)])
def test_both_engines_find_the_same(places, kind, parameters):
    def found(place):
        inputs = [place, place, place] if kind == "quality" else [place]
        report = evaluate(kind, inputs, parameters)
        return rounded({part: report[part] for part in ("measurements", "series", "warnings")})

    path, address = places
    assert found(address) == found(path)


def test_rows_are_found_across_engines(places):
    path, address = places
    report = evaluate("quality", [address, path], {})
    rates = {m["metric"]: m["value"] for m in report["measurements"] if m["metric"].endswith("overlap_rate")}
    assert rates == {"train_test_overlap_rate": 1.0, "near_overlap_rate": 1.0}


def test_a_threshold_holds_back_what_is_of_single_rows(places, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENGINE_DISCLOSURE", "5")
    _, address = places
    report = evaluate("quality", [address, address, address], QUALITY)
    values = {(m["metric"], *m["slice"].values()): m["value"] for m in report["measurements"]}
    assert values["train_test_overlap_rate",] is None
    assert values["near_overlap_rate",] is None
    assert values["referential_integrity", "small"] is None
    quality, expectations = report["series"]
    assert {(row[5], row[6]) for row in quality["rows"]} == {(None, None)}
    assert {row[0]: row[4] for row in expectations["rows"]}["matches"] == "error"

    report = evaluate("anonymity", [address], ANONYMITY)
    values = {(m["metric"], *m["slice"].values()): m for m in report["measurements"]}
    # The quasi-identifiers repeat in cycles of 14, 5, 7 and 3 rows, together of 210: 620 rows hold each twice at least.
    assert values["k_anonymity",]["value"] == 2
    assert values["t_closeness",]["value"] is None
    assert "disclosure threshold" in values["t_closeness", "score"]["note"]
    assert values["l_diversity_distinct", "score"]["value"] is not None


def test_a_column_of_nothing_but_missing_values(tmp_path):
    path = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"q": [1, 1, 2], "s": pa.array([None] * 3, pa.float64())}), path)
    report = evaluate("anonymity", [path], {"quasi": ["q"], "sensitive": ["s"]})
    values = {(m["metric"], *m["slice"].values()): m for m in report["measurements"]}
    assert values["t_closeness",]["value"] is None
    assert values["t_closeness",]["note"] == "not known for 's': the column has no values"
    assert values["l_diversity_distinct",]["value"] == 1

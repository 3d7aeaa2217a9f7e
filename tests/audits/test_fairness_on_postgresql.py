"""Fairness of every task, bias audits, proxies and remedies give in PostgreSQL what they give in DuckDB."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.evaluate import evaluate
from tests.audits.engine_servers import READER, SECRET, postgres

COLUMNS = {"sensitive": ["race", "sex"], "intersections": True}
BINARY = {**COLUMNS, "label": "repaid", "prediction": "approved", "score": "score", "cross_check": False}
ASKED = {
    "binary": ("fairness", {**BINARY, "population": {"sex": {"f": 0.5, "m": 0.5}}}),
    "weighted": ("fairness", {**BINARY, "weight": "weight"}),
    "regression": (
        "fairness",
        {**COLUMNS, "label": "income", "prediction": "guess", "task": "regression", "weight": "weight"},
    ),
    "multiclass": ("fairness", {**COLUMNS, "label": "grade", "prediction": "given", "task": "multiclass"}),
    "bias audit": ("bias-audit", {"sex": "sex", "race": "race", "selected": "approved", "score": "score"}),
    "proxies": ("proxies", {"features": ["income", "grade"], "sensitive": ["race"], "rows": 150}),
    "remedy": ("remedy", {**BINARY, "sensitive": ["sex"]}),
}


def people(n=600):
    draw = np.random.default_rng(11)
    race, sex = draw.choice(["black", "white"], n, p=[0.4, 0.6]), draw.choice(["f", "m"], n)
    income = draw.normal(30, 8, n) + 4 * (race == "white")
    score = np.clip(income / 60 + draw.normal(0, 0.05, n), 0, 1)
    grade = draw.choice(["A", "B", "C"], n)
    return pa.table(
        {
            "race": pa.array([None if i % 41 == 0 else str(r) for i, r in enumerate(race)]),
            "sex": sex.tolist(),
            "repaid": (draw.random(n) < score).astype(np.int64),
            "approved": (score > 0.52).astype(np.int64),
            "score": score,
            "income": income,
            "guess": income + draw.normal(0, 3, n),
            "weight": draw.uniform(0.5, 2, n),
            "grade": grade.tolist(),
            "given": np.where(draw.random(n) < 0.7, grade, "B").tolist(),
        }
    )


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same people in a file and in PostgreSQL."""
    path = tmp_path_factory.mktemp("people") / "people.parquet"
    pq.write_table(people(), path)
    with postgres() as server:
        server.load("risk.people", people())
        yield path, server.address("table=risk.people")


@pytest.mark.parametrize("name", ASKED)
def test_postgresql_gives_what_duckdb_gives(places, name, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
    kind, asked = ASKED[name]
    file, table = (evaluate(kind, [place], asked) for place in places)
    assert table["engine"] != file["engine"]
    assert table["measurements"] == file["measurements"]
    assert table["series"] == file["series"]
    assert len(file["measurements"]) > 2

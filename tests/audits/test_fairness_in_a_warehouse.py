"""Fairness and performance of a table in PostgreSQL: the counts and measurements that the same rows have in a file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits import score_counting
from audits.evaluate import evaluate
from audits.prediction_errors import PredictionsError
from tests.audits.engine_servers import READER, SECRET, postgres
from tests.audits.prediction_cases import COLUMNS, lender

ROWS = 700


def loans() -> pa.Table:
    """Weighted loans with awkward group names, one of them missing."""
    lent = lender(8, ROWS, races=("Élan", "NA", "00123"), weighted=True)
    columns = {c: np.array(names, dtype=object)[codes] for c, (codes, names) in lent.sensitive.items()}
    columns["race"][::50] = None
    score = np.clip(lent.score + np.random.default_rng(8).uniform(-0.005, 0.005, ROWS), 0, 1)
    columns |= {
        "repaid": lent.label.astype(np.int32),
        "approved": lent.prediction == 1,
        "score": score,
        "w": lent.weight,
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same loans as a file and in PostgreSQL."""
    path = tmp_path_factory.mktemp("data") / "loans.parquet"
    pq.write_table(loans(), path)
    with postgres() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
        server.load("risk.loans", loans())
        yield path, server.address("table=risk.loans")


def core(report) -> list[dict]:
    """The measurements, with floating-point numbers as far as engines agree on them."""
    return [
        {key: float(f"{value:.9g}") if isinstance(value, float) else value for key, value in m.items()}
        for m in report["measurements"]
    ]


@pytest.mark.parametrize(("binned", "weight"), [(False, "w"), (True, None), (True, "w")])
def test_both_places_have_the_same_fairness(places, monkeypatch, binned, weight):
    if binned:
        monkeypatch.setattr(score_counting, "FEW_ROWS", 10)
        monkeypatch.setattr(score_counting, "FEW_SCORES", 10)
    parameters = {**COLUMNS, "weight": weight, "sensitive": ["race", "sex"], "intersections": True}
    file, table = (evaluate("fairness", [place], parameters) for place in places)
    assert core(table) == core(file)
    assert table["tensor"] == file["tensor"]
    assert table["cross_check"] == file["cross_check"]
    areas = {m["method"] for m in table["measurements"] if m["metric"] == "roc_auc_score"}
    assert any(method.endswith("-binned") for method in areas) == binned
    assert table["engine"].startswith("postgresql ")
    assert [warning for warning in table["warnings"] if "14 rows name no group in 'race'" in warning]


def test_both_places_have_the_same_performance(places):
    file, table = (evaluate("performance", [place], COLUMNS) for place in places)
    assert core(table) == core(file)


def test_small_cells_stay_in_the_warehouse(places):
    report = evaluate("fairness", [places[1]], {**COLUMNS, "score": None, "sensitive": ["race"], "disclosure": 10})
    assert {m["value"] for m in report["measurements"] if m["over"]} == {None}
    assert all(cell == 0 or cell >= 10 for _, cells in report["tensor"]["groups"] for cell in cells)


def test_what_is_wrong_names_table_and_column(places):
    with pytest.raises(PredictionsError, match=r"column 'score' holds .* where 0 or 1 is expected") as caught:
        evaluate("fairness", [places[1]], {"label": "score", "prediction": "approved", "sensitive": ["race"]})
    assert caught.value.column == "score"
    assert SECRET not in str(caught.value)

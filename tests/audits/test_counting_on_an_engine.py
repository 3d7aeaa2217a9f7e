"""Counting on an engine: the very counts, names and errors of the row reader, whatever the file and the order of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits import score_counting
from audits.auc import area_of, roc_auc
from audits.counted import Counted, count_predictions
from audits.engines.duckdb_engine import open_arrow
from audits.engines.opening import Data, open_data
from audits.engines.port import Origin
from audits.exact_sums import ExactSum
from audits.parameters import Parameters
from audits.prediction_errors import PredictionsError
from audits.predictions import read_predictions
from registry.errors import InvalidInput
from tests.audits.prediction_cases import COLUMNS, ROWS, csv_text, lender, write
from tests.audits.test_reading_predictions import BAD

SENSITIVE = ["race", "sex"]


def counted(path, *, sensitive=SENSITIVE, disclosure=0, losses=True, **columns) -> Counted:
    data, parameters = Data(path=path, name=path.name), Parameters(**{**COLUMNS, **columns})
    with open_data(data) as engine:
        engine.disclosure = disclosure
        return count_predictions(engine, parameters, sensitive, data=data, losses=losses)


def as_table(predictions) -> pa.Table:
    columns = {c: np.array(names)[codes] for c, (codes, names) in predictions.sensitive.items()}
    columns |= {"repaid": predictions.label, "approved": predictions.prediction, "score": predictions.score}
    if predictions.weight is not None:
        columns["w"] = predictions.weight
    return pa.table(columns)


def assert_same(found: Counted, expected: Counted):
    tensor, scores = found.tensor, found.scores
    assert (tensor.columns, tensor.levels) == (expected.tensor.columns, expected.tensor.levels)
    np.testing.assert_array_equal(tensor.keys, expected.tensor.keys)
    np.testing.assert_array_equal(tensor.counts, expected.tensor.counts)
    for name in ("scores", "group", "place", "counts"):
        np.testing.assert_array_equal(getattr(scores, name), getattr(expected.scores, name))
    np.testing.assert_allclose(scores.score_mass, expected.scores.score_mass, rtol=1e-12)
    if expected.tensor.mass is not None:
        np.testing.assert_allclose(tensor.mass, expected.tensor.mass, rtol=1e-14)
        np.testing.assert_allclose(scores.squares, expected.scores.squares, rtol=1e-12)
    for name, sums in expected.losses.items():
        assert found.losses[name].mean == pytest.approx(sums.mean, rel=1e-12)
        assert found.losses[name].variance == pytest.approx(sums.variance, rel=1e-9)


@given(st.integers(0, 10_000), st.integers(20, 300), st.booleans())
@settings(max_examples=10, deadline=None)
def test_an_engine_counts_what_the_rows_hold_in_any_order(seed, n, weighted):
    lent = lender(seed, n, weighted=weighted)
    table = as_table(lent).take(np.random.default_rng(seed).permutation(n))
    with open_arrow(table) as engine:
        parameters = Parameters(**COLUMNS, weight="w" if weighted else None)
        found = count_predictions(engine, parameters, SENSITIVE, data=Data(name="rows", url="memory://rows"))
    assert_same(found, Counted.of_rows(lent))


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_as_the_row_reader_tells_it(tmp_path, case):
    path = write(tmp_path, BAD[case][0])
    with pytest.raises(PredictionsError) as expected:
        read_predictions(path, name=path.name, sensitive=SENSITIVE, **COLUMNS)
    with pytest.raises(PredictionsError) as found:
        counted(path)
    assert str(found.value) == str(expected.value)
    assert found.value.row == expected.value.row


def test_group_names_of_a_csv_stay_as_they_are_written(tmp_path):
    names = ["00123", "NA", "1.0", "1", "+1", "true", "2020-01-01", "None", " x"]
    rows = [f"{name},f,{i % 2},{i % 3 % 2},0.5" for i in range(8) for name in names]
    path = write(tmp_path, csv_text(rows))
    assert list(counted(path).tensor.levels[0]) == sorted(names)
    assert_same(counted(path), Counted.of_rows(read_predictions(path, sensitive=SENSITIVE, **COLUMNS)))


def test_missing_groups_are_counted_as_unknown(tmp_path):
    found = counted(write(tmp_path, csv_text([*ROWS, " ,f,1,1,0.5", "nan,f,0,1,0.5"])))
    assert found.tensor.levels[0] == ("black", "unknown", "white")
    assert found.unknown == {"race": 2, "sex": 0}


@pytest.mark.parametrize("positive", ["good", None])
def test_classes_may_be_words_or_numbers_in_several_spellings(tmp_path, positive):
    label, prediction = (["good", "bad"], ["bad", "good"]) if positive else (["1", "0.0"], ["true", "0"])
    rows = [f"g{i % 3},f,{label[i % 2]},{prediction[i // 2 % 2]},0.{i}" for i in range(1, 9)]
    path = write(tmp_path, csv_text(rows))
    expected = Counted.of_rows(read_predictions(path, sensitive=SENSITIVE, positive=positive, **COLUMNS))
    assert_same(counted(path, positive=positive), expected)


def test_columns_may_have_the_names_that_results_have(tmp_path):
    frame = pd.DataFrame({"n": ["a", "b"] * 6, "g0": ["c", "c", "d"] * 4, "label": [0, 0, 1] * 4, "low": [0, 1] * 6})
    frame["score"] = np.linspace(0, 1, 12)
    frame.to_parquet(tmp_path / "p.parquet")
    found = counted(tmp_path / "p.parquet", sensitive=["n", "g0"], label="label", prediction="low", score="score")
    assert found.tensor.total == 12
    assert found.tensor.columns == ("n", "g0")


def test_typed_parquet_counts_like_csv(tmp_path):
    path = write(tmp_path, csv_text())
    frame = pd.read_csv(path).astype({"race": "category", "repaid": "bool", "approved": "float", "score": "str"})
    frame.to_parquet(tmp_path / "typed.parquet")
    assert_same(counted(tmp_path / "typed.parquet"), counted(path))


def test_a_category_that_no_row_has_is_refused(tmp_path):
    frame = pd.read_csv(write(tmp_path, csv_text()))
    frame["race"] = pd.Categorical(frame["race"], categories=["asian", "black", "white"])
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="declares groups that no row has: 'asian'"):
        counted(tmp_path / "p.parquet")


def test_too_many_groups_are_refused_with_the_row(tmp_path):
    rows = [f"g{i},f,{i % 2},1,0.5" for i in range(300)]
    with pytest.raises(PredictionsError, match=r"row 101 .*goes past 100 distinct values") as caught:
        counted(write(tmp_path, csv_text(rows)))
    assert caught.value.row == 101


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"repaid": 2}, "column 'repaid' holds '2' where 0 or 1 is expected"),
        ({"repaid": 1}, r"column 'repaid' holds one class only \('1' in all 40 rows\)"),
        ({"score": 1.5}, "column 'score' holds 1.5; it must be a probability"),
        ({"score": float("inf")}, "column 'score' holds inf; it must be a probability"),
        ({"score": None}, "column 'score' is empty in 40 rows"),
        ({"score": "high"}, "column 'score' holds text, where numbers are expected"),
        ({"race": None}, "column 'race' names no group in any row"),
        ({"race": [["a"]] * 40}, "column 'race' has type"),
    ],
)
def test_of_a_table_elsewhere_table_and_column_are_named(change, words):
    frame = as_table(lender(1, 40)).to_pandas()
    for column, value in change.items():
        frame[column] = value
    with open_arrow(pa.Table.from_pandas(frame)) as engine, pytest.raises(PredictionsError, match=f"loans: {words}"):
        count_predictions(engine, Parameters(**COLUMNS), SENSITIVE, data=Data(name="loans", url="postgresql://loans"))


def test_a_number_that_is_none_is_refused():
    table = as_table(lender(1, 40)).set_column(4, "score", pa.array(np.r_[np.full(39, 0.5), np.nan]))
    with open_arrow(table) as engine, pytest.raises(PredictionsError, match="loans: column 'score' holds nan"):
        count_predictions(engine, Parameters(**COLUMNS), SENSITIVE, data=Data(name="loans", url="postgresql://loans"))


def test_no_rows_in_a_table_elsewhere_are_refused():
    table = as_table(lender(1, 40)).slice(0, 0)
    with open_arrow(table) as engine, pytest.raises(PredictionsError, match="loans: has no data rows"):
        count_predictions(engine, Parameters(**COLUMNS), SENSITIVE, data=Data(name="loans", url="postgresql://loans"))


def test_the_file_and_engine_are_named_as_origin(tmp_path):
    path = write(tmp_path, csv_text())
    found = counted(path)
    assert found.origins == (Origin(path="predictions.csv", sha256=read_predictions(path, **COLUMNS).sha256),)
    assert found.engine.startswith("duckdb ")


def test_many_scores_are_binned_and_areas_stay_within_their_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(score_counting, "FEW_ROWS", 100)
    monkeypatch.setattr(score_counting, "FEW_SCORES", 200)
    lent, draw = lender(3, 3000), np.random.default_rng(3)
    table = as_table(lent).set_column(4, "score", pa.array(np.clip(lent.score * 0.9 + draw.random(3000) * 0.1, 0, 1)))
    pq.write_table(table, tmp_path / "p.parquet")
    found = counted(tmp_path / "p.parquet", sensitive=["race"])
    score, label = table["score"].to_numpy(), table["repaid"].to_numpy()
    assert not found.scores.exact
    assert int(found.scores.counts.sum()) == 3000
    for index, where in enumerate(found.scores.slices()):
        rows = table["race"].to_numpy(zero_copy_only=False) == where["race"]
        area, exact = area_of(found.scores.bins(index)), roc_auc(label[rows], score[rows])
        assert 0 < abs(area.value - exact.value) <= area.error < 1e-3
        assert area.variance == pytest.approx(exact.variance, rel=1e-2)
        mean = np.average(found.scores.bins(index).score, weights=found.scores.bins(index).weights.sum(axis=1))
        assert mean == pytest.approx(score[rows].mean(), abs=1e-9)
    assert found.losses["brier_score_loss"].mean == pytest.approx(((label - score) ** 2).mean(), rel=1e-12)
    given = np.where(label == 1, score, 1 - score)
    losses = -np.log(np.clip(given, np.finfo(float).eps, 1))
    assert found.losses["log_loss"].mean == pytest.approx(losses.mean(), rel=1e-12)
    assert found.losses["log_loss"].variance == pytest.approx(losses.var(ddof=1) / 3000, rel=1e-9)


def test_few_distinct_scores_of_many_rows_stay_exact(tmp_path, monkeypatch):
    monkeypatch.setattr(score_counting, "FEW_ROWS", 100)
    lent = lender(3, 3000)
    pq.write_table(as_table(lent), tmp_path / "p.parquet")
    assert_same(counted(tmp_path / "p.parquet"), Counted.of_rows(lent))


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=50), st.randoms())
@settings(max_examples=25, deadline=None)
def test_exact_sums_are_the_same_to_the_bit_in_any_order(values, random):
    import ibis

    total = ExactSum("x", 1e15)
    shuffled = random.sample(values, len(values))
    found = []
    for order in (values, shuffled):
        with open_arrow(pa.table({"x": order})) as engine:
            table = engine.grouped((), total.measures(ibis._.x)).table
        found.append(float(total.of(table)[0]))
    assert found[0] == found[1]
    assert found[0] == pytest.approx(float(np.sum(values)), rel=1e-14, abs=1e-3)


def test_cells_below_the_disclosure_threshold_stay_where_they_are(tmp_path):
    found = counted(write(tmp_path, csv_text()), disclosure=2)
    assert found.suppressed > 0
    assert found.scores is None
    assert found.losses == {}
    assert found.tensor.counts[found.tensor.counts > 0].min() >= 2
    assert found.held_back == f"held back: fewer than 2 rows in {found.suppressed} cells"
    assert counted(write(tmp_path, csv_text()), disclosure=1).suppressed == 0


def test_where_every_cell_is_small_nothing_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="every group has fewer than 50 rows; nothing may be told"):
        counted(write(tmp_path, csv_text()), disclosure=50)


def test_two_parts_for_one_column_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="named both as label and as sensitive"):
        counted(write(tmp_path, csv_text()), sensitive=["repaid"])

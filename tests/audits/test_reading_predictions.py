"""Reading predictions: what is well formed is read as it stands, what is not is refused with file, column and row."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.predictions import Limits, Predictions, PredictionsError, read_predictions
from registry.errors import InvalidInput
from tests.audits.prediction_cases import COLUMNS, HEADER, ROWS, csv_text, write


def read(path, **changes):
    return read_predictions(path, **{**COLUMNS, "sensitive": ["race", "sex"], **changes})


def replaced(row: int, text: str) -> str:
    """The table with its 1-based data row replaced."""
    return csv_text([*ROWS[: row - 1], text, *ROWS[row:]])


def test_csv_and_parquet_of_the_same_rows_read_alike(tmp_path):
    from_csv = read(write(tmp_path, csv_text()), name="test.csv")
    table = pd.read_csv(tmp_path / "predictions.csv")
    table.to_parquet(tmp_path / "rows.parquet")
    table.astype({"race": "category", "repaid": "bool", "approved": "float"}).to_parquet(tmp_path / "typed.parquet")
    for other in (read(tmp_path / "rows.parquet"), read(tmp_path / "typed.parquet")):
        for field in ("label", "prediction", "score"):
            np.testing.assert_array_equal(getattr(from_csv, field), getattr(other, field))
        for column, (codes, names) in from_csv.sensitive.items():
            np.testing.assert_array_equal(codes, other.sensitive[column][0])
            assert names == other.sensitive[column][1]
    assert from_csv.sensitive["race"][1] == ("black", "white")
    assert from_csv.label.tolist() == [1, 1, 0, 0, 1, 0, 1, 0, 1, 0]
    assert (from_csv.name, len(from_csv)) == ("test.csv", 10)
    assert from_csv.sha256 == hashlib.sha256((tmp_path / "predictions.csv").read_bytes()).hexdigest()


def test_content_decides_not_the_suffix(tmp_path):
    pd.DataFrame({"y": [0, 1], "p": [1, 1]}).to_parquet(tmp_path / "rows.csv")
    assert read_predictions(tmp_path / "rows.csv", label="y", prediction="p").label.tolist() == [0, 1]


def test_a_directory_of_parquet_is_one_table(tmp_path):
    for index, rows in enumerate(([0, 1], [1, 0])):
        pd.DataFrame({"y": rows, "p": rows}).to_parquet(tmp_path / f"part-{index}.parquet")
    predictions = read_predictions(tmp_path, label="y", prediction="p")
    assert predictions.label.tolist() == [0, 1, 1, 0]
    assert len({source.sha256 for source in predictions.sources}) == 2
    pd.DataFrame({"y": [1, 0], "p": [1, 7]}).to_parquet(tmp_path / "part-2.parquet")
    with pytest.raises(PredictionsError, match=r"part-2\.parquet: column 'p', row 2: holds '7'"):
        read_predictions(tmp_path, label="y", prediction="p")


def test_the_positive_class_may_have_any_name(tmp_path):
    path = write(tmp_path, "y,p\ngood,good\nbad,good\ngood,bad\n")
    predictions = read_predictions(path, label="y", prediction="p", positive="good")
    assert predictions.label.tolist() == [1, 0, 1]
    assert predictions.prediction.tolist() == [1, 1, 0]
    with pytest.raises(PredictionsError, match="never holds the positive class 'great'; it holds 'good', 'bad'"):
        read_predictions(path, label="y", prediction="p", positive="great")


def test_the_positive_class_may_be_zero(tmp_path):
    path = write(tmp_path, "y,p\n0,0\n1,0\n")
    assert read_predictions(path, label="y", prediction="p", positive="0").label.tolist() == [1, 0]


def test_a_missing_group_is_the_group_unknown(tmp_path):
    predictions = read(write(tmp_path, replaced(3, " ,m,0,0,0.2")))
    codes, names = predictions.sensitive["race"]
    assert names == ("black", "unknown", "white")
    assert names[codes[2]] == "unknown"
    assert predictions.unknown == {"race": 1, "sex": 0}


def test_na_may_be_the_name_of_a_group(tmp_path):
    codes, names = read(write(tmp_path, replaced(3, "NA,m,0,0,0.2"))).sensitive["race"]
    assert names[codes[2]] == "NA"


def test_a_byte_order_mark_quotes_and_line_breaks_inside_them_are_read(tmp_path):
    rows = [*ROWS, '"of two\nlines, with a comma",f,1,1,0.5']
    predictions = read(write(tmp_path, b"\xef\xbb\xbf" + csv_text(rows).encode()))
    assert "of two\nlines, with a comma" in predictions.sensitive["race"][1]


def test_weights_are_read(tmp_path):
    path = write(tmp_path, "y,p,w\n0,0,0.5\n1,0,2\n")
    assert read_predictions(path, label="y", prediction="p", weight="w").weight.tolist() == [0.5, 2.0]
    path = write(tmp_path, "y,p,w\n0,0,0.5\n1,0,0\n")
    with pytest.raises(
        PredictionsError, match=r"column 'w', row 2 \(line 3\): holds 0\.0; it must be a positive number"
    ):
        read_predictions(path, label="y", prediction="p", weight="w")


BAD = {
    "missing column": (csv_text(header=HEADER.replace("race", "rase")), "race", None, "it has 'rase', 'sex', 'repaid'"),
    "other separator": (csv_text().replace(",", ";"), "race", None, "separated by semicolons"),
    "two columns of one name": (
        csv_text(header="race,sex,repaid,approved,sex"),
        "sex",
        None,
        "two columns named 'sex'",
    ),
    "blank label": (replaced(3, "black,m,,0,0.2"), "repaid", 3, "is empty"),
    "NaN label": (replaced(4, "black,m,NaN,0,0.2"), "repaid", 4, "is empty"),
    "third class": (replaced(5, "white,f,2,1,0.8"), "repaid", 5, "holds '2' where 0 or 1 is expected"),
    "text label": (replaced(5, "white,f,yes,1,0.8"), "repaid", 5, "name the positive class"),
    "probability as prediction": (replaced(6, "white,f,0,0.7,0.7"), "approved", 6, "holds '0.7'"),
    "blank prediction": (replaced(6, "white,f,0,,0.7"), "approved", 6, "is empty"),
    "one class": (
        csv_text([row for row in ROWS if row.split(",")[2] == "1"]),
        "repaid",
        None,
        "one class only ('1' in all 5",
    ),
    "no file content": ("", None, None, "is empty"),
    "no rows": (csv_text([]), None, None, "no data rows"),
    "empty groups": (
        csv_text([row.replace("black", "").replace("white", "") for row in ROWS]),
        "race",
        None,
        "no group in any",
    ),
    "score above one": (replaced(7, "white,m,1,1,1.0000001"), "score", 7, "a probability in [0, 1]"),
    "score below zero": (replaced(7, "white,m,1,1,-0.1"), "score", 7, "holds -0.1"),
    "infinite score": (replaced(7, "white,m,1,1,inf"), "score", 7, "a probability in [0, 1]"),
    "score in words": (replaced(8, "white,m,0,0,low"), "score", 8, "holds 'low', which is not a number"),
    "score missing": (replaced(8, "white,m,0,0,"), "score", 8, "is empty"),
    "short row": (replaced(9, "white,m,1"), "approved", 9, "3 values where the header has 5"),
    "long row": (replaced(9, "white,m,1,1,0.65,extra"), None, 9, "6 values where the header has 5"),
    "cut off": (csv_text()[:-6], "score", 10, "4 values where the header has 5"),
    "UTF-16": (csv_text().encode("utf-16"), None, None, "is UTF-16, not UTF-8"),
    "UTF-16 without mark": (csv_text().encode("utf-16-le"), None, 1, "zero byte"),
    "Latin-1": (
        replaced(2, "noir·e,f,1,1,0.9").encode("latin-1"),
        None,
        2,
        "is not UTF-8: byte 0xb7 at byte 51 (line 3)",
    ),
    "cut character": (csv_text().encode() + "é".encode()[:1], None, 11, "cut-off character"),
    "compressed": (gzip.compress(csv_text().encode()), None, None, "gzip-compressed"),
    "binary": (csv_text().encode() + b"\0", None, 11, "zero byte"),
    "corrupt Parquet": (b"PAR1" + b"\x07" * 100 + b"PAR1", None, None, "not a sound Parquet file"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_with_file_column_and_row(tmp_path, case):
    data, column, row, words = BAD[case]
    with pytest.raises(PredictionsError) as caught:
        read(write(tmp_path, data), name="test-predictions.csv")
    error = caught.value
    assert words in str(error)
    assert str(error).startswith("test-predictions.csv: ")
    assert (error.file, error.column, error.row) == ("test-predictions.csv", column, row)
    assert isinstance(error, InvalidInput)
    assert error.details["row"] == row


def test_the_line_is_told_apart_from_the_row(tmp_path):
    rows = ['"of two\nlines",f,1,1,0.5', *ROWS[:3], "black,m,0,1,7"]
    with pytest.raises(PredictionsError) as caught:
        read(write(tmp_path, csv_text(rows)))
    assert (caught.value.row, caught.value.line) == (5, 7)


def test_a_row_in_a_later_batch_is_counted_from_the_start(tmp_path):
    n = 300_000
    score = np.full(n, 0.5)
    score[250_000] = 2.0
    pd.DataFrame({"y": np.arange(n) % 2, "p": 1, "s": score}).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(tmp_path / "p.parquet", label="y", prediction="p", score="s")
    assert caught.value.row == 250_001


def test_ten_thousand_groups_are_refused_at_the_first_too_many(tmp_path):
    rows = [f"g{i},f,{i % 2},1,0.5" for i in range(10_000)]
    with pytest.raises(PredictionsError, match="bin it") as caught:
        read(write(tmp_path, csv_text(rows)))
    assert (caught.value.column, caught.value.row) == ("race", 101)
    pd.read_csv(tmp_path / "predictions.csv").to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError) as caught:
        read(tmp_path / "p.parquet")
    assert (caught.value.column, caught.value.row) == ("race", 101)
    assert len(read(write(tmp_path, csv_text(rows[:90]))).sensitive["race"][1]) == 90
    with pytest.raises(PredictionsError):
        read(tmp_path / "predictions.csv", max_groups=89)


def test_a_declared_group_without_rows_is_refused(tmp_path):
    race = pd.Categorical(["black", "white", "white"], categories=["asian", "black", "white"])
    pd.DataFrame({"race": race, "y": [0, 1, 1], "p": 1}).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="declares groups that no row has: 'asian'") as caught:
        read_predictions(tmp_path / "p.parquet", label="y", prediction="p", sensitive=["race"])
    assert caught.value.column == "race"


def test_a_cut_parquet_file_is_refused(tmp_path):
    pd.DataFrame({"y": np.arange(5000) % 2, "p": 1}).to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for size in (len(whole) // 2, len(whole) - 1):
        with pytest.raises(PredictionsError, match="not a sound Parquet file"):
            read_predictions(write(tmp_path, whole[:size], "cut.parquet"), label="y", prediction="p")


def test_a_nested_column_is_refused(tmp_path):
    pq.write_table(pa.table({"y": [0, 1], "p": [1, 1], "race": [["a"], ["b"]]}), tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="has type list"):
        read_predictions(tmp_path / "p.parquet", label="y", prediction="p", sensitive=["race"])


def test_caps_on_rows_and_bytes_are_clear(tmp_path):
    path = write(tmp_path, csv_text())
    pd.read_csv(path).to_parquet(tmp_path / "p.parquet")
    for file in (path, tmp_path / "p.parquet"):
        with pytest.raises(PredictionsError, match="more than 9 rows"):
            read(file, limits=Limits(rows=9))
        with pytest.raises(PredictionsError, match="unpacks to more than 50 bytes"):
            read(file, limits=Limits(unpacked_bytes=50))
        with pytest.raises(PredictionsError, match="more than the 100 allowed"):
            read(file, limits=Limits(file_bytes=100))
        assert len(read(file, limits=Limits(rows=10))) == 10


def test_one_column_cannot_play_two_parts(tmp_path):
    path = write(tmp_path, csv_text())
    with pytest.raises(PredictionsError, match="'repaid' is named both as label and as prediction"):
        read(path, prediction="repaid")
    with pytest.raises(PredictionsError, match="both as sensitive and as sensitive"):
        read(path, sensitive=["race", "race"])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PredictionsError, match=r"gone\.csv: cannot be read"):
        read(tmp_path / "gone.csv", name="gone.csv")
    with pytest.raises(PredictionsError, match=r"no \.parquet file"):
        read(tmp_path)
    with pytest.raises(PredictionsError, match="does not begin with PAR1"):
        read(write(tmp_path, csv_text(), "rows.parquet"))


def test_columns_of_unequal_lengths_never_become_predictions():
    with pytest.raises(PredictionsError, match="score has 3 rows where the labels have 2"):
        Predictions(
            label=np.array([0, 1], dtype=np.int8),
            prediction=np.array([0, 1], dtype=np.int8),
            score=np.array([0.1, 0.2, 0.3]),
            sensitive={},
            unknown={},
        )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('0,0,0.2,"b', "line 3 opens a quote that is never closed"),
        ('0,0,0.2,"b\n1,1,0.8,a\n0,1,0.7,b"', "row 2: the value of 'race' holds whole lines of the file"),
    ],
    ids=["never closed", "closed rows later"],
)
def test_a_stray_quote_swallows_no_rows(tmp_path, broken, said):
    path = tmp_path / "predictions.csv"
    path.write_text(f"approve,predicted,score,race\n1,1,0.9,a\n{broken}\n1,1,0.8,a\n0,1,0.7,b\n1,0,0.3,a\n")
    with pytest.raises(PredictionsError, match=said) as caught:
        read_predictions(
            path, name="predictions.csv", label="approve", prediction="predicted", score="score", sensitive=("race",)
        )
    assert (caught.value.file, caught.value.row) == ("predictions.csv", 2)


def test_a_quoted_line_break_in_a_column_that_is_not_read_is_no_harm(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text('approve,predicted,note\n1,1,"two\nlines"\n0,0,plain\n1,0,"a ""quoted"" word"\n')
    assert len(read_predictions(path, name="p.csv", label="approve", prediction="predicted")) == 3

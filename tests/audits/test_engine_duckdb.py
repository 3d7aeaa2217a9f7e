"""DuckDB reads what people have: every type has a meaning, parts must agree, names may be odd, and memory has a limit."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
import uuid
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.engines.duckdb_engine import open_arrow, open_files
from audits.engines.opening import Data, open_data
from audits.engines.port import Interrupted
from audits.engines.settings import Settings
from audits.prediction_errors import PredictionsError
from tests.audits.engine_cases import KINDS, answers, awkward_table

_ = ibis._


def parquet(folder, name, columns):
    path = folder / name
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return path


def read(path, **options):
    with open_files(path, path.name, **options) as engine:
        return engine.columns, engine.read(engine.table).to_pydict()


@pytest.mark.parametrize(
    ("values", "kind", "as_read"),
    [
        (pa.array([-128, None], pa.int8()), "integer", [-128, None]),
        (pa.array([255, None], pa.uint8()), "integer", [255, None]),
        (pa.array([65535], pa.uint16()), "integer", [65535]),
        (pa.array([4294967295], pa.uint32()), "integer", [4294967295]),
        (pa.array([18446744073709551615], pa.uint64()), "integer", [18446744073709551615]),
        (pa.array(np.array([0.5, 0.25], "float16")), "number", [0.5, 0.25]),
        (pa.array([0.1, None], pa.float32()), "number", [0.10000000149011612, None]),
        (pa.array([Decimal("1.25"), None]), "number", [1.25, None]),
        (pa.array([Decimal(7)], pa.decimal128(12, 0)), "integer", [7]),
        (pa.array([Decimal(10) ** 20], pa.decimal128(30, 0)), "number", [1e20]),
        (pa.array(["a", None, "b"]).dictionary_encode(), "text", ["a", None, "b"]),
        (pa.array(["a"], pa.large_string()), "text", ["a"]),
        (pa.array(["a"], pa.string_view()), "text", ["a"]),
        (pa.array([True, None]), "boolean", [True, None]),
        (pa.array([dt.date(2024, 2, 29)]), "date", [dt.date(2024, 2, 29)]),
        (pa.array([0], pa.timestamp("s")), "time", [dt.datetime.fromisoformat("1970-01-01")]),
        (pa.array([1500], pa.timestamp("ns")), "time", [dt.datetime.fromisoformat("1970-01-01T00:00:00.000001")]),
        (pa.array([0], pa.timestamp("us", tz="Asia/Tokyo")), "time", [dt.datetime.fromisoformat("1970-01-01")]),
        (pa.array([dt.time(12, 30)]), "text", ["12:30:00"]),
        (pa.array([b"\x00\xff", None]), "other", [b"\x00\xff", None]),
        (pa.array([[1, 2], None]), "other", [[1, 2], None]),
        (pa.array([{"a": 1}]), "other", [{"a": 1}]),
        (pa.nulls(2), "integer", [None, None]),
        (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), "text", [str(uuid.UUID(int=1))]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_every_type_of_parquet_has_a_meaning(tmp_path, values, kind, as_read):
    columns, rows = read(parquet(tmp_path, "x.parquet", {"x": values}))
    assert columns == {"x": kind}
    assert rows == {"x": as_read}


def test_sums_are_of_the_type_that_was_asked_for(tmp_path):
    path = parquet(
        tmp_path, "x.parquet", {"x": pa.array([2**62, 2**61], pa.int64()), "u": pa.array([1, 2], pa.uint64())}
    )
    with open_files(path, "x") as engine:
        assert engine.grouped((), {"x": _.x.sum(), "u": _.u.sum()}).table.schema.field("x").type == pa.int64()
        with pytest.raises(PredictionsError, match="cannot be read"):
            engine.grouped((), {"x": (_.x * 1).sum() + _.x.sum()})


def test_no_rows_are_rows_of_known_columns(tmp_path):
    path = parquet(tmp_path, "empty.parquet", {"g": pa.array([], pa.string()), "x": pa.array([], pa.float64())})
    with open_files(path, "empty") as engine:
        assert engine.rows() == 0
        assert engine.grouped(["g"], {"x": _.x.sum()}).table.to_pydict() == {"g": [], "x": [], "n": []}
        assert engine.grouped((), {"x": _.x.sum()}).columns() == {"x": [None], "n": [0]}
        assert engine.histogram("x", [0.0]).table.num_rows == 0
        assert engine.keyed_sample(3, key=["g"]).num_rows == 0


@pytest.mark.parametrize(
    ("tables", "said", "column"),
    [
        (({"a": [1]}, {"b": [1]}), "two.parquet: has no column 'a', which parts/one.parquet has", "a"),
        (({"a": [1]}, {"a": [1], "b": [2]}), "one.parquet: has no column 'b', which parts/two.parquet has", "b"),
        (({"a": [1]}, {"a": ["1"]}), "two.parquet: column 'a' holds string, and in parts/one.parquet int64", "a"),
        (({"a": [1]}, {"a": [1.0]}), "holds double, and in parts/one.parquet int64", "a"),
        (({"a": [1], "A": [1]}, {"a": [1], "A": [2]}), "'a' and 'A' differ in upper and lower case only", "A"),
    ],
)
def test_parts_must_have_the_same_columns(tmp_path, tables, said, column):
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, columns in zip(("one.parquet", "two.parquet"), tables, strict=True):
        parquet(folder, name, columns)
    with pytest.raises(PredictionsError, match=said) as refused:
        open_files(folder, "parts")
    assert refused.value.column == column
    assert refused.value.file.startswith("parts/")


def test_parts_may_differ_in_order_encoding_and_columns_without_any_value(tmp_path):
    parquet(tmp_path, "1.parquet", {"g": pa.nulls(2), "x": [1, 2]})
    parquet(tmp_path, "2.parquet", {"x": [3], "g": pa.array(["a"]).dictionary_encode()})
    parquet(tmp_path, "3.parquet", {"x": [4], "g": pa.array(["b"], pa.large_string())})
    (tmp_path / "README.md").write_text("not data")
    with open_files(tmp_path, "parts") as engine:
        assert dict(zip(*engine.grouped(["g"]).columns().values(), strict=True)) == {None: 2, "a": 1, "b": 1}
        assert [origin.path for origin in engine.origins] == ["parts/1.parquet", "parts/2.parquet", "parts/3.parquet"]
        assert engine.origins[0].sha256 == hashlib.sha256((tmp_path / "1.parquet").read_bytes()).hexdigest()


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(PredictionsError, match="'a'"):
        open_files(parquet(tmp_path, "x.parquet", table), "x")
    with pytest.raises(PredictionsError, match="two columns 'a'"):
        open_arrow(table)


@pytest.mark.parametrize(
    "name",
    [
        "it's.parquet",
        'a"b.parquet',
        "*.parquet",
        "a[1]?.parquet",
        "año 数据.parquet",
        "year=2026.parquet",
        "a,b'].parquet",
    ],
)
def test_a_file_may_have_any_name(tmp_path, name):
    parquet(tmp_path, "other.parquet", {"x": [99]})
    path = parquet(tmp_path, name, {"x": [1]})
    assert read(path) == ({"x": "integer"}, {"x": [1]})


def test_folders_add_no_column(tmp_path):
    folder = tmp_path / "year=2026"
    folder.mkdir()
    assert read(parquet(folder, "x.parquet", {"x": [1]}))[0] == {"x": "integer"}


ODD = ["x'; DROP VIEW source; --", 'a"b', "it's", "select", "größe", "{0}", "a\nb", "%s", "n ", "source"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_column_may_have_any_name(tmp_path, kind):
    table = pa.table({name: [str(place)] for place, name in enumerate(ODD)})
    path = tmp_path / f"x.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        quoted = ",".join('"' + name.replace('"', '""') + '"' for name in ODD)
        path.write_text(quoted + "\n" + ",".join(f"w{place}" for place in range(len(ODD))) + "\n")
    with open_files(path, "x") as engine:
        assert list(engine.columns) == ODD
        for name in ODD:
            assert engine.grouped([name]).columns()["n"] == [1]
            assert engine.keyed_sample(1, key=[name]).num_rows == 1
        assert engine.as_written(ODD[:2]).columns == tuple(ODD)


def test_csv_parts_are_one_table(tmp_path):
    (tmp_path / "1.csv").write_text("g,x,zip\na,1,01234\nb,2,99999\n")
    (tmp_path / "2.csv").write_text("x,g,zip\n2.5,a,00001\n")
    with open_files(tmp_path, "parts") as engine:
        assert engine.columns == {"g": "text", "x": "number", "zip": "text"}
        assert sorted(engine.read(engine.table).to_pylist(), key=lambda row: row["x"]) == [
            {"g": "a", "x": 1.0, "zip": "01234"},
            {"g": "b", "x": 2.0, "zip": "99999"},
            {"g": "a", "x": 2.5, "zip": "00001"},
        ]
        assert engine.read(engine.as_written(["x"])).to_pydict()["x"] == ["1", "2", "2.5"]
        assert len(engine.origins) == 2
    (tmp_path / "2.csv").write_text("x,h,zip\n2.5,a,1\n")
    with pytest.raises(PredictionsError, match=r"parts/2\.csv: has no column 'g'"):
        open_files(tmp_path, "parts")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", "+3"], "integer"),
        (["1", "2.5", "1e3", ".5"], "number"),
        (["12345678901234567890", "1"], "text"),
        (["007", "1"], "text"),
        (["true", "FALSE", "NA"], "boolean"),
        (["2026-01-01", ""], "date"),
        (["2026-02-30", "2026-01-01"], "text"),
        (["2026-01-01 10:00", "2026-01-01T10:00:00.5"], "time"),
        (["inf", "1"], "text"),
        (["NA", "nan", ""], "text"),
        (["1,5", "2"], "text"),
    ],
)
def test_the_type_of_a_csv_column_is_what_all_its_values_are(tmp_path, texts, kind):
    path = tmp_path / "x.csv"
    path.write_text("x,y\n" + "".join(f'"{text}",1\n' for text in texts))
    assert read(path)[0]["x"] == kind


def test_a_csv_column_without_a_name_has_one_by_its_place(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(",x\n0,a\n1,b\n")
    assert read(path)[1] == {"unnamed_1": [0, 1], "x": ["a", "b"]}


def test_kinds_of_files_do_not_mix(tmp_path):
    parquet(tmp_path, "1.parquet", {"x": [1]})
    (tmp_path / "2.csv").write_text("x\n1\n")
    with pytest.raises(PredictionsError, match="Parquet and CSV files"):
        open_files(tmp_path, "parts")
    (tmp_path / "1.parquet").rename(tmp_path / "1.csv")
    with pytest.raises(PredictionsError, match="is csv by its content"):
        open_files(tmp_path, "parts")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PAR1 and then nothing", "not a sound Parquet file"),
        (b"", "is empty"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "sound"),
    ],
)
def test_a_broken_file_is_named(tmp_path, content, said):
    path = tmp_path / "broken.parquet"
    path.write_bytes(content)
    with pytest.raises(PredictionsError, match=said):
        open_files(path, "broken.parquet")
    with pytest.raises(PredictionsError, match="No such file"):
        open_files(tmp_path / "nothing.csv", "nothing.csv")


def test_pages_that_are_damaged_are_an_error_with_the_name_that_people_know(tmp_path):
    path = parquet(tmp_path, "x.parquet", {"x": [f"{number * 7919}" for number in range(50_000)]})
    damaged = bytearray(path.read_bytes())
    damaged[2000:2600] = b"\xa5" * 600
    path.write_bytes(damaged)
    with open_files(path, "mine.parquet") as engine, pytest.raises(PredictionsError, match="cannot be read") as refused:
        engine.grouped(["x"])
    assert str(tmp_path) not in str(refused.value)
    assert "countersign-" not in str(refused.value)


def test_a_table_larger_than_the_memory_it_may_use_is_spilled(tmp_path):
    """Two million groups of text take some 300 MB; with 64 MB they go through the disk, in the engine's own folder."""
    rows = 2_000_000
    numbers = pa.array(np.arange(rows) * 2654435761 % 2**32)
    path = parquet(tmp_path, "x.parquet", {"k": numbers.cast(pa.string()), "v": numbers})
    with open_files(path, "x", settings=Settings(memory="64MB", threads=1)) as engine:
        found = engine.table.group_by("k").aggregate(n=_.count()).aggregate(groups=_.count(), most=_.n.max())
        assert engine.read(found).to_pylist() == [{"groups": rows, "most": 1}]
        folder = engine._database.folder
    assert not folder.exists()


def test_what_does_not_fit_says_which_setting_does_not_let_it(tmp_path):
    rows = pa.table({"x": pa.array(np.arange(3_000_000)).cast(pa.string())})
    path = parquet(tmp_path, "x.parquet", rows)
    refused = pytest.raises(PredictionsError, match="COUNTERSIGN_ENGINE_MEMORY")
    with open_files(path, "x", settings=Settings(memory="10MB", threads=1)) as engine, refused:
        engine.grouped((), {"all": _.x.collect().length()})


def test_results_can_be_read_side_by_side():
    with open_arrow(pa.table({"x": range(400_000)})) as engine:
        first, second = engine.batches(engine.table), engine.batches(engine.table)
        next(first)
        assert engine.rows() == 400_000
        assert sum(batch.num_rows for batch in second) == 400_000
        assert sum(batch.num_rows for batch in first) < 400_000


def test_a_query_can_be_stopped_from_another_thread():
    with open_arrow(pa.table({"x": range(20_000)})) as engine:
        crossed = engine.table.cross_join(engine.table.select(y=_.x)).aggregate(n=(_.x * _.y % 7).sum())
        timer = threading.Timer(0.2, engine.interrupt)
        timer.start()
        with pytest.raises(Interrupted):
            engine.read(crossed)
        timer.join()
        assert engine.rows() == 20_000


def test_files_and_memory_answer_alike(tmp_path):
    table = awkward_table()
    path = parquet(tmp_path, "x.parquet", table)
    with open_files(path, "x") as filed, open_arrow(table) as held, open_data(Data.of(path)) as opened:
        assert filed.columns == held.columns == opened.columns == KINDS
        assert answers(filed) == answers(held) == answers(opened)

"""Malformed inputs, each with the command that reads it and the words that its error must have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Make = Callable[[Path], Path | str]
"""Makes the file in a folder and gives its path, or gives an address."""

HEADER = "race,sex,repaid,approved,score,w"
LINES = [
    "black,f,1,1,0.9,1.0",
    "black,m,0,1,0.6,2.0",
    "white,f,1,0,0.4,1.5",
    "white,m,0,0,0.1,1.0",
    "white,m,1,1,0.8,0.5",
]
NAMES = "--label repaid --prediction approved"
NUMBERS = "--task regression --label y --prediction p"
ANIMALS = "--task multiclass --label y --prediction p --class-score cat=a --class-score dog=b"


@dataclass(frozen=True)
class Case:
    """One malformed input.

    ``command`` is what stands after ``countersign evaluate``, with ``{}`` for the file that ``make`` makes.
    """

    name: str
    make: Make
    command: str
    words: tuple[str, ...]


def text(*lines: str, header: str = HEADER, name: str = "data.csv", encoding: str = "utf-8") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(("\n".join([header, *lines]) + "\n").encode(encoding))
        return path

    return make


def lenders(*more: str) -> Make:
    return text(*LINES, *more)


def raw(content: bytes, name: str = "data.csv") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def parquet(columns: dict[str, object], *, cut: float = 1.0) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "data.parquet"
        pq.write_table(pa.table(columns), path)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * cut)])
        return path

    return make


def parts(*tables: dict[str, object]) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "parts"
        path.mkdir()
        for index, columns in enumerate(tables):
            pq.write_table(pa.table(columns), path / f"part-{index}.parquet")
        return path

    return make


def empty_folder(folder: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


def nowhere(folder: Path) -> Path:
    return folder / "nowhere.csv"


def address(text_: str) -> Make:
    return lambda folder: text_


def numbers(*lines: str) -> Make:
    return text("1.5,1.4", "2.5,2.0", "3.0,3.5", *lines, header="y,p")


def animals(*lines: str) -> Make:
    return text("cat,cat,0.7,0.3", "dog,cat,0.6,0.4", "dog,dog,0.2,0.8", *lines, header="y,p,a,b")


def second(make: Make, other: Make) -> Make:
    """Two files; the command names the second one ``{}.other``."""

    def both(folder: Path) -> Path:
        path = make(folder)
        beside = folder / "beside"
        beside.mkdir()
        other(beside).rename(f"{path}.other")
        return path

    return both


MANY = [f"g{i},f,{i % 2},1,0.5,1" for i in range(10_000)]
WIDE = {"repaid": [0, 1, 1], "approved": [0, 1, 0]}

FILES = [
    Case("missing file", nowhere, f"performance {{}} {NAMES}", ("nowhere.csv", "No such file")),
    Case("empty file", raw(b""), f"performance {{}} {NAMES}", ("data.csv: is empty",)),
    Case("header only", text(), f"performance {{}} {NAMES}", ("data.csv", "no data rows")),
    Case("ragged row", lenders("black,f,1"), f"performance {{}} {NAMES}", ("row 6 (line 7)", "3 values", "6 columns")),
    Case("column twice", text("1,1,0", header="repaid,approved,repaid"), f"performance {{}} {NAMES}", ("two columns named 'repaid'",)),
    Case("semicolons", text("1;1", "0;0", header="repaid;approved"), f"performance {{}} {NAMES}", ("no column 'repaid'", "semicolons")),
    Case("UTF-16", text(*LINES, encoding="utf-16"), f"performance {{}} {NAMES}", ("is UTF-16",)),
    Case("Latin-1", text("françois,f,1,1,0.9,1", encoding="latin-1"), f"performance {{}} {NAMES}", ("not UTF-8", "line 2")),
    Case("zero bytes", raw(b"repaid,approved\n1,1\n0,\x000\n"), f"performance {{}} {NAMES}", ("zero byte", "line 3")),
    Case("open quote", lenders('"black,f,1,1,0.9,1', "white,f,0,0,0.9,1"), f"performance {{}} {NAMES}", ("line 7", "quote")),
    Case("truncated Parquet", parquet(WIDE, cut=0.7), f"performance {{}} {NAMES}", ("not a sound Parquet file",)),
    Case("text named Parquet", raw(b"repaid,approved\n1,1\n", "data.parquet"), f"performance {{}} {NAMES}", ("is not a Parquet file",)),
    Case("folder without data", empty_folder, f"performance {{}} {NAMES}", ("nothing", "holds no")),
    Case("parts of other columns", parts(WIDE, {"repaid": [1, 0]}), f"performance {{}} {NAMES}", ("part-1.parquet", "approved")),
    Case("nested label", parquet({"repaid": [[1], [0]], "approved": [1, 0]}), f"performance {{}} {NAMES}", ("repaid", "does not name")),
    Case("unknown address", address("gopher://host/data"), f"performance {{}} {NAMES}", ("gopher",)),
    Case("password in address", address("postgresql://u:secret@host/db?table=t"), f"performance {{}} {NAMES}", ("password",)),
    Case("silent server", address("postgresql://127.0.0.1:1/db?table=t"), f"performance {{}} {NAMES}", ("127.0.0.1",)),
]  # fmt: skip

ROLES = [
    Case("unknown column", lenders(), "performance {} --label repaid --prediction guess", ("no column 'guess'", "'approved'")),
    Case("one column in two parts", lenders(), "performance {} --label repaid --prediction repaid", ("'repaid'", "both as label and as prediction")),
    Case("sensitive is the label", lenders(), f"fairness {{}} {NAMES} --sensitive repaid", ("both as label and as sensitive",)),
    Case("empty column name", lenders(), f"fairness {{}} {NAMES} --sensitive race,", ("empty column name",)),
    Case("sensitive twice", lenders(), f"fairness {{}} {NAMES} --sensitive race,race", ("names a column twice",)),
    Case("confidence above one", lenders(), f"performance {{}} {NAMES} --confidence 1.5", ("confidences", "1.5")),
    Case("confidence is a word", lenders(), f"performance {{}} {NAMES} --confidence high", ("'high' is not a number",)),
    Case("negative disclosure", lenders(), f"performance {{}} {NAMES} --disclosure -1", ("disclosure", "-1")),
    Case("smallest group of 90 %", lenders(), f"fairness {{}} {NAMES} --sensitive race --minimum-group 0.9", ("minimum_groups", "0.9")),
    Case("negative seed", lenders(), f"performance {{}} {NAMES} --seed -3", ("seed", "-3")),
    Case("slice by the score", lenders(), f"performance {{}} {NAMES} --score score --slices score", ("score", "slices")),
    Case("slices of small cells", lenders(), f"performance {{}} {NAMES} --slices race --disclosure 5", ("held back",)),
    Case("score of a regression", numbers(), f"performance {{}} {NUMBERS} --score p", ("score", "regression")),
    Case("class scores of a decision", lenders(), f"performance {{}} {NAMES} --class-score 1=score", ("scores", "binary")),
    Case("half a class score", animals(), "performance {} --task multiclass --label y --prediction p --class-score cat", ("CLASS=COLUMN",)),
    Case("a class twice", animals(), f"performance {{}} {ANIMALS} --class-score cat=b", ("a class twice",)),
]  # fmt: skip

DECISIONS = [
    Case("label of three values", lenders("black,f,2,1,0.9,1"), f"performance {{}} {NAMES}", ("'repaid', row 6 (line 7)", "0 or 1")),
    Case("label of one class", text(*[LINES[0]] * 4), f"performance {{}} {NAMES}", ("'repaid'", "one class only")),
    Case("missing label", lenders("black,f,,1,0.9,1"), f"performance {{}} {NAMES}", ("'repaid', row 6 (line 7)", "is empty")),
    Case("probability as prediction", lenders("black,f,1,0.7,0.9,1"), f"performance {{}} {NAMES}", ("'approved', row 6", "'0.7'")),
    Case("positive that never occurs", lenders(), f"performance {{}} {NAMES} --positive yes", ("never holds the positive class 'yes'",)),
    Case("score above one", lenders("black,f,1,1,1.01,1"), f"performance {{}} {NAMES} --score score", ("'score', row 6 (line 7)", "1.01")),
    Case("score is text", lenders("black,f,1,1,high,1"), f"performance {{}} {NAMES} --score score", ("'score', row 6 (line 7)", "'high'")),
    Case("score missing", lenders("black,f,1,1,,1"), f"performance {{}} {NAMES} --score score", ("'score', row 6 (line 7)", "is empty")),
    Case("score infinite", lenders("black,f,1,1,inf,1"), f"performance {{}} {NAMES} --score score", ("'score', row 6 (line 7)", "inf")),
    Case("dates as score", parquet({**WIDE, "score": np.array(["2026-01-01"] * 3, dtype="datetime64[D]")}), f"performance {{}} {NAMES} --score score", ("'score'",)),
    Case("negative weight", lenders("black,f,1,1,0.9,-1"), f"performance {{}} {NAMES} --weight w", ("'w', row 6 (line 7)", "positive number")),
    Case("zero weight", lenders("black,f,1,1,0.9,0"), f"performance {{}} {NAMES} --weight w", ("'w', row 6 (line 7)", "positive number")),
    Case("weight not a number", lenders("black,f,1,1,0.9,nan"), f"performance {{}} {NAMES} --weight w", ("'w', row 6 (line 7)", "is empty")),
    Case("ten thousand groups", text(*MANY), f"fairness {{}} {NAMES} --sensitive race", ("'race'", "100 distinct values", "max_groups")),
    Case("nobody has a group", text(",f,1,1,0.9,1", ",f,0,1,0.9,1"), f"fairness {{}} {NAMES} --sensitive race", ("'race'", "names no group")),
    Case("ten thousand slices", text(*MANY), f"performance {{}} {NAMES} --slices race", ("'race'", "more than 100")),
    Case("champion without labels", second(lenders(), text("1", header="approved")), f"comparison {{}} {{}}.other {NAMES}", (".other", "no column 'repaid'")),
    Case("champion of one class", second(lenders(), text(*[LINES[0]] * 3)), f"comparison {{}} {{}}.other {NAMES}", (".other", "one class only")),
    Case("champion's score out of range", second(lenders(), lenders("black,f,1,1,7,1")), f"comparison {{}} {{}}.other {NAMES} --score score", (".other", "'score', row 6", "7.0")),
]  # fmt: skip

CLASSES_AND_NUMBERS = [
    Case("probabilities do not add up", animals("cat,cat,0.7,0.7"), f"performance {{}} {ANIMALS}", ("1 of 4 rows", "add up to 1")),
    Case("class without a score", animals("eel,cat,0.5,0.5"), f"performance {{}} {ANIMALS}", ("class 'eel'", "needs one")),
    Case("probability below zero", animals("cat,cat,1.2,-0.2"), f"performance {{}} {ANIMALS}", ("row 4 (line 5)", "probability in [0, 1]")),
    Case("missing class", animals(",cat,0.5,0.5"), f"performance {{}} {ANIMALS}", ("'y', row 4 (line 5)", "is empty")),
    Case("one class only", text("a,a", "a,a", header="y,p"), "performance {} --task multiclass --label y --prediction p", ("'y'", "one class only")),
    Case("classes that never meet", text("a,1", "b,2", header="y,p"), "performance {} --task multiclass --label y --prediction p", ("'p'", "none of the classes")),
    Case("numbers as classes", text(*(f"{i}.5,{i}.5" for i in range(300)), header="y,p"), "performance {} --task multiclass --label y --prediction p", ("more than 100 classes", "regression")),
    Case("text as a number", numbers("many,2"), f"performance {{}} {NUMBERS}", ("'y', row 4 (line 5)", "'many'", "not a number")),
    Case("missing number", numbers("4,"), f"performance {{}} {NUMBERS}", ("'p', row 4 (line 5)", "is empty")),
    Case("infinity", numbers("inf,2"), f"performance {{}} {NUMBERS}", ("'y', row 4 (line 5)", "inf")),
    Case("infinity in Parquet", parquet({"y": [1.0, 2.0], "p": [1.0, np.inf]}), f"performance {{}} {NUMBERS}", ("'p', row 2", "inf")),
    Case("numbers too large", numbers("1e200,2"), f"performance {{}} {NUMBERS}", ("'y', row 4 (line 5)", "1e60")),
    Case("truth as a number", parquet({"y": [True, False], "p": [1.0, 2.0]}), f"performance {{}} {NUMBERS}", ("'y'", "true and false")),
    Case("dates as numbers", parquet({"y": np.array(["2026-01-01"] * 2, dtype="datetime64[D]"), "p": [1.0, 2.0]}), f"performance {{}} {NUMBERS}", ("'y'", "dates")),
    Case("no rows to regress", text(header="y,p"), f"performance {{}} {NUMBERS}", ("no data rows",)),
    Case("negative weight of numbers", text("1,1,1", "2,2,-1", header="y,p,w"), f"performance {{}} {NUMBERS} --weight w", ("'w', row 2 (line 3)", "positive number")),
]  # fmt: skip

DATA = [
    Case("nobody selected", text("f,x,0", "m,y,0", header="sex,race,hired"), "bias-audit {} --sex sex --race race --selected hired", ("selected",)),
    Case("half selected", text("f,x,0.5", "m,y,1", header="sex,race,hired"), "bias-audit {} --sex sex --race race --selected hired", ("hired", "0.5")),
    Case("more selected than assessed", text("f,10,20", "m,10,5", header="sex,n,k"), "bias-audit {} --counts --sex sex --assessed n --selected k", ("20", "10")),
    Case("equal scores", text("f,1", "m,1", "f,1", header="sex,s"), "bias-audit {} --sex sex --score s", ("s",)),
    Case("one category", text("f,1", "f,0", header="sex,hired"), "bias-audit {} --sex sex --selected hired", ("sex",)),
    Case("expectations that are no YAML", second(lenders(), raw(b"a: [1\n")), "quality {} --schema {}.other", (".other", "line 2")),
    Case("leakage into nothing", lenders(), "quality {} --label nothing", ("nothing",)),
    Case("drift without a column", second(lenders(), lenders()), "drift {} {}.other --columns height", ("height",)),
    Case("drift from nothing", second(text(), lenders()), "drift {} {}.other", ("reference has no rows",)),
    Case("personal data of no column", lenders(), "pii {} --columns phone", ("phone",)),
    Case("quasi-identifier that is not there", lenders(), "anonymity {} --quasi race,zip", ("zip",)),
    Case("sensitive among quasi-identifiers", lenders(), "anonymity {} --quasi race,sex --sensitive sex", ("sex",)),
    Case("records of nobody", text(), "anonymity {} --quasi race", ("no rows",)),
    Case("proxies of no feature", lenders(), "proxies {} --features height --sensitive race", ("height",)),
    Case("proxies among five rows", lenders(), "proxies {} --features score --sensitive race", ("5 rows", "fewer than 50")),
]  # fmt: skip

CASES = [*FILES, *ROLES, *DECISIONS, *CLASSES_AND_NUMBERS, *DATA]

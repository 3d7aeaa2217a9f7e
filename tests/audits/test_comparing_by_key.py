"""Rows are paired by their key, whatever their order; where they are other rows, both models are run or nothing is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audits.engines.opening import Data
from audits.evaluate import evaluate
from audits.sandbox.errors import SandboxUnavailable
from audits.scoring.source import ModelFile
from registry.errors import InvalidInput
from registry.execution import Interface
from tests.audits.model_cases import FunctionModel, opened
from tests.audits.prediction_cases import write

HEAD = "id,branch,race,approve,predicted,score"
ASKED = {"label": "approve", "prediction": "predicted", "score": "score", "key": ["branch", "id"], "over": [["race"]]}


def rows(n=60, *, shift=0.0):
    draw = np.random.default_rng(4)
    label, noise = draw.integers(0, 2, n), draw.random(n)
    score = np.clip(0.3 * label + 0.6 * noise + shift * (np.arange(n) % 3 == 0), 0, 1)
    return [
        f"{i // 2},{'NS'[i % 2]},{'ab'[i % 5 == 0]},{label[i]},{int(score[i] > 0.5)},{score[i]:.4f}" for i in range(n)
    ]


@pytest.fixture
def files(tmp_path):
    """The challenger's predictions, and the champion's of the same rows in another order."""
    theirs = rows(shift=0.2)
    np.random.default_rng(1).shuffle(theirs)
    return made(tmp_path, rows(), "challenger.csv"), made(tmp_path, theirs, "champion.csv")


def made(tmp_path, lines, name, head=HEAD):
    return write(tmp_path, "\n".join([head, *lines]) + "\n", name)


def compare(*data, **more):
    return evaluate("comparison", list(data), {**ASKED, **more})


def facts(report):
    return {(m["metric"], *m["slice"].values(), *m["over"]): m["value"] for m in report["measurements"]}


def test_the_order_of_the_champions_rows_does_not_matter(files, tmp_path):
    shuffled = compare(*files)
    ordered = compare(files[0], made(tmp_path, rows(shift=0.2), "ordered.csv"))
    assert facts(shuffled) == facts(ordered)
    assert shuffled["comparison"] == {
        "compared_on": "predictions", "paired_by": "key", "rows": 60, "only_challenger": 0, "only_champion": 0, "because": "",
    }  # fmt: skip
    assert shuffled["warnings"] == ["1 measurement is undefined; the note says why"]


def test_the_same_input_gives_the_same_report(files):
    assert compare(*files) == compare(*files)


def test_a_few_flipped_rows_are_shown_by_their_key_alone(files):
    report = compare(*files)
    series = next(s for s in report["series"] if s["name"] == "flipped_rows")
    assert 0 < len(series["rows"]) <= 10
    mine = {tuple(line.split(",")[:2]): line.split(",") for line in rows()}
    for key, group, label, before, now in series["rows"]:
        branch, number = key.split(", ")
        line = mine[number, branch]
        assert [group, str(label), str(now)] == line[2:5]
        assert before != now


def test_without_a_key_no_row_is_shown(tmp_path):
    one, two = made(tmp_path, rows(), "one.csv"), made(tmp_path, rows(shift=0.2), "two.csv")
    report = compare(one, two, key=[])
    assert report["comparison"]["paired_by"] == "order"
    assert "flipped_rows" not in {series["name"] for series in report["series"]}


def test_where_a_file_does_not_hold_the_key_its_order_counts_and_it_is_said(files, tmp_path):
    keyless = made(tmp_path, [line.partition(",")[2] for line in rows(shift=0.2)], "keyless.csv", head=HEAD[3:])
    report = compare(files[0], keyless)
    assert report["comparison"]["paired_by"] == "order"
    assert "keyless.csv: the key is not among the columns, so rows are paired by their order" in report["warnings"][0]
    with pytest.raises(InvalidInput, match="does not hold the key"):
        compare(files[0], keyless, common_rows=True)


def test_rows_that_only_one_has_are_told_and_refused(files, tmp_path):
    part = made(tmp_path, rows(shift=0.2)[7:], "part.csv")
    with pytest.raises(InvalidInput, match="7 rows have keys that only the challenger's hold, 0 keys"):
        compare(files[0], part)
    report = compare(files[0], part, common_rows=True)
    assert (report["comparison"]["rows"], report["comparison"]["only_challenger"]) == (53, 7)
    assert "only the 53 common rows are compared" in report["warnings"][0]


def test_a_key_that_names_two_rows_is_refused(files, tmp_path):
    again = made(tmp_path, [*rows(), rows()[2]], "again.csv")
    with pytest.raises(InvalidInput, match="rows 3 and 61 have the same key"):
        compare(again, files[1])


def test_a_row_without_its_key_is_refused(files, tmp_path):
    lines = rows()
    lines[4] = lines[4][lines[4].index(",") :]
    with pytest.raises(InvalidInput, match="column 'id' is empty in row 5"):
        compare(made(tmp_path, lines, "nameless.csv"), files[1])


def test_the_same_key_with_another_label_is_another_row(files, tmp_path):
    lines = rows(shift=0.2)
    cells = lines[9].split(",")
    cells[3] = str(1 - int(cells[3]))
    lines[9] = ",".join(cells)
    with pytest.raises(InvalidInput, match="1 of the rows with the same key have another label, first row 10"):
        compare(files[0], made(tmp_path, lines, "relabelled.csv"))


def test_the_champion_may_name_its_key_otherwise(files, tmp_path):
    renamed = made(tmp_path, rows(shift=0.2), "renamed.csv", head=HEAD.replace("id,branch", "number,office"))
    assert compare(files[0], renamed, champion_key=["office", "number"])["comparison"]["paired_by"] == "key"
    with pytest.raises(InvalidInput, match="champion_key names 1 columns where key names 2"):
        compare(files[0], renamed, champion_key=["number"])


# Where the predictions are of other rows, both models are run on the challenger's test data.


def model(name):
    return Data(
        name=name,
        model=ModelFile(name=name, path=Path(__file__), interface=Interface(inputs=("income",), threshold=0.5)),
    )


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Predictions of different rows, test data, and two models that are functions of income."""
    from audits.scoring import opening

    functions = {
        "challenger.onnx": FunctionModel(lambda c: c["income"] / 100, ("income",)),
        "champion.onnx": FunctionModel(lambda c: np.clip(c["income"] / 80 - 0.1, 0, 1), ("income",)),
    }
    monkeypatch.setattr(opening, "open_model", lambda source, **_: opened(functions[source.name]))
    draw = np.random.default_rng(8)
    income, race = draw.integers(0, 101, 80), draw.integers(0, 2, 80)
    lines = [f"{i},N,{'ab'[race[i]]},{int(income[i] + draw.normal(0, 20) > 50)},{income[i]}" for i in range(80)]
    test = made(tmp_path, lines, "test.csv", head="id,branch,race,approve,income")
    return [
        made(tmp_path, rows(), "challenger.csv"),
        made(tmp_path, rows()[:40], "champion.csv"),
        test,
        model("challenger.onnx"),
        model("champion.onnx"),
    ], income


def test_other_rows_are_scored_together_by_both_models(elsewhere):
    data, income = elsewhere
    report = compare(*data)
    assert report["comparison"]["compared_on"] == "re-scored"
    assert (report["comparison"]["rows"], report["comparison"]["paired_by"]) == (80, "scored together")
    assert "20 rows have keys that only the challenger's hold" in report["comparison"]["because"]
    assert [entry["path"] for entry in report["inputs"]] == [str(data[2]), "challenger.onnx", "champion.onnx"]
    mine, theirs = income / 100 >= 0.5, np.clip(income / 80 - 0.1, 0, 1) >= 0.5
    found = facts(report)
    assert found["selection_rate",] == pytest.approx(mine.mean() - theirs.mean(), abs=1e-12)
    assert found["flip_rate",] == pytest.approx((mine != theirs).mean(), abs=1e-12)
    assert "so both models were run on the same test data" in report["warnings"][0]


def test_the_same_rows_are_compared_as_submitted_though_models_are_there(elsewhere, files):
    data, _ = elsewhere
    assert compare(*files, *data[2:])["comparison"]["compared_on"] == "predictions"


@pytest.mark.parametrize(
    ("place", "named"),
    [(2, "no test data of the challenger"), (3, "no model of the challenger"), (4, "no model of the champion")],
)
def test_what_cannot_be_compared_says_what_is_missing(elsewhere, place, named):
    data, _ = elsewhere
    data[place] = None
    with pytest.raises(InvalidInput, match=named):
        compare(*data)


def test_without_a_sandbox_nothing_is_compared(elsewhere, monkeypatch):
    from audits.scoring import opening

    def unavailable(source, **_):
        raise SandboxUnavailable("no sandbox works here")

    monkeypatch.setattr(opening, "open_model", unavailable)
    with pytest.raises(SandboxUnavailable):
        compare(*elsewhere[0])

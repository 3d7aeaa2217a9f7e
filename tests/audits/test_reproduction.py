"""Building a model again: the judging on functions in the place of models, and a real script behind the real walls."""

from __future__ import annotations

import json
import runpy
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from audits.engines.opening import Data
from audits.evaluate import evaluate
from audits.measures.reproduction.grades import Compared, grade_of
from audits.measures.reproduction.recipe import recipe_of
from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.sandbox.probe import probe
from registry.errors import InvalidInput
from tests.audits.model_cases import FunctionModel

SCRIPT = """
import csv, os, random, sys
import numpy as np
from onnx import TensorProto, helper

seed = int(os.environ["COUNTERSIGN_SEED"])
assert sys.argv[1:] == ["--seed", str(seed)], sys.argv
with open("data/train.csv") as file:
    rows = [[float(row[name]) for name in ("income", "debt", "repaid")] for row in csv.DictReader(file)]
drawn = np.array(random.Random(seed).sample(rows, len(rows) // 2))
inputs = np.column_stack([drawn[:, :2], np.ones(len(drawn))])
weights = np.linalg.lstsq(inputs, drawn[:, 2] * 4 - 2, rcond=None)[0]
print("trained on", len(drawn), "rows with seed", seed)
nodes = [
    helper.make_node("Gemm", ["rows", "weights", "base"], ["raw"]),
    helper.make_node("Sigmoid", ["raw"], ["score"]),
]
graph = helper.make_graph(
    nodes,
    "credit",
    [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])],
    [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    [
        helper.make_tensor("weights", TensorProto.FLOAT, [2, 1], weights[:2].tolist()),
        helper.make_tensor("base", TensorProto.FLOAT, [1], weights[2:].tolist()),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
with open("model.onnx", "wb") as file:
    file.write(model.SerializeToString(deterministic=True))
"""
ASKED = {
    "model": {"inputs": ["income", "debt"], "threshold": 0.5, "classes": ["0", "1"]},
    "label": "repaid",
    "sensitive": ["sex"],
}
ARGUMENTS = ["--seed", "{seed}"]


def rows(n, seed):
    draw = np.random.default_rng(seed)
    income, debt = draw.normal(size=n), draw.normal(size=n)
    repaid = (draw.random(n) < 1 / (1 + np.exp(debt - income))).astype(int)
    return pd.DataFrame({"income": income, "debt": debt, "repaid": repaid, "sex": draw.choice(["f", "m"], n)})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the script and what it reads, and test data beside it."""
    folder = tmp_path_factory.mktemp("rebuild")
    (folder / "files/data").mkdir(parents=True)
    (folder / "files/train.py").write_text(SCRIPT)
    rows(300, 1).to_csv(folder / "files/data/train.csv", index=False)
    rows(400, 2).to_csv(folder / "test.csv", index=False)
    return folder


def asked(seed=7, output="model.onnx", **changes):
    recipe = {"script": "train.py", "model_output": output, "seed": seed, "arguments": ARGUMENTS}
    return {**ASKED, "recipe": recipe, **changes}


def value(report, metric):
    (found,) = [item for item in report["measurements"] if item["metric"] == metric]
    return found["value"]


def grade(report):
    names = ("not-reproduced", "metric-equivalent", "prediction-identical", "bit-identical")
    return names[int(value(report, "reproduction"))]


def told(report, name):
    return [row for series in report["series"] if series["name"] == name for row in series["rows"]]


def warned(report, words):
    return any(words in warning for warning in report["warnings"])


# Without a sandbox: models are three numbers in a file, and the script is a function.


def model_in(path, weights, base=0.0):
    path.write_text(json.dumps([*weights, base]))
    return path


def in_process(source, **_options):
    @contextmanager
    def opened():
        try:
            first, second, base = json.loads(source.path.read_bytes())
        except ValueError as error:
            raise ModelFailed(f"{source.name} is no model") from error
        yield FunctionModel(
            lambda columns: 1 / (1 + np.exp(-(first * columns["income"] + second * columns["debt"] + base))),
            ("income", "debt"),
        )

    return opened()


@pytest.fixture
def builds(monkeypatch, tmp_path):
    """Have runs of the script write these contents, one after the other; None writes nothing."""
    from audits.sandbox import script
    from audits.scoring import opening

    calls = []

    def of(*contents, exit_code=0, log="", packages=None):
        waiting = list(contents)

        @contextmanager
        def run_script(name, **given):
            calls.append(SimpleNamespace(name=name, **given))
            content = waiting.pop(0)
            if isinstance(content, Exception):
                raise content
            written = tmp_path / f"written-{len(calls)}"
            outputs = {}
            if content is not None:
                written.write_text(json.dumps(content))
                outputs = {given["outputs"][0]: written}
            yield SimpleNamespace(
                exit_code=exit_code, outputs=outputs, refused={}, log=log, python="3.11.7", seconds=1.0,
                packages=packages or {"numpy": "2.1.0"},
            )  # fmt: skip

        monkeypatch.setattr(script, "run_script", run_script)
        monkeypatch.setattr(opening, "open_model", in_process)
        return calls

    return of


WEIGHTS = (1.0, -1.0)


def rebuilt(place, tmp_path, **changes):
    submitted = model_in(tmp_path / "model.json", WEIGHTS)
    parameters = asked(output="model.json", **changes)
    return evaluate("reproduction", [submitted, place / "test.csv", place / "files"], parameters)


def test_the_same_file_is_bit_identical_and_nothing_more_is_run(place, tmp_path, builds):
    calls = builds([1.0, -1.0, 0.0])
    report = rebuilt(place, tmp_path)
    assert grade(report) == "bit-identical"
    assert (value(report, "score_difference"), value(report, "decision_difference")) == (0.0, 0.0)
    assert len(calls) == 1
    assert calls[0].environment == {"COUNTERSIGN_SEED": "7", "PYTHONHASHSEED": "7"}
    assert calls[0].arguments == ["--seed", "7"]
    assert set(calls[0].files) == {"train.py", "data/train.csv"}


def test_other_bytes_with_the_same_answers_are_prediction_identical(place, tmp_path, builds):
    builds([1, -1, 0], [1, -1, 0])
    report = rebuilt(place, tmp_path)
    assert grade(report) == "prediction-identical"
    assert value(report, "score_difference") == 0.0
    assert told(report, "reproduction_scores")[0] == ["up to 1e-09", 400]


def test_scores_within_the_tolerance_are_the_same(place, tmp_path, builds):
    builds([1.0 + 1e-7, -1.0, 0.0], [1.0, -1.0, 1e-9])
    assert grade(rebuilt(place, tmp_path)) == "metric-equivalent"
    builds([1.0 + 1e-7, -1.0, 0.0], [1.0, -1.0, 1e-9])
    assert grade(rebuilt(place, tmp_path, score_tolerance=1e-6)) == "prediction-identical"


def test_the_largest_difference_and_the_decisions_that_differ_are_counted(place, tmp_path, builds):
    builds([1.0, -1.0, 0.5], [1.0, -1.0, 0.5])
    report = rebuilt(place, tmp_path)
    test = pd.read_csv(place / "test.csv")
    raw = test["income"] - test["debt"]
    before, after = (1 / (1 + np.exp(-(raw + base))) for base in (0.0, 0.5))
    assert grade(report) == "not-reproduced"
    assert value(report, "score_difference") == pytest.approx(float((after - before).abs().max()), abs=1e-12)
    assert value(report, "decision_difference") == pytest.approx(float(((raw >= 0) != (raw >= -0.5)).mean()))
    metrics = {(row[0], row[1]): row for row in told(report, "reproduction_metrics")}
    women = test["sex"] == "f"
    assert metrics["selection_rate", "sex: f"][2:4] == pytest.approx(
        [float((raw[women] >= 0).mean()), float((raw[women] >= -0.5).mean())]
    )
    assert metrics["roc_auc_score", "everyone"][4] == pytest.approx(0.0, abs=1e-12)
    assert warned(report, "two rebuilds answer alike")


def test_a_script_that_is_not_deterministic_is_told(place, tmp_path, builds):
    builds([1.0, -1.0, 0.5], [1.0, -1.0, -0.5])
    assert warned(rebuilt(place, tmp_path), "two rebuilds differ from each other")


def test_without_a_label_no_metric_makes_two_models_equivalent(place, tmp_path, builds):
    builds([1.0 + 1e-7, -1.0, 0.0], [1.0, -1.0, 0.0])
    assert grade(rebuilt(place, tmp_path, label=None, sensitive=[])) == "not-reproduced"


@pytest.mark.parametrize(
    ("made", "options", "says"),
    [
        (None, {}, "train.py wrote no model.json"),
        (
            None,
            {"exit_code": 1, "log": "Traceback\nValueError: no such column"},
            "exit code 1: ValueError: no such column",
        ),
        ([1.0, -1.0, 0.0], {"exit_code": 2}, "ended with exit code 2"),
        (ModelFailed("it took more than 600 seconds"), {}, "was ended: it took more than 600 seconds"),
    ],
)
def test_a_script_that_fails_reproduces_nothing_and_says_why(place, tmp_path, builds, made, options, says):
    builds(made, **options)
    report = rebuilt(place, tmp_path)
    assert grade(report) == "not-reproduced"
    (note,) = [item["note"] for item in report["measurements"] if item["metric"] == "reproduction"]
    assert says in note
    assert value(report, "decision_difference") is None


def test_a_rebuilt_model_that_cannot_be_run_is_an_outcome_a_submitted_one_is_not(place, tmp_path, builds):
    builds("no numbers", "no numbers")
    report = rebuilt(place, tmp_path)
    assert grade(report) == "not-reproduced"
    builds([1.0, -1.0, 0.0], [1.0, -1.0, 0.0])
    broken = tmp_path / "broken.json"
    broken.write_text("x")
    with pytest.raises(ModelFailed, match="is no model"):
        evaluate("reproduction", [broken, place / "test.csv", place / "files"], asked(output="model.json"))


def test_where_nothing_can_be_run_there_is_no_verdict(place, tmp_path, builds):
    builds(SandboxUnavailable("bubblewrap is missing"))
    with pytest.raises(SandboxUnavailable):
        rebuilt(place, tmp_path)


def test_the_model_itself_is_never_given_to_the_script(place, tmp_path, builds):
    folder = tmp_path / "with-model"
    (folder / "data").mkdir(parents=True)
    for name in ("train.py", "data/train.csv"):
        (folder / name).write_bytes((place / "files" / name).read_bytes())
    submitted = model_in(tmp_path / "model.json", WEIGHTS)
    (folder / "data/weights.bin").write_bytes(submitted.read_bytes())
    (folder / "data/link").symlink_to("/etc/passwd")
    calls = builds([1.0, -1.0, 0.0])
    report = evaluate("reproduction", [submitted, place / "test.csv", folder], asked(output="model.json"))
    assert set(calls[0].files) == {"train.py", "data/train.csv"}
    assert warned(report, "data/weights.bin was not given to the script")


def test_packages_that_differ_are_told_as_a_likely_cause(place, tmp_path, builds):
    record = place / "files/data/requirements.txt"
    record.write_text("numpy==1.26.4\n")
    try:
        builds([1.0, -1.0, 0.5], [1.0, -1.0, 0.5])
        parameters = asked(output="model.json")
        parameters["recipe"]["packages"] = "data/requirements.txt"
        submitted = model_in(tmp_path / "model.json", WEIGHTS)
        report = evaluate("reproduction", [submitted, place / "test.csv", place / "files"], parameters)
    finally:
        record.unlink()
    assert warned(report, "a likely cause: numpy ==1.26.4, here 2.1.0")


def test_labels_that_are_none_of_the_models_classes_are_refused(place, tmp_path, builds):
    builds([1.0, -1.0, 0.5], [1.0, -1.0, 0.5])
    with pytest.raises(InvalidInput, match="the model decides for"):
        rebuilt(place, tmp_path, label="sex", sensitive=[])


@pytest.mark.parametrize(
    ("change", "field"),
    [({"script": "other.py"}, "script"), ({"seed": None}, "training.seed"), ({"packages": "none.txt"}, "packages")],
)
def test_a_recipe_that_cannot_work_is_refused(place, tmp_path, change, field):
    parameters = asked(output="model.json")
    parameters["recipe"] = {**parameters["recipe"], **change}
    submitted = model_in(tmp_path / "model.json", WEIGHTS)
    with pytest.raises(InvalidInput) as refused:
        evaluate("reproduction", [submitted, place / "test.csv", place / "files"], parameters)
    assert refused.value.field == field


def test_a_manifest_may_narrow_what_counts_as_the_same_and_never_widen_it(place):
    script = place / "files/train.py"
    facts = {"script": "train.py", "model": "m", "seed": 1, "tolerance": {"score": 0.1, "metric": 0.001}}
    recipe = recipe_of(Data(name="train.py", path=script, facts=facts), {}, model_sha256="0" * 64)
    held = recipe.within(score=1e-9, metric=0.005)
    assert (held.score_tolerance, held.metric_tolerance) == (1e-9, 0.001)


@pytest.mark.parametrize(
    ("largest", "differing", "distance", "expected"),
    [
        (1e-9, 0, 0.0, "prediction-identical"),
        (1e-9, 1, 0.0, "metric-equivalent"),
        (0.5, 0, 0.005, "metric-equivalent"),
        (0.5, 0, 0.006, "not-reproduced"),
    ],
)
def test_grades_at_their_edges(largest, differing, distance, expected):
    metrics = [Compared(metric="accuracy_score", group="", submitted=0.0, rebuilt=distance)]
    found = grade_of(
        largest_score_difference=largest, decisions_differing=differing, metrics=metrics, score=1e-9, metric=0.005
    )
    assert found == expected


def test_a_metric_that_only_one_model_has_is_a_difference():
    one = [Compared(metric="roc_auc_score", group="", submitted=None, rebuilt=0.5)]
    asked_of = {"largest_score_difference": 1.0, "decisions_differing": 3, "score": 1e-9, "metric": 0.1}
    assert grade_of(metrics=one, **asked_of) == "not-reproduced"
    assert grade_of(metrics=[], **asked_of) == "not-reproduced"


# Behind the walls.


def trained(place, seed, monkeypatch, tmp_path):
    """The model that the script gives with this seed, made here."""
    work = tmp_path / f"seed-{seed}"
    (work / "data").mkdir(parents=True)
    (work / "data/train.csv").write_bytes((place / "files/data/train.csv").read_bytes())
    monkeypatch.chdir(work)
    monkeypatch.setenv("COUNTERSIGN_SEED", str(seed))
    monkeypatch.setattr(sys, "argv", ["train.py", "--seed", str(seed)])
    runpy.run_path(str(place / "files/train.py"), run_name="__main__")
    return work / "model.onnx"


def test_a_model_trained_with_another_seed_than_is_stated_is_caught(place, monkeypatch, tmp_path):
    if not probe().works:
        pytest.skip(f"no sandbox works here: {probe().reason}")
    honest, other = (trained(place, seed, monkeypatch, tmp_path) for seed in (7, 8))
    files = [place / "test.csv", place / "files"]
    report = evaluate("reproduction", [honest, *files], asked(seed=7))
    assert grade(report) == "bit-identical", report["measurements"]
    assert any("trained on 150 rows with seed 7" in line for (line,) in told(report, "reproduction_log"))
    caught = evaluate("reproduction", [other, *files], asked(seed=7))
    assert grade(caught) == "not-reproduced"
    assert value(caught, "decision_difference") > 0
    assert warned(caught, "two rebuilds answer alike, so that chance is not the cause: the seed")

"""What a model leans on: a lender known by its formula, explained, against what its formula says."""

from __future__ import annotations

import numpy as np
import pytest

from audits.evaluate import evaluate
from audits.explain.parameters import parse_explanation
from audits.sandbox.errors import SandboxUnavailable
from audits.scoring import opening
from registry.canonical import canonical_json
from registry.errors import InvalidInput
from tests.audits.explanation_cases import INPUTS, applicants, lender, score, written
from tests.audits.model_cases import opened

DICTIONARY = """
features:
  income: {name: Income, adverse_low: Income is low}
  debt: {name: Debt, adverse_high: Debt is high}
"""
ASKED = {"model": {"inputs": list(INPUTS)}, "label": "repaid", "sensitive": ["race"], "key": ["id"], "rows": 150,
         "background_rows": 20}  # fmt: skip


def explained(folder, monkeypatch, model=None, columns=None, background=None, progress=None, **more):
    """The report of an explanation of ``model`` on ``columns``."""
    chosen = model or lender()
    monkeypatch.setattr(opening, "open_model", lambda *_, **__: opened(chosen))
    (folder / "model.onnx").write_bytes(b"not read here")
    (folder / "words.yaml").write_text(DICTIONARY, encoding="utf-8")
    test = written(folder, applicants() if columns is None else columns)
    data = [folder / "model.onnx", test, background, folder / "words.yaml"]
    return evaluate("explanation", data, {**ASKED, **more}, progress=progress)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        return explained(tmp_path_factory.mktemp("lender"), monkeypatch)


def measured(report, metric, **slice_):
    (found,) = [m for m in report["measurements"] if m["metric"] == metric and m["slice"] == slice_]
    return found


def series(report, name, **slice_):
    (found,) = [s for s in report["series"] if s["name"] == name and s["slice"] == slice_]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def test_importance_is_the_mean_absolute_contribution_that_the_formula_gives(tmp_path, monkeypatch):
    columns = applicants(n=120)
    background = written(tmp_path, applicants(n=20, seed=1), "background.parquet")
    report = explained(tmp_path, monkeypatch, columns=columns, background=background, rows=120, stability_repeats=0)
    others = applicants(n=20, seed=1)
    expected = {
        "income": np.abs(0.08 * (columns["income"] - others["income"].mean())),
        "debt": np.abs(0.04 * (columns["debt"] - others["debt"].mean())),
        "age": np.zeros(120),
        "purpose": np.abs(0.02 * ((columns["purpose"] == "home") - (others["purpose"] == "home").mean())),
    }
    total = sum(part.mean() for part in expected.values())
    for feature, part in expected.items():
        found = measured(report, "feature_importance", feature=feature)
        assert found["value"] == pytest.approx(part.mean(), abs=1e-12)
        # The large-sample interval of a mean, by hand.
        assert found["high"] - found["value"] == pytest.approx(1.959964 * part.std(ddof=1) / 120**0.5, abs=1e-7)
        assert measured(report, "importance_share", feature=feature)["value"] == pytest.approx(part.mean() / total)
    assert report["explanation"]["method"] == "exact"
    assert report["explanation"]["scale"] == "probability"
    assert measured(report, "additivity_error")["value"] < 1e-12


def test_places_are_sure_where_features_lie_apart_and_unsure_where_they_do_not(report, tmp_path, monkeypatch):
    income = measured(report, "importance_rank", feature="income")
    assert (income["value"], income["low"], income["high"]) == (1, 1, 1)
    assert measured(report, "importance_rank", feature="age")["low"] == 4
    draw = np.random.default_rng(3)
    twins = applicants() | {"income": draw.normal(size=400), "debt": draw.normal(size=400)}
    model = lender(lambda columns: 0.5 + 0.01 * columns["income"] + 0.01 * columns["debt"])
    alike = explained(tmp_path, monkeypatch, model=model, columns=twins, stability_repeats=0, interactions=0)
    for feature in ("income", "debt"):
        place = measured(alike, "importance_rank", feature=feature)
        assert (place["low"], place["high"]) == (1, 2)


def test_a_model_that_leans_on_other_things_for_other_groups_is_found(report):
    found = [m for m in report["measurements"] if m["metric"] == "importance_share_difference"]
    (worst,) = [m for m in found if not m["slice"]]
    assert worst["over"] == ["race"]
    assert worst["low"] > 0.2
    assert worst["note"].startswith(("income: most for green", "debt: most for purple"))
    assert {m["slice"]["feature"] for m in found if m["slice"]} == set(INPUTS)


def test_a_linear_model_has_no_interactions_and_its_explanation_is_stable(report):
    assert measured(report, "interaction_share")["high"] < 1e-9
    assert measured(report, "stability")["value"] > 0.9
    assert measured(report, "stability")["low"] > 0.7
    assert measured(report, "importance_share_change")["value"] < 0.2


def test_shuffling_what_is_not_used_loses_nothing_and_what_matters_loses_most(report):
    age = measured(report, "permutation_importance", feature="age")
    assert (age["value"], age["low"], age["high"]) == (0, 0, 0)
    income = measured(report, "permutation_importance", feature="income")
    assert income["low"] > measured(report, "permutation_importance", feature="debt")["high"] > 0


def test_curves_of_a_linear_model_are_straight_and_end_where_values_were_seen(report):
    curve = series(report, "dependence", feature="income")
    values, means = np.array([p["value"] for p in curve]), np.array([p["mean"] for p in curve])
    assert np.allclose(np.diff(means) / np.diff(values), 0.08, atol=1e-4)
    assert {round(value, 3) for value in values} <= set(applicants()["income"].tolist())
    assert [point["value"] for point in series(report, "dependence", feature="purpose")] in (
        ["car", "home"],
        ["home", "car"],
    )
    green = series(report, "dependence", feature="income", race="green")
    assert [point["value"] for point in green] == values.tolist()
    assert len(curve[0]["lines"]) == 30


def test_reasons_are_counted_and_examples_give_nobody_away(report):
    reasons = series(report, "reasons")
    assert {row["reason"] for row in reasons} >= {"Income", "Debt"}
    assert sum(row["first"] for row in reasons) == reasons[0]["decisions"] == report["explanation"]["adverse_decisions"]
    green = series(report, "reasons", race="green")
    assert green[0]["reason"] == "Income"
    examples = series(report, "reason_examples")
    assert "Income is low" in {row["reason"] for row in examples}
    assert all(len(row["key_hash"]) == 12 for row in examples)


def test_ranges_are_there_for_the_form(report):
    ranges = {row["feature"]: row for row in series(report, "feature_ranges")}
    assert ranges["income"]["type"] == "number"
    assert ranges["income"]["low"] <= ranges["income"]["q05"] <= ranges["income"]["median"] <= ranges["income"]["q95"]
    assert sorted(ranges["purpose"]["values"]) == ["car", "home"]


def test_the_same_inputs_give_the_same_bytes(tmp_path, monkeypatch):
    first = explained(tmp_path, monkeypatch, rows=60)
    assert canonical_json(explained(tmp_path, monkeypatch, rows=60)) == canonical_json(first)


def test_small_groups_are_shown_and_compared_with_nobody(tmp_path, monkeypatch):
    columns = applicants(n=200)
    columns["race"] = np.where(np.arange(200) < 8, "blue", columns["race"])
    report = explained(tmp_path, monkeypatch, columns=columns, rows=200, stability_repeats=0, interactions=0)
    assert measured(report, "importance_share", feature="income", race="blue")["low"] is None
    (worst,) = [m for m in report["measurements"] if m["metric"] == "importance_share_difference" and not m["slice"]]
    assert "left out with fewer than 30 rows: blue" in worst["note"]
    assert series(report, "importance_by_group", race="blue")[0]["few"] is True


def test_a_model_that_says_the_same_of_everybody_rests_on_nothing(tmp_path, monkeypatch):
    flat = lender(lambda columns: np.full(len(columns["income"]), 0.5))
    report = explained(tmp_path, monkeypatch, model=flat, dependence=2)
    share = measured(report, "importance_share", feature="income")
    assert (share["value"], share["note"]) == (
        None,
        "no feature contributes anything: the score is the same for every row",
    )
    assert measured(report, "stability")["value"] is None


def test_rows_that_name_no_group_or_lack_values_are_explained_too(tmp_path, monkeypatch):
    columns = applicants(n=100)
    columns["race"] = [None if place % 2 else "green" for place in range(100)]
    columns["income"] = [None if place % 5 == 0 else value for place, value in enumerate(columns["income"].tolist())]
    model = lender(lambda c: 0.5 + 0.08 * np.nan_to_num(c["income"], nan=-1.0))
    report = explained(tmp_path, monkeypatch, model=model, columns=columns, rows=100)
    assert measured(report, "importance_share", feature="income", race="unknown")["value"] == pytest.approx(1.0)


def test_what_cannot_be_measured_is_said_and_not_made_up(tmp_path, monkeypatch):
    columns = applicants(n=60) | {"repaid": np.ones(60, dtype=int)}
    report = explained(tmp_path, monkeypatch, columns=columns, rows=25)
    assert (
        "permutation importance was not measured: the labels of the rows drawn are all the same" in report["warnings"]
    )
    assert measured(report, "importance_share", feature="income")["low"] is None
    assert not [m for m in report["measurements"] if m["metric"] == "permutation_importance"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"label": "result"}, "test"),
        ({"sensitive": ["feature"]}, "sensitive"),
        ({"sensitive": ["income"]}, "sensitive"),
        ({"rows": 1}, "rows"),
        ({"rows": 1_000_000}, "rows"),
        ({"adverse": "sideways"}, "adverse"),
        ({"task": "guessing"}, "task"),
        ({"confidence": 0.9}, "confidence"),
    ],
)
def test_parameters_that_are_wrong_are_refused_by_name(tmp_path, monkeypatch, parameters, field):
    with pytest.raises(InvalidInput) as refused:
        explained(tmp_path, monkeypatch, **parameters)
    assert refused.value.field == field


def test_a_model_that_is_asked_in_no_way_that_there_is_is_refused():
    with pytest.raises(InvalidInput) as refused:
        parse_explanation({"model": {"inputs": "income"}})
    assert refused.value.field == "model.inputs"


def test_without_a_sandbox_there_is_no_report(tmp_path, monkeypatch):
    class Shut:
        def __enter__(self):
            raise SandboxUnavailable("no sandbox works here")

        def __exit__(self, *_):
            return None

    written(tmp_path, applicants(n=50))
    (tmp_path / "model.onnx").write_bytes(b"x")
    monkeypatch.setattr(opening, "open_model", lambda *_, **__: Shut())
    with pytest.raises(SandboxUnavailable):
        evaluate("explanation", [tmp_path / "model.onnx", tmp_path / "test.parquet"], ASKED)


def test_cancelling_ends_the_work_at_once(tmp_path, monkeypatch):
    class Cancelled(Exception):
        pass

    def stop(share, note):
        if share > 0.2:
            raise Cancelled(note)

    with pytest.raises(Cancelled):
        explained(tmp_path, monkeypatch, progress=stop)


def test_the_model_is_asked_in_few_large_questions(tmp_path, monkeypatch):
    asked = []

    def counted(columns):
        asked.append(len(columns["income"]))
        return score(columns)

    explained(tmp_path, monkeypatch, model=lender(counted))
    assert len(asked) < 200
    assert np.mean(asked) > 1000

"""Bias audits: the worked examples of New York City's rule, the 2 % exclusion, unknown categories, impossible input."""

from __future__ import annotations

import json

import numpy as np
import pytest

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from registry.errors import InvalidInput
from tests.audits.prediction_cases import write

# The scoring-rate example of 6 RCNY § 5-301(c): applicants, scoring rate in percent, impact ratio.
SCORING_EXAMPLE = {
    "sex": {"Male": (92, 50, 54.3, 1.00), "Female": (76, 34, 44.7, 0.82)},
    "race": {
        "Hispanic or Latino": (28, 18, 64.2, 1.00),
        "White": (40, 15, 37.5, 0.58),
        "Black or African American": (32, 16, 50.0, 0.78),
        "Native Hawaiian or Pacific Islander": (8, 5, 62.5, 0.97),
        "Asian": (24, 10, 41.7, 0.65),
    },
}

# The selection-rate example of § 5-301(b), its table of sex: applicants, selected, selection rate, impact ratio.
SELECTION_EXAMPLE = {"Male": (1390, 667, 0.48, 1.00), "Female": (1181, 555, 0.47, 0.979)}


def audit(path, **asked):
    return evaluate("bias-audit", [path], asked)


def found(report, metric, over, **where):
    values = [
        m for m in report["measurements"] if m["metric"] == metric and m["slice"] == where and m["over"] == list(over)
    ]
    assert len(values) == 1
    return values[0]


def people(tmp_path, rows, header="sex,race,hired"):
    return write(tmp_path, "\n".join([header, *rows]) + "\n", "people.csv")


def test_the_rules_selection_example_from_counts(tmp_path):
    rows = [f"{sex},{n},{selected}" for sex, (n, selected, *_) in SELECTION_EXAMPLE.items()]
    path = people(tmp_path, rows, "sex,assessed,selected")
    report = audit(path, sex="sex", assessed="assessed", selected="selected", counts=True)
    for sex, (n, _, rate, ratio) in SELECTION_EXAMPLE.items():
        assert found(report, "count", ["sex"], sex=sex)["value"] == n
        assert found(report, "selection_rate", ["sex"], sex=sex)["value"] == pytest.approx(rate, abs=0.005)
        assert found(report, "impact_ratio", ["sex"], sex=sex)["value"] == pytest.approx(ratio, abs=0.0005)


@pytest.mark.parametrize("column", ["sex", "race"])
def test_the_rules_scoring_example(tmp_path, column):
    """Scores 1 and 0 around a median of one half give exactly the published rates."""
    above = sum(well for _, well, *_ in SCORING_EXAMPLE[column].values())
    below = sum(n - well for n, well, *_ in SCORING_EXAMPLE[column].values())
    rows = [f"{name},{int(i < well)}" for name, (n, well, *_) in SCORING_EXAMPLE[column].items() for i in range(n)]
    # People of unknown category belong to the full sample, so they even out the two halves.
    rows += [f",{int(above < below)}"] * abs(above - below)
    report = audit(people(tmp_path, rows, "category,score"), sex="category", score="score")
    for name, (n, _, rate, ratio) in SCORING_EXAMPLE[column].items():
        assert found(report, "count", ["category"], category=name)["value"] == n
        # The rule cuts 64.29 % to 64.2 %.
        measured = found(report, "scoring_rate", ["category"], category=name)["value"]
        assert 100 * measured == pytest.approx(rate, abs=0.1)
        assert found(report, "impact_ratio", ["category"], category=name)["value"] == pytest.approx(ratio, abs=0.005)
    assert found(report, "unknown_count", ["category"])["value"] == abs(above - below)


def test_intersections_are_audited_too_and_the_highest_category_is_the_comparator(tmp_path):
    rows = ["f,black,1"] * 3 + ["f,black,0"] * 7 + ["m,black,1"] * 5 + ["m,black,0"] * 5 + ["f,white,1"] * 8
    rows += ["f,white,0"] * 2 + ["m,white,1"] * 6 + ["m,white,0"] * 4
    report = audit(people(tmp_path, rows), sex="sex", race="race", selected="hired")
    over = ["sex", "race"]
    assert found(report, "impact_ratio", over, sex="f", race="white")["value"] == 1
    worst = found(report, "impact_ratio", over, sex="f", race="black")
    assert worst["value"] == pytest.approx(0.3 / 0.8)
    assert worst["low"] < worst["value"] < worst["high"] <= 1
    whole = found(report, "impact_ratio", over)
    assert (whole["value"], whole["note"]) == (worst["value"], "lowest f × black, highest f × white")
    tables = [s for s in report["series"] if s["name"] == "bias_audit"]
    assert [len(s["rows"]) for s in tables] == [2, 2, 4]


def test_unknown_people_are_counted_and_are_in_no_rate(tmp_path):
    rows = ["f,black,1", "f,white,0", "m,white,1", ",white,1", "m,,0", "f,Not Given,1", "UNKNOWN,black,0", "m,black,0"]
    path = people(tmp_path, rows)
    report = audit(path, sex="sex", race="race", selected="hired", unknown=["unknown", "not given"])
    assert found(report, "unknown_count", ["sex"])["value"] == 2
    assert found(report, "unknown_count", ["race"])["value"] == 2
    assert found(report, "unknown_count", ["sex", "race"])["value"] == 4
    counts = [m["value"] for m in report["measurements"] if m["metric"] == "count" and m["over"] == ["sex", "race"]]
    assert sum(counts) == 4


def small_category(tmp_path):
    rows = ["white,1"] * 50 + ["white,0"] * 50 + ["black,1"] * 30 + ["black,0"] * 68 + ["asian,1"] * 2
    return people(tmp_path, rows, "race,hired")


def test_a_category_below_two_percent_may_be_left_out_and_then_is_no_comparator(tmp_path):
    path = small_category(tmp_path)
    plain = audit(path, race="race", selected="hired")
    assert found(plain, "impact_ratio", ["race"], race="white")["value"] == pytest.approx(0.5)
    report = audit(path, race="race", selected="hired", exclude_below=0.02, justification="two people only")
    assert found(report, "impact_ratio", ["race"], race="white")["value"] == 1
    out = found(report, "impact_ratio", ["race"], race="asian")
    assert out["value"] is None
    assert "two people only" in out["note"]
    assert found(report, "count", ["race"], race="asian")["value"] == 2
    assert found(report, "selection_rate", ["race"], race="asian")["value"] == 1
    assert not [warning for warning in report["warnings"] if "justification" in warning]


def test_a_category_of_exactly_two_percent_stays(tmp_path):
    rows = ["white,1"] * 49 + ["white,0"] * 49 + ["asian,1"] * 2
    report = audit(people(tmp_path, rows, "race,hired"), race="race", selected="hired", exclude_below=0.02)
    assert found(report, "impact_ratio", ["race"], race="white")["value"] == pytest.approx(0.5)


def test_leaving_out_without_a_reason_is_said(tmp_path):
    report = audit(small_category(tmp_path), race="race", selected="hired", exclude_below=0.02)
    assert any("asian left out of the ratios without the auditor's justification" in w for w in report["warnings"])


def test_both_modes_at_once_keep_their_ratios_apart(tmp_path):
    rows = ["f,1,0.9", "f,0,0.2", "f,0,0.3", "m,1,0.8", "m,1,0.7", "m,0,0.1"]
    path = people(tmp_path, rows, "sex,hired,score")
    report = audit(path, sex="sex", selected="hired", score="score")
    assert found(report, "impact_ratio", ["sex"], sex="f")["value"] == pytest.approx(0.5)
    assert found(report, "scoring_rate", ["sex"], sex="f")["value"] == pytest.approx(1 / 3)
    assert found(report, "scoring_impact_ratio", ["sex"], sex="f")["value"] == pytest.approx(0.5)
    assert found(report, "count", ["sex"], sex="f")["value"] == 3


def test_a_score_equal_to_the_median_is_not_above_it(tmp_path):
    rows = [f"f,{score}" for score in (1, 2, 3)] + [f"m,{score}" for score in (3, 4)]
    report = audit(people(tmp_path, rows, "sex,score"), sex="sex", score="score")
    assert found(report, "scoring_rate", ["sex"], sex="f")["value"] == 0
    assert found(report, "scoring_rate", ["sex"], sex="m")["value"] == 0.5


def test_the_median_is_numpys_on_many_scores(tmp_path):
    draw = np.random.default_rng(3)
    score, sex = draw.normal(size=6000).round(3), draw.integers(0, 2, 6000)
    path = people(tmp_path, [f"{'fm'[s]},{v}" for s, v in zip(sex, score, strict=True)], "sex,score")
    report = audit(path, sex="sex", score="score")
    for code, name in enumerate("fm"):
        expected = float((score[sex == code] > np.median(score)).mean())
        assert found(report, "scoring_rate", ["sex"], sex=name)["value"] == pytest.approx(expected, abs=1e-12)


def test_counts_and_people_agree(tmp_path):
    rows = ["f,1"] * 3 + ["f,0"] * 9 + ["m,1"] * 8 + ["m,0"] * 2
    one = audit(people(tmp_path, rows, "sex,hired"), sex="sex", selected="hired")
    counts = write(tmp_path, "sex,n,hired\nf,12,3\nm,4,4\nm,6,4\n", "counts.csv")
    two = audit(counts, sex="sex", selected="hired", assessed="n", counts=True)
    assert one["measurements"] == two["measurements"]


def test_who_was_not_assessed_is_in_no_rate(tmp_path):
    rows = ["f,1,1", "f,1,0", "f,0,0", "m,1,1", "m,0,0"]
    report = audit(people(tmp_path, rows, "sex,seen,hired"), sex="sex", selected="hired", assessed="seen")
    assert found(report, "count", ["sex"], sex="f")["value"] == 2
    assert found(report, "selection_rate", ["sex"], sex="m")["value"] == 1


def test_the_value_that_means_selected_may_be_named_as_a_number(tmp_path):
    rows = ["f,1.0", "f,2.0", "m,1.0", "m,1.0"]
    report = audit(people(tmp_path, rows, "sex,hired"), sex="sex", selected="hired", positive="1")
    assert found(report, "impact_ratio", ["sex"], sex="f")["value"] == pytest.approx(0.5)


def test_what_must_be_published_stands_beside_the_tables(tmp_path):
    report = audit(
        small_category(tmp_path), race="race", selected="hired", date="2026-10-01", distribution_date="2026-11-01"
    )
    published = dict(next(s["rows"] for s in report["series"] if s["name"] == "bias_audit_publication"))
    assert published["date of the audit"] == "2026-10-01"
    assert published["source of the data"].startswith("not given")
    assert "statistical screen" in published["four fifths"]


ROWS = ["f,1,0.5", "m,0,0.7"]


@pytest.mark.parametrize(
    ("rows", "header", "asked", "message"),
    [
        (["f,2", "m,0"], "sex,hired", {"selected": "hired"}, "holds '2' in 1 rows; it must be 0 or 1"),
        (["f,", "m,1"], "sex,hired", {"selected": "hired"}, "1 rows are empty"),
        (["f,0", "m,0"], "sex,hired", {"selected": "hired"}, "nobody was selected"),
        ([",1", ",0"], "sex,hired", {"selected": "hired"}, "names no group in any row"),
        (["unknown,1", "Unknown,0"], "sex,hired", {"selected": "hired"}, "no category of sex is known"),
        (["f,1", "f,0"], "sex,hired", {"selected": "hired"}, "one known category only (f)"),
        (["f,no", "m,yes"], "sex,hired", {"selected": "hired"}, "name the value that means selected (positive)"),
        (["f,no", "m,yes"], "sex,hired", {"selected": "hired", "positive": "Y"}, "never holds 'Y'"),
        (ROWS, "sex,hired,score", {"score": "rank"}, "there is no column 'rank'"),
        (["f,3", "m,3"], "sex,score", {"score": "score"}, "all scores are 3"),
        (["f,1", "m,3", "f,3"], "sex,score", {"score": "score"}, "nobody scores above the median (3)"),
        (["f,a", "m,3"], "sex,score", {"score": "score"}, "must hold numbers"),
        (["f,1", "m,", "m,2"], "sex,score", {"score": "score"}, "1 rows have no score that is a number"),
        (["f,10,11", "m,9,1"], "sex,n,k", {"selected": "k", "assessed": "n", "counts": True}, "row sex=f: 11 were"),
        (["f,10,-1", "m,9,1"], "sex,n,k", {"selected": "k", "assessed": "n", "counts": True}, "row sex=f: 'k'"),
        (["f,1.5,1", "m,9,1"], "sex,n,k", {"selected": "k", "assessed": "n", "counts": True}, "row sex=f: 'n'"),
        (["f,,1", "m,9,1"], "sex,n,k", {"selected": "k", "assessed": "n", "counts": True}, "is empty"),
        (["f,0,0", "m,0,0"], "sex,n,k", {"selected": "k", "assessed": "n", "counts": True}, "nobody was assessed"),
        (["f,0,1", "m,1,1"], "sex,seen,k", {"selected": "k", "assessed": "seen"}, "more cannot be selected"),
        (ROWS, "sex,hired,score", {"selected": "hired", "exclude_below": 0.05}, "between 0.0 and 0.02"),
        (ROWS, "sex,hired,score", {}, "name the column that says who was selected"),
        (ROWS, "sex,hired,score", {"selected": "hired", "race": "hired"}, "is named both as race and as selected"),
        (ROWS, "sex,hired,score", {"selected": "hired", "date": "October"}, "date must be a date"),
        (ROWS, "sex,hired,score", {"selected": "hired", "justification": "small"}, "exclude_below"),
        (ROWS, "sex,hired,score", {"selected": "hired", "rate": 1}, "bias-audit has no parameter 'rate'"),
        (ROWS, "sex,hired,score", {"selected": "hired", "counts": True}, "counts need the columns"),
        ([], "sex,hired", {"selected": "hired"}, "no data rows"),
    ],
)
def test_impossible_input_is_refused(tmp_path, rows, header, asked, message):
    with pytest.raises(InvalidInput) as error:
        audit(people(tmp_path, rows, header), sex="sex", **asked)
    assert message in str(error.value)


def test_the_command_prints_the_tables(tmp_path, capsys):
    path = str(small_category(tmp_path))
    assert main(["bias-audit", path, "--race", "race", "--selected", "hired", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == "bias-audit"
    assert report["inputs"][0]["sha256"]
    assert main(["bias-audit", path, "--race", "race", "--selected", "hired"]) == 0
    assert "Selection rates and impact ratios by race" in capsys.readouterr().out
    assert main(["bias-audit", path, "--selected", "hired"]) == 2
    assert "name the column of sex, of race, or both" in capsys.readouterr().err

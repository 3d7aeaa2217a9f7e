"""Exhibits: what documents show of a report beside its rules."""

from xml.etree import ElementTree as ET

import pytest

from audits.curve_charts import Curve, ReliabilityBin, curves_chart, reliability_chart, reliability_panels
from audits.evaluate_text import as_text
from audits.exhibit import Column, counted, table_exhibit
from audits.histogram_charts import Panel, panels_chart
from audits.series import Series
from audits.series_view import exhibits_of

BINS = [
    ReliabilityBin(lower=0.0, upper=0.5, score=0.3, rate=0.25, low=0.1, high=0.4, n=40),
    ReliabilityBin(lower=0.5, upper=1.0, score=0.8, rate=0.9, low=0.7, high=1.0, n=60),
]
HOSTILE = "</text><script>alert(1)</script> $x^2$ 种族"

PICTURES = {
    "reliability": lambda title: reliability_chart(BINS, title=title, axis="Observed", score_axis=title),
    "panels of reliability": lambda title: reliability_panels([(title, BINS), ("b", BINS)], title=title),
    "curves": lambda title: curves_chart(
        [Curve(label=title, points=((0.0, 1.0), (0.5, None), (1.0, 0.2)))], title=title, axis="x", threshold=0.5
    ),
    "histograms": lambda title: panels_chart(
        [Panel(title=title, ticks=("a", "b"), filled=(0.4, 0.6), outlined=(0.5, 0.5), note=title)],
        title=title,
        said="Two bars.",
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_the_same_bytes_every_time_and_its_title_for_those_who_cannot_see_it(name):
    svg = PICTURES[name]("Calibration")
    assert svg == PICTURES[name]("Calibration")
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label").startswith("Calibration.")
    assert root.find("{http://www.w3.org/2000/svg}title").text == "Calibration"
    assert "currentColor" in svg
    assert "style=" not in svg


@pytest.mark.parametrize("name", PICTURES)
def test_peoples_words_stay_words_in_a_picture(name):
    svg = PICTURES[name](HOSTILE)
    assert "<script" not in svg
    ET.fromstring(svg)


def test_the_reliability_picture_says_every_bin_in_words():
    assert "at 0.300 observed 0.250 (0.100–0.400), n 40" in PICTURES["reliability"]("Calibration")


def calibration(slice_):
    return Series(
        name="calibration",
        title="Observed rate by predicted probability",
        slice=slice_,
        columns=("lower", "upper", "mean_score", "observed_rate", "low", "high", "n"),
        rows=((0.0, 0.5, 0.3, 0.25, 0.1, 0.4, 40), (0.5, 1.0, 0.8, 0.9, 0.7, 1.0, 60)),
    )


def test_calibration_is_one_picture_for_everybody_and_one_for_each_set_of_columns():
    series = [
        calibration({}),
        calibration({"race": "black"}),
        calibration({"race": "white"}),
        calibration({"sex": "f"}),
    ]
    titles = [item.title for item in exhibits_of("fairness", series)]
    assert titles == [
        "Calibration: observed rate against predicted probability",
        "Calibration by race",
        "Calibration by sex",
    ]


def test_a_series_without_a_picture_is_a_table_with_every_column():
    series = Series(name="new", title="Something new", columns=("what_it_is", "n"), rows=(("a", 3), ("b", None)))
    (shown,) = exhibits_of("quality", [series])
    assert shown.draw is None
    assert [head for _, head in shown.table.heads] == ["What it is", "N"]
    assert shown.table.rows == ((("text", "a"), ("number", "3")), (("text", "b"), ("number", "–")))


def test_a_table_starts_with_what_matters_and_says_what_it_leaves_out():
    series = Series(
        name="q", title="", columns=("column", "bad"), rows=tuple((f"c{i}", i % 10 == 0) for i in range(100))
    )
    shown = table_exhibit(
        "q", "Columns", [series], [Column("column", "Column"), Column("bad", "Bad", counted)], most=5,
        matters=lambda record: record["bad"], rest_title=("one", "{n} columns without findings"),
    )  # fmt: skip
    assert [row[0][1] for row in shown.table.rows] == ["c0", "c10", "c20", "c30", "c40"]
    assert shown.rest_title == "90 columns without findings"
    assert shown.omitted == 5 + 78


def test_the_terminal_shows_tables_and_names_what_only_json_has():
    table = Series(
        name="new", title="Something new", columns=("column", "n"), rows=tuple((f"c{i}", i) for i in range(50))
    )
    report = {
        "kind": "quality", "measurements": [], "series": [table.as_json(), calibration({}).as_json()], "inputs": [],
        "warnings": [], "engine": "duckdb 1", "code_version": "countersign 0",
    }  # fmt: skip
    text = as_text(report)
    assert "Something new\n  Column   N\n  c0       0\n" in text
    assert "30 more with --json" in text
    assert "with --json also: Calibration: observed rate against predicted probability" in text


def test_drift_names_its_bins_and_puts_what_moved_before_what_did_not():
    heads = (
        "column", "state", "psi", "psi_low", "psi_high", "ks_statistic", "wasserstein_distance",
        "jensen_shannon_distance", "cramers_v", "p_value", "missing_reference", "missing_current", "new_categories",
        "vanished_categories", "note",
    )  # fmt: skip
    moved = ("income", "drifted", 0.4, 0.3, 0.5, 0.3, 0.4, 0.2, None, 0.0001, 0.0, 0.01, [], [], "")
    still = ("age", "stable", 0.01, 0.0, 0.02, 0.1, 0.1, 0.1, None, 0.9, 0.0, 0.0, [], [], "")
    histogram = Series(
        name="drift_histogram",
        title="income: reference and current",
        slice={"column": "income"},
        columns=("bin", "low", "high", "reference", "current", "reference_share", "current_share", "psi"),
        rows=(("below 1", None, 1.0, 40, 10, 0.4, 0.1, 0.3), ("1 and above", 1.0, None, 60, 90, 0.6, 0.9, 0.1)),
    )
    table = Series(name="drift", title="Columns, the worst first", columns=heads, rows=(moved, still))
    columns, distances, shapes = exhibits_of("drift", [table, histogram])
    assert [row[0][1] for row in columns.table.rows] == ["income"]
    assert columns.table.rows[0][1] == ("fail", "✕ drifted")
    assert columns.rest_title == "1 column that did not drift"
    assert "0.400 (0.300–0.500)" in distances.draw()
    assert "1 and above" in shapes.draw()
    assert "PSI 0.400" in shapes.draw()


def test_a_bias_audit_calls_four_fifths_no_threshold_of_the_law():
    series = Series(
        name="bias_audit",
        title="Selection rates and impact ratios by sex; 15 people of unknown category",
        columns=("category", "assessed", "favoured", "rate", "rate_low", "rate_high", "impact_ratio", "ratio_low",
                 "ratio_high", "note"),
        rows=(("female", 40, 20, 0.5, 0.4, 0.6, 0.8, 0.6, 1.0, ""), ("male", 40, 25, 0.625, 0.5, 0.7, 1.0, 0.8, 1.0, "")),
    )  # fmt: skip
    table, picture = exhibits_of("bias-audit", [series])
    assert table.draw is None
    assert [row[0][1] for row in table.table.rows] == ["female", "male"]
    assert picture.title == "Impact ratios of selection by sex"
    assert "Four fifths 0.80." in picture.draw()
    assert "the law sets no threshold" in picture.note

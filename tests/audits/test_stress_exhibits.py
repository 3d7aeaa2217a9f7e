"""What readers see of load and robustness: pictures that say what was measured, and nothing people wrote left unescaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from audits.load.latencies import Latencies
from audits.load.measuring import Cell
from audits.load.open_loop import Run
from audits.load.report import _histogram
from audits.series import Series
from audits.series_view import MAKERS, exhibits_of
from tests.audits.simulated_time import offered

EVIL = "<script>alert(1)</script>"
ENDS = ("", "_low", "_high")
LATENCY = Series(
    name="load_latency",
    title="Latency by rate",
    columns=(
        "model", "rate", "batch_size", "n", *(f"p{p}{end}" for p in (50, 95, 99, 999) for end in ENDS), "answered", "failed",
        "timed_out", "achieved", "waited",
    ),
    rows=(
        ("version", 20.0, 1, 400, 5.0, 4.8, 5.2, 9.0, 8.0, 11.0, 20.0, 15.0, 30.0, None, None, None, 400, 0, 0, 20.0, 0.1),
        ("champion", 20.0, 1, 400, 4.0, 3.8, 4.2, 8.0, 7.0, 9.0, 19.0, 14.0, 28.0, None, None, None, 399, 1, 0, 20.0, 0.1),
    ),
)  # fmt: skip
TRIALS = Series(
    name="load_saturation",
    title="Rates tried to find the saturation point",
    columns=("batch_size", "rate", "achieved", "sustained", "why"),
    rows=((1, 100.0, 100.0, True, ""), (1, 1234.5, 900.0, False, EVIL)),
)
EFFECTS = Series(
    name="perturbations",
    title="What perturbed inputs do to decisions",
    columns=(
        "perturbation", "feature", "n", "flip_rate", "flip_low", "flip_high", "shift_mean", "shift_low", "shift_high",
        "shift_p95", "shift_max", "error_rate", "accuracy_drop", "roc_auc_drop", "message",
    ),
    rows=(
        ("noise-5", "", 500, 0.05, 0.03, 0.07, 0.02, 0.01, 0.03, 0.1, 0.2, 0.0, 0.01, 0.0, ""),
        ("noise-5", EVIL, 500, 0.2, 0.15, 0.25, 0.02, 0.01, 0.03, 0.1, 0.2, 0.0, 0.01, 0.0, ""),
        ("noise-5", "years", 500, 0.0, 0.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ""),
        ("unseen", "region", 0, None, None, None, None, None, None, None, None, 1.0, None, None, EVIL),
    ),
)  # fmt: skip
PROMISES = Series(
    name="expectations_of_model",
    title="What the manifest promises of the model",
    columns=("id", "promise", "n", "violations", "low", "high", "largest", "refused", "examples"),
    rows=(
        ("income-up", "more income never lowers the score", 500, 0.0, 0.0, 0.01, 0.0, 0, []),
        ("swap", EVIL, 500, 0.25, 0.2, 0.3, 0.4, 3, ["571b048c3813"]),
        ("none", "x", 0, None, None, None, None, 0, []),
    ),
)


def shown(*series):
    return {item.key: item for item in exhibits_of("load", series)}


def words(exhibit):
    return [[cell[1] for cell in row] for row in exhibit.table.rows]


def test_latencies_are_dots_with_intervals_that_the_picture_says_in_words():
    exhibit = shown(LATENCY)["load-latency"]
    picture = exhibit.draw()
    assert picture == exhibit.draw()
    label = ET.fromstring(picture).get("aria-label")
    assert "20/s × 1, p95 9.000 (8.000–11.000), n 400" in label
    assert "champion: 20/s × 1, p99 19.000" in label
    assert "p99.9" not in label, "what was not measured is not drawn"
    assert words(exhibit)[0] == ["version", "20", "1", "400", "5.000", "9.000", "20.000", "–", "20", "0", "0"]


def test_distributions_are_drawn_from_the_runs_themselves():
    run = offered(50, 20, lambda index, _now: 0.002 if index % 2 else 0.008, kind="uniform")
    assert isinstance(run, Run)
    series = _histogram(Cell(rate=50.0, batch_size=1, runs=(run,)))
    assert sum(row[2] for row in series.rows) == 1000
    assert abs(sum(row[3] for row in series.rows) - 1) < 1e-9
    picture = shown(series)["load-histograms"].draw()
    assert "50 a second × 1, n 1,000, from 2.0 ms to 8.2 ms" in picture
    nothing = _histogram(Cell(rate=1.0, batch_size=1, runs=(offered(5, 2, lambda _i, _n: 99.0, timeout=0.1),)))
    assert Latencies.of([0.1]).counts()
    assert len(exhibits_of("load", [nothing])) == (1 if nothing.rows else 0)


def test_saturation_is_told_by_shape_and_word():
    exhibit = shown(TRIALS)["load-saturation"]
    assert [row[1:4] for row in words(exhibit)] == [["100", "100", "✓ borne"], ["1,234", "900", "✗ too much"]]


def test_slips_are_drawn_and_those_that_change_nothing_wait_to_be_asked_for():
    exhibit = shown(EFFECTS)["load-perturbations"]
    assert [row[0] for row in words(exhibit)] == ["noise-5", "noise-5", "unseen"]
    assert exhibit.rest_title == "1 slip that changes no decision"
    picture = exhibit.draw()
    assert "<script" not in picture
    assert "noise-5 of all 0.050 (0.030–0.070), n 500" in ET.fromstring(picture).get("aria-label")
    assert not re.search(r"\sstyle=", picture)


def test_promises_are_kept_broken_or_not_tried():
    exhibit = shown(PROMISES)["load-promises"]
    assert [row[2] for row in words(exhibit)] == ["✓ kept", "✗ 25 %", "not tried"]
    assert words(exhibit)[1][-1] == "571b048c3813"


def test_every_series_of_both_kinds_has_a_maker():
    names = {
        "load_latency", "load_histogram", "load_saturation", "load_machine", "perturbations", "expectations_of_model",
        "flipped_slices",
    }  # fmt: skip
    assert names <= set(MAKERS)

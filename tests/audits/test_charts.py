"""Pictures of measurements: sorted, labelled with n, threshold dashed, small groups hollow, the same bytes every time."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.charts import Row, group_chart, group_rows, interval_chart, metric_chart
from audits.measurement import Measurement
from audits.seal import seal
from audits.svg import for_paper
from registry.errors import InvalidInput
from tests.audits.dossier_factory import digest, fairness_measurements, performance_measurements

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def hollow_marks(svg: str) -> list[ET.Element]:
    return [mark for mark in ET.fromstring(svg).iter(f"{SVG}use") if mark.get("fill") == "none"]


def rate(group, value, n=100, **rest):
    return Measurement(metric="selection_rate", slice={"race": group}, value=value, n=n, method="wilson", **rest)


def by_race(**options):
    return group_chart(
        fairness_measurements(), metric="selection_rate", over=["race"], title="Selection rate by race", **options
    )


def test_groups_stand_from_the_highest_rate_down_with_n_beside():
    shown = words(by_race())
    names = [word for word in shown if word in {"white", "black", "hispanic"}]
    assert names == ["white", "hispanic", "black"]
    assert [word for word in shown if word.startswith("n ")] == ["n 1,681", "n 111", "n 197"]


def test_value_and_interval_stand_at_the_mark():
    assert "0.711  (0.644–0.769)" in words(by_race())


def test_the_threshold_is_a_dashed_line_with_its_value():
    svg = by_race(threshold=0.8)
    assert "threshold 0.80" in words(svg)
    assert "stroke-dasharray" in svg
    assert "stroke-dasharray" not in by_race()


def test_a_group_under_the_minimum_is_hollow_and_the_others_are_not():
    rows = group_rows(fairness_measurements(), metric="true_positive_rate", over=["sex"], minimum_group=0.02)
    assert {row.label: row.hollow for row in rows} == {"male": False, "female": False, "not stated": True}
    svg = group_chart(
        fairness_measurements(), metric="true_positive_rate", over=["sex"], minimum_group=0.02, title="TPR"
    )
    full = group_chart(fairness_measurements(), metric="true_positive_rate", over=["sex"], title="TPR")
    assert [len(hollow_marks(picture)) for picture in (svg, full)] == [1, 0]


def test_the_share_is_of_all_cases_even_where_the_rate_has_another_denominator():
    measured = [
        Measurement(metric="count", slice={"race": "a"}, value=950.0, n=950, method="exact count"),
        Measurement(metric="count", slice={"race": "b"}, value=50.0, n=50, method="exact count"),
        Measurement(metric="false_positive_rate", slice={"race": "a"}, value=0.1, n=20, method="wilson"),
        Measurement(metric="false_positive_rate", slice={"race": "b"}, value=0.1, n=20, method="wilson"),
    ]
    hollow = {
        row.label: row.hollow
        for row in group_rows(measured, metric="false_positive_rate", over=["race"], minimum_group=0.06)
    }
    assert hollow == {"a": False, "b": True}


def test_an_undefined_rate_is_said_and_stands_last():
    svg = group_chart(
        [rate("black", None, n=0), rate("white", 0.4)], metric="selection_rate", over=["race"], title="Selection rate"
    )
    assert [word for word in words(svg) if word in {"black", "white"}] == ["white", "black"]
    assert "undefined" in words(svg)


def test_one_interval_is_chosen_when_several_were_measured():
    measured = [rate("white", 0.4, low=0.3, high=0.5), rate("white", 0.4, low=0.35, high=0.45, confidence=0.8)]
    (row,) = group_rows(measured, metric="selection_rate", over=["race"])
    assert (row.low, row.high) == (0.3, 0.5)
    (row,) = group_rows(measured, metric="selection_rate", over=["race"], confidence=0.8)
    assert (row.low, row.high) == (0.35, 0.45)


def test_the_intersection_is_not_mixed_with_single_columns():
    rows = group_rows(fairness_measurements(), metric="selection_rate", over=["race", "sex"])
    assert len(rows) == 7
    assert all("×" in row.label for row in rows)


def test_nothing_to_draw_is_an_error_and_never_an_empty_picture():
    with pytest.raises(InvalidInput, match="no selection_rate over age"):
        group_chart(fairness_measurements(), metric="selection_rate", over=["age"], title="By age")
    with pytest.raises(InvalidInput, match="none of max_error"):
        metric_chart(performance_measurements(), metrics=["max_error"], title="Performance")


def test_the_alternative_text_tells_every_value():
    root = ET.fromstring(by_race(threshold=0.8))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "Selection rate by race"
    assert root.get("aria-label") == (
        "Selection rate by race. Threshold 0.80. white 0.932 (0.919–0.943), n 1,681; "
        "hispanic 0.784 (0.698–0.850), n 111; black 0.711 (0.644–0.769), n 197."
    )


def test_each_metric_carries_its_own_threshold():
    svg = metric_chart(
        performance_measurements(), metrics=["roc_auc_score", "brier_score_loss"],
        thresholds={"roc_auc_score": 0.75, "brier_score_loss": 0.12}, title="Performance",
    )  # fmt: skip
    assert {"ROC AUC", "Brier score", "0.75", "0.12"} <= set(words(svg))


def test_negative_differences_have_room_and_a_zero_line():
    svg = interval_chart(
        [Row(label="ROC AUC", value=-0.004, low=-0.011, high=0.003, n=1989)],
        axis="Difference",
        threshold=-0.02,
        title="T",
    )
    assert "threshold −0.02" in words(svg)
    assert "−0.004  (−0.011 to 0.003)" in words(svg)


def test_a_picture_has_the_same_bytes_every_time_and_others_share_no_id_with_it():
    first, again, other = by_race(), by_race(), by_race(threshold=0.8)
    assert first == again
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_picture_fits_a_strict_page_on_any_ground():
    svg = by_race(threshold=0.8)
    assert not re.search(r"\sstyle=|<style|<script|<metadata|<\?xml|<!DOCTYPE", svg)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg))
    assert colours <= {"currentColor", "none"}
    paper = for_paper(svg, ink="#123456", font="Serif")
    assert "currentColor" not in paper
    assert 'font-family="Serif"' in paper


@settings(max_examples=25, deadline=None)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"), min_size=1, max_size=20)
)
def test_names_of_groups_are_text_and_nothing_else(name):
    svg = group_chart(
        [rate(name, 0.4, low=0.3, high=0.5)], metric="selection_rate", over=["race"], title="Selection rate"
    )
    root = ET.fromstring(svg)
    allowed = {"svg", "g", "text", "tspan", "path", "use", "defs", "title", "clipPath", "rect"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    assert " ".join(name.split()) in root.get("aria-label")


def test_names_are_shown_as_written_never_as_mathematics_and_cut_only_in_the_picture():
    long = "a very long name of a group that nobody can fit beside an axis"
    svg = group_chart(
        [rate("$x^2$", 0.4), rate("日本語", 0.3), rate(long, 0.2)], metric="selection_rate", over=["race"], title="Rate"
    )
    shown = words(svg)
    assert {"$x^2$", "日本語"} <= set(shown)
    assert any(word.startswith("a very long name") and word.endswith("…") for word in shown)
    assert long in ET.fromstring(svg).get("aria-label")


def test_the_seal_is_drawn_from_the_digest():
    options = {"ink": "#000", "words": ("promoted", "today"), "font": "serif"}
    one, other = (seal(digest(word), **options) for word in ("one", "other"))
    assert one == seal(digest("one"), **options)
    assert one != other
    assert len(re.findall(r"M[\d.]+ [\d.]+L", one)) == 64
    with pytest.raises(InvalidInput):
        seal("no digest", **options)

"""The small pictures of an answer: marks stand where the numbers say, inside the frame, and people's words are text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from audits.explain.what_if_picture import Contribution, contributions_picture, score_picture, strongest

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    return ET.fromstring(svg)


def numbers(element, *names):
    return tuple(float(element.get(name)) for name in names)


def bars(svg, kind="ex-bar"):
    return [
        (*numbers(item, "x", "width"), item.get("class").split()[1])
        for item in drawn(svg).iter(f"{SVG}rect")
        if item.get("class").startswith(kind)
    ]


def test_the_score_stands_at_its_share_of_the_axis_and_the_threshold_is_dashed():
    svg = score_picture(title="t", score=0.25, said="s", limits=(0, 1), threshold=0.5, threshold_said="at 0.5")
    (axis,) = [item for item in drawn(svg).iter(f"{SVG}line") if item.get("class") == "ex-axis"]
    left, right = numbers(axis, "x1", "x2")
    (dot,) = drawn(svg).iter(f"{SVG}circle")
    assert (float(dot.get("cx")) - left) / (right - left) == pytest.approx(0.25, abs=1e-3)
    (line,) = [item for item in drawn(svg).iter(f"{SVG}line") if item.get("class") == "ex-threshold"]
    assert (float(line.get("x1")) - left) / (right - left) == pytest.approx(0.5, abs=1e-3)


def test_what_lies_outside_the_axis_widens_it_and_no_label_leaves_the_picture():
    svg = score_picture(
        title="t", score=3.0, said="as asked 3.000", limits=(0, 1), changed=-1.0, changed_said="changed −1.000"
    )
    dots = [float(item.get("cx")) for item in drawn(svg).iter(f"{SVG}circle")]
    assert min(dots) == pytest.approx(12)
    assert max(dots) == pytest.approx(448)
    for label in drawn(svg).iter(f"{SVG}text"):
        if label.get("text-anchor") == "middle":
            half = len(label.text) * 3.6
            assert float(label.get("x")) - half >= 0
            assert float(label.get("x")) + half <= 460


def test_bars_are_as_long_as_their_contributions_and_point_their_way():
    svg = contributions_picture(
        title="t",
        contributions=[
            Contribution(label="a", value=-2.0, changed=1.0),
            Contribution(label="b", value=1.0, changed=0.5),
        ],
    )
    (ax, aw, away), (bx, bw, bway) = bars(svg)
    assert aw == pytest.approx(2 * bw, abs=0.2)
    assert ax + aw == pytest.approx(bx, abs=0.2)
    assert (away, bway) == ("ex-down", "ex-up")
    assert [width for _, width, _ in bars(svg, "ex-thin")] == pytest.approx([bw, bw / 2], abs=0.2)
    for label in drawn(svg).iter(f"{SVG}text"):
        assert 0 <= float(label.get("x")) <= 460


def test_nothing_but_zeros_is_drawn_too():
    assert bars(contributions_picture(title="t", contributions=[Contribution(label="a", value=0.0)]))[0][1] == 0


def test_the_strongest_come_first_and_the_others_are_summed():
    found = strongest(
        {"a": 0.1, "b": -0.5, "c": 0.2, "d": 0.05},
        {"a": 0.1, "b": -0.5, "c": 0.2, "d": 0.9},
        {"b": "B"},
        most=2,
        rest="rest",
    )
    assert [(item.label, item.value) for item in found] == [("d", 0.05), ("B", -0.5), ("rest", pytest.approx(0.3))]
    assert found[-1].changed == pytest.approx(0.3)


def test_words_are_text_and_there_is_no_style():
    nasty = '<script>"&'
    svg = contributions_picture(title=nasty, contributions=[Contribution(label=nasty, value=1.0)])
    svg += score_picture(title=nasty, score=0.5, said=nasty, limits=(0, 1))
    assert "<script" not in svg
    assert not re.search(r"\sstyle=", svg)

"""The pictures of explanations: small, the same every time, in one ink, and true to the numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from audits.exhibit import Exhibit
from audits.explanation_charts import CurvePanel, Swarm, compact, curve_panels, swarm_chart
from audits.series import Series
from audits.series_view import exhibits_of

MOST = 60_000


def swarms(features=12, rows=500):
    draw = np.random.default_rng(0)
    return [
        Swarm(
            label=f"feature {place} <b>",
            contributions=tuple(draw.normal(size=rows).round(4).tolist()),
            places=tuple(draw.random(rows).round(3).tolist()),
        )
        for place in range(features)
    ]


def test_six_thousand_points_fit_in_sixty_kilobytes():
    picture = swarm_chart(swarms(rows=400), title="Contributions", axis="Contribution", said="")
    assert len(picture) <= MOST
    assert picture == swarm_chart(swarms(rows=400), title="Contributions", axis="Contribution", said="")
    assert "style=" not in picture
    assert "feature 0 &lt;b&gt;" in picture
    # A dot is a line of no length with a round end: as many as there are rows.
    assert picture.count("h0") == 12 * 400


def test_points_stand_where_their_values_are():
    (swarm,) = swarms(features=1, rows=40)
    root = ET.fromstring(swarm_chart([swarm], title="t", axis="x", said=""))
    places = []
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        if "h0" in path.get("d"):
            x = 0.0
            for letter, dx in re.findall(r"([Mm])(-?[\d.]+)", path.get("d")):
                x = float(dx) if letter == "M" else x + float(dx)
                places.append(x)
    drawn, values = np.sort(places), np.sort(swarm.contributions)
    slope, start = np.polyfit(values, drawn, 1)
    assert np.abs(drawn - (slope * values + start)).max() < 0.2


def test_lines_keep_their_course_when_they_are_written_in_steps():
    path = "M 10.04 20.06 \nL 11.98 19.01 \nL 30 40 "
    written = compact(f'<path d="{path}" fill="none"/>')
    assert written == '<path d="M10 20.1l2-1.1l18 21" fill="none"/>'
    curved = '<path d="M 0 0 C 1 1 2 2 3 3 z"/>'
    assert compact(curved) == curved


@pytest.mark.parametrize("lasting", [True, False])
def test_curves_of_groups_are_named_at_their_ends(lasting):
    x = tuple(float(place) for place in range(20 if lasting else 12))
    panel = CurvePanel(
        title="Income",
        ticks=tuple(str(place) for place in x),
        x=x,
        mean=x,
        low=x,
        high=x,
        groups=(("green", x), ("purple", x)),
        lines=tuple(tuple(place + line / 10 for place in x) for line in range(30)) if lasting else (),
        lasting=lasting,
    )
    picture = curve_panels([panel] * 6, title="Curves", axis="Score", said="")
    assert len(picture) <= MOST
    assert picture.count(">green<") == 6


def test_every_table_of_an_explanation_has_its_exhibit():
    swarm = ("income", "Income", [0.1, -0.2, 0.0], [0.0, 1.0, 0.5])
    tables = [
        Series(name="importance", title="Importance", columns=("feature", "name", "importance", "low", "high", "share", "share_low", "share_high", "rank", "rank_low", "rank_high", "n"),
               rows=(("income", "Income", 0.2, 0.1, 0.3, 1.0, 1.0, 1.0, 1, 1.0, 1.0, 40),)),
        Series(name="shapley_values", title="Swarm", columns=("feature", "name", "contributions", "places"), rows=(swarm,)),
        *(Series(name="importance_by_group", title="By race", slice={"race": race}, columns=("feature", "name", "share", "low", "high", "n", "few"),
                 rows=(("income", "Income", 0.5, None, None, 9, True),)) for race in ("green", "purple")),
        Series(name="dependence", title="Income", slice={"feature": "income"}, columns=("value", "mean", "low", "high", "lines"),
               rows=((1.0, 0.2, 0.1, 0.3, [0.1]), (2.0, 0.3, 0.2, 0.4, [0.2]))),
        Series(name="dependence", title="Income", slice={"feature": "income", "race": "green"}, columns=("value", "mean", "n"),
               rows=((1.0, 0.2, 40), (2.0, 0.3, 40))),
        Series(name="reasons", title="Reasons", columns=("reason", "first", "first_share", "low", "high", "among", "decisions", "sensitive"),
               rows=(("Income", 3, 0.6, 0.2, 0.9, 4, 5, False),)),
        Series(name="feature_ranges", title="Ranges", columns=("feature", "type"), rows=(("income", "number"),)),
    ]  # fmt: skip
    shown: dict[str, Exhibit] = {exhibit.key: exhibit for exhibit in exhibits_of("explanation", tables)}
    assert list(shown) == [
        "explanation-importance", "explanation-swarm", "explanation-importance-race", "explanation-dependence",
        "explanation-reasons-",
    ]  # fmt: skip
    for exhibit in shown.values():
        assert exhibit.draw is None or exhibit.draw().startswith("<svg")
        assert exhibit.table.rows

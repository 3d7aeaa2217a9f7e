"""Whether data hold enough of each group: counts, shares and ratios by hand; absent and unknown groups; two engines."""

from __future__ import annotations

import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from audits.engines.duckdb_engine import open_arrow
from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.group_shares import MOST_CELLS, count_groups, share_measurements
from audits.series import Series
from audits.series_view import exhibits_of
from registry.errors import InvalidInput
from tests.audits.engine_servers import READER, SECRET, postgres

# 10 applicants: 5 black, 3 white, 1 asian, 1 who did not say; 4 women.
PEOPLE = [
    ("black", "f"), ("black", "f"), ("black", "m"), ("black", "m"), ("black", "m"), ("white", "f"), ("white", "m"),
    ("white", "m"), ("asian", "m"), (None, "f"),
]  # fmt: skip
POPULATION = {"race": {"black": 0.4, "white": 0.5, "native": 0.1}}


def table(rows=PEOPLE) -> pa.Table:
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(("race", "sex"))})


@pytest.fixture
def people(tmp_path):
    path = tmp_path / "people.parquet"
    pq.write_table(table(), path)
    return path


def found(report, metric, **where):
    [only] = [m for m in report["measurements"] if (m["metric"], m["slice"]) == (metric, where)]
    return only


def test_rows_and_shares_by_hand(people):
    report = evaluate("representation", [people], {"over": [["race"]]})
    counts = {m["slice"].get("race"): m["value"] for m in report["measurements"] if m["metric"] == "group_count"}
    assert counts == {None: 10, "black": 5, "white": 3, "asian": 1, "unknown": 1}
    black = found(report, "group_share", race="black")
    # Wilson's limits of 5 in 10 at 95 %, as Brown, Cai and DasGupta's formula gives them.
    assert (black["value"], black["n"]) == (0.5, 10)
    assert (black["low"], black["high"]) == pytest.approx((0.2365931, 0.7634069), abs=1e-7)


def test_wilsons_limits_are_scipys(people):
    report = evaluate("representation", [people], {"over": [["race"]], "confidences": [0.9]})
    for group, rows in {"black": 5, "white": 3, "asian": 1}.items():
        share = found(report, "group_share", race=group)
        limits = binomtest(rows, 10).proportion_ci(0.9, "wilson")
        assert (share["low"], share["high"]) == pytest.approx((limits.low, limits.high), abs=1e-12)


def test_ratios_to_the_population(people):
    report = evaluate("representation", [people], {"over": [["race"]], "population": POPULATION})
    ratio, share = found(report, "population_ratio", race="white"), found(report, "group_share", race="white")
    assert ratio["value"] == pytest.approx(0.3 / 0.5)
    assert (ratio["low"], ratio["high"]) == pytest.approx((share["low"] / 0.5, share["high"] / 0.5))
    assert found(report, "population_ratio", race="asian")["value"] is None
    assert "gives no share of this group" in found(report, "population_ratio", race="asian")["note"]


def test_a_group_of_the_population_of_whom_there_is_nobody_has_no_rows(people):
    report = evaluate("representation", [people], {"over": [["race"]], "population": POPULATION})
    assert found(report, "group_count", race="native")["value"] == 0
    ratio = found(report, "population_ratio", race="native")
    # Of none in 10 the upper limit is z² / (n + z²).
    assert (ratio["value"], ratio["low"]) == (0, 0)
    assert ratio["high"] == pytest.approx(3.841459 / 13.841459 / 0.1, abs=1e-6)


def test_a_crossing_of_groups_that_nobody_is_in_has_no_rows(people):
    report = evaluate("representation", [people], {"over": [["race", "sex"]]})
    assert found(report, "group_count", race="asian", sex="f")["value"] == 0
    assert found(report, "group_count", race="black", sex="m")["value"] == 3
    assert found(report, "group_count", race="unknown", sex="f")["value"] == 1
    assert not any(m["slice"] == {"race": "unknown", "sex": "m"} for m in report["measurements"])


def test_who_names_no_group_is_said(people):
    report = evaluate("representation", [people], {"over": [["race"], ["race", "sex"]]})
    assert [text for text in report["warnings"] if "unknown" in text] == [
        "1 rows name no group in 'race'; they are the group 'unknown'"
    ]


def test_a_population_of_a_column_that_is_not_counted_is_said(people):
    report = evaluate("representation", [people], {"over": [["sex"]], "population": POPULATION})
    assert any("population of 'race'" in warning for warning in report["warnings"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["f", "m"])), min_size=1, max_size=60)
)
def test_every_row_is_in_one_group_of_every_set_of_columns(rows):
    if all(race is None for race, _ in rows):
        return
    with open_arrow(table(rows)) as engine:
        for columns, plain in (
            (("race",), Counter((race or "unknown",) for race, _ in rows)),
            (("race", "sex"), Counter((race or "unknown", sex) for race, sex in rows)),
        ):
            shares = count_groups(engine, columns, {})
            counted = dict(zip(shares.names, shares.rows.tolist(), strict=True))
            assert {name: n for name, n in counted.items() if n} == dict(plain)
            assert sum(counted.values()) == shares.total == len(rows)


def test_what_is_held_back_is_not_known_and_nothing_is_taken_for_empty():
    with open_arrow(table()) as engine:
        engine.disclosure = 2
        shares = count_groups(engine, ["race", "sex"], {})
        measured = {tuple(m.slice.values()): m for m in share_measurements(shares, [0.95]) if m.metric == "group_share"}
    assert shares.total == 10
    assert measured["black", "m"].value == 0.3
    assert measured["white", "f"].value is None
    assert "held back" in measured["white", "f"].note


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "over"),
        ({"over": [[]]}, "over"),
        ({"over": [["race", "shoe_size"]]}, "over"),
        ({"over": [[f"c{i}" for i in range(6)]]}, "over"),
        ({"over": [["race"]], "population": {"race": {"black": 0.5, "white": 0.1}}}, "population"),
        ({"over": [["race"]], "confidences": [1]}, "confidences"),
        ({"over": [["race"]], "max_groups": 2}, "over"),
        ({"over": [["race"]], "groups": 2}, "groups"),
    ],
)
def test_what_cannot_be_asked_is_named(people, parameters, field):
    with pytest.raises(InvalidInput) as caught:
        evaluate("representation", [people], parameters)
    assert caught.value.field == field


def test_too_many_crossings_are_refused():
    rows = pa.table({name: [f"{name}{i}" for i in range(101)] for name in ("a", "b")})
    with open_arrow(rows) as engine, pytest.raises(InvalidInput, match=f"{MOST_CELLS:,}"):
        count_groups(engine, ["a", "b"], {}, most_groups=200)


def test_a_column_that_names_nobody_is_refused():
    with (
        open_arrow(table([(None, "f"), ("", "m")])) as engine,
        pytest.raises(InvalidInput, match="no group in any row"),
    ):
        count_groups(engine, ["race"], {})


def test_the_command(people, capsys):
    options = ["representation", str(people), "--over", "race,race+sex"]
    assert main([*options, "--population", "race:black=0.4,white=0.5,native=0.1"]) == 0
    told = capsys.readouterr().out
    assert "Rows by race, of 10" in told
    assert "native" in told
    assert main([*options, "--json", "-"] if "-" in options else [*options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["over"] == [["race"], ["race", "sex"]]


def test_the_groups_are_shown_with_a_picture_the_fewest_first(people):
    report = evaluate("representation", [people], {"over": [["race"]], "population": POPULATION})
    [shown] = exhibits_of("representation", [Series.from_json(item) for item in report["series"]])
    assert [row[0][1] for row in shown.table.rows] == ["native", "asian", "unknown", "white", "black"]
    assert "Of the population" in [text for _, text in shown.table.heads]
    assert "as in the population" in shown.draw()


def test_a_table_in_postgresql_is_counted_the_same(people):
    parameters = {"over": [["race"], ["race", "sex"]], "population": POPULATION}
    with postgres() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE", f"{READER}:{SECRET}")
        server.load("risk.people", table())
        there = evaluate("representation", [server.address("table=risk.people")], parameters)
    here = evaluate("representation", [people], parameters)
    assert there["measurements"] == here["measurements"]
    assert there["series"] == here["series"]

"""Aggregates over groups and rates of every group; a group that is not shown never passes."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import everybody, facts, group, impact, impact_rule, judged, rate_rule


def test_the_impact_ratio_reads_as_a_lawyer_wants_it():
    rule = judged(impact_rule(), facts(impact(0.71, 0.64, 0.79)))
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "The impact ratio by race is 0.710 (95 % interval 0.640–0.790, n 1,989); the policy requires at least 0.80."
    )
    assert rule["observed"] == "race: 0.710 (95 % interval 0.640–0.790)"
    assert "Find in the evidence which groups lie apart" in rule["fix"]


def test_every_set_of_columns_is_judged_by_itself_and_the_worst_leads():
    known = facts(
        impact(0.9, 0.85, 0.95),
        impact(0.82, 0.78, 0.86, over=["sex"], n=1985),
        impact(0.6, 0.5, 0.7, over=["race", "sex"], n=1970),
    )
    rule = judged(impact_rule(over=["race", "sex", ["race", "sex"]]), known)
    assert [(detail["over"], detail["status"]) for detail in rule["details"]] == [
        (["race"], "pass"),
        (["sex"], "inconclusive"),
        (["race", "sex"], "fail"),
    ]
    assert rule["status"] == "fail"
    assert rule["n"] == 1970
    assert rule["sentence"] == (
        "The impact ratio by race × sex is 0.600 (95 % interval 0.500–0.700, n 1,970); the policy requires "
        "at least 0.80; nor is it shown for sex (0.820, inconclusive)."
    )


@pytest.mark.parametrize(
    ("statuses", "rule_status"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "fail"], "fail"),
        (["fail", "missing"], "missing"),
        (["missing", "error"], "error"),
    ],
)
def test_the_worst_detail_is_the_rule(statuses, rule_status):
    made = {
        "pass": lambda over: [impact(over=over)],
        "inconclusive": lambda over: [impact(0.8, 0.7, 0.9, over=over)],
        "fail": lambda over: [impact(0.6, 0.5, 0.7, over=over)],
        "missing": lambda over: [impact(None, None, None, over=over)],
        "error": lambda over: [impact(over=over), impact(0.91, over=over)],
    }
    known = facts(*made[statuses[0]](["race"]), *made[statuses[1]](["sex"]))
    rule = judged(impact_rule(over=["race", "sex"]), known)
    assert [detail["status"] for detail in rule["details"]] == statuses
    assert rule["status"] == rule_status


def test_an_intersection_is_the_same_whichever_way_round():
    known = facts(impact(over=["sex", "race"]))
    assert judged(impact_rule(over=[["race", "sex"]]), known)["status"] == "pass"


def test_a_column_that_the_manifest_does_not_declare_is_named():
    rule = judged(impact_rule(over=["race", ["race", "age"]]), facts(impact()))
    assert rule["status"] == "missing"
    assert rule["sentence"] == (
        "The impact ratio by race × age is not known: the manifest does not declare age under schema.sensitive; "
        "the policy requires at least 0.80."
    )
    assert rule["fix"].startswith("Declare age under schema.sensitive")


@pytest.mark.parametrize(("measured", "status"), [(0.02, "pass"), (0.0, "missing"), (0.05, "missing")])
def test_small_groups_are_left_out_as_the_policy_says_and_not_otherwise(measured, status):
    rule = judged(impact_rule(minimum_group=0.02), facts(impact(minimum_group=measured)))
    assert rule["status"] == status


def test_the_aggregate_keeps_the_note_that_names_the_groups():
    note = "selection_rate: lowest race=black (0.6), highest race=white (0.9)"
    rule = judged(impact_rule(), facts(impact(note=note)))
    assert rule["details"][0]["note"] == note


BLACK = group("black", 200, 0.85, 0.81, 0.9)
WHITE = group("white", 800, 0.9, 0.88, 0.92)


def test_a_rate_is_asked_of_every_group():
    rule = judged(rate_rule(), facts(everybody(1000), BLACK, WHITE))
    assert rule["status"] == "pass"
    assert [detail["slice"] for detail in rule["details"]] == [{"race": "black"}, {"race": "white"}]
    rule = judged(rate_rule(), facts(everybody(1000), group("black", 200, 0.6, 0.5, 0.7), WHITE))
    assert rule["status"] == "fail"
    assert rule["sentence"].startswith(
        "The true positive rate of race black is 0.600 (95 % interval 0.500–0.700, n 200)"
    )


@pytest.mark.parametrize(
    "measured",
    [
        [BLACK, WHITE],
        [everybody(1000), WHITE],
        [everybody(1000), BLACK[:1], WHITE],
        [everybody(1000), BLACK[1:], WHITE],
        [everybody(1000), BLACK, WHITE[1:]],
        [everybody(1001), BLACK, WHITE],
    ],
    ids=["no total", "no black group", "no black rate", "no black count", "no white count", "one person too few"],
)
def test_a_group_that_is_not_shown_never_passes(measured):
    rule = judged(rate_rule(), facts(*measured))
    assert rule["status"] == "missing"
    assert rule["fix"]


def test_a_group_in_which_the_rate_is_undefined_is_missing():
    undefined = group("black", 200, None, note="undefined: the group has no positive row")
    rule = judged(rate_rule(), facts(everybody(1000), undefined, WHITE))
    assert rule["status"] == "missing"
    assert "the group has no positive row" in rule["sentence"]


def test_rates_of_intersections():
    places = [{"race": race, "sex": sex} for race in ("black", "white") for sex in ("f", "m")]
    groups = [group("", 250, 0.9, 0.85, 0.95, slice=place) for place in places]
    assert judged(rate_rule(over=[["sex", "race"]]), facts(everybody(1000), *groups))["status"] == "pass"
    assert judged(rate_rule(over=[["sex", "race"]]), facts(everybody(1000), *groups[1:]))["status"] == "missing"


def test_many_groups_are_counted_rather_than_listed():
    groups = [group(name, 100, 0.5, 0.4, 0.6) for name in "abcdef"]
    rule = judged(rate_rule(), facts(everybody(600), *groups))
    assert rule["sentence"].endswith("race b (0.500, fail), race c (0.500, fail), race d (0.500, fail) and 2 more.")


@pytest.mark.parametrize("twice", [everybody(900), group("black", 201, 0.85, 0.81, 0.9)[0]])
def test_groups_counted_twice_with_different_results_are_an_error(twice):
    assert judged(rate_rule(), facts(everybody(1000), BLACK, WHITE, twice))["status"] == "error"
    assert judged(rate_rule(), facts(twice, everybody(1000), BLACK, WHITE))["status"] == "error"

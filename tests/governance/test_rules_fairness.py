"""Aggregates over groups and rates of every group; a group that is not shown never passes."""

from __future__ import annotations

import pytest

from registry.errors import InvalidInput
from tests.governance.rules_factory import (
    everybody,
    facts,
    group,
    impact,
    impact_rule,
    judged,
    measurement,
    rate_rule,
)


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


REMEDY = "thresholds of 0.47 for black and 0.55 for white would bring the ratio from 0.71 to 0.91"


def remedied(**changes):
    return {**impact(0.91, 0.88, 0.94), "metric": "remedied_demographic_parity_ratio", "note": REMEDY, **changes}


def test_the_fix_of_an_impact_ratio_says_what_thresholds_would_do():
    rule = judged(impact_rule(), facts(impact(0.71, 0.64, 0.79), remedied()))
    assert rule["fix"].endswith(f" For example, {REMEDY}; check that the law allows group thresholds.")


@pytest.mark.parametrize(
    "other",
    [
        remedied(over=["sex"]),
        remedied(minimum_group=0.02),
        remedied(note=""),
        remedied(value=None, low=None, high=None),
    ],
    ids=["of other columns", "with other groups left out", "without words", "undefined"],
)
def test_the_fix_holds_no_remedy_of_anything_else(other):
    assert "For example" not in judged(impact_rule(), facts(impact(0.71, 0.64, 0.79), other))["fix"]


def test_inequality_is_about_everybody():
    rule = impact_rule(metric="theil_index", at_most=0.2)
    del rule["at_least"]
    known = facts(measurement("fairness", "theil_index", 0.1, 0.08, 0.12, over=["race"]))
    assert judged(rule, known)["status"] == "pass"
    with pytest.raises(InvalidInput, match="is about everybody"):
        judged({**rule, "minimum_group": 0.02}, known)


def share(race: str, n: int, ratio: float):
    place = {"slice": {"race": race}, "n": 1000}
    return [
        measurement("fairness", "count", float(n), **place),
        measurement("fairness", "representation_ratio", ratio, ratio, ratio, **place),
    ]


def test_a_group_of_the_population_whom_the_data_do_not_hold_never_passes():
    population = {"race": {"black": 0.2, "white": 0.7, "asian": 0.1}}
    rule = rate_rule(metric="representation_ratio", at_least=0.5, population=population)
    held = [everybody(1000), *share("black", 200, 1.0), *share("white", 800, 1.14)]
    assert judged(rule, facts(*held))["status"] == "missing"
    assert judged(rule, facts(*held, *share("asian", 0, 0.0)))["status"] == "fail"
    assert judged(rule, facts(*held, *share("asian", 0, 0.6)))["status"] == "pass"


def test_of_many_classes_every_group_and_class_is_asked():
    def chosen(race, name, value):
        return measurement("fairness", "selection_rate", value, value, value, slice={"race": race, "class": name})

    rule = rate_rule(metric="selection_rate", at_least=0.1)
    sizes = [everybody(1000), *(group(race, 500, None)[:1] for race in ("black", "white"))]
    rates = [chosen(race, name, 0.5) for race in ("black", "white") for name in ("yes", "no")]
    assert judged(rule, facts(*sizes, *rates))["status"] == "pass"
    worse = judged(rule, facts(*sizes, *rates[1:], chosen("black", "yes", 0.05)))
    assert worse["sentence"].startswith("The selection rate of race black and class yes is 0.050")
    assert judged(rule, facts(*sizes, *rates[1:]))["status"] == "missing"

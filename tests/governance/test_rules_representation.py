"""The rule over representation: every group must clear, a group that nobody counted never passes, and why is said."""

from __future__ import annotations

import pytest

from governance.rules.plan import plan
from governance.rules.policy_document import parse_policy
from tests.governance.rules_factory import facts, judged, measurement, policy, representation_rule

KIND = "representation"


def counted(total=100, **rows):
    """Rows by race, and of everybody."""
    groups = [measurement(KIND, "group_count", n, slice={"race": name}) for name, n in rows.items()]
    return [measurement(KIND, "group_count", total), *groups]


def share(name, value, low, high, metric="group_share", **changes):
    return measurement(KIND, metric, value, low, high, slice={"race": name}, **changes)


BLACK, WHITE = share("black", 0.3, 0.22, 0.4), share("white", 0.7, 0.6, 0.78)
BOTH = [*counted(black=30, white=70), BLACK, WHITE]
NAMELESS = [*counted(black=30, white=65, unknown=5), BLACK, share("white", 0.65, 0.55, 0.74), share("unknown", 0.05, 0.02, 0.11)]  # fmt: skip
RATIO = {"metric": "population_ratio", "at_least": 0.8}


def crossed(**rows):
    return [
        measurement(KIND, "group_count", 100),
        *(
            measurement(KIND, "group_count", n, slice=dict(zip(("race", "sex"), name.split("_"), strict=True)))
            for name, n in rows.items()
        ),
    ]


CASES = {
    "every group is large enough": ({}, BOTH, "pass"),
    "one group is too small": ({"at_least": 0.45}, BOTH, "fail"),
    "the data cannot tell of one group": ({"at_least": 0.25}, BOTH, "inconclusive"),
    "the point value alone is asked": ({"at_least": 0.25, "confidence": None}, BOTH, "pass"),
    "a group that was counted has no share": ({}, [*counted(black=30, white=70), WHITE], "missing"),
    "a group is not counted": ({}, [*counted(white=70), WHITE], "missing"),
    "a group was held back": ({}, [*counted(black=None, white=70), BLACK, WHITE], "missing"),
    "the whole was not counted": ({}, BOTH[1:], "missing"),
    "the whole was counted twice": ({}, [*BOTH, measurement(KIND, "group_count", 99)], "error"),
    "nothing was counted by these columns": ({"over": ["sex"]}, BOTH, "missing"),
    "measured at another confidence": ({"confidence": 0.9}, BOTH, "missing"),
    "of who names no group nobody asks for more": ({}, NAMELESS, "pass"),
    "who names no group is a group at most": ({"at_least": None, "at_most": 0.8}, NAMELESS, "pass"),
    "too many name no group": (
        {"at_least": None, "at_most": 0.5},
        [*counted(black=30, unknown=70), BLACK, share("unknown", 0.7, 0.6, 0.78)],
        "fail",
    ),
    "everybody is of an unknown group": ({}, [*counted(unknown=100), share("unknown", 1, 0.96, 1)], "missing"),
    "rows are counted": ({"metric": "group_count", "at_least": 30}, BOTH, "pass"),
    "too few rows": ({"metric": "group_count", "at_least": 31}, BOTH, "fail"),
    "a group without rows fails": ({"metric": "group_count", "at_least": 1}, counted(black=0, white=100), "fail"),
    "where columns cross": (
        {"metric": "group_count", "at_least": 20, "over": [["sex", "race"]]},
        crossed(black_f=20, black_m=20, white_f=20, white_m=40),
        "pass",
    ),
    "too few where columns cross": (
        {"metric": "group_count", "at_least": 20, "over": [["race", "sex"]]},
        crossed(black_f=0, black_m=40, white_f=20, white_m=40),
        "fail",
    ),
    "as in the population": (
        RATIO,
        [*BOTH, share("black", 1.2, 0.9, 1.6, "population_ratio"), share("white", 0.95, 0.82, 1.1, "population_ratio")],
        "pass",
    ),
    "fewer than in the population": (
        RATIO,
        [*BOTH, share("black", 0.6, 0.4, 0.7, "population_ratio"), share("white", 1.2, 1.1, 1.3, "population_ratio")],
        "fail",
    ),
    "the population does not name a group": (
        RATIO,
        [*BOTH, share("black", None, None, None, "population_ratio", note="schema.population gives no share of this group"),
         share("white", 1.2, 1.1, 1.3, "population_ratio")],
        "missing",
    ),
    "no population was stated": (RATIO, BOTH, "missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_over_representation(case):
    changes, measured, status = CASES[case]
    rule = {name: value for name, value in representation_rule(**changes).items() if value is not None}
    verdict = judged(rule, facts(*measured))
    assert verdict["status"] == status, verdict["sentence"]
    assert verdict["sentence"].endswith(".")
    assert bool(verdict["fix"]) == (status != "pass")


def test_the_sentence_names_the_group_that_is_furthest_off():
    rule = judged(representation_rule(at_least=0.45), facts(*BOTH))
    assert rule["sentence"] == (
        "The share of race black in the training data is 0.300 (95 % interval 0.220–0.400, n 1,989); the policy requires at "
        "least 0.45."
    )
    assert "gather more of them" in rule["fix"]


def test_what_was_never_measured_is_missing_and_says_how_to_have_it_measured():
    rule = judged(representation_rule(over=["race", ["race", "sex"]]), facts())
    assert (rule["status"], rule["observed"]) == ("missing", "not measured")
    assert "Declare race and sex under schema.sensitive" in rule["fix"]


def planned(*rules, **schema):
    items = plan(parse_policy(policy(*rules)), {"label": "y", "prediction": "p", **schema}, has_champion=False)
    return {item["key"]: (item["roles"], item["parameters"]) for item in items}


def test_what_is_measured_is_what_the_rules_ask_and_the_manifest_declares():
    rules = [
        representation_rule(over=["race", "sex", ["sex", "race"], "religion"]),
        representation_rule(metric="group_count", at_least=5, over=["race"]),
        representation_rule(confidence=0.9, over=["sex"], data="test-data"),
    ]
    population = {"race": {"black": 0.2, "white": 0.8}}
    assert planned(*rules, sensitive=["race", "sex"], population=population) == {
        "representation": (
            ["training-data"],
            {"over": [["race"], ["sex"], ["race", "sex"]], "confidences": [0.95], "population": population},
        ),
        "representation:test-data": (
            ["test-data"],
            {"over": [["sex"]], "confidences": [0.9], "population": population},
        ),
    }


def test_without_declared_columns_nothing_is_planned():
    assert planned(representation_rule(over=["religion"]), sensitive=["race"]) == {}

"""Why somebody was refused, in words: the strongest pushes towards the adverse side, at most four, and never dressed up."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.explain.feature_dictionary import NO_DICTIONARY, read_dictionary
from audits.explain.reason_codes import NOT_NAMED, reason_codes, value_words
from registry.errors import InvalidInput

WORDS = b"""
adverse: lower
groups:
  purpose: {name: Purpose of the loan, adverse: The purpose of the loan}
features:
  income: {name: Income, unit: thousand dollars a year, adverse_low: Income is low for this amount}
  debt: {name: Debt, adverse_high: Debt is high beside income}
  purpose_home: {group: purpose}
  purpose_other: {group: purpose}
  fraud: {name: Fraud score, hide: true}
  race: {name: Race, hide: true}
"""
ROW = {"income": 31.5, "debt": 0.6, "purpose_home": 0, "purpose_other": 1, "fraud": 0.2, "race": "black", "age": 40}
USUAL = {"income": 60.0, "debt": 0.3}


def told(values, **more):
    return reason_codes(values, ROW, read_dictionary(WORDS), typical=USUAL, **more)


def test_the_strongest_pushes_downwards_come_first_in_the_words_of_the_dictionary():
    reasons = told({"income": -0.30, "debt": -0.10, "age": 0.5})
    assert [reason.text for reason in reasons] == ["Income is low for this amount", "Debt is high beside income"]
    assert [reason.share for reason in reasons] == pytest.approx([0.75, 0.25])
    assert reasons[0].value == "31.5 thousand dollars a year"
    assert reasons[0].contribution == -0.30


def test_where_a_high_score_is_adverse_the_other_side_is_told():
    assert [r.features for r in told({"income": -0.30, "debt": 0.1, "age": 0.5}, adverse="higher")] == [
        ("age",),
        ("debt",),
    ]


def test_columns_of_one_category_are_one_reason_with_what_they_push_together():
    (reason,) = told({"purpose_home": -0.4, "purpose_other": 0.1})
    assert (reason.features, reason.text) == (("purpose_home", "purpose_other"), "The purpose of the loan")
    assert reason.contribution == pytest.approx(-0.3)
    assert told({"purpose_home": -0.4, "purpose_other": 0.4}) == ()


def test_at_most_four_are_told_and_ties_stand_in_the_order_of_the_model():
    columns = ["f", "b", "e", "a", "c", "d"]
    values = dict.fromkeys(columns, -0.1)
    # 0.1 + 0.2 is not 0.3 in floating point; the two are a tie all the same.
    values |= {"c": -0.3, "d": -(0.1 + 0.2)}
    assert [r.name for r in reason_codes(values, {})] == ["c", "d", "f", "b"]


def test_no_reason_is_made_up_where_nothing_pushed_towards_refusal():
    assert told({"income": 0.3, "debt": 0.0, "age": 1e-17}) == ()
    assert told({"income": 0.3, "debt": -1e-17}) == ()
    assert reason_codes({}, {}) == ()


def test_a_sensitive_column_is_told_as_such_even_where_the_dictionary_would_hide_it():
    (reason,) = told({"race": -0.2}, sensitive=["race"])
    assert reason.sensitive
    assert not reason.hidden
    assert reason.text == "Race (black) counted against (a sensitive attribute)"


def test_a_hidden_reason_keeps_its_place_and_gives_nothing_away():
    first, second = told({"fraud": -0.5, "income": -0.1})
    assert (first.text, first.features, first.value, first.hidden) == (NOT_NAMED, (), "", True)
    assert "fraud" not in str(first.as_json()).lower()
    assert second.name == "Income"


def test_nothing_is_called_low_or_high_that_is_neither():
    dictionary = read_dictionary(WORDS)
    plain = "Income (31.5 thousand dollars a year) counted against"
    assert reason_codes({"income": -1.0}, ROW, dictionary)[0].text == plain
    assert reason_codes({"income": -1.0}, ROW, dictionary, typical={"income": 10.0})[0].text == plain
    assert "not given" in reason_codes({"income": -1.0}, {"income": math.nan}, dictionary, typical=USUAL)[0].text


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_what_is_told_always_pushes_that_way_strongest_first_and_its_shares_are_of_one_whole(numbers):
    values = {f"f{index}": number for index, number in enumerate(numbers)}
    for adverse, sign in (("lower", -1), ("higher", 1)):
        reasons = reason_codes(values, {}, NO_DICTIONARY, adverse=adverse)
        pushes = [sign * reason.contribution for reason in reasons]
        assert len(reasons) <= 4
        assert all(push > 0 for push in pushes)
        assert all(one >= other * (1 - 1e-9) for one, other in pairwise(pushes))
        assert sum(reason.share for reason in reasons) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"features: {income: {nmae: Income}}", "dictionary.features.income.nmae"),
        (b"features: {income: {name: 3}}", "dictionary.features.income.name"),
        (b"features: {income: {hide: perhaps}}", "dictionary.features.income.hide"),
        (b"features: {income: {only: up}}", "dictionary.features.income.only"),
        (b"features: {income: {group: money}}", "dictionary.features.income.group"),
        (b"features: [income]", "dictionary.features"),
        (b"adverse: sideways", "dictionary.adverse"),
        (b"words: {}", "dictionary.words"),
        (b"groups: {money: {name: ''}}", "dictionary.groups.money.name"),
        (b"features: {income: {name: " + b"x" * 201 + b"}}", "dictionary.features.income.name"),
    ],
)
def test_a_dictionary_with_a_slip_is_refused_by_its_place(text, field):
    with pytest.raises(InvalidInput) as refused:
        read_dictionary(text)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("values", "more", "field"),
    [
        ({"a": math.nan}, {}, "values"),
        ({"a": 1.0}, {"adverse": "up"}, "adverse"),
        ({"a": 1.0}, {"most": 0}, "most"),
    ],
)
def test_nonsense_is_refused(values, more, field):
    with pytest.raises(InvalidInput) as refused:
        reason_codes(values, {}, **more)
    assert refused.value.field == field


def test_values_read_as_people_write_them():
    assert value_words(1234567, "euros") == "1,234,567 euros"
    assert value_words(-0.25) == "−0.25"
    assert value_words(None) == value_words(math.nan) == value_words("") == "not given"
    assert value_words("home") == "home"

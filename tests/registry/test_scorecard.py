"""The risk questionnaire: what answers come to, and that nothing unanswered or worse ever comes to less."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.scorecard import TIERS, answer_in_words, assess, chosen, rank
from registry.scorecard_document import parse_scorecard
from registry.scorecards import current_scorecard, scorecards
from tests.registry.intake_cases import CREDIT, QUIET

CARD = current_scorecard()
AREAS = [question.id for question in CARD.questions if question.area]
OUTCOMES = (*TIERS, "prohibited")


def tier(**answers):
    return assess(CARD, QUIET | {name.replace("_", "-"): answer for name, answer in answers.items()}).outcome


def options(question):
    """Every single answer to a question, the mildest first where order means anything."""
    if question.kind == "number":
        return [band.start for band in question.bands]
    names = [option.id for option in question.options]
    return [[name] for name in names] if question.kind == "several" else names


def weight(question, answer):
    found = chosen(question, answer)
    favourable = {
        name for item in CARD.exceptions for asked, names in item.when if asked == question.id for name in names
    }
    return (
        any(option.prohibited for option in found),
        max(rank(option.floor) for option in found),
        sum(option.points for option in found),
        any(option.id not in favourable for option in found) if favourable else False,
    )


def test_where_nothing_weighs_the_tier_is_low():
    result = assess(CARD, QUIET)
    assert (result.outcome, result.points, result.reasons, result.areas) == ("low", 0, (), ())


def test_credit_scoring_of_people_is_of_high_risk_and_says_why():
    result = assess(CARD, CREDIT)
    assert result.tier == "high"
    assert result.areas == ("5 Essential private and public services",)
    first = result.reasons[0]
    assert (first.question, first.tier, first.provision) == ("services", "high", "Annex III, 5")
    assert first.answer == "Score the creditworthiness of people, other than to detect financial fraud"
    # By hand: profiling 2, people 2, severity 4, automation 1, reversibility 1, scale 1, personal data 1, money 2.
    assert result.points == 14
    assert result.points_tier == "high"


def test_the_eight_areas_of_annex_iii_are_asked():
    assert [CARD.question(name).area[0] for name in AREAS] == list("12345678")
    # Points (a)… of Annex III: 3, then infrastructure's three kinds, 4, 2 (in three), 4, 5, 4, 2.
    assert [len(CARD.question(name).options) - 1 for name in AREAS] == [3, 3, 4, 3, 4, 5, 4, 2]


@pytest.mark.parametrize("name", [*AREAS, "product"])
def test_every_area_is_of_high_risk(name):
    question = CARD.question(name)
    for answer in options(question):
        if answer not in (["none"], "no"):
            assert assess(CARD, QUIET | {name: answer, "exception": "none"}).tier == "high"


def test_eight_practices_are_forbidden_whatever_else_is_answered():
    forbidden = [option.id for option in CARD.question("prohibited").options if not option.alone]
    assert len(forbidden) == 8
    for name in forbidden:
        alone = assess(CARD, {"prohibited": [name]})
        assert alone.outcome == "prohibited"
        assert alone.tier is None
        assert assess(CARD, QUIET | {"prohibited": [name]}).outcome == "prohibited"


@pytest.mark.parametrize("name", ["narrow", "improves", "patterns", "preparatory"])
def test_an_exception_lifts_an_area_to_limited(name):
    result = assess(CARD, QUIET | {"employment": ["recruitment"], "exception": name})
    assert result.tier == "limited"
    assert result.reasons[0].lifted
    assert result.areas == ("4 Employment and access to self-employment",)


def test_with_profiling_no_exception_holds():
    assert tier(employment=["recruitment"], exception="narrow", profiling="yes") == "high"


def test_no_exception_lifts_a_regulated_product():
    assert tier(product="yes", exception="narrow") == "high"


def test_no_exception_lifts_what_harm_makes_high():
    assert tier(employment=["recruitment"], exception="narrow", severity="grave") == "high"


def test_the_exception_is_asked_only_where_an_area_is_hit():
    assert assess(CARD, QUIET).unanswered == ()
    result = assess(CARD, QUIET | {"employment": ["recruitment"]})
    assert (result.outcome, result.unanswered) == ("incomplete", ("exception",))


@pytest.mark.parametrize("answer", ["interacts", "synthetic", "emotions", "deep-fakes"])
def test_duties_of_transparency_make_it_limited(answer):
    assert tier(transparency=[answer]) == "limited"


@pytest.mark.parametrize(
    ("answers", "points", "expected"),
    [
        ({"people": 999}, 0, "low"),
        ({"people": 1000}, 1, "low"),
        ({"people": 10**6, "automation": "supervised"}, 5, "low"),
        ({"people": 10**6, "automation": "alone"}, 6, "limited"),
        ({"people": 10**6, "automation": "alone", "reversibility": "hardly", "scale": "several", "money": "household"}, 13, "limited"),
        ({"people": 10**6, "automation": "alone", "reversibility": "hardly", "scale": "several", "money": "ruin"}, 14, "high"),
        ({"vulnerability": ["children", "need", "health"]}, 6, "limited"),
    ],
)  # fmt: skip
def test_points_add_up_to_a_tier(answers, points, expected):
    result = assess(CARD, QUIET | answers)
    assert (result.points, result.tier) == (points, expected)


@pytest.mark.parametrize("name", sorted(QUIET))
def test_what_is_unanswered_is_named_and_nothing_is_concluded(name):
    for nothing in ({}, {name: None}, {name: ""}, {name: []}):
        answers = {key: value for key, value in CREDIT.items() if key != name} | nothing
        result = assess(CARD, answers)
        assert (result.outcome, result.tier, result.unanswered) == ("incomplete", None, (name,))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("people", -1), ("people", 1.5), ("people", "many"), ("people", True), ("people", 2**53), ("severity", "awful"),
        ("severity", ["grave"]), ("severity", {}), ("product", True), ("services", "credit"), ("services", ["credit", "none"]),
        ("services", ["credit", "credit"]), ("services", ["gold"]), ("services", [1]), ("services", {"credit": 1}),
    ],
)  # fmt: skip
def test_an_answer_of_another_kind_is_refused_by_name(name, answer):
    with pytest.raises(InvalidInput) as refused:
        assess(CARD, QUIET | {name: answer})
    assert refused.value.field == name


def test_what_is_not_asked_is_refused():
    with pytest.raises(InvalidInput) as refused:
        assess(CARD, QUIET | {"mood": "good"})
    assert refused.value.field == "mood"


def answers_of_all():
    """Complete answers, drawn at random."""

    def one(question):
        if question.kind == "number":
            return st.integers(0, 2_000_000)
        names = [option.id for option in question.options if not option.alone]
        if question.kind == "several":
            return st.just(["none"]) | st.lists(st.sampled_from(names), min_size=1, unique=True)
        return st.sampled_from([option.id for option in question.options])

    return st.fixed_dictionaries({question.id: one(question) for question in CARD.questions})


@settings(max_examples=300, deadline=None)
@given(answers=answers_of_all(), data=st.data())
def test_a_worse_answer_never_comes_to_less(answers, data):
    question = data.draw(st.sampled_from(CARD.questions))
    before = assess(CARD, answers)
    if question.kind == "several":
        more = data.draw(st.sampled_from([option.id for option in question.options if not option.alone]))
        worse = sorted({*answers[question.id], more} - {"none"})
    elif question.kind == "number":
        worse = data.draw(st.integers(answers[question.id], 3_000_000))
    else:
        now = weight(question, answers[question.id])
        worse = data.draw(st.sampled_from([item for item in options(question) if weight(question, item) >= now]))
    after = assess(CARD, answers | {question.id: worse})
    assert OUTCOMES.index(after.outcome) >= OUTCOMES.index(before.outcome)
    assert after.points >= before.points


@settings(max_examples=200, deadline=None)
@given(answers=answers_of_all(), data=st.data())
def test_taking_an_answer_back_never_comes_to_a_tier_below(answers, data):
    name = data.draw(st.sampled_from(sorted(answers)))
    before = assess(CARD, answers)
    after = assess(CARD, {key: value for key, value in answers.items() if key != name})
    assert after.outcome in {"incomplete", "prohibited"} or OUTCOMES.index(after.outcome) >= OUTCOMES.index(
        before.outcome
    )


def test_the_worst_answer_to_every_question_weighs_something():
    for question in CARD.questions:
        if question.id == "exception":
            continue
        worst = max(options(question), key=lambda answer: weight(question, answer))
        result = assess(CARD, QUIET | {question.id: worst, "exception": "none"})
        assert result.outcome == "prohibited" or result.tier != "low" or result.points > 0, question.id


def test_the_same_answers_in_any_order_come_to_the_same():
    turned = {name: CREDIT[name] for name in reversed(list(CREDIT))}
    assert assess(CARD, turned) == assess(CARD, CREDIT)


def test_a_kept_scorecard_gives_the_kept_result_again():
    """Whatever a newer one asks: an assessment holds the scorecard that it was made with."""
    kept = parse_scorecard(copy.deepcopy(dict(CARD.document)))
    newer = copy.deepcopy(dict(CARD.document)) | {"version": 2, "thresholds": {"limited": 1, "high": 2}}
    assert assess(parse_scorecard(newer), QUIET | {"people": 10**6}).tier == "high"
    assert assess(kept, QUIET | {"people": 10**6}).tier == "low"


def test_every_scorecard_is_found_under_its_name():
    assert "eu-ai-act-annex-iii@1" in scorecards()
    assert all(card.key == key for key, card in scorecards().items())


def test_provisions_of_law_that_nobody_checked_are_marked_so():
    assert {question.verified for question in CARD.questions if question.provision} == {False}


def test_answers_read_as_words():
    assert answer_in_words(CARD.question("people"), 1200) == ("1,200 people a year",)
    assert answer_in_words(CARD.question("product"), "no") == ("No",)
    assert answer_in_words(CARD.question("money"), None) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card["questions"].append(card["questions"][0]),
        lambda card: card["thresholds"].update(extreme=20),
        lambda card: card["questions"][0].update(kind="essay"),
        lambda card: card["questions"][0].update(section="elsewhere"),
        lambda card: card["questions"][0].update(colour="red"),
        lambda card: card["questions"][0]["options"][0].update(floor="extreme"),
        lambda card: card["questions"][0]["options"][0].update(points=-1),
        lambda card: card["questions"][0]["options"][0].update(id="none"),
        lambda card: card["exceptions"][0].update(lifts=["mood"]),
        lambda card: card["exceptions"][0].update(when=[]),
        lambda card: card["exceptions"][0].update(to="nothing"),
        lambda card: next(q for q in card["questions"] if q["id"] == "people")["bands"].reverse(),
        lambda card: next(q for q in card["questions"] if q["id"] == "exception").update(needed_when=["mood"]),
        lambda card: card.pop("title"),
    ],
)
def test_a_scorecard_that_contradicts_itself_is_refused(change):
    document = copy.deepcopy(dict(CARD.document))
    change(document)
    with pytest.raises(InvalidInput):
        parse_scorecard(document)

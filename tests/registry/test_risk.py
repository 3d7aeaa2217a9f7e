"""The risk tier in force: raised by answers alone, lowered by nobody alone."""

from __future__ import annotations

import pytest

from registry import use_case_changes
from registry.canonical import sha256_hex
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.intake_selectors import assessments_of
from registry.ledger import SYSTEM
from registry.models import UseCase
from registry.roles import Role
from registry.scorecard import assess
from registry.scorecard_document import parse_scorecard
from registry.services.people import assign_role
from registry.services.risk import answer_override, assess_use_case, propose_override
from registry.services.use_cases import create_use_case
from tests.cast import make_person
from tests.registry.intake_cases import CREDIT, QUIET
from tests.scenario import ledger_actions

pytestmark = pytest.mark.django_db

LIMITED = QUIET | {"transparency": ["interacts"]}


@pytest.fixture
def letters(world):
    """A use case of low risk: tony owns it, edsger is its compliance officer, barbara owns it too."""
    made = create_use_case(
        actor=world.edsger, slug="letters", name="Letters", objective="Sort letters.", kpis=[], affected_people="Nobody",
        risk_tier="low", owner=world.tony,
    )  # fmt: skip
    assign_role(actor=SYSTEM, person=world.edsger, role=Role.COMPLIANCE_OFFICER, on=made)
    assign_role(actor=SYSTEM, person=world.barbara, role=Role.MODEL_OWNER, on=made)
    assign_role(actor=SYSTEM, person=world.ada, role=Role.DEVELOPER, on=made)
    return made


@pytest.fixture
def told():
    """What subscribers were told."""
    heard = []

    def listen(key, because):
        heard.append((key, because))

    use_case_changes.subscribe(listen)
    yield heard
    use_case_changes.unsubscribe(listen)


def in_force(use_case):
    return UseCase.objects.get(pk=use_case.pk).risk_tier


def test_an_assessment_keeps_answers_result_and_scorecard(world, letters):
    made = assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    assert made.number == 1
    assert made.scorecard == "eu-ai-act-annex-iii@1"
    assert made.sha256 == sha256_hex(bytes(made.content))
    document = made.document
    assert document["answers"] == CREDIT
    assert document["result"]["tier"] == "high"
    assert assess(parse_scorecard(document["scorecard"]), document["answers"]).as_json() == document["result"]


def test_a_higher_tier_is_in_force_at_once_and_others_are_told(
    world, letters, told, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    assert letters.risk_tier == in_force(letters) == "high"
    assert told == [(letters.pk, "The risk assessment 1 of letters came to high.")]
    assert ledger_actions(object_type="use case", object_id=str(letters.pk))[-1] == "risk.assessed"


def test_the_same_tier_tells_nobody(world, letters, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    assert told == []
    assert assessments_of(letters).get().override_state == ""


def test_a_lower_tier_waits_for_a_compliance_officer(world, letters, told, django_capture_on_commit_callbacks):
    assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    with django_capture_on_commit_callbacks(execute=True):
        made = assess_use_case(actor=world.tony, use_case=letters, answers=LIMITED)
    assert (made.number, made.computed_tier, made.override_tier, made.override_state) == (
        2, "limited", "limited", "proposed",
    )  # fmt: skip
    assert in_force(letters) == "high"
    with pytest.raises(NotAllowed, match="compliance officer"):
        answer_override(actor=world.barbara, use_case=letters, accept=True, reason="Looks right.")
    assert in_force(letters) == "high"
    assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        answer_override(actor=world.edsger, use_case=letters, accept=True, reason="Checked.")
    assert in_force(letters) == "limited"
    assert told == [(letters.pk, "The risk tier limited of letters was confirmed by Edsger Dijkstra.")]


def test_until_it_is_confirmed_a_proposal_changes_nothing(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="A clerk decides.")
    assert in_force(letters) == "high"
    answer_override(actor=world.edsger, use_case=letters, accept=False, reason="The clerk never differs.")
    assert in_force(letters) == "high"
    assert assessments_of(letters).get().override_state == "refused"
    assert ledger_actions(object_id=str(letters.pk), object_type="use case")[-3:] == [
        "risk.assessed", "risk_override.proposed", "risk_override.refused",
    ]  # fmt: skip


def test_nobody_confirms_what_they_proposed(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.edsger, use_case=letters, tier="high", reason="Press interest.")
    for accept in (True, False):
        with pytest.raises(NotAllowed, match="second person"):
            answer_override(actor=world.edsger, use_case=letters, accept=accept, reason="Sure.")
    assert in_force(letters) == "low"
    answer_override(actor=world.tony, use_case=letters, accept=True, reason="Agreed.")
    assert in_force(letters) == "high"


def test_an_override_below_the_computed_tier_is_lowering_even_from_a_lower_one(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    propose_override(actor=world.tony, use_case=letters, tier="low", reason="A test only.")
    answer_override(actor=world.edsger, use_case=letters, accept=True, reason="A test only.")
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="A pilot now.")
    with pytest.raises(NotAllowed, match="compliance officer"):
        answer_override(actor=world.barbara, use_case=letters, accept=True, reason="Fine.")


def test_a_confirmed_override_stands_against_a_lower_assessment_and_yields_to_a_higher(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="Novel.")
    answer_override(actor=world.barbara, use_case=letters, accept=True, reason="Yes.")
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET | {"people": 5})
    assert in_force(letters) == "limited"
    assess_use_case(actor=world.tony, use_case=letters, answers=CREDIT)
    assert in_force(letters) == "high"


def test_a_new_assessment_overtakes_a_proposal(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="Novel.")
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    with pytest.raises(Conflict, match="nothing to answer"):
        answer_override(actor=world.edsger, use_case=letters, accept=True, reason="Yes.")


def test_an_answered_proposal_is_kept_when_the_next_is_made(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.tony, use_case=letters, tier="high", reason="Fear.")
    answer_override(actor=world.edsger, use_case=letters, accept=False, reason="No ground.")
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="Caution.")
    newest, first = assessments_of(letters)
    assert (first.override_tier, first.override_state, first.override_reason) == ("high", "refused", "Fear.")
    assert (newest.number, newest.override_tier, newest.sha256) == (2, "limited", first.sha256)


def test_one_proposal_at_a_time(world, letters):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.tony, use_case=letters, tier="limited", reason="Novel.")
    with pytest.raises(Conflict, match="limited is proposed already"):
        propose_override(actor=world.edsger, use_case=letters, tier="high", reason="More.")


@pytest.mark.parametrize(
    ("tier", "reason", "field"),
    [
        ("low", "Because.", "tier"),
        ("extreme", "Because.", "tier"),
        ("high", "  ", "reason"),
        ("high", "a\x00b", "reason"),
    ],
)
def test_a_proposal_needs_another_tier_and_a_reason(world, letters, tier, reason, field):
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    with pytest.raises(InvalidInput) as refused:
        propose_override(actor=world.tony, use_case=letters, tier=tier, reason=reason)
    assert refused.value.field == field


def test_without_an_assessment_there_is_nothing_to_override(world, letters):
    with pytest.raises(InvalidInput, match="questionnaire first"):
        propose_override(actor=world.tony, use_case=letters, tier="high", reason="Because.")


@pytest.mark.parametrize("who", ["ada", "grace", "mallory"])
def test_only_owners_and_compliance_officers_assess_propose_and_answer(world, letters, who):
    person = getattr(world, who)
    with pytest.raises(NotAllowed):
        assess_use_case(actor=person, use_case=letters, answers=QUIET)
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    with pytest.raises(NotAllowed):
        propose_override(actor=person, use_case=letters, tier="high", reason="Because.")
    propose_override(actor=world.tony, use_case=letters, tier="high", reason="Because.")
    with pytest.raises(NotAllowed):
        answer_override(actor=person, use_case=letters, accept=True, reason="Because.")
    assert in_force(letters) == "low"


def test_a_superuser_answers_no_more_than_others(world, letters):
    root = make_person("root", "Root", "Admin", is_superuser=True, is_staff=True)
    assess_use_case(actor=world.tony, use_case=letters, answers=QUIET)
    propose_override(actor=world.tony, use_case=letters, tier="high", reason="Because.")
    with pytest.raises(NotAllowed):
        answer_override(actor=root, use_case=letters, accept=True, reason="Because.")


def test_unfinished_answers_assess_nothing(world, letters):
    with pytest.raises(InvalidInput) as refused:
        assess_use_case(actor=world.tony, use_case=letters, answers={"people": 3})
    assert "risk.severity" in [item["field"] for item in refused.value.details["errors"]]
    assert not assessments_of(letters).exists()


def test_a_forbidden_practice_assesses_nothing_and_says_why(world, letters):
    with pytest.raises(InvalidInput, match=r"Article 5\(1\) forbids it") as refused:
        assess_use_case(actor=world.tony, use_case=letters, answers=QUIET | {"prohibited": ["social-scoring"]})
    assert refused.value.field == "risk.prohibited"
    assert not assessments_of(letters).exists()

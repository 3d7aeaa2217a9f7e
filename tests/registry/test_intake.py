"""The intake of a use case: drafts of any state, nothing overwritten unseen, and what submitting makes of them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import Conflict, CountersignError, InvalidInput, NotAllowed, NotFound
from registry.intake_form import FIELDS, check_draft, judge
from registry.intake_selectors import assessments_of, get_intake, intakes_for, people_who_submit
from registry.ledger import SYSTEM
from registry.models import Intake, UseCase
from registry.roles import Role
from registry.scorecards import current_scorecard
from registry.selectors import roles_of
from registry.services.intake import discard_intake, save_intake, start_intake, submit_intake
from registry.services.people import grant_duty
from tests.cast import make_person
from tests.registry.intake_cases import CREDIT, OVERDRAFT
from tests.scenario import ledger_actions

database = pytest.mark.django_db


@pytest.fixture
def officer(edsger):
    grant_duty(actor=SYSTEM, person=edsger, permission="registry.create_use_case")
    return edsger


def problems(**changes):
    found = judge(OVERDRAFT | changes, current_scorecard())
    return {problem.field: problem.message for problem in found.problems}


def test_a_finished_draft_has_no_problems_and_sound_values():
    found = judge(OVERDRAFT, current_scorecard())
    assert found.problems == ()
    assert found.values["labelled_rows"] == 120_000
    assert found.values["labelled_positives"] == 3_400
    assert found.values["regions"] == ["EU", "US-NY"]
    assert found.risk == CREDIT


def test_an_empty_draft_misses_every_field_that_is_asked():
    found = judge({}, current_scorecard())
    missing = [problem.field for problem in found.problems if problem.missing]
    required = [key for key, field in FIELDS.items() if field.required]
    assert missing[: len(required)] == required
    assert missing[len(required)] == "risk.prohibited"
    assert len(missing) == len(required) + 20


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": "Over Draft"}, "slug"),
        ({"name": "two\nlines"}, "name"),
        ({"labelled_rows": "many"}, "labelled_rows"),
        ({"labelled_rows": "-3"}, "labelled_rows"),
        ({"labelled_positives": "120001"}, "labelled_positives"),
        ({"labelled_from": "1 May 2024"}, "labelled_from"),
        ({"labelled_from": "20240101"}, "labelled_from"),
        ({"labelled_until": "2021-01-01"}, "labelled_until"),
        ({"deployment": "moon"}, "deployment"),
        ({"regions": "Europe"}, "regions"),
        ({"purpose": "credit scoring"}, "purpose"),
        ({"kpis": [{"name": "default rate", "target": "2", "unit": "%"}]}, "kpis[0].baseline"),
        ({"kpis": []}, "kpis"),
        ({"risk": OVERDRAFT["risk"] | {"people": "plenty"}}, "risk.people"),
        ({"risk": OVERDRAFT["risk"] | {"exception": ""}}, "risk.exception"),
        ({"risk": OVERDRAFT["risk"] | {"prohibited": ["face-scraping"]}}, "risk.prohibited"),
    ],
)
def test_what_is_wrong_is_named(changes, field):
    assert list(problems(**changes)) == [field]


def test_answers_to_what_is_no_longer_asked_are_left_out():
    assert problems(risk=OVERDRAFT["risk"] | {"asked-before": "yes"}) == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": 3}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"problem": "x" * 10_001}, "problem"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"kpis": "many"}, "kpis"),
        ({"kpis": [{"colour": "red"}]}, "kpis[0]"),
        ({"kpis": [{}] * 21}, "kpis"),
        ({"regions": ["EU"] * 201}, "regions"),
        ({"risk": []}, "risk"),
        ({"risk": {"people": {}}}, "risk.people"),
        ([], "answers"),
    ],
)
def test_a_draft_of_another_shape_is_refused(changes, field):
    with pytest.raises(InvalidInput) as refused:
        check_draft(changes)
    assert refused.value.field == field


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "risk"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["none", "yes", "2024-01-01"]),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "unit", "people", "services", "product"]), inner, max_size=3),
            max_leaves=8,
        ),
    )
)  # fmt: skip
def test_whatever_is_kept_can_be_judged(changes):
    try:
        kept = check_draft(changes)
    except InvalidInput:
        return
    assert check_draft(kept) == kept
    judge(kept, current_scorecard())


@database
def test_a_draft_is_saved_bit_by_bit(ada):
    draft = start_intake(actor=ada)
    assert draft.answers == {"owner": "ada"}
    save_intake(actor=ada, intake=draft.pk, revision=0, changes={"name": "Overdraft"})
    saved = save_intake(actor=ada, intake=draft.pk, revision=1, changes={"risk": {"people": 5}})
    again = save_intake(actor=ada, intake=draft.pk, revision=2, changes={"risk": {"product": "no"}})
    assert saved.revision == 2
    assert again.answers == {"owner": "ada", "name": "Overdraft", "risk": {"people": "5", "product": "no"}}


@database
def test_what_changes_nothing_counts_no_revision(ada):
    draft = start_intake(actor=ada, answers={"name": "Overdraft"})
    assert save_intake(actor=ada, intake=draft.pk, revision=0, changes={"name": "Overdraft"}).revision == 0


@database
def test_two_windows_never_overwrite_each_other(ada):
    draft = start_intake(actor=ada)
    save_intake(actor=ada, intake=draft.pk, revision=0, changes={"name": "First"})
    with pytest.raises(Conflict, match="another window") as refused:
        save_intake(actor=ada, intake=draft.pk, revision=0, changes={"name": "Second"})
    assert refused.value.details["revision"] == 1
    assert refused.value.details["answers"]["name"] == "First"
    assert Intake.objects.get().answers["name"] == "First"


@database
def test_a_malformed_save_leaves_the_draft_as_it_was(ada):
    draft = start_intake(actor=ada, answers={"name": "Overdraft"})
    with pytest.raises(InvalidInput):
        save_intake(actor=ada, intake=draft.pk, revision=0, changes={"problem": "Slow.", "name": 3})
    draft.refresh_from_db()
    assert (draft.revision, draft.answers) == (0, {"owner": "ada", "name": "Overdraft"})


@database
def test_submitting_makes_a_use_case_and_its_first_assessment(officer, ada, tony):
    draft = start_intake(actor=ada, answers=OVERDRAFT)
    made = submit_intake(actor=officer, intake=draft.pk, revision=0)
    assert (made.slug, made.risk_tier, made.purpose, made.regions) == (
        "overdraft-limits", "high", "credit-scoring", ["EU", "US-NY"],
    )  # fmt: skip
    assert made.kpis == ["default rate: 2.8 → 2.2 %"]
    assert made.details["kpis"] == OVERDRAFT["kpis"]
    assert made.details["deployment"] == "service"
    assert made.details["labelled_rows"] == 120_000
    assert made.owner == tony
    assert roles_of(tony, made) == {Role.MODEL_OWNER}
    assessment = assessments_of(made).get()
    assert (assessment.number, assessment.computed_tier, assessment.assessed_by) == (1, "high", officer)
    assert assessment.document["answers"] == CREDIT
    draft.refresh_from_db()
    assert draft.use_case == made
    assert ledger_actions(object_type="use case") == ["use_case.created", "risk.assessed"]


@database
def test_without_the_duty_an_intake_is_written_and_handed_over(officer, ada, grace):
    draft = start_intake(actor=ada, answers=OVERDRAFT)
    with pytest.raises(NotAllowed, match="may not register use cases"):
        submit_intake(actor=ada, intake=draft.pk, revision=0)
    assert not UseCase.objects.exists()
    assert list(intakes_for(officer)) == [draft]
    assert list(people_who_submit()) == [officer]
    with pytest.raises(NotFound):
        get_intake(grace, draft.pk)
    for change in (save_intake, submit_intake):
        with pytest.raises(NotFound):
            change(actor=grace, intake=draft.pk, revision=0, **({"changes": {}} if change is save_intake else {}))


@database
def test_an_unfinished_intake_makes_nothing_and_names_every_field(officer):
    draft = start_intake(actor=officer, answers={**OVERDRAFT, "problem": " ", "regions": "Europe"})
    with pytest.raises(InvalidInput) as refused:
        submit_intake(actor=officer, intake=draft.pk, revision=0)
    assert refused.value.field == "problem"
    assert [item["field"] for item in refused.value.details["errors"]] == ["problem", "regions"]
    assert not UseCase.objects.exists()


@database
@pytest.mark.parametrize("owner", ["nobody", "bot", "gone"])
def test_the_owner_is_a_person_who_is_there(officer, owner):
    make_person("bot", "", "", is_service=True)
    make_person("gone", "", "", is_active=False)
    draft = start_intake(actor=officer, answers={**OVERDRAFT, "owner": owner})
    with pytest.raises(InvalidInput) as refused:
        submit_intake(actor=officer, intake=draft.pk, revision=0)
    assert refused.value.field == "owner"


@database
def test_a_forbidden_practice_is_not_registered(officer, tony):
    draft = start_intake(actor=officer, answers=OVERDRAFT)
    save_intake(
        actor=officer,
        intake=draft.pk,
        revision=0,
        changes={"risk": {"prohibited": ["social-scoring"], "exception": "none"}},
    )
    with pytest.raises(InvalidInput, match=r"Article 5\(1\) forbids it"):
        submit_intake(actor=officer, intake=draft.pk, revision=1)
    assert not UseCase.objects.exists()


@database
def test_only_what_was_seen_is_submitted_and_only_once(officer, tony):
    draft = start_intake(actor=officer, answers=OVERDRAFT)
    save_intake(actor=officer, intake=draft.pk, revision=0, changes={"name": "Changed"})
    with pytest.raises(Conflict):
        submit_intake(actor=officer, intake=draft.pk, revision=0)
    submit_intake(actor=officer, intake=draft.pk, revision=1)
    for revision in (1, 2):
        with pytest.raises(Conflict):
            submit_intake(actor=officer, intake=draft.pk, revision=revision)
    with pytest.raises(Conflict):
        save_intake(actor=officer, intake=draft.pk, revision=1, changes={"name": "Again"})
    with pytest.raises(Conflict):
        discard_intake(actor=officer, intake=draft.pk)


@database
def test_a_short_name_that_is_taken_is_said_and_nothing_is_made(officer, tony, ada):
    first = start_intake(actor=ada, answers=OVERDRAFT)
    submit_intake(actor=officer, intake=first.pk, revision=0)
    second = start_intake(actor=ada, answers=OVERDRAFT)
    with pytest.raises(Conflict) as refused:
        submit_intake(actor=officer, intake=second.pk, revision=0)
    assert refused.value.field == "slug"
    assert UseCase.objects.count() == 1


@database
def test_a_discarded_draft_is_gone_for_everybody_and_only_its_author_discards_it(officer, ada):
    draft = start_intake(actor=ada)
    with pytest.raises(NotAllowed):
        discard_intake(actor=officer, intake=draft.pk)
    discard_intake(actor=ada, intake=draft.pk)
    for person in (ada, officer):
        assert not intakes_for(person).exists()
    with pytest.raises(NotFound):
        get_intake(ada, draft.pk)
    with pytest.raises(NotFound):
        discard_intake(actor=ada, intake=uuid4())


@database
def test_service_accounts_describe_nothing(officer):
    bot = make_person("bot", "", "", is_service=True)
    with pytest.raises(CountersignError):
        start_intake(actor=bot)

"""Reviews: opened by evidence, moved only by answers and changes, one at a time, and final when rejected."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.models import Review, SignOff
from governance.services.gate import decide
from governance.services.submissions import revise_model_card
from registry.errors import Conflict
from tests.scenario import CARD, at_once, ledger_actions, predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def result(world, version):
    return decide(actor=world.ada, version=version, environment="production").result


def test_a_review_opens_by_itself_once_the_evidence_is_in(world):
    version = world.submit("1")
    review = version.reviews.get()
    assert (review.state, review.policy_version, review.champion) == ("open", world.policy, None)
    assert [(stage.position, stage.name, stage.role, stage.quorum) for stage in review.stages.all()] == [
        (0, "owner", "model-owner", 1),
        (1, "validation", "validator", 1),
        (2, "compliance", "compliance-officer", 1),
    ]
    assert ledger_actions(object_type="review") == ["review.opened"]


def test_what_fails_the_policy_gets_no_review(world):
    version = world.submit("1", predictions=predictions_csv(ratio=0.6))
    assert not version.reviews.exists()


def test_judging_again_without_news_writes_nothing(world):
    version = world.submit("1")
    before = ledger_actions()
    for _ in range(3):
        world.assess(version)
    assert ledger_actions() == before
    assert (version.reviews.count(), version.verdicts.filter(outcome="clear").count()) == (1, 1)


def test_the_database_itself_refuses_a_second_active_review(world):
    review = world.submit("1").reviews.get()
    copy = {field.attname: getattr(review, field.attname) for field in Review._meta.fields if field.name != "id"}
    for state in ("open", "approved", "changes_requested"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.create(**{**copy, "state": state})
    Review.objects.create(**{**copy, "state": "withdrawn"})


def test_a_rejection_is_final(world):
    version = world.submit("1")
    world.sign(world.tony, version, meaning="reject", comment="Wrong purpose.")
    review = version.reviews.get()
    assert (review.state, review.closed_at is not None) == ("rejected", True)
    assert result(world, version) == "deny"
    with pytest.raises(Conflict, match="rejected"):
        world.sign(world.grace, version)
    revise_model_card(actor=world.ada, version=version, sections={**CARD, "limitations": "Other words."})
    assert version.reviews.get().state == "rejected"
    assert result(world, version) == "deny"
    with pytest.raises(Conflict, match="rejected"):
        world.promote(version)


def test_a_rejection_after_other_signatures_is_final_too(world):
    version = world.submit("1")
    world.sign(world.tony, version)
    world.sign(world.grace, version, meaning="reject")
    assert version.reviews.get().state == "rejected"
    assert result(world, version) == "deny"


def test_requested_changes_stop_the_review_until_something_changes(world):
    version = world.submit("1")
    world.sign(world.tony, version)
    world.sign(world.grace, version, meaning="request_changes", comment="Say more about limitations.")
    assert version.reviews.get().state == "changes_requested"
    assert result(world, version) == "deny"
    with pytest.raises(Conflict, match="changes requested"):
        world.sign(world.edsger, version)
    revise_model_card(actor=world.ada, version=version, sections={**CARD, "limitations": "Few applicants of group b."})
    review = version.reviews.get()
    assert (review.state, review.closed_at) == ("open", None)
    # Everybody reads it again, those who had approved and those who had asked.
    world.approve(version)
    assert result(world, version) == "allow"
    assert ledger_actions(object_type="review")[:6] == [
        "review.opened",
        "sign_off.recorded",
        "sign_off.recorded",
        "review.changes_requested",
        "review.reopened",
        "sign_off.recorded",
    ]


def test_an_approved_review_takes_no_more_answers(world):
    version = world.submit("1")
    world.approve(version)
    with pytest.raises(Conflict, match="approved"):
        world.sign(world.barbara, version, meaning="reject")


def test_a_signature_that_has_run_out_asks_everybody_again(world):
    version = world.submit("1")
    world.approve(version)
    tamper(SignOff.objects.get(stage__name="compliance"), valid_until=timezone.now() - timedelta(seconds=1))
    assert result(world, version) == "pending"
    assert sorted(version.reviews.values_list("state", flat=True)) == ["open", "withdrawn"]
    with pytest.raises(Conflict):
        world.promote(version)
    # The same people may sign again: nobody is locked out by having signed before.
    world.approve(version)
    assert result(world, version) == "allow"


def test_evidence_that_has_become_too_old_withdraws_the_approval(world):
    from governance.services.assessment import assess_version

    version = world.submit("1")
    world.approve(version)
    later = assess_version(version=version, environment="production", as_of=timezone.now() + timedelta(days=91))
    assert later.verdict.outcome == "blocked"
    assert version.reviews.get().state == "withdrawn"


def test_many_who_judge_at_once_open_one_review(shared_world):
    world = shared_world
    version = world.submit("1")
    Review.objects.all()
    from governance.models import Stage

    Stage.objects.all().delete()
    Review.objects.all().delete()
    answers = at_once(*[lambda: world.assess(version).review.pk] * 5)
    assert answers == [Review.objects.get().pk] * 5
    assert Stage.objects.count() == 3

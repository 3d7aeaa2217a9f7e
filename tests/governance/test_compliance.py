"""What runs is judged again whenever it is asked about; once it would not be let in any more, everybody who must know is told."""

import pytest
from django.core import mail
from django.utils import timezone

from governance.models import EnvironmentPointer, Notice
from governance.services.gate import decide
from governance.services.notices import mark_read
from governance.services.submissions import revise_model_card
from registry import ledger
from tests.scenario import CARD, caller, ledger_actions, run_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]
ACTIONS = {"environment.noncompliant", "environment.compliant"}


@pytest.fixture
def running(world):
    """A version that runs in production."""
    version = world.submit("1")
    world.approve(version)
    world.promote(version)
    return version


def pointer() -> EnvironmentPointer:
    return EnvironmentPointer.objects.get()


def blank_the_limitations(world, version) -> None:
    """The card no longer says what the policy requires."""
    revise_model_card(actor=world.ada, version=version, sections={**CARD, "limitations": ""})
    run_tasks()


def test_what_runs_and_meets_its_policy_is_compliant(world, running):
    assert decide(actor=world.ada, version=running, environment="production").result == "allow"
    assert pointer().noncompliant_since is None
    assert pointer().judged_at is not None
    assert not Notice.objects.exists()


def test_once_it_would_not_be_let_in_again_the_environment_says_so_and_why(world, running):
    blank_the_limitations(world, running)
    decision = decide(actor=world.ada, version=running, environment="production")
    assert decision.result == "deny"
    assert pointer().noncompliant_since is not None
    assert "card-complete" in pointer().noncompliance
    assert "does not state limitations" in pointer().noncompliance
    assert [name for name in ledger_actions() if name in ACTIONS] == ["environment.noncompliant"]


def test_owners_and_officers_are_told_once(world, running):
    blank_the_limitations(world, running)
    for _ in range(3):
        decide(actor=world.ada, version=running, environment="production")
    told = {notice.recipient.username for notice in Notice.objects.all()}
    assert told == {"tony", "edsger", "ada"}
    assert Notice.objects.count() == len(told)
    notice = Notice.objects.get(recipient=world.tony)
    assert notice.subject == "mortgage-approval@1 in production is no longer allowed there"
    assert "limitations" in notice.body
    assert notice.mailed_at is None


def test_it_is_mailed_where_a_mail_server_is_set_up(world, running, settings):
    settings.EMAIL_HOST = "mail.example"
    type(world.tony).objects.filter(pk=world.tony.pk).update(email="tony@example.org")
    blank_the_limitations(world, running)
    from django.test import TestCase

    with TestCase.captureOnCommitCallbacks(execute=True):
        decide(actor=world.ada, version=running, environment="production")
    run_tasks()
    run_tasks()
    assert [message.to for message in mail.outbox] == [["tony@example.org"]]
    assert "no longer allowed" in mail.outbox[0].subject
    assert "/models/mortgage-approval/versions/1" in mail.outbox[0].body


def test_mended_and_signed_anew_it_is_compliant_again(world, running):
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    revise_model_card(actor=world.ada, version=running, sections=CARD)
    run_tasks()
    waiting = decide(actor=world.ada, version=running, environment="production")
    assert waiting.result == "pending"
    assert "signature" in pointer().noncompliance
    world.approve(running)
    assert decide(actor=world.ada, version=running, environment="production").result == "allow"
    assert pointer().noncompliant_since is None
    assert [name for name in ledger_actions() if name in ACTIONS] == [
        "environment.noncompliant", "environment.compliant",
    ]  # fmt: skip
    assert Notice.objects.filter(recipient=world.tony).count() == 2


def test_the_attestation_says_so_to_whoever_asks_for_its_status(world, running):
    promotion = running.promotions.get()
    calls = caller(world.barbara)
    assert calls.get(f"/attestations/{promotion.attestation_id}/status").json()["status"] == "current"
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    answer = calls.get(f"/attestations/{promotion.attestation_id}/status").json()
    assert answer["status"] == "non-compliant"
    assert "limitations" in answer["reason"]


def test_promoting_another_version_clears_it(world, running):
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    second = world.submit("2")
    world.approve(second)
    world.promote(second)
    assert (pointer().promotion.version, pointer().noncompliant_since, pointer().noncompliance) == (second, None, "")


def test_what_runs_is_judged_by_itself_once_a_day(world, running):
    from governance.services.rejudging import judge_what_runs

    blank_the_limitations(world, running)
    EnvironmentPointer.objects.update(judged_at=timezone.now() - timezone.timedelta(days=2))
    assert judge_what_runs() == 1
    assert pointer().noncompliant_since is not None
    assert judge_what_runs() == 0


def test_a_damaged_version_does_not_keep_the_others_from_being_judged(world, running, monkeypatch):
    from governance.services import rejudging

    EnvironmentPointer.objects.update(judged_at=None)
    monkeypatch.setattr(rejudging, "judge_again", lambda **_: 1 / 0)
    assert rejudging.judge_what_runs() == 1
    assert rejudging.judge_what_runs() == 0


def test_people_put_their_own_notices_away_and_nobody_elses(world, running):
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    mine = Notice.objects.get(recipient=world.tony)
    assert mark_read(actor=world.mallory, notices=[mine.pk]) == 0
    assert mark_read(actor=world.tony, notices=[mine.pk]) == 1
    assert Notice.objects.filter(read_at=None).count() == 2


def test_the_inbox_and_the_versions_page_say_it(world, running, client):
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    newer = world.submit("2")
    client.force_login(world.tony)
    inbox = client.get("/").content.decode()
    assert "is no longer allowed there" in inbox
    assert "runs in production, no longer allowed" in inbox
    page = client.get("/models/mortgage-approval/versions/1").content.decode()
    assert "is no longer allowed there" in page
    assert "does not state limitations" in page
    client.post("/notices/read")
    assert "What happened" not in client.get("/").content.decode()
    assert "is no longer allowed there" in client.get("/notices").content.decode()
    assert newer.pk


def test_every_change_of_compliance_is_in_the_ledger_with_its_reason(world, running):
    blank_the_limitations(world, running)
    decide(actor=world.ada, version=running, environment="production")
    entry = ledger.entries(action="environment.noncompliant").get()
    assert b"limitations" in bytes(entry.body)
    assert entry.model_name == "mortgage-approval"

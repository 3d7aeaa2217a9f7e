"""Cancelling an evaluation: at once for people, within seconds for its worker, and never together with a result."""

import threading
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from audits import jobs
from audits.models import Evaluation, JobStatus, MeasurementRow
from audits.services.evaluations import cancel_evaluation, run_evaluation
from governance.services.evidence import measure_again, stop_measuring
from governance.services.gate import decide
from registry.errors import Conflict, InvalidInput, NotAllowed
from tests.scenario import at_once, caller, ledger_actions, run_tasks, tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation(world):
    """A queued evaluation that no task will take by itself."""
    world.submit("1", measured=False)
    DBTaskResult.objects.all().delete()
    return Evaluation.objects.get(kind="performance")


def report():
    return {"measurements": [], "kind": "performance"}


def test_what_waits_is_cancelled_and_never_begins(world, evaluation):
    cancelled = cancel_evaluation(actor=world.grace, evaluation=evaluation)
    assert (cancelled.status, cancelled.cancelled_by, cancelled.is_finished) == (JobStatus.CANCELLED, world.grace, True)
    run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempt) == (JobStatus.CANCELLED, 0)
    assert ledger_actions(object_id=str(evaluation.pk)) == ["evaluation.queued", "evaluation.cancelled"]


def test_a_worker_at_it_stops_at_its_next_progress_and_writes_nothing(world, evaluation, monkeypatch):
    from audits import evaluate as engine

    def cancelled_meanwhile(kind, data, parameters, *, progress):
        progress(0.2, "counting")
        cancel_evaluation(actor=world.ada, evaluation=evaluation)
        progress(0.4, "measuring")
        raise AssertionError("it went on")

    monkeypatch.setattr(engine, "evaluate", cancelled_meanwhile)
    run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.error, evaluation.report_id) == (JobStatus.CANCELLED, None, None)
    assert ledger_actions(object_id=str(evaluation.pk))[-1] == "evaluation.cancelled"


def test_what_was_measured_after_the_cancelling_is_thrown_away(world, evaluation, monkeypatch):
    from audits import evaluate as engine

    def too_late(kind, data, parameters, *, progress):
        cancel_evaluation(actor=world.ada, evaluation=evaluation)
        return report()

    monkeypatch.setattr(engine, "evaluate", too_late)
    run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.report_id) == (JobStatus.CANCELLED, None)
    assert not MeasurementRow.objects.exists()


def test_twice_is_once_and_what_has_ended_cannot_be_cancelled(world, evaluation):
    cancel_evaluation(actor=world.ada, evaluation=evaluation)
    again = cancel_evaluation(actor=world.grace, evaluation=evaluation)
    assert again.cancelled_by == world.ada
    assert ledger_actions(object_id=str(evaluation.pk)).count("evaluation.cancelled") == 1
    tamper(evaluation, status=JobStatus.SUCCEEDED)
    with pytest.raises(Conflict, match="ended already"):
        cancel_evaluation(actor=world.ada, evaluation=evaluation)


@pytest.mark.parametrize("who", ["barbara", "edsger", "mallory"])
def test_others_than_those_who_measure_cannot_cancel_or_repeat(world, evaluation, who):
    with pytest.raises(NotAllowed, match="only developers, owners and validators"):
        cancel_evaluation(actor=getattr(world, who), evaluation=evaluation)
    tamper(evaluation, status=JobStatus.ERROR)
    with pytest.raises(NotAllowed, match="only developers, owners and validators"):
        measure_again(actor=getattr(world, who), evaluation=evaluation)


@pytest.mark.usefixtures("brisk")
def test_rules_that_wanted_it_are_missing_and_name_who_cancelled(world):
    version = world.submit("1", measured=False)
    fairness = version.evaluations.get(kind="fairness")
    stop_measuring(actor=world.ada, evaluation=fairness)
    run_tasks()
    answer = decide(actor=world.ada, version=version, environment="production")
    rule = next(rule for rule in answer.answer["rules"] if rule["check"] == "fairness")
    assert (answer.result, rule["status"], rule["fix"]) == ("deny", "missing", "Measure again.")
    assert rule["sentence"].startswith("The fairness evaluation was cancelled by Ada Lovelace on ")
    assert not version.reviews.exists()


@pytest.mark.usefixtures("brisk")
def test_what_was_cancelled_can_be_measured_again(world):
    version = world.submit("1", measured=False)
    stopped = version.evaluations.get(kind="fairness")
    stop_measuring(actor=world.ada, evaluation=stopped)
    again = measure_again(actor=world.grace, evaluation=stopped)
    with pytest.raises(Conflict, match="asked again already"):
        measure_again(actor=world.grace, evaluation=stopped)
    run_tasks()
    again.refresh_from_db()
    assert again.status == JobStatus.SUCCEEDED
    assert decide(actor=world.ada, version=version, environment="production").result == "pending"
    assert version.reviews.get().verdict.outcome == "clear"


@pytest.mark.usefixtures("brisk")
def test_evidence_that_is_too_old_for_policy_and_no_other_is_measured_again(world):
    version = world.submit("1")
    old = version.evaluations.get(kind="performance")
    with pytest.raises(InvalidInput, match="too old"):
        measure_again(actor=world.ada, evaluation=old)
    tamper(old, finished_at=timezone.now() - timedelta(days=91))
    rules = {rule["id"]: rule["status"] for rule in world.assess(version).verdict.document["rules"]}
    assert (rules["discrimination-power"], rules["impact-ratio"]) == ("missing", "pass")
    again = measure_again(actor=world.ada, evaluation=old)
    with pytest.raises(Conflict, match="asked again already"):
        measure_again(actor=world.ada, evaluation=old)
    run_tasks()
    rules = {rule["id"]: rule["status"] for rule in world.assess(version).verdict.document["rules"]}
    assert rules["discrimination-power"] == "pass"
    assert version.evaluations.filter(question=again.question).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_cancelling_and_finishing_at_once_exactly_one_happens(shared_world):
    world = shared_world
    outcomes = set()
    for number in range(4):
        version = world.submit(str(number), measured=False)
        DBTaskResult.objects.all().delete()
        running = jobs.claim(Evaluation, version.evaluations.get(kind="performance").pk)

        def finish(job=running):
            with jobs.finishing(job):
                return "succeeded"

        def cancel(job=running):
            return cancel_evaluation(actor=world.ada, evaluation=job).status

        finished, cancelled = at_once(finish, cancel)
        running.refresh_from_db()
        assert {running.status} == {status for status in (finished, cancelled) if isinstance(status, str)}
        if running.status == JobStatus.CANCELLED:
            assert isinstance(finished, jobs.Cancelled)
        else:
            assert isinstance(cancelled, Conflict)
            assert running.cancelled_by is None
        outcomes.add(running.status)
    assert outcomes <= {JobStatus.SUCCEEDED, JobStatus.CANCELLED}


@pytest.mark.django_db(transaction=True)
def test_threads_that_watch_a_long_query_hear_of_it_from_the_heartbeat(shared_world, settings):
    settings.COUNTERSIGN_HEARTBEAT_SECONDS = 0.02
    world = shared_world
    version = world.submit("1", measured=False)
    job = jobs.claim(Evaluation, version.evaluations.get(kind="performance").pk)
    heard: list[object] = []

    def watch(progress, shown, stopped):
        try:
            progress(0.32, "3,200,000 of 10,000,000 rows")
            shown.wait(5)
            while not stopped.wait(0.01):
                progress(0.33, "3,300,000 of 10,000,000 rows")
        except jobs.LeaseLost as lost:
            heard.append(lost)

    shown, stopped = threading.Event(), threading.Event()
    with jobs.heartbeat(job) as progress:
        watcher = threading.Thread(target=watch, args=(progress, shown, stopped))
        watcher.start()
        noted = wait_for(lambda: Evaluation.objects.get(pk=job.pk).progress_note)
        assert noted == "3,200,000 of 10,000,000 rows"
        shown.set()
        cancel_evaluation(actor=world.ada, evaluation=job)
        watcher.join(5)
        stopped.set()
        with pytest.raises(jobs.Cancelled):
            progress(0.5, "home")
    assert [type(lost) for lost in heard] == [jobs.Cancelled]


def wait_for(look, seconds=5.0):
    from time import monotonic, sleep

    until = monotonic() + seconds
    while monotonic() < until:
        found = look()
        if found not in ("", "starting"):
            return found
        sleep(0.02)
    raise AssertionError("nothing came")


class TestTheApi:
    def test_cancels_once_and_says_so_twice(self, world, evaluation):
        address = f"/evaluations/{evaluation.pk}/cancel"
        answers = [caller(world.grace).post(address) for _ in "ab"]
        assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "cancelled")] * 2
        assert answers[1].json()["cancelled_by"] == "grace"
        assert caller(world.barbara).post(address).status_code == 403
        assert caller(world.mallory).post(address).status_code == 404

    def test_refuses_what_has_ended(self, world, evaluation):
        tamper(evaluation, status=JobStatus.SUCCEEDED)
        assert caller(world.ada).post(f"/evaluations/{evaluation.pk}/cancel").status_code == 409

    def test_tells_how_long_it_will_take(self, world, evaluation):
        began = timezone.now() - timedelta(seconds=30)
        tamper(evaluation, status="running", started_at=began, progress=0.75, lease_until=timezone.now())
        answer = caller(world.ada).get(f"/evaluations/{evaluation.pk}").json()
        assert answer["seconds_left"] in (10, 11)
        assert (answer["key"], answer["roles"]) == ("performance", ["test-predictions"])


class TestThePage:
    def test_asks_before_it_cancels_and_offers_to_measure_again(self, world, client, evaluation):
        client.force_login(world.ada)
        page = reverse("version", args=["mortgage-approval", "1"])
        cancel = reverse("cancel", args=["mortgage-approval", "1", evaluation.pk])
        assert cancel in client.get(page).content.decode()
        asked = client.get(f"{cancel}?environment=production").content.decode()
        assert "Cancel the performance evaluation of mortgage-approval@1?" in asked
        assert Evaluation.objects.get(pk=evaluation.pk).status == JobStatus.QUEUED
        assert client.post(cancel, {"environment": "production"}).status_code == 302
        body = client.get(page).content.decode()
        assert "This was cancelled by Ada Lovelace" in body
        assert reverse("repeat", args=["mortgage-approval", "1", evaluation.pk]) in body
        assert "nothing to cancel" in client.get(cancel).content.decode()

    def test_offers_it_to_nobody_who_may_not(self, world, client, evaluation):
        client.force_login(world.barbara)
        cancel = reverse("cancel", args=["mortgage-approval", "1", evaluation.pk])
        assert cancel not in client.get(reverse("version", args=["mortgage-approval", "1"])).content.decode()
        assert client.get(cancel).status_code == client.post(cancel).status_code == 403

    def test_shows_rows_and_time_left(self, world, client, evaluation):
        began = timezone.now() - timedelta(seconds=300)
        note = "3,200,000 of 10,000,000 rows"
        tamper(evaluation, status="running", started_at=began, progress=0.43, progress_note=note)
        client.force_login(world.ada)
        for name in ("version", "version-progress"):
            body = client.get(reverse(name, args=["mortgage-approval", "1"])).content.decode()
            assert note in body
            assert "about 7 min left" in body


@pytest.mark.parametrize(
    ("status", "progress", "elapsed", "left"),
    [
        ("running", 0.5, 10, 10),
        ("running", 0.03, 3, 97),
        ("running", 0.02, 100, None),
        ("running", 0.5, 1, None),
        ("queued", 0.5, 10, None),
        ("succeeded", 1.0, 10, None),
        ("cancelled", 0.5, 10, None),
    ],
)
def test_time_left_is_told_only_once_it_can_be(status, progress, elapsed, left):
    job = Evaluation(status=status, progress=progress, started_at=timezone.now() - timedelta(seconds=elapsed))
    assert job.seconds_left in (None if left is None else left, None if left is None else left + 1)

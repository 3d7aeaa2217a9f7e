"""Leased jobs: one worker at a time, taken back from the dead, fenced off once lost, given up in the end."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from audits import jobs
from audits.models import Evaluation, JobStatus, MeasurementRow
from audits.reaper import start_reaper
from audits.services.evaluations import reclaim_evaluations, run_evaluation
from audits.stranded_tasks import requeue_stranded_tasks
from registry.errors import InvalidInput
from tests.scenario import at_once, ledger_actions, run_tasks, tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def evaluation(world):
    """A queued evaluation that no task will take by itself."""
    world.submit("1", measured=False)
    DBTaskResult.objects.all().delete()
    return Evaluation.objects.get(kind="performance")


def died(job):
    """Its worker was killed: the lease runs out."""
    tamper(job, lease_until=timezone.now() - timedelta(seconds=1))


def finish(job, then=lambda: None):
    with jobs.finishing(job) as held:
        held.status = JobStatus.SUCCEEDED
        then()


def test_a_job_is_held_by_one_worker(evaluation):
    held = jobs.claim(Evaluation, evaluation.pk)
    assert (held.status, held.attempt) == (JobStatus.RUNNING, 1)
    assert jobs.claim(Evaluation, evaluation.pk) is None


def test_progress_is_shown_and_renews_the_lease(evaluation, settings):
    settings.COUNTERSIGN_LEASE_SECONDS = 60
    held = jobs.claim(Evaluation, evaluation.pk)
    tamper(held, lease_until=timezone.now() + timedelta(seconds=1))
    jobs.progress_of(held)(0.4, "counting")
    evaluation.refresh_from_db()
    assert (evaluation.percent, evaluation.progress_note) == (40, "counting")
    assert evaluation.lease_until > timezone.now() + timedelta(seconds=50)


def test_a_worker_that_lost_its_lease_writes_nothing(evaluation):
    slept = jobs.claim(Evaluation, evaluation.pk)
    died(slept)
    holder = jobs.claim(Evaluation, evaluation.pk)
    assert holder.attempt == 2
    with pytest.raises(jobs.LeaseLost):
        jobs.progress_of(slept)(0.9, "nearly")
    with pytest.raises(jobs.LeaseLost):
        finish(slept)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.progress, evaluation.lease_token) == (
        JobStatus.RUNNING,
        0.0,
        holder.lease_token,
    )
    finish(holder)
    evaluation.refresh_from_db()
    assert evaluation.status == JobStatus.SUCCEEDED


def test_a_measurement_finished_by_a_worker_that_lost_its_lease_is_not_kept(evaluation, monkeypatch):
    from audits import evaluate as engine

    measure = engine.evaluate

    def overtaken(*arguments, **options):
        report = measure(*arguments, **options)
        died(evaluation)
        assert reclaim_evaluations() == [evaluation]
        return report

    monkeypatch.setattr(engine, "evaluate", overtaken)
    run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.report_id) == (JobStatus.QUEUED, None)
    assert not MeasurementRow.objects.exists()
    monkeypatch.setattr(engine, "evaluate", measure)
    run_tasks()
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempt) == (JobStatus.SUCCEEDED, 2)
    assert ledger_actions(object_id=str(evaluation.pk)) == [
        "evaluation.queued",
        "evaluation.started",
        "evaluation.reclaimed",
        "evaluation.started",
        "evaluation.succeeded",
    ]


def test_finishing_is_one_transaction(evaluation):
    held = jobs.claim(Evaluation, evaluation.pk)
    with pytest.raises(ZeroDivisionError):
        finish(held, then=lambda: 1 / 0)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.lease_token) == (JobStatus.RUNNING, held.lease_token)


def test_a_living_workers_job_is_left_alone(evaluation):
    jobs.claim(Evaluation, evaluation.pk)
    assert reclaim_evaluations() == []


def test_a_finished_job_is_not_taken_up_again(evaluation):
    run_evaluation(evaluation_id=evaluation.pk)
    before = ledger_actions()
    run_evaluation(evaluation_id=evaluation.pk)
    assert jobs.claim(Evaluation, evaluation.pk) is None
    assert ledger_actions() == before


def test_a_dead_workers_job_is_queued_again_and_said_to_be(evaluation):
    jobs.claim(Evaluation, evaluation.pk)
    died(evaluation)
    assert reclaim_evaluations() == [evaluation]
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.lease_token) == (JobStatus.QUEUED, None)
    assert DBTaskResult.objects.get().args_kwargs["args"] == [str(evaluation.pk)]
    assert ledger_actions(object_id=str(evaluation.pk))[-1] == "evaluation.reclaimed"
    assert reclaim_evaluations() == []


def test_after_the_last_attempt_it_is_an_error_that_says_why(evaluation, settings):
    settings.COUNTERSIGN_MAX_ATTEMPTS = 2
    for _ in range(2):
        assert jobs.claim(Evaluation, evaluation.pk)
        died(evaluation)
        reclaim_evaluations()
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempt) == (JobStatus.ERROR, 2)
    assert "died 2 times" in evaluation.error["message"]
    assert evaluation.finished_at is not None
    assert jobs.claim(Evaluation, evaluation.pk) is None


def test_the_claim_and_its_ledger_entry_are_one_transaction(evaluation, monkeypatch):
    from audits.services import evaluations

    monkeypatch.setattr(evaluations.ledger, "record", lambda **entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempt) == (JobStatus.QUEUED, 0)


def test_an_error_for_people_keeps_its_place():
    from audits.prediction_errors import PredictionsError

    assert jobs.describe_error(PredictionsError("bad", file="p.csv", column="score", row=7)) == {
        "message": "bad", "file": "p.csv", "column": "score", "row": 7, "code": PredictionsError.code,
    }  # fmt: skip
    assert jobs.describe_error(InvalidInput("bad"))["file"] is None


def test_a_task_whose_worker_died_before_claiming_its_job_is_queued_again(world, settings):
    world.submit("1", measured=False)
    task = DBTaskResult.objects.filter(task_path__endswith="run_evaluation").first()
    task.claim("worker-that-dies")
    assert requeue_stranded_tasks() == 0
    tamper(task, started_at=timezone.now() - timedelta(seconds=2 * settings.COUNTERSIGN_LEASE_SECONDS + 1))
    assert requeue_stranded_tasks() == 1
    run_tasks()
    assert set(Evaluation.objects.values_list("status", flat=True)) == {"succeeded"}


def test_a_task_that_kills_every_worker_is_not_queued_for_ever(world, settings):
    world.submit("1", measured=False)
    task = DBTaskResult.objects.first()
    for attempt in range(settings.COUNTERSIGN_MAX_ATTEMPTS):
        assert requeue_stranded_tasks() == (1 if attempt else 0)
        task.claim(f"worker-{attempt}")
        tamper(task, started_at=timezone.now() - timedelta(hours=1))
    assert requeue_stranded_tasks() == 0


def test_a_failing_sweep_does_not_end_the_others():
    seen = threading.Event()

    def broken():
        raise OSError("no database")

    stop = start_reaper([broken, seen.set], seconds=0.01)
    try:
        assert seen.wait(5)
    finally:
        stop.set()


def test_the_heartbeat_keeps_a_long_computation_alive(shared_world, settings):
    settings.COUNTERSIGN_LEASE_SECONDS, settings.COUNTERSIGN_HEARTBEAT_SECONDS = 1, 0.1
    shared_world.submit("1", measured=False)
    held = jobs.claim(Evaluation, Evaluation.objects.first().pk)
    with jobs.heartbeat(held):
        time.sleep(1.3)
        assert reclaim_evaluations() == []
    time.sleep(1.1)
    assert reclaim_evaluations() == [held]


def test_of_many_workers_one_claims(shared_world):
    shared_world.submit("1", measured=False)
    pk = Evaluation.objects.first().pk
    answers = at_once(*[lambda: jobs.claim(Evaluation, pk)] * 6)
    assert [type(answer).__name__ for answer in answers if answer] == ["Evaluation"]
    assert Evaluation.objects.get(pk=pk).attempt == 1


def test_of_many_reapers_one_takes_a_job_back(shared_world):
    shared_world.submit("1", measured=False)
    evaluation = jobs.claim(Evaluation, Evaluation.objects.first().pk)
    died(evaluation)
    taken = at_once(*[reclaim_evaluations] * 4)
    assert sorted(len(found) for found in taken) == [0, 0, 0, 1]
    with transaction.atomic():
        assert ledger_actions(object_id=str(evaluation.pk)).count("evaluation.reclaimed") == 1

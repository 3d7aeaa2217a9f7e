"""A worker killed with ``kill -9`` in the middle of an evaluation: another one completes it, once."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django_tasks_db.models import DBTaskResult

from audits.models import Evaluation, JobStatus
from tests.scenario import ledger_actions, predictions_csv

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


@contextmanager
def worker(address, settings, tmp_path):
    """A real ``manage.py db_worker`` in a process of its own, on the test's database."""
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "COUNTERSIGN_ENV": "development",
        "COUNTERSIGN_DATA_DIR": str(settings.DATA_DIR),
        "COUNTERSIGN_LEASE_SECONDS": "2",
        "COUNTERSIGN_HEARTBEAT_SECONDS": "0.3",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "db_worker", "--interval", "0.1", "--no-startup-delay"]
    log = tmp_path / f"worker-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
        try:
            yield process
        except BaseException:
            print(log.read_text())
            raise
        finally:
            process.kill()
            process.wait()


def wait_until(condition, process):
    """Poll until the condition gives something; the process must live meanwhile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        assert process.poll() is None, "the worker ended by itself"
        time.sleep(0.02)
    raise AssertionError("nothing happened in time")


def test_an_evaluation_survives_its_worker_and_is_completed_once(shared_world, shared_database, settings, tmp_path):
    # Big enough that the measurement is still under way when the kill arrives.
    version = shared_world.submit("1", predictions=predictions_csv(n=40_000), measured=False)
    measuring = Evaluation.objects.filter(status=JobStatus.RUNNING)

    with worker(shared_database, settings, tmp_path) as victim:
        killed = wait_until(measuring.first, victim)
        os.kill(victim.pid, signal.SIGKILL)
        assert victim.wait(PATIENCE) == -signal.SIGKILL
    killed.refresh_from_db()
    assert (killed.status, killed.attempt) == (JobStatus.RUNNING, 1)
    assert not killed.measurements.exists()

    with worker(shared_database, settings, tmp_path) as successor:
        wait_until(lambda: not version.evaluations.exclude(status=JobStatus.SUCCEEDED).exists(), successor)
        wait_until(version.reviews.exists, successor)
        wait_until(lambda: not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists(), successor)

    killed.refresh_from_db()
    assert (killed.attempt, killed.lease_token) == (2, None)
    assert ledger_actions(object_id=str(killed.pk)) == [
        "evaluation.queued",
        "evaluation.started",
        "evaluation.reclaimed",
        "evaluation.started",
        "evaluation.succeeded",
    ]
    said = [
        (row.metric, str(row.slice), str(row.over), row.confidence, row.minimum_group)
        for row in killed.measurements.all()
    ]
    assert said
    assert len(said) == len(set(said)), "measurements were written twice"
    assert version.reviews.get().state == "open"


@pytest.mark.parametrize("first", ["run_evaluation", "assess_when_measured"])
def test_what_was_taken_from_the_queue_by_a_dead_worker_is_done_by_the_next(
    first, shared_world, shared_database, settings, tmp_path
):
    version = shared_world.submit("1", measured=False)
    for task in DBTaskResult.objects.filter(task_path__endswith=first):
        task.claim("worker-that-was-killed-at-this-moment")
    with worker(shared_database, settings, tmp_path) as successor:
        wait_until(version.reviews.exists, successor)

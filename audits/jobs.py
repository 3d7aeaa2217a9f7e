"""The life of a leased job: claim, heartbeat, finish, being cancelled, and being taken back from a dead worker.

A worker killed with ``kill -9`` leaves its row ``running`` with a lease that nobody renews. The reaper, which
every worker runs, puts such a row back into the queue; the token in the row keeps a worker that merely slept from
finishing what another one has taken up meanwhile. Cancelling ends the row at once; the worker finds out by the same token.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils import timezone

from audits.models import JobStatus, LeasedJob
from registry.errors import Conflict, CountersignError

log = structlog.get_logger(__name__)

Job = TypeVar("Job", bound=LeasedJob)
Progress = Callable[[float, str], None]


_BEAT_SECONDS = 2.0
"""A heartbeat comes at least so often: it is also how a worker hears that its job was cancelled."""


class LeaseLost(CountersignError):
    """The job is no longer ours: stop, and write nothing."""

    code = "lease-lost"


class Cancelled(LeaseLost):
    """Somebody cancelled this job."""

    code = "cancelled"


def claim(model: type[Job], pk: uuid.UUID) -> Job | None:
    """Take a queued job, or one whose lease has run out, and count the attempt. None if there is nothing to take."""
    now = timezone.now()
    with transaction.atomic():
        job = model._default_manager.select_for_update().filter(pk=pk).first()
        if job is None or job.is_finished:
            return None
        if job.status == JobStatus.RUNNING and job.lease_until and job.lease_until > now:
            return None
        job.status = JobStatus.RUNNING
        job.attempt += 1
        job.lease_token = uuid.uuid4()
        job.heartbeat_at = now
        job.started_at = now
        job.lease_until = now + timedelta(seconds=settings.COUNTERSIGN_LEASE_SECONDS)
        job.progress, job.progress_note = 0.0, "starting"
        job.save()
    return job


def _renew(job: LeasedJob, **changes: Any) -> bool:
    now = timezone.now()
    lease = now + timedelta(seconds=settings.COUNTERSIGN_LEASE_SECONDS)
    rows = type(job)._default_manager.filter(pk=job.pk, status=JobStatus.RUNNING, lease_token=job.lease_token)
    return bool(rows.update(heartbeat_at=now, lease_until=lease, **changes))


def _lost(job: LeasedJob) -> LeaseLost:
    """Why a job is no longer ours."""
    status = type(job)._default_manager.filter(pk=job.pk).values_list("status", flat=True).first()
    if status in (JobStatus.CANCELLED, None):
        return Cancelled("this job was cancelled")
    return LeaseLost("this job was taken over by another worker")


def progress_of(job: LeasedJob) -> Progress:
    """A callback ``(share done, note)`` that shows progress and renews the lease.

    Raises
    ------
    LeaseLost
        From the callback, once somebody else holds the job, or it was cancelled.
    """

    def report(done: float, note: str) -> None:
        if not _renew(job, **_shown(done, note)):
            raise _lost(job)

    return report


def _shown(done: float, note: str) -> dict[str, Any]:
    return {"progress": min(max(done, 0.0), 1.0), "progress_note": note[:200]}


class _Pulse:
    """What the threads of one worker know of the job it holds.

    Only the worker's own thread and the heartbeat talk to the database: each has its connection, and closes it. Threads
    that watch a long query say here how far it is, and hear here that they are to stop.
    """

    def __init__(self, job: LeasedJob) -> None:
        self._job = job
        self._home = threading.get_ident()
        self._report = progress_of(job)
        self._news: dict[str, Any] = {}
        self._lost: LeaseLost | None = None

    def report(self, done: float, note: str) -> None:
        """Progress from any thread; raises :class:`LeaseLost` in it once the job is no longer ours."""
        if self._lost is not None:
            raise self._lost
        if threading.get_ident() == self._home:
            self._report(done, note)
        else:
            self._news = _shown(done, note)

    def beat(self) -> bool:
        """Renew the lease and write the news; whether the job is still ours."""
        news, self._news = self._news, {}
        try:
            if not _renew(self._job, **news):
                self._lost = _lost(self._job)
        except DatabaseError:
            # The lease outlives several beats; giving up at the first would strand the job.
            log.warning("heartbeat failed", job=str(self._job.pk), exc_info=True)
        return self._lost is None


@contextmanager
def heartbeat(job: LeasedJob) -> Iterator[Progress]:
    """Renew the lease from a thread while the block runs: a long computation reports no progress by itself.

    Yields
    ------
    Callable
        As :func:`progress_of`, but for any thread.
    """
    pulse = _Pulse(job)
    if not settings.COUNTERSIGN_HEARTBEAT_SECONDS:
        yield pulse.report
        return
    seconds = min(settings.COUNTERSIGN_HEARTBEAT_SECONDS, _BEAT_SECONDS)
    done = threading.Event()

    def beat() -> None:
        try:
            while not done.wait(seconds):
                close_old_connections()
                if not pulse.beat():
                    return
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job.pk}", daemon=True)
    thread.start()
    try:
        yield pulse.report
    finally:
        done.set()
        thread.join()


@contextmanager
def _ending(job: Job) -> Iterator[Job]:
    """One transaction in which a job that is still ours ends."""
    with transaction.atomic():
        held = type(job)._default_manager.select_for_update().filter(pk=job.pk).first()
        # What-ifs may be deleted while a worker is at them.
        if held is None or held.status != JobStatus.RUNNING or held.lease_token != job.lease_token:
            raise _lost(job)
        held.lease_token = held.lease_until = None
        held.finished_at = timezone.now()
        yield held
        held.save()


@contextmanager
def finishing(job: Job) -> Iterator[Job]:
    """One transaction in which a job that is still ours succeeds; the caller writes results inside the block.

    Raises
    ------
    LeaseLost
        If it is no longer ours: nothing is written.
    """
    with _ending(job) as held:
        held.status, held.progress, held.progress_note = JobStatus.SUCCEEDED, 1.0, "done"
        yield held


def describe_error(error: CountersignError) -> dict[str, Any]:
    """What a job keeps of an error: the message, file, column and row where there are any, and the code, for programs."""
    places = {name: getattr(error, name, None) for name in ("file", "column", "row")}
    return {"message": error.message, **places, "code": error.code}


@contextmanager
def working(job: Job, *, failed: Callable[[Job, str], object]) -> Iterator[Progress]:
    """Keep the lease alive while the block works. Whatever goes wrong in it ends the job in ``error``, never in silence.

    Yields
    ------
    Callable
        Progress ``(share done, note)``, for any thread; it raises once the job is no longer ours.

    Parameters
    ----------
    failed
        Writes the ledger entry of a failure for ``(job, message)``, in the transaction that records it.
    """
    try:
        with heartbeat(job) as progress:
            yield progress
    except Cancelled:
        log.info("job was cancelled", job=str(job.pk))
    except LeaseLost:
        log.warning("job lost its lease", job=str(job.pk))
    except CountersignError as error:
        _fail(job, describe_error(error), failed)
    except Exception as error:
        log.exception("job crashed", job=str(job.pk))
        message = f"internal error ({type(error).__name__}); the log of the worker has the details"
        _fail(job, {"message": message}, failed)


@contextmanager
def cancelling(model: type[Job], pk: uuid.UUID) -> Iterator[Job | None]:
    """One transaction in which a job that has not ended is cancelled; None if somebody cancelled it already.

    The row's lock decides between cancelling and finishing: whoever comes second finds it ended. A worker that is at it
    hears of it at its next progress or heartbeat, and writes nothing.

    Raises
    ------
    Conflict
        If it has ended otherwise.
    """
    with transaction.atomic():
        held = model._default_manager.select_for_update().get(pk=pk)
        if held.status == JobStatus.CANCELLED:
            yield None
            return
        if held.is_finished:
            raise Conflict("it has ended already: there is nothing to cancel")
        held.status, held.finished_at, held.progress_note = JobStatus.CANCELLED, timezone.now(), "cancelled"
        held.lease_token = held.lease_until = None
        yield held
        held.save()


def _fail(job: Job, error: dict[str, Any], failed: Callable[[Job, str], object]) -> None:
    try:
        with _ending(job) as held:
            held.status, held.error, held.progress_note = JobStatus.ERROR, error, "failed"
            failed(held, str(error["message"])[:1000])
    except LeaseLost:
        log.warning("job lost its lease", job=str(job.pk))


def reclaim(
    model: type[Job], *, enqueue: Callable[[Job], object], record: Callable[[Job, Mapping[str, Any]], object]
) -> list[Job]:
    """Take back every job of this kind whose worker has died, and queue it again; give up after the last attempt.

    Parameters
    ----------
    enqueue
        Queues the job's task.
    record
        Writes the ledger entry for ``(job, {"attempt", "gave_up"})``.
    """
    taken: list[Job] = []
    dead = model._default_manager.filter(status=JobStatus.RUNNING, lease_until__lt=timezone.now())
    for pk in list(dead.values_list("pk", flat=True)):
        with transaction.atomic():
            job = model._default_manager.select_for_update().get(pk=pk)
            if job.status != JobStatus.RUNNING or job.lease_until is None or job.lease_until >= timezone.now():
                continue
            gave_up = job.attempt >= settings.COUNTERSIGN_MAX_ATTEMPTS
            job.lease_token = job.lease_until = None
            if gave_up:
                job.status, job.finished_at = JobStatus.ERROR, timezone.now()
                job.error = {
                    "message": f"its worker died {job.attempt} times; the input may be too large for the worker"
                }
            else:
                job.status, job.progress, job.progress_note = JobStatus.QUEUED, 0.0, "its worker died; queued again"
            job.save()
            if not gave_up:
                enqueue(job)
            record(job, {"attempt": job.attempt, "gave_up": gave_up})
        log.warning("job reclaimed", job=str(job.pk), attempt=job.attempt, gave_up=gave_up)
        taken.append(job)
    return taken

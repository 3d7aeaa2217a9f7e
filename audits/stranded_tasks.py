"""Puts back into the queue what a worker had taken when it died: its tasks say ``RUNNING`` for ever otherwise."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

log = structlog.get_logger(__name__)


def requeue_stranded_tasks() -> int:
    """Queue again every task that was taken two leases ago and has not ended; how many.

    Tasks are safe to run twice, so one whose worker is merely slow does no harm: a leased job is not claimed a second
    time, anything else comes to the same result. A task is taken ``COUNTERSIGN_MAX_ATTEMPTS`` times at most.
    """
    before = timezone.now() - timedelta(seconds=2 * settings.COUNTERSIGN_LEASE_SECONDS)
    requeued = 0
    for task in DBTaskResult.objects.running().filter(started_at__lt=before):
        if len(task.worker_ids) >= settings.COUNTERSIGN_MAX_ATTEMPTS:
            continue
        same = DBTaskResult.objects.running().filter(pk=task.pk, started_at=task.started_at)
        if same.update(status=TaskResultStatus.READY):
            log.warning("task queued again", task=task.task_path, id=str(task.pk))
            requeued += 1
    return requeued

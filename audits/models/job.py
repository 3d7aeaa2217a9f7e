"""Work that a worker does, and that survives the worker: progress, heartbeat, lease, attempts."""

from __future__ import annotations

import math
import uuid

from django.db import models
from django.utils import timezone


class JobStatus(models.TextChoices):
    """Where a job stands. Only ``succeeded`` is ever evidence."""

    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    ERROR = "error", "error"
    CANCELLED = "cancelled", "cancelled"


ENDED = (JobStatus.SUCCEEDED, JobStatus.ERROR, JobStatus.CANCELLED)
"""Nothing more happens by itself to a job that stands here."""

_TELLING_SECONDS, _TELLING_SHARE = 2.0, 0.03
"""Before so much is done, what is done says nothing about what is left."""


class LeasedJob(models.Model):
    """Abstract row behind every background job.

    A worker holds a job only while its lease lives; ``lease_token`` fences off a worker that lost it: whoever
    finishes must still hold the token it began with, so that a job taken up twice is completed once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=20, choices=JobStatus, default=JobStatus.QUEUED)
    progress = models.FloatField(default=0.0, help_text="Share done, 0 to 1.")
    progress_note = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True, help_text="{message, file, column, row}")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        default_permissions = ()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in ENDED

    @property
    def percent(self) -> int:
        """Progress for people."""
        return round(100 * self.progress)

    @property
    def seconds_left(self) -> int | None:
        """How long it will take if it goes on as it did; None while that cannot be told, and once it has ended."""
        if self.status != JobStatus.RUNNING or self.started_at is None or self.progress < _TELLING_SHARE:
            return None
        elapsed = (timezone.now() - self.started_at).total_seconds()
        if elapsed < _TELLING_SECONDS:
            return None
        return math.ceil(elapsed * (1 - self.progress) / self.progress)

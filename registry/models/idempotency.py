"""Answers to state-changing requests, so that a retry gets the same one."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class IdempotentRequest(models.Model):
    """One ``Idempotency-Key`` of one person. ``status`` is null while the request is in flight."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    payload_sha256 = models.CharField(max_length=64, help_text="Over method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.BinaryField(null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="one_request_per_key")]

    def __str__(self) -> str:
        return self.key

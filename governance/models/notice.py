"""Messages to people about what changed without them, and the views of lists that they keep."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Notice(models.Model):
    """One message to one person: kept until read, and sent by e-mail where that is set up. ``key`` makes it be sent once."""

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=50)
    subject = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["recipient", "key"], name="one_notice_per_key")]

    def __str__(self) -> str:
        return self.subject


class SavedView(models.Model):
    """Filters of a list that somebody gave a name."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    page = models.CharField(max_length=50)
    name = models.CharField(max_length=100)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "page", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name

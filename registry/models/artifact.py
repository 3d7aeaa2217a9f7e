"""Bytes with a SHA-256, stored once."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Artifact(models.Model):
    """One content-addressed file. The bytes lie in the ``artifacts`` storage under the digest."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"


class ArtifactUpload(models.Model):
    """Proof that a person once held the bytes: naming a digest does not give access to somebody else's file."""

    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="uploads")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["artifact", "person"], name="one_upload_per_person")]

    def __str__(self) -> str:
        return f"{self.artifact} by {self.person}"

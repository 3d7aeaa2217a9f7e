"""What an environment may run, how it came to that, and the proof."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from governance.models.review import Review
from governance.models.verdict import Verdict
from registry.models import Artifact, ModelVersion, RegisteredModel


class Promotion(models.Model):
    """One change of what an environment may run, with its attestation. Never changed afterwards."""

    class Kind(models.TextChoices):
        """How the version came there."""

        PROMOTE = "promote", "promoted"
        ROLLBACK = "rollback", "rolled back to"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="promotions")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    environment = models.CharField(max_length=50)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="promotions")
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")
    replaced = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    attestation = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")
    valid_until = models.DateTimeField(null=True, blank=True)
    promoted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.version} {self.get_kind_display()} {self.environment}"


class EnvironmentPointer(models.Model):
    """Which promotion an environment stands on now, per model, and whether it would still be let in.

    Moved only by promotion and rollback, under lock. Compliance follows each time that what runs there is judged again.
    """

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="pointers")
    environment = models.CharField(max_length=50)
    promotion = models.ForeignKey(Promotion, null=True, on_delete=models.PROTECT, related_name="+")
    noncompliant_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when what runs there would not be let in again; null while it would."
    )
    noncompliance = models.TextField(blank=True, help_text="Why, in one or two sentences.")
    judged_at = models.DateTimeField(null=True, blank=True, help_text="When what runs there was judged again last.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["model", "environment"], name="one_pointer_per_environment")]

    def __str__(self) -> str:
        return f"{self.model} {self.environment}"

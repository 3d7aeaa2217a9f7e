"""Use cases on their way in: the form being filled, and the assessments that set the risk tier."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from registry.canonical import parse_json
from registry.models.use_case import RiskTier, UseCase


class Intake(models.Model):
    """The intake of a use case, saved while it is written. ``revision`` counts saves: two windows never overwrite each other."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="intakes")
    answers = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    use_case = models.OneToOneField(UseCase, null=True, on_delete=models.PROTECT, related_name="intake")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    discarded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-updated_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.answers.get("name") or f"intake of {self.created_at:%Y-%m-%d}")


class RiskAssessment(models.Model):
    """One answered risk questionnaire of a use case; never changed afterwards, except that an override is confirmed.

    ``computed_tier`` is what the scorecard says. An override is proposed by one person with a reason and counts only
    once another has confirmed it; the tier in force stands on the use case.
    """

    use_case = models.ForeignKey(UseCase, on_delete=models.PROTECT, related_name="risk_assessments")
    number = models.PositiveIntegerField()
    scorecard = models.CharField(max_length=100, help_text="id@version of the scorecard.")
    content = models.BinaryField(help_text="Canonical JSON of answers and result, exactly what sha256 covers.")
    sha256 = models.CharField(max_length=64)
    computed_tier = models.CharField(max_length=20, choices=RiskTier)
    assessed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    override_tier = models.CharField(max_length=20, choices=RiskTier, blank=True)
    override_reason = models.TextField(blank=True)
    override_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    override_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    override_state = models.CharField(
        max_length=10, blank=True, help_text="proposed, confirmed or refused; empty where none was proposed."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["use_case", "-number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["use_case", "number"], name="one_assessment_per_number")]

    def __str__(self) -> str:
        return f"risk assessment {self.number} of {self.use_case}"

    @property
    def document(self) -> dict[str, Any]:
        """Answers and result as a mapping."""
        return dict(parse_json(bytes(self.content), what="risk assessment"))

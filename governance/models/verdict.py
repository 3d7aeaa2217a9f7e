"""Rules × facts, as judged at one moment; and the gate's answers that rest on it."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from governance.models.policy import PolicyVersion
from registry.canonical import parse_json
from registry.models import ModelVersion


class Verdict(models.Model):
    """What the pure evaluator said. Facts and verdict are kept as bytes, so that it can be replayed byte for byte."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="verdicts")
    environment = models.CharField(max_length=50)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="verdicts")
    facts = models.BinaryField()
    content = models.BinaryField(help_text="Canonical JSON, exactly the bytes that sha256 covers.")
    sha256 = models.CharField(max_length=64)
    outcome = models.CharField(max_length=20)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        # Covers what lists of many versions ask: SQLite reads all of facts and content to get at the outcome behind them.
        indexes = [models.Index(fields=["version", "environment", "id", "outcome"], name="verdict_standing")]

    def __str__(self) -> str:
        return f"{self.version} → {self.environment}: {self.outcome}"

    @property
    def document(self) -> dict[str, Any]:
        """The verdict as a mapping."""
        return dict(parse_json(bytes(self.content), what="verdict"))


class VerdictPicture(models.Model):
    """A chart of one rule's evidence with its threshold, drawn by a worker, shown in pages as in the PDF."""

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="pictures")
    rule = models.CharField(max_length=100)
    caption = models.CharField(max_length=300)
    position = models.PositiveIntegerField()
    svg = models.TextField()
    table = models.JSONField(
        help_text="{heads: [[class, text]], rows: [[[class, text]]]}: the table behind the picture."
    )

    class Meta:
        ordering = ["position"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["verdict", "position"], name="one_picture_per_position")]

    def __str__(self) -> str:
        return self.caption


class GateDecision(models.Model):
    """One answer of the gate, kept as it was given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="gate_decisions")
    environment = models.CharField(max_length=50)
    verdict = models.ForeignKey(Verdict, null=True, blank=True, on_delete=models.PROTECT, related_name="gate_decisions")
    result = models.CharField(max_length=10)
    answer = models.JSONField()
    context = models.JSONField(default=dict)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.version} → {self.environment}: {self.result}"

"""The people's part of a decision: reviews, their stages, and the signatures."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from governance.models.policy import PolicyVersion
from governance.models.verdict import Verdict
from governance.transitions import ACTIVE_STATES, ReviewState
from registry.models import ModelVersion


class Review(models.Model):
    """One run through a policy's sign-off stages, snapshotted at opening.

    ``subject_sha256`` is what people sign: manifest, artifacts, evidence, verdict, policy and documents in one digest.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reviews")
    environment = models.CharField(max_length=50)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="reviews")
    champion = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="+")
    subject = models.BinaryField(help_text="Canonical JSON of the subject that subject_sha256 covers.")
    subject_sha256 = models.CharField(max_length=64)
    state = models.CharField(
        max_length=20, choices=[(state.value, state.value) for state in ReviewState], default=ReviewState.OPEN
    )
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment"],
                condition=models.Q(state__in=[state.value for state in ACTIVE_STATES]),
                name="one_active_review",
            )
        ]
        indexes = [models.Index(fields=["version", "environment", "state"], name="review_standing")]

    def __str__(self) -> str:
        return f"{self.version} → {self.environment}"


class Stage(models.Model):
    """One step of a review: a role, how many must sign, and whom they must be independent of."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="stages")
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    role = models.CharField(max_length=40)
    quorum = models.PositiveIntegerField(default=1)
    independent_of = models.JSONField(default=list)
    valid_days = models.PositiveIntegerField(null=True, blank=True)
    due_days = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["review", "position"], name="one_stage_per_position"),
            models.UniqueConstraint(fields=["review", "name"], name="one_stage_per_name"),
        ]

    def __str__(self) -> str:
        return f"{self.review} {self.name}"


class SignOff(models.Model):
    """One person's answer, over the exact bytes of ``record``; never changed, never deleted.

    A person answers once per subject: after a change the old answer is stale and a new one may be given.
    """

    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="sign_offs")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="sign_offs")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sign_offs")
    meaning = models.CharField(max_length=20)
    record = models.BinaryField(help_text="Canonical JSON: what was signed.")
    record_sha256 = models.CharField(max_length=64, unique=True)
    seal = models.TextField(help_text="Base64 ECDSA P-256 signature of the service over the record.")
    subject_sha256 = models.CharField(max_length=64)
    method = models.CharField(max_length=40)
    comment = models.TextField(blank=True)
    signed_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["signed_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["review", "person", "subject_sha256"], name="one_answer_per_person_and_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.meaning} {self.review}"

"""One run of one kind of check on a version, and the measurements it gave."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from audits import measurement
from audits.models.job import JobStatus, LeasedJob
from registry.models import Artifact, ModelVersion


class Trust(models.TextChoices):
    """How far evidence can be trusted: that of its weakest link."""

    CLAIMED = "claimed", "claimed by a client"
    ATTESTED = "attested", "attested by an identified runner"
    RECOMPUTED = "recomputed", "recomputed by the service"


class Evaluation(LeasedJob):
    """A planned, running or finished check.

    ``question`` covers kind, inputs and parameters: the same question is asked once of the same code, until its answer
    is an error, is cancelled, or is replaced because it grew too old.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200, help_text="The kind and, where they are not the usual ones, its data.")
    roles = models.JSONField(default=list, help_text="Roles of the data that it reads, in order.")
    champion = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="For comparisons."
    )
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(
        default=list, help_text="[{path, sha256}] of the files it reads, [{path, url, role}] of tables elsewhere."
    )
    question = models.CharField(max_length=64, db_index=True)
    code_version = models.CharField(max_length=60)
    trust = models.CharField(max_length=20, choices=Trust, default=Trust.CLAIMED)
    report = models.ForeignKey(Artifact, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    replaced = models.BooleanField(default=False, help_text="Too old for policy, and asked again.")

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "question", "code_version"],
                condition=~models.Q(status__in=[JobStatus.ERROR, JobStatus.CANCELLED]) & models.Q(replaced=False),
                name="one_answer_per_question",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.kind}"


class MeasurementRow(models.Model):
    """A :class:`audits.measurement.Measurement` as a row, for lists and comparisons across versions."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="measurements")
    metric = models.CharField(max_length=80)
    slice = models.JSONField(default=dict)
    over = models.JSONField(default=list)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.BigIntegerField()
    method = models.CharField(max_length=80)
    confidence = models.FloatField()
    minimum_group = models.FloatField(default=0.0)
    counts = models.JSONField(default=dict)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["metric"])]

    def __str__(self) -> str:
        return f"{self.metric} {self.slice or self.over or ''}"

    def as_measurement(self) -> measurement.Measurement:
        """The row as the plain dataclass."""
        return measurement.Measurement(
            metric=self.metric,
            slice=self.slice,
            value=self.value,
            low=self.low,
            high=self.high,
            n=self.n,
            method=self.method,
            confidence=self.confidence,
            over=tuple(self.over),
            minimum_group=self.minimum_group,
            counts=self.counts,
            note=self.note,
        )

    @classmethod
    def of(cls, evaluation: Evaluation, source: measurement.Measurement) -> MeasurementRow:
        """An unsaved row for ``source``."""
        return cls(
            evaluation=evaluation,
            metric=source.metric,
            slice=dict(source.slice),
            over=list(source.over),
            value=source.value,
            low=source.low,
            high=source.high,
            n=source.n,
            method=source.method,
            confidence=source.confidence,
            minimum_group=source.minimum_group,
            counts=dict(source.counts),
            note=source.note,
        )

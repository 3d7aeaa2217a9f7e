"""What the inventory knows beyond what was submitted: where versions run, and models of other registries."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registry.models.registered_model import ModelVersion, RegisteredModel


class Deployment(models.Model):
    """Where a version runs: an endpoint, a batch job, a device fleet; from ``since`` until ``until`` (null: still)."""

    class Kind(models.TextChoices):
        """How it is integrated."""

        SERVICE = "service", "service"
        EMBEDDED = "embedded", "embedded"
        BATCH = "batch", "batch"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    environment = models.CharField(max_length=50)
    kind = models.CharField(max_length=10, choices=Kind)
    location = models.CharField(
        max_length=500, help_text="Endpoint, cluster, job or product, in words or as an address."
    )
    region = models.CharField(max_length=50, blank=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["environment", "location"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment", "location"],
                condition=models.Q(until__isnull=True),
                name="one_live_deployment_per_location",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment} at {self.location}"


class ExternalRegistry(models.Model):
    """Another registry that we only read: an MLflow server that is polled, or a CSV that somebody sent."""

    class Kind(models.TextChoices):
        """What it is."""

        MLFLOW = "mlflow", "MLflow"
        CSV = "csv", "CSV file"

    name = models.SlugField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    url = models.CharField(max_length=500, blank=True)
    credentials = models.CharField(
        max_length=50, blank=True, help_text="Name of the credentials, never they themselves."
    )
    is_active = models.BooleanField(default=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    polled_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ExternalVersion(models.Model):
    """A model version that another registry told us of. Nothing of it is judged until it is submitted here."""

    registry = models.ForeignKey(ExternalRegistry, on_delete=models.PROTECT, related_name="versions")
    model_name = models.CharField(max_length=300)
    name = models.CharField(max_length=200)
    facts = models.JSONField(
        default=dict, help_text="What it said: description, owner, stage, aliases, tags, source, run."
    )
    model = models.ForeignKey(
        RegisteredModel,
        null=True,
        on_delete=models.PROTECT,
        related_name="external_versions",
        help_text="Ours, if linked.",
    )
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["registry", "model_name", "name"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["registry", "model_name", "name"], name="one_external_version_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.registry}: {self.model_name}@{self.name}"

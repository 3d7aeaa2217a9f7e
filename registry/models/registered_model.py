"""Registered models, their versions, and the files a version is made of."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from registry.canonical import parse_json
from registry.models.artifact import Artifact
from registry.models.dataset import DatasetVersion
from registry.models.use_case import UseCase
from registry.roles import ROLE_PERMISSIONS


class RegisteredModel(models.Model):
    """A model by name; its versions are what is reviewed."""

    name = models.CharField(max_length=100, unique=True)
    use_case = models.ForeignKey(UseCase, on_delete=models.PROTECT, related_name="registered_models")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        permissions = ROLE_PERMISSIONS

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    """One submitted version. ``sha256``, the digest of its canonical manifest, is its identity."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    name = models.CharField(max_length=100)
    manifest = models.BinaryField(help_text="Canonical JSON, exactly the bytes that sha256 covers.")
    sha256 = models.CharField(max_length=64)
    training_dataset = models.ForeignKey(
        DatasetVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="trained_versions"
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submitted_versions"
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The person behind the submission: who issued the token of a service account, else the submitter.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="one_manifest_per_version_name"),
            models.UniqueConstraint(fields=["model", "sha256"], name="one_version_per_manifest"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.name}"

    @property
    def facts(self) -> dict[str, Any]:
        """The manifest as a mapping."""
        return dict(parse_json(bytes(self.manifest), what="manifest"))


class VersionArtifact(models.Model):
    """The part that an artifact plays in a version."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="files")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="used_as")
    role = models.CharField(max_length=50)
    path = models.CharField(max_length=500)

    class Meta:
        ordering = ["path"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="one_artifact_per_path")]

    def __str__(self) -> str:
        return f"{self.version} {self.path}"

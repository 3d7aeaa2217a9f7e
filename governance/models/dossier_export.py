"""A dossier being rendered into documents by a worker."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from audits.models import LeasedJob
from governance.models.promotion import Promotion
from registry.models import Artifact, ModelVersion


class DossierExport(LeasedJob):
    """One rendering of everything about a decision: model card, audit PDF, evidence, attestation."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="dossier_exports")
    environment = models.CharField(max_length=50)
    promotion = models.ForeignKey(Promotion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.version} → {self.environment}"


class DossierFile(models.Model):
    """One file of an export."""

    export = models.ForeignKey(DossierExport, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=100)
    media_type = models.CharField(max_length=100)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "name"], name="one_dossier_file_per_name")]

    def __str__(self) -> str:
        return self.name

"""Datasets and their versions, as far as a manifest or an owner has told us."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Dataset(models.Model):
    """A named body of data."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    source = models.TextField(blank=True, help_text="Where it comes from, in words.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="owned_datasets"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.slug


class DatasetVersion(models.Model):
    """One state of a dataset. ``sha256`` is null as long as nobody has shown us the content."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    label = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, null=True, blank=True)
    rows = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dataset", "label"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["dataset", "label"], name="one_dataset_version_per_label")]

    def __str__(self) -> str:
        return f"{self.dataset.slug}@{self.label}"

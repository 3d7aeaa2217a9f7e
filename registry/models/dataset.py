"""Datasets and their versions, their datasheets, and whether we may still use them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from registry.canonical import parse_json


class Dataset(models.Model):
    """A named body of data, with whoever answers for it. Its terms stand in the latest datasheet.

    ``withdrawn_at`` is set as long as the licence, or the permission to use the data, is withdrawn.
    """

    class Visibility(models.TextChoices):
        """Who may see that the dataset exists, and its datasheet."""

        EVERYONE = "everyone", "everybody with a role"
        RESTRICTED = "restricted", "its owner and steward, and those with a role on a model that depends on it"

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    source = models.TextField(blank=True, help_text="Where it comes from, in words.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="owned_datasets"
    )
    steward = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="tended_datasets"
    )
    visibility = models.CharField(max_length=20, choices=Visibility, default=Visibility.EVERYONE)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.TextField(blank=True)
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
    columns = models.JSONField(default=list, blank=True, help_text="List of {name, type}.")
    profile = models.JSONField(default=dict, blank=True, help_text="{column: {...}} as stated by whoever made it.")
    data_until = models.DateField(null=True, blank=True, help_text="The day up to which the data reach.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dataset", "label"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["dataset", "label"], name="one_dataset_version_per_label")]

    def __str__(self) -> str:
        return f"{self.dataset.slug}@{self.label}"


class DatasheetRevision(models.Model):
    """One revision of a dataset's datasheet; never changed afterwards."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="datasheets")
    number = models.PositiveIntegerField()
    content = models.BinaryField(help_text="Canonical JSON, exactly the bytes that sha256 covers.")
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dataset", "-number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_datasheet_per_number")]

    def __str__(self) -> str:
        return f"datasheet {self.number} of {self.dataset.slug}"

    @property
    def sheet(self) -> dict[str, Any]:
        """The datasheet as a mapping."""
        return dict(parse_json(bytes(self.content), what="datasheet"))

"""One question to a model: what does it say of this row, and what if the row were different."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from audits.models.job import LeasedJob
from registry.models import ModelVersion


class WhatIf(LeasedJob):
    """A row that somebody asked a version about. Only they see it, and it is deleted soon: it may be about a person.

    Nothing rests on it: it is no evidence, and the ledger knows only that somebody asked.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="what_ifs")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="what_ifs")
    row = models.JSONField(default=dict, help_text="Feature to value; empty where a row of the test data is named.")
    key = models.JSONField(default=dict, help_text="Key column to value of a row of the test data.")
    change = models.JSONField(default=dict, help_text="Feature to value that is different in the changed row.")
    options = models.JSONField(default=dict, help_text="{counterfactual, background, background_rows, seed}")
    result = models.JSONField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"what-if of {self.version}"

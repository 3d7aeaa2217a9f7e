"""The business purpose that a model serves."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registry.roles import ROLE_PERMISSIONS


class RiskTier(models.TextChoices):
    """How much harm a wrong decision can do; policy is chosen by it."""

    LOW = "low", "Low"
    LIMITED = "limited", "Limited"
    HIGH = "high", "High"


class UseCase(models.Model):
    """Objective, KPIs, affected people, risk tier and owner of one business use of models."""

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    objective = models.TextField()
    kpis = models.JSONField(default=list, blank=True, help_text="List of texts: what success is measured by.")
    affected_people = models.TextField()
    risk_tier = models.CharField(max_length=20, choices=RiskTier)
    purpose = models.SlugField(
        max_length=100, blank=True, help_text="What data are used for here; datasets permit purposes. Blank: the slug."
    )
    regions = models.JSONField(default=list, blank=True, help_text="Where it is used, such as EU or US-NY.")
    details = models.JSONField(default=dict, blank=True, help_text="The other answers of the intake, by question.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_use_cases")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        default_permissions = ()
        permissions = ROLE_PERMISSIONS

    def __str__(self) -> str:
        return self.slug

    @property
    def stated_purpose(self) -> str:
        """What data are used for here, in the word that datasets permit."""
        return self.purpose or self.slug

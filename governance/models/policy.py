"""Policies, in versions that are never overwritten."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Policy(models.Model):
    """A policy by name."""

    name = models.SlugField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "policies"
        default_permissions = ()
        permissions = [("register_policy", "May register policies"), ("view_policies", "May read all policies")]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """The exact bytes of one version of a policy, with their digest."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.BinaryField(help_text="The YAML as registered: exactly the bytes that sha256 covers.")
    sha256 = models.CharField(max_length=64, unique=True)
    environment = models.CharField(max_length=50)
    risk_tiers = models.JSONField(default=list)
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["policy", "-number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="one_policy_version_per_number")]

    def __str__(self) -> str:
        return f"{self.policy.name} v{self.number}"

"""Django's registration of the package."""

from __future__ import annotations

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """The ``governance`` application."""

    name = "governance"
    default_auto_field = "django.db.models.BigAutoField"

"""Django's registration of the package."""

from __future__ import annotations

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    """The ``audits`` application."""

    name = "audits"
    default_auto_field = "django.db.models.BigAutoField"

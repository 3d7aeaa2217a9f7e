"""Django's registration of the package."""

from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """The ``registry`` application."""

    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

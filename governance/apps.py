"""Django's registration of the package."""

from __future__ import annotations

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    """The ``governance`` application."""

    name = "governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of changes in the registry after which versions must be judged again."""
        from governance.subscriptions import dataset_changed, use_case_changed
        from registry import dataset_changes, use_case_changes

        dataset_changes.subscribe(dataset_changed)
        use_case_changes.subscribe(use_case_changed)

"""People and service accounts: whoever can act, and be named in the ledger."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    """Somebody who signs in, or a service account that only holds tokens.

    ``is_superuser`` opens no gate: roles decide what one sees and signs, for administrators too.
    """

    is_service = models.BooleanField(default=False, help_text="A service account: it may hold tokens, never sign.")

    class Meta:
        verbose_name_plural = "people"
        permissions = [
            ("create_use_case", "May register use cases"),
            ("register_dataset", "May take over datasets that were merely declared, and register them for others"),
            ("add_external_registry", "May connect other registries and import from them"),
            ("view_whole_ledger", "May read and export the whole ledger"),
        ]

    @property
    def printed_name(self) -> str:
        """The name as it stands under a signature."""
        return self.get_full_name() or self.username

"""The roles people hold on use cases and models, as object permissions. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from registry.errors import InvalidInput


class Role(StrEnum):
    """What somebody may be to a use case or a model."""

    MODEL_OWNER = "model-owner"
    DEVELOPER = "developer"
    DATA_OWNER = "data-owner"
    VALIDATOR = "validator"
    COMPLIANCE_OFFICER = "compliance-officer"
    AUDITOR = "auditor"

    @property
    def codename(self) -> str:
        """The django-guardian permission that stands for this role."""
        return f"act_as_{self.value.replace('-', '_')}"

    @property
    def title(self) -> str:  # type: ignore[override]
        """The role in words."""
        return self.value.replace("-", " ")


ROLE_PERMISSIONS: list[tuple[str, Any]] = [(role.codename, f"Acts as {role.title}") for role in Role]
ROLE_OF_CODENAME = {role.codename: role for role in Role}


MANAGERS = frozenset({Role.MODEL_OWNER, Role.COMPLIANCE_OFFICER})
"""Who gives and takes roles on a use case or model, and moves its reviews to a newer policy."""

AUTHORS = frozenset({Role.DEVELOPER, Role.MODEL_OWNER})
"""Who writes the model card."""

PROMOTERS = frozenset({Role.DEVELOPER, Role.MODEL_OWNER, Role.COMPLIANCE_OFFICER})
"""Who may promote what the gate allows, and roll back."""


def parse_role(text: str) -> Role:
    """The role called ``text``; otherwise :class:`~registry.errors.InvalidInput` that lists the known ones."""
    try:
        return Role(text)
    except ValueError:
        raise InvalidInput(f"unknown role {text!r}; roles are {', '.join(Role)}", field="role") from None

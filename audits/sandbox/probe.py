"""Whether a sandbox works on this machine."""

from __future__ import annotations

from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.settings import settings


def require_sandbox() -> None:
    """Go on only where models can be run.

    Raises
    ------
    SandboxUnavailable
        If it is switched off.
    """
    if settings().off:
        message = "running models is switched off here (COUNTERSIGN_SANDBOX=off)"
        raise SandboxUnavailable(message)

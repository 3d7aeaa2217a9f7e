"""Background entry points of the registry. Safe to run twice."""

from __future__ import annotations

from django_tasks import task


@task()
def poll_registry_now(registry_id: int) -> None:
    """Poll one MLflow server because somebody asked for it; does nothing if it was paused in the meantime."""
    from registry.errors import Conflict
    from registry.ledger import SYSTEM
    from registry.models import ExternalRegistry
    from registry.services.external_imports import poll_registry

    try:
        poll_registry(actor=SYSTEM, registry=ExternalRegistry.objects.get(pk=registry_id))
    except Conflict:
        return

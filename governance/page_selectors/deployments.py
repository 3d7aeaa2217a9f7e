"""Where versions run, as told, beside what the gate let in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from governance.models import EnvironmentPointer
from registry.models import Deployment, RegisteredModel


@dataclass(frozen=True, slots=True)
class DeploymentShown:
    """One deployment.

    Attributes
    ----------
    is_promoted
        Whether the environment's pointer names this version now. What is not promoted was recorded, and is not approved
        by being recorded.
    """

    deployment: Deployment
    is_promoted: bool


def deployments_of(models: Collection[RegisteredModel], *, live: bool = True) -> list[DeploymentShown]:
    """Deployments of the models' versions: those that run now, or those that ended, the latest first."""
    keys = [model.pk for model in models]
    found = Deployment.objects.filter(version__model__in=keys, until__isnull=live)
    order = ["environment", "location", "pk"] if live else ["-until", "-pk"]
    told = found.select_related("version__model", "recorded_by").defer("version__manifest").order_by(*order)
    pointers = EnvironmentPointer.objects.filter(model__in=keys, promotion__isnull=False)
    promoted = set(pointers.values_list("promotion__version", "environment"))
    return [DeploymentShown(item, (item.version_id, item.environment) in promoted) for item in told]

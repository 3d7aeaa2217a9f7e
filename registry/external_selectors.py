"""Reads of other registries: who may see them, and what they hold."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from registry.errors import NotFound
from registry.models import ExternalRegistry, ExternalVersion, Person
from registry.selectors import models_for
from registry.services.people import has_duty

DUTY = "registry.add_external_registry"


def sees_all_external(person: Person) -> bool:
    """Whether everything of other registries is to be seen: by those who connect them, and those who read the whole ledger."""
    return has_duty(person, DUTY) or has_duty(person, "registry.view_whole_ledger")


def external_versions_for(person: Person) -> QuerySet[ExternalVersion]:
    """Versions elsewhere that ``person`` may see: all by duty, else those linked to a model that they may see."""
    found = ExternalVersion.objects.select_related("registry", "model")
    return found if sees_all_external(person) else found.filter(model__in=models_for(person).values("pk"))


def registries_for(person: Person) -> QuerySet[ExternalRegistry]:
    """Registries that ``person`` may see something of."""
    found = ExternalRegistry.objects.select_related("added_by")
    if sees_all_external(person):
        return found
    return found.filter(Q(pk__in=external_versions_for(person).order_by().values("registry")))


def get_registry(person: Person, name: str) -> ExternalRegistry:
    """The registry, or :class:`NotFound` where it is not there or not to be seen."""
    found = registries_for(person).filter(name=name).first()
    if found is None:
        raise NotFound(f"there is no registry {name!r} that you can see")
    return found

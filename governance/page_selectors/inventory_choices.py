"""What the inventory's filters offer: only what occurs among the things that the reader may see."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import EnvironmentPointer
from registry.external_selectors import registries_for
from registry.models import Deployment, Person
from registry.selectors import models_for, use_cases_for

_MOST = 500
Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Choices:
    """``(value, words)`` for each filter that is chosen from a list."""

    use_cases: list[Choice]
    owners: list[Choice]
    environments: list[Choice]
    regions: list[Choice]
    datasets: list[Choice]
    registries: list[Choice]


def choices_for(person: Person) -> Choices:
    """What ``person`` may choose from; long lists are cut, and their values can still be asked for by address."""
    from registry.dataset_selectors import datasets_for

    cases = list(use_cases_for(person).select_related("owner").order_by("name")[:_MOST])
    owners = {case.owner.username: case.owner.printed_name for case in cases}
    seen = models_for(person).order_by().values("pk")
    pointers = EnvironmentPointer.objects.filter(model__in=seen, promotion__isnull=False).order_by()
    live = Deployment.objects.filter(version__model__in=seen, until=None).order_by()
    places = list(live.values_list("environment", "region").distinct())
    environments = {*pointers.values_list("environment", flat=True).distinct(), *(place for place, _ in places)}
    return Choices(
        use_cases=[(case.slug, case.name) for case in cases],
        owners=sorted(owners.items(), key=lambda item: item[1]),
        environments=[(name, name) for name in sorted(environments)],
        regions=[(name, name) for name in sorted({region for _, region in places if region})],
        datasets=list(datasets_for(person).order_by("name").values_list("slug", "name")[:_MOST]),
        registries=[(item.name, item.name) for item in registries_for(person).order_by("name")[:_MOST]],
    )

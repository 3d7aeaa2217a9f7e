"""Rows of models with where they stand and what runs, and the page of one model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from governance.models import EnvironmentPointer, Promotion
from governance.page_selectors.standing import Standing, newest_versions, standings_of
from registry.models import ModelVersion, Person, RegisteredModel
from registry.roles import Role
from registry.selectors import people_with_role


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: its newest version's standings, and what each environment runs."""

    model: RegisteredModel
    newest: ModelVersion | None
    standings: list[Standing]
    runs: list[EnvironmentPointer]


def rows_of(models: list[RegisteredModel]) -> list[ModelRow]:
    """Rows of the models, in their order."""
    newest = {version.model_id: version for version in newest_versions(models)}
    standings: defaultdict[int, list[Standing]] = defaultdict(list)
    for standing in standings_of(list(newest.values())):
        standings[standing.version.model_id].append(standing)
    runs: defaultdict[int, list[EnvironmentPointer]] = defaultdict(list)
    for pointer in pointers_of(models):
        runs[pointer.model_id].append(pointer)
    return [ModelRow(model, newest.get(model.pk), standings[model.pk], runs[model.pk]) for model in models]


def pointers_of(models: list[RegisteredModel]) -> list[EnvironmentPointer]:
    """What each environment runs of the models."""
    found = EnvironmentPointer.objects.filter(model__in=[model.pk for model in models], promotion__isnull=False)
    return list(
        found.select_related("promotion__version", "promotion__promoted_by")
        .defer("promotion__version__manifest")
        .order_by("environment")
    )


def versions_with_standings(versions: list[ModelVersion]) -> list[tuple[ModelVersion, list[Standing]]]:
    """Each version with its standings."""
    standings: defaultdict[int, list[Standing]] = defaultdict(list)
    for standing in standings_of(versions):
        standings[standing.version.pk].append(standing)
    return [(version, standings[version.pk]) for version in versions]


def people_of(model: RegisteredModel) -> list[tuple[Role, list[Person]]]:
    """Who holds which role on the model by name."""
    found = [(role, list(people_with_role(role, model).order_by("first_name", "username"))) for role in Role]
    return [(role, people) for role, people in found if people]


def promotions_of(model: RegisteredModel) -> list[Promotion]:
    """The latest promotions and rollbacks."""
    found = model.promotions.select_related("version", "replaced", "promoted_by").defer(
        "version__manifest", "replaced__manifest"
    )
    return list(found[:20])

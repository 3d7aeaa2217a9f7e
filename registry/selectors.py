"""Reads of the registry: what a person may see, and the nouns by name. Superusers see what their roles show."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from guardian.shortcuts import get_group_perms, get_objects_for_user, get_user_perms

from registry.errors import NotFound
from registry.models import Artifact, CardRevision, ModelVersion, Person, RegisteredModel, UseCase
from registry.roles import ROLE_OF_CODENAME, Role


def roles_of(person: Person, on: UseCase | RegisteredModel) -> set[Role]:
    """Roles that ``person`` holds on the object: by name or group, and through the use case of a model."""
    if not person.is_active:
        return set()
    names = {*get_user_perms(person, on), *get_group_perms(person, on)}
    roles = {ROLE_OF_CODENAME[name] for name in names if name in ROLE_OF_CODENAME}
    if isinstance(on, RegisteredModel):
        roles |= roles_of(person, on.use_case)
    return roles


def _holding(person: Person, klass: type[UseCase | RegisteredModel], roles: tuple[Role, ...]) -> QuerySet[Any]:
    found: QuerySet[Any] = get_objects_for_user(
        person,
        [role.codename for role in roles],
        klass,
        any_perm=True,
        with_superuser=False,
        accept_global_perms=False,
    )
    return found


def use_cases_for(person: Person, *, roles: tuple[Role, ...] = tuple(Role)) -> QuerySet[UseCase]:
    """Use cases on which ``person`` holds any of ``roles``, or one of whose models they hold one on."""
    if not person.is_active:
        return UseCase.objects.none()
    direct = _holding(person, UseCase, roles).values("pk")
    through = _holding(person, RegisteredModel, roles).values("use_case")
    return UseCase.objects.filter(Q(pk__in=direct) | Q(pk__in=through))


def models_for(person: Person, *, roles: tuple[Role, ...] = tuple(Role)) -> QuerySet[RegisteredModel]:
    """Models on which, or on whose use case, ``person`` holds any of ``roles``."""
    if not person.is_active:
        return RegisteredModel.objects.none()
    direct = _holding(person, RegisteredModel, roles).values("pk")
    through = _holding(person, UseCase, roles).values("pk")
    return RegisteredModel.objects.filter(Q(pk__in=direct) | Q(use_case__in=through)).select_related("use_case")


def versions_for(person: Person) -> QuerySet[ModelVersion]:
    """Versions of all models that ``person`` may see."""
    return ModelVersion.objects.filter(model__in=models_for(person)).select_related("model__use_case", "submitted_by")


def get_use_case(person: Person, slug: str) -> UseCase:
    """The use case, or :class:`NotFound` where it is not there or not to be seen."""
    found = use_cases_for(person).filter(slug=slug).first()
    if found is None:
        raise NotFound(f"there is no use case {slug!r} that you can see")
    return found


def get_model(person: Person, name: str) -> RegisteredModel:
    """The model, or :class:`NotFound` where it is not there or not to be seen."""
    found = models_for(person).filter(name=name).first()
    if found is None:
        raise NotFound(f"there is no model {name!r} that you can see")
    return found


def get_version(person: Person, model: str, name: str) -> ModelVersion:
    """The version by name or by ``sha256:…`` digest, or :class:`NotFound`."""
    wanted = Q(sha256=name.removeprefix("sha256:")) if name.startswith("sha256:") else Q(name=name)
    found = versions_for(person).filter(wanted, model__name=model).first()
    if found is None:
        raise NotFound(f"there is no version {model}@{name} that you can see")
    return found


def artifacts_for(person: Person) -> QuerySet[Artifact]:
    """Artifacts that ``person`` uploaded, or that belong to a version they may see."""
    return Artifact.objects.filter(
        Q(uploads__person=person) | Q(used_as__version__model__in=models_for(person))
    ).distinct()


def current_card(version: ModelVersion) -> CardRevision | None:
    """The latest revision of the version's model card."""
    return version.card_revisions.order_by("-number").first()


def people_with_role(role: Role, on: RegisteredModel) -> QuerySet[Person]:
    """Active people who hold ``role`` on the model or its use case by name."""
    codename = role.codename
    model_type = ContentType.objects.get_for_model(RegisteredModel)
    case_type = ContentType.objects.get_for_model(UseCase)
    return Person.objects.filter(
        Q(userobjectpermission__permission__codename=codename)
        & (
            Q(userobjectpermission__content_type=model_type, userobjectpermission__object_pk=str(on.pk))
            | Q(userobjectpermission__content_type=case_type, userobjectpermission__object_pk=str(on.use_case_id))
        ),
        is_active=True,
    ).distinct()

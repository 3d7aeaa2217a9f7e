"""Connecting other registries, and linking their models to ours. They are read, never written to."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.external_selectors import DUTY, external_versions_for
from registry.ledger_actions import Action
from registry.mlflow_settings import MlflowSettings
from registry.models import ExternalRegistry, ExternalVersion, Person, RegisteredModel
from registry.roles import PROMOTERS
from registry.selectors import roles_of
from registry.services.people import has_duty


def check_may_connect(actor: Person) -> None:
    """Refuse whoever does not have the duty to connect other registries."""
    if not has_duty(actor, DUTY):
        raise NotAllowed("you may not connect other registries or import from them; operators give that duty")


@transaction.atomic
def add_registry(*, actor: Person, name: str, kind: str, url: str = "", credentials: str = "") -> ExternalRegistry:
    """Connect another registry; nothing is read yet.

    Parameters
    ----------
    kind
        ``mlflow``, polled at ``url``; or ``csv``, filled by imports.
    credentials
        Name of credentials in the environment, never they themselves.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty.
    InvalidInput
        Naming the field; also where operators did not list the server.
    Conflict
        If the name is taken.
    """
    check_may_connect(actor)
    registry = ExternalRegistry(name=name, kind=kind, url=url.strip(), credentials=credentials.strip(), added_by=actor)
    try:
        registry.clean_fields(exclude=["polled_at", "succeeded_at"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(f"{field}: {' '.join(messages)}", field=field) from error
    _check_source(registry)
    try:
        with transaction.atomic():
            registry.save()
    except IntegrityError:
        raise Conflict(f"there is a registry {name!r} already", field="name") from None
    _record(actor, Action.EXTERNAL_REGISTRY_ADDED, registry)
    return registry


@transaction.atomic
def change_registry(
    *,
    actor: Person,
    registry: ExternalRegistry,
    url: str | None = None,
    credentials: str | None = None,
    is_active: bool | None = None,
) -> ExternalRegistry:
    """Point it elsewhere, pause it or go on; what is None stays. A paused registry is not polled and takes no imports.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty.
    InvalidInput
        Naming the field.
    """
    check_may_connect(actor)
    registry = ExternalRegistry.objects.select_for_update().get(pk=registry.pk)
    before = (registry.url, registry.credentials, registry.is_active)
    registry.url = registry.url if url is None else url.strip()
    registry.credentials = registry.credentials if credentials is None else credentials.strip()
    registry.is_active = registry.is_active if is_active is None else is_active
    if (registry.url, registry.credentials, registry.is_active) == before:
        return registry
    if (registry.url, registry.credentials) != before[:2]:
        _check_source(registry)
    registry.save(update_fields=["url", "credentials", "is_active"])
    _record(actor, Action.EXTERNAL_REGISTRY_CHANGED, registry)
    return registry


@transaction.atomic
def link_model(
    *, actor: Person, registry: ExternalRegistry, model_name: str, model: RegisteredModel | None
) -> list[ExternalVersion]:
    """Say that a model there is one of ours (None: is none), for all its versions, also those to come.

    It gives the model there no standing here: nothing of it is measured until it is submitted.

    Raises
    ------
    NotFound
        If there is no such model there that the actor may see.
    NotAllowed
        If the actor is not a developer, owner or compliance officer of ours, or of the one it is linked to now.
    """
    visible = external_versions_for(actor).filter(registry=registry, model_name=model_name)
    if not visible.exists():
        raise NotFound(f"{registry.name} has no model {model_name!r} that you can see", field="model_name")
    versions = list(
        ExternalVersion.objects.select_for_update(of=("self",))
        .filter(registry=registry, model_name=model_name)
        .select_related("model__use_case")
        .order_by("pk")
    )
    for touched in {model, *(version.model for version in versions)} - {None}:
        assert touched is not None
        if not roles_of(actor, touched) & PROMOTERS:
            raise NotAllowed(f"only developers, owners and compliance officers of {touched} may link it")
    if all(version.model == model for version in versions):
        return versions
    ExternalVersion.objects.filter(pk__in=[version.pk for version in versions]).update(model=model)
    for version in versions:
        version.model = model
    ledger.record(
        actor=actor,
        action=Action.EXTERNAL_MODEL_LINKED,
        obj_type="external registry",
        obj_id=str(registry.pk),
        label=f"{registry.name}: {model_name}"[:255],
        data={"model_there": model_name, "linked_to": model.name if model else None, "versions": len(versions)},
        model_name=model.name if model else "",
    )
    return versions


def _check_source(registry: ExternalRegistry) -> None:
    """An MLflow server may be asked, with credentials that are there; a CSV has neither."""
    if registry.kind == ExternalRegistry.Kind.CSV:
        if registry.url or registry.credentials:
            raise InvalidInput("a registry that is filled from CSV has no address and no credentials", field="url")
        return
    settings = MlflowSettings.from_environment()
    settings.check_address(registry.url)
    settings.authorization(registry.credentials)


def _record(actor: Person, action: Action, registry: ExternalRegistry) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="external registry",
        obj_id=str(registry.pk),
        label=registry.name,
        data={
            "kind": registry.kind,
            "url": registry.url,
            "credentials": registry.credentials,
            "is_active": registry.is_active,
        },
    )

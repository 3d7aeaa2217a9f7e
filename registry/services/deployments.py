"""Where versions run, as people and pipelines tell us: recorded, and ended."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import Deployment, ModelVersion, Person, RegisteredModel
from registry.roles import PROMOTERS
from registry.selectors import roles_of

_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_CLOCKS_DIFFER = timedelta(minutes=5)
_LOCATION, _REGION = 500, 50


def may_record_deployments(person: Person, model: RegisteredModel) -> bool:
    """Whether ``person`` may say where versions of ``model`` run: developers, owners and compliance officers may."""
    return bool(roles_of(person, model) & PROMOTERS)


@transaction.atomic
def record_deployment(
    *,
    actor: Person,
    version: ModelVersion,
    environment: str,
    kind: str,
    location: str,
    region: str = "",
    since: datetime | None = None,
) -> Deployment:
    """Say that ``version`` runs somewhere. It is a statement, not a permission: the gate's answer is not asked.

    Parameters
    ----------
    environment
        Such as ``production``: what the gate calls it.
    kind
        ``service``, ``embedded`` or ``batch``.
    location
        Endpoint, cluster, job or product, in words or as an address.
    since
        When it began to run there; now unless given.

    Raises
    ------
    NotAllowed
        If the actor is not a developer, owner or compliance officer of the model.
    InvalidInput
        Naming the field that is malformed.
    Conflict
        If this version is said to run there already.
    """
    _check_may_record(actor, version.model)
    now = timezone.now()
    began = since or now
    if not _ENVIRONMENT.fullmatch(environment):
        raise InvalidInput("an environment has 1 to 50 letters, digits, - and _", field="environment")
    if kind not in Deployment.Kind.values:
        raise InvalidInput(f"kind is one of {', '.join(Deployment.Kind.values)}", field="kind")
    if timezone.is_naive(began):
        raise InvalidInput("since needs its time zone, such as 2026-11-21T12:00:00Z", field="since")
    if began > now + _CLOCKS_DIFFER:
        raise InvalidInput("since lies in the future: record it once it runs", field="since")
    deployment = Deployment(
        version=version,
        environment=environment,
        kind=kind,
        location=_line(location, "location", _LOCATION),
        region=_line(region, "region", _REGION, needed=False),
        since=began,
        recorded_by=actor,
    )
    try:
        with transaction.atomic():
            deployment.save()
    except IntegrityError:
        raise Conflict(f"{version} is recorded already in {environment} at {location}", field="location") from None
    _record(actor, Action.DEPLOYMENT_RECORDED, deployment, {"kind": kind, "since": began.isoformat()})
    return deployment


@transaction.atomic
def end_deployment(*, actor: Person, deployment: Deployment, until: datetime | None = None) -> Deployment:
    """Say that it no longer runs there, since now unless ``until`` is given.

    Raises
    ------
    NotAllowed
        If the actor is not a developer, owner or compliance officer of the model.
    InvalidInput
        If it would end before it began, or in the future.
    Conflict
        If it ended already.
    """
    deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("version__model__use_case")
        .get(pk=deployment.pk)
    )
    _check_may_record(actor, deployment.version.model)
    if deployment.until is not None:
        raise Conflict("this deployment has ended already", field="deployment")
    now = timezone.now()
    ended = until or now
    if timezone.is_naive(ended):
        raise InvalidInput("until needs its time zone, such as 2026-11-21T12:00:00Z", field="until")
    if not deployment.since <= ended <= max(now, deployment.since) + _CLOCKS_DIFFER:
        raise InvalidInput("until lies before it began, or in the future", field="until")
    deployment.until = ended
    deployment.save(update_fields=["until"])
    _record(actor, Action.DEPLOYMENT_ENDED, deployment, {"until": ended.isoformat()})
    return deployment


def _check_may_record(actor: Person, model: RegisteredModel) -> None:
    if not may_record_deployments(actor, model):
        raise NotAllowed("only developers, owners and compliance officers of the model may say where it runs")


def _line(text: str, field: str, longest: int, *, needed: bool = True) -> str:
    kept = text.strip()
    if (needed and not kept) or len(kept) > longest or _CONTROL.search(kept):
        least = 1 if needed else 0
        raise InvalidInput(f"{field} is one line of {least} to {longest} characters", field=field)
    return kept


def _record(actor: Person, action: Action, deployment: Deployment, said: dict[str, str]) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="deployment",
        obj_id=str(deployment.pk),
        label=f"{deployment.version} in {deployment.environment}",
        data={
            "version": str(deployment.version),
            "sha256": deployment.version.sha256,
            "environment": deployment.environment,
            "location": deployment.location,
            "region": deployment.region,
            **said,
        },
        model_name=deployment.version.model.name,
    )

"""Registering use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm

from registry import ledger
from registry.amounts import AMOUNTS, parse_amounts
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.intake_form import check_regions
from registry.ledger_actions import Action
from registry.models import Person, UseCase
from registry.roles import Role
from registry.services.people import has_duty


def check_may_register(actor: Person) -> None:
    """Refuse whoever does not have the duty to register use cases."""
    if not has_duty(actor, "registry.create_use_case"):
        raise NotAllowed("you may not register use cases; ask a compliance officer")


@transaction.atomic
def create_use_case(
    *,
    actor: Person,
    slug: str,
    name: str,
    objective: str,
    kpis: list[str],
    affected_people: str,
    risk_tier: str,
    owner: Person,
    purpose: str = "",
    regions: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
    amounts: Mapping[str, Any] | None = None,
) -> UseCase:
    """Register a use case; its owner becomes model owner of everything in it.

    Parameters
    ----------
    purpose
        What data are used for, in the word that datasets permit; the slug, if it is empty.
    regions
        Where it is used, such as ``EU`` or ``US-NY``.
    details
        The other answers of the intake.
    amounts
        What the four outcomes of a decision are worth, see :func:`registry.amounts.parse_amounts`; comparisons of versions
        are then told in them. Stated at registration only: what was compared stays comparable.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty to register use cases.
    InvalidInput
        Naming the field that is empty or malformed.
    Conflict
        If the slug is taken.
    """
    check_may_register(actor)
    stated = {} if amounts is None else {AMOUNTS: parse_amounts(amounts).as_json()}
    use_case = UseCase(
        slug=slug,
        name=name,
        objective=objective,
        kpis=kpis,
        affected_people=affected_people,
        risk_tier=risk_tier,
        owner=owner,
        purpose=purpose,
        regions=check_regions(list(regions)),
        details={**(details or {}), **stated},
    )
    _add(use_case)
    assign_perm(Role.MODEL_OWNER.codename, owner, use_case)
    ledger.record(
        actor=actor,
        action=Action.USE_CASE_CREATED,
        obj_type="use case",
        obj_id=str(use_case.pk),
        label=slug,
        data={
            "name": name,
            "risk_tier": risk_tier,
            "owner": owner.username,
            "purpose": use_case.stated_purpose,
            "regions": use_case.regions,
            **stated,
        },
    )
    return use_case


def _add(use_case: UseCase) -> None:
    """Check and save a new use case."""
    if not all(isinstance(kpi, str) and kpi.strip() for kpi in use_case.kpis):
        raise InvalidInput("kpis is a list of texts", field="kpis")
    try:
        use_case.clean_fields()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(f"{field}: {' '.join(messages)}", field=field) from error
    try:
        with transaction.atomic():
            use_case.save()
    except IntegrityError:
        raise Conflict(f"the use case {use_case.slug!r} exists already", field="slug") from None

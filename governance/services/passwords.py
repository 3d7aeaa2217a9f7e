"""Changing one's own password."""

from __future__ import annotations

from django.db import transaction

from registry import ledger
from registry.ledger_actions import Action
from registry.models import Person


@transaction.atomic
def change_password(*, actor: Person, password: str) -> None:
    """Set ``actor``'s password, which the caller has validated, and write that it changed."""
    actor.set_password(password)
    actor.save(update_fields=["password"])
    ledger.record(
        actor=actor,
        action=Action.PASSWORD_CHANGED,
        obj_type="person",
        obj_id=str(actor.pk),
        label=actor.printed_name,
        data={"username": actor.username},
    )

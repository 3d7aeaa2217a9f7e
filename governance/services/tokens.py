"""Issuing, finding and revoking bearer tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from governance.models import ApiToken
from governance.scopes import parse_scopes
from registry import ledger
from registry.errors import Conflict, InvalidInput
from registry.ledger_actions import Action
from registry.models import Person

PREFIX = "cs_"
MAX_DAYS = 366
_LAST_USED_RESOLUTION = timedelta(minutes=5)


def _digest(secret: str) -> str:
    # A token holds 256 random bits: one round of SHA-256 is enough, slow hashing protects guessable secrets.
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def issue_token(
    *, actor: ledger.Actor, person: Person, issued_by: Person, name: str, scopes: list[str], days: int = 90
) -> tuple[ApiToken, str]:
    """Make a token for ``person``; the secret is returned once and never kept.

    Raises
    ------
    InvalidInput
        On an unknown scope, an empty name, or a life outside 1 to 366 days.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"a token lives 1 to {MAX_DAYS} days, not {days}", field="days")
    if not name.strip():
        raise InvalidInput("a token needs a name that says what it is for", field="name")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        person=person,
        issued_by=issued_by,
        name=name.strip(),
        prefix=secret[:10],
        secret_sha256=_digest(secret),
        scopes=parse_scopes(scopes),
        expires_at=timezone.now() + timedelta(days=days),
    )
    ledger.record(
        actor=actor,
        action=Action.TOKEN_ISSUED,
        obj_type="token",
        obj_id=str(token.pk),
        label=str(token),
        data={"person": person.username, "scopes": token.scopes, "expires_at": token.expires_at.isoformat()},
    )
    return token, secret


@transaction.atomic
def revoke_token(*, actor: ledger.Actor, token: ApiToken) -> None:
    """End a token now."""
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is not None:
        raise Conflict("this token is revoked already")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    ledger.record(
        actor=actor, action=Action.TOKEN_REVOKED, obj_type="token", obj_id=str(token.pk), label=str(token), data={}
    )


def find_token(secret: str) -> ApiToken | None:
    """The living token with this secret, of a person who is still active; else None."""
    if not secret.startswith(PREFIX):
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("person", "issued_by")
        .filter(
            secret_sha256=_digest(secret),
            revoked_at=None,
            expires_at__gt=now,
            person__is_active=True,
            issued_by__is_active=True,
        )
        .first()
    )
    if token and (token.last_used_at is None or now - token.last_used_at > _LAST_USED_RESOLUTION):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token

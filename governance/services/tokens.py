"""Issuing, finding and revoking bearer tokens."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import lru_cache

from django.db import connection, transaction
from django.utils import timezone

from governance.models import ApiToken
from governance.scopes import parse_scopes
from registry import ledger
from registry.errors import Conflict, InvalidInput
from registry.ledger_actions import Action
from registry.models import Person
from registry.plain_rows import columns_of, row_of

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


@lru_cache(maxsize=2)
def _living_token(vendor: str) -> str:
    """What finds a token that counts, with its person; the same on every ``vendor`` but for how names are quoted."""
    token, person = ApiToken._meta.db_table, Person._meta.db_table
    # Names of our own tables and columns; every value is a parameter.
    return f"""
        SELECT {columns_of(ApiToken, "token")}, {columns_of(Person, "person")}
        FROM {token} token
        JOIN {person} person ON person.id = token.person_id
        JOIN {person} issuer ON issuer.id = token.issued_by_id
        WHERE token.secret_sha256 = %s AND token.revoked_at IS NULL AND token.expires_at > %s
            AND person.is_active AND issuer.is_active"""  # noqa: S608


def find_token(secret: str) -> ApiToken | None:
    """The living token with this secret, of a person who is still active; else None."""
    if not secret.startswith(PREFIX):
        return None
    now = timezone.now()
    with connection.cursor() as cursor:
        # By hand: every call of the API begins with it.
        cursor.execute(
            _living_token(connection.vendor), [_digest(secret), connection.ops.adapt_datetimefield_value(now)]
        )
        row = cursor.fetchone()
    if row is None:
        return None
    width = len(ApiToken._meta.concrete_fields)
    token = row_of(ApiToken, row[:width])
    token.person = row_of(Person, row[width:])
    if token.last_used_at is None or now - token.last_used_at > _LAST_USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token

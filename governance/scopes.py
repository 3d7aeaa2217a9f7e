"""What a token may be used for. Pure."""

from __future__ import annotations

from enum import StrEnum

from registry.errors import InvalidInput


class Scope(StrEnum):
    """One permission of a bearer token; never more than its person has."""

    READ = "read"
    SUBMIT = "submit"
    GATE = "gate"
    LINEAGE = "lineage"
    PROMOTE = "promote"
    POLICY = "policy"
    MANAGE = "manage"
    SIGN = "sign"


def parse_scopes(names: list[str]) -> list[str]:
    """Known scopes, sorted and without repetition; anything else is an error."""
    unknown = sorted(set(names) - set(Scope))
    if unknown or not names:
        raise InvalidInput(
            f"unknown scopes {', '.join(unknown) or '(none given)'}; scopes are {', '.join(Scope)}", field="scopes"
        )
    return sorted(set(names))

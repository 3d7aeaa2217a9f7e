"""The key of an evaluation: what tells it from others of its kind, in facts, verdicts and evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from registry.canonical import sha256_hex

_LONGEST = 120
_DIGITS = 8


def evaluation_key(kind: str, roles: tuple[str, ...], usual: tuple[str, ...], *, about: Iterable[str] = ()) -> str:
    """Name an evaluation by its kind and, where they are not the usual ones, by the roles of the data that it reads.

    Parameters
    ----------
    roles, usual
        The roles of its data, and those that the kind reads unless told otherwise; empty text for data left out.
    about
        The columns that set it apart where one kind is asked about several sets of columns.

    Examples
    --------
    >>> evaluation_key("pii", ("training-data",), ("training-data",))
    'pii'
    >>> evaluation_key("pii", ("test-predictions",), ("training-data",))
    'pii:test-predictions'
    >>> evaluation_key("anonymity", ("training-data",), ("training-data",), about=["zip", "age"])
    'anonymity:age+zip'
    """
    parts = [kind, *((role or "-" for role in roles) if roles != usual else ())]
    columns = "+".join(sorted(about))
    if columns:
        parts.append(columns)
    key = ":".join(parts)
    if len(key) <= _LONGEST:
        return key
    return f"{key[: _LONGEST - _DIGITS - 1]}…{sha256_hex(key.encode())[:_DIGITS]}"

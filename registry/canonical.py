"""Canonical JSON (RFC 8785) and digests: the only way that bytes to be hashed or signed are made. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from registry.errors import InvalidInput

_SHA256_DIGITS = 64


def canonical_json(value: Any) -> bytes:
    """Serialise ``value`` as RFC 8785 canonical JSON.

    Raises
    ------
    InvalidInput
        If the value holds NaN, an infinity, an integer beyond 2**53 - 1, or anything that is not JSON.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput(f"cannot be written as canonical JSON: {error}") from error


def sha256_hex(data: bytes) -> str:
    """The lowercase hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON of ``value``."""
    return sha256_hex(canonical_json(value))


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise InvalidInput(f"duplicate key {key!r}", field=key)
        seen[key] = value
    return seen


def parse_json(data: bytes | str, *, what: str = "document") -> Any:
    """Parse JSON strictly: duplicate keys, NaN and infinities are refused.

    Raises
    ------
    InvalidInput
        Saying what is malformed and where.
    """

    def refuse_constant(token: str) -> Any:
        raise InvalidInput(f"{what}: {token} is not JSON")

    try:
        return json.loads(data, object_pairs_hook=_refuse_duplicates, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not valid JSON: {error}") from error


def is_sha256(text: object) -> bool:
    """Whether ``text`` is 64 lowercase hexadecimal digits."""
    return isinstance(text, str) and len(text) == _SHA256_DIGITS and set(text) <= set("0123456789abcdef")


def strip_algorithm(text: str) -> str:
    """``sha256:<hex>`` or ``<hex>`` to ``<hex>``; anything else is an :class:`InvalidInput`."""
    bare = text.removeprefix("sha256:")
    if not is_sha256(bare):
        raise InvalidInput(f"{text!r} is not a SHA-256 digest (sha256: and 64 hexadecimal digits)")
    return bare


def frozen(mapping: Mapping[str, Any]) -> str:
    """Canonical text of a small mapping, for use as a key or in a unique constraint."""
    return canonical_json(dict(mapping)).decode()

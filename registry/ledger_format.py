"""The bytes of ledger entries: the canonical body that is hashed, and the line that is exported. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from registry.canonical import canonical_json, is_sha256, sha256_hex
from registry.errors import InvalidInput

GENESIS = "0" * 64
"""``prev`` of the first entry."""

BODY_FIELDS = frozenset({"action", "actor", "at", "data", "object", "prev", "seq"})

_HEAD = b'{"body":'
_MIDDLE = b',"hash":"'
_TAIL = b'"}\n'


def format_time(moment: datetime) -> str:
    """An aware moment as UTC with microseconds: ``2026-11-21T06:00:00.123456Z``.

    Raises
    ------
    InvalidInput
        If the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise InvalidInput("a ledger entry's time needs a time zone", field="at")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_body(
    *,
    seq: int,
    prev: str,
    at: datetime,
    action: str,
    actor: Mapping[str, str],
    subject: Mapping[str, str],
    data: Mapping[str, Any],
) -> bytes:
    """The canonical JSON (RFC 8785) of one entry: the bytes that are stored, hashed and chained.

    Parameters
    ----------
    seq
        Position in the ledger, from 1, without gaps.
    prev
        :func:`entry_hash` of the body before (64 hexadecimal digits), :data:`GENESIS` for the first.
    at
        When, with a time zone.
    action
        ``noun.past_verb``.
    actor
        ``id``, ``name`` and ``kind`` (``person`` or ``service``), frozen as text.
    subject
        ``type``, ``id`` and ``label`` of the object acted on; written under ``object``.
    data
        Whatever else the action says; plain JSON.

    Raises
    ------
    InvalidInput
        If a part is impossible or ``data`` is not JSON.
    """
    if seq < 1 or not is_sha256(prev) or (seq == 1) != (prev == GENESIS):
        raise InvalidInput("a ledger entry continues the entry before it", field="prev")
    return canonical_json(
        {
            "action": action,
            "actor": dict(actor),
            "at": format_time(at),
            "data": dict(data),
            "object": dict(subject),
            "prev": prev,
            "seq": seq,
        }
    )


def entry_hash(body: bytes) -> str:
    """SHA-256 of the body bytes, hexadecimal: what the next entry holds as ``prev``."""
    return sha256_hex(body)


def export_line(body: bytes) -> bytes:
    """One line of ``ledger.jsonl``: the body bytes as they are, and their hash."""
    return _HEAD + body + _MIDDLE + entry_hash(body).encode() + _TAIL

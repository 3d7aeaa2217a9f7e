"""Seals on lineage events: one ledger entry covers all that came since the last, so that none can be changed unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from registry import ledger
from registry.canonical import parse_json, sha256_hex
from registry.ledger_actions import Action
from registry.models import LedgerEntry, LineageEvent
from registry.services.places import lock_lineage

_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """What is wrong with the events under one seal (or with one event), for people. ``seq`` is the ledger entry's."""

    seq: int | None
    event: int | None
    what: str


@transaction.atomic
def seal_events(*, actor: ledger.Actor = ledger.SYSTEM) -> LedgerEntry | None:
    """Cover all events without a seal by one entry of the ledger; None where there is none.

    The entry says from which row to which, how many, and the SHA-256 over their digests in the order of rows, each as
    64 hexadecimal digits and a line feed.
    """
    # The order of rows is the order of arrival only while nobody is in the middle of writing one.
    lock_lineage()
    unsealed = LineageEvent.objects.filter(sealed_in=None)
    first, last, count, digest = _digest(unsealed)
    if not count:
        return None
    entry = ledger.record(
        actor=actor,
        action=Action.LINEAGE_SEALED,
        obj_type="lineage events",
        obj_id=f"{first}-{last}",
        label=f"{count} lineage events",
        data={"from": first, "to": last, "count": count, "sha256": digest},
    )
    unsealed.filter(pk__lte=last).update(sealed_in=entry.seq)
    return entry


def seal_waiting_events() -> LedgerEntry | None:
    """Seal what came since the last seal, if anything did: a sweep of every worker."""
    return seal_events() if LineageEvent.objects.filter(sealed_in=None).exists() else None


def _digest(events: QuerySet[LineageEvent]) -> tuple[int, int, int, str]:
    """First and last row, number, and the digest over the digests of events."""
    made, first, last, count = hashlib.sha256(), 0, 0, 0
    rows = events.order_by("pk").values_list("pk", "sha256")
    for pk, sha256 in rows.iterator(chunk_size=_CHUNK):
        made.update(f"{sha256}\n".encode())
        first, last, count = first or pk, pk, count + 1
    return first, last, count, made.hexdigest()


def verify_seals() -> Iterator[BrokenSeal]:
    """Every event that no longer is what it was when it was sealed, and every seal that no longer fits its events.

    Events are read whole: their bytes against their digests, their digests against the ledger. That the ledger itself is
    whole is for :mod:`registry.ledger_verification` to say.
    """
    for event in LineageEvent.objects.order_by("pk").only("pk", "sha256", "body", "sealed_in").iterator(_CHUNK):
        if sha256_hex(bytes(event.body)) != event.sha256:
            yield BrokenSeal(event.sealed_in, event.pk, f"event {event.pk} is not what its digest says")
    seqs: set[int] = set()
    for entry in LedgerEntry.objects.filter(action=Action.LINEAGE_SEALED.value).order_by("seq"):
        seqs.add(entry.seq)
        said = _said(entry)
        first, last, count, digest = _digest(LineageEvent.objects.filter(sealed_in=entry.seq))
        now = {"from": first, "to": last, "count": count, "sha256": digest}
        wrong = sorted(key for key, value in now.items() if said.get(key) != value)
        if wrong:
            yield BrokenSeal(entry.seq, None, f"seal {entry.seq} does not fit its events: {', '.join(wrong)}")
    stray = LineageEvent.objects.exclude(sealed_in=None).exclude(sealed_in__in=seqs)
    for pk, seq in stray.values_list("pk", "sealed_in"):
        yield BrokenSeal(seq, pk, f"event {pk} names the entry {seq} as its seal, which is none")


def _said(entry: LedgerEntry) -> dict[str, Any]:
    return dict(parse_json(bytes(entry.body), what="ledger entry").get("data", {}))

"""Recomputing the whole ledger from the database, against every checkpoint stored and published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from registry import ledger_format, merkle, signed_note
from registry.canonical import canonical_json, parse_json
from registry.checkpoints import sink
from registry.errors import CountersignError, IntegrityFailure
from registry.models.ledger import Checkpoint, LedgerEntry
from registry.signing_key import signing_key

_CHUNK = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What recomputing found.

    Attributes
    ----------
    ok
        Whether everything holds.
    entries
        Entries that were read and hold.
    anchored
        Entries under the largest checkpoint; those after it are not protected yet.
    root
        Merkle root over ``entries``, hexadecimal.
    checkpoints
        Checkpoints that verified, stored and published.
    first_bad_seq
        The first entry that is wrong, or from which on it may be; ``None`` if the fault is not in an entry.
    reason
        One sentence for people.
    """

    ok: bool
    entries: int
    anchored: int
    root: str
    checkpoints: int
    first_bad_seq: int | None
    reason: str


class _Fault(Exception):
    def __init__(self, seq: int | None, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason


def verify() -> Verification:
    """Recompute hashes, chain, index columns and tree, and compare with every checkpoint. Never raises on bad data."""
    frontier = merkle.Frontier()
    heads: dict[int, set[bytes]] = {}
    anchored = 0
    try:
        heads = _heads()
        for entry, prev in _chain():
            _check_entry(entry, frontier.size + 1, prev)
            frontier.append(merkle.leaf_hash(bytes(entry.body)))
            if frontier.size in heads:
                _check_root(frontier, heads[frontier.size], anchored)
                anchored = frontier.size
        _check_end(frontier.size, max(heads, default=0))
    except _Fault as fault:
        return _result(frontier, heads, anchored, fault)
    return _result(frontier, heads, anchored, None)


def _result(
    frontier: merkle.Frontier, heads: dict[int, set[bytes]], anchored: int, fault: _Fault | None
) -> Verification:
    tail = frontier.size - anchored
    holds = f"{frontier.size} entries hold; {tail} of them are after the last checkpoint and not anchored yet"
    return Verification(
        ok=fault is None,
        entries=frontier.size,
        anchored=anchored,
        root=frontier.root().hex(),
        checkpoints=sum(1 for size in heads if size <= anchored),
        first_bad_seq=fault.seq if fault else None,
        reason=fault.reason if fault else holds,
    )


def _heads() -> dict[int, set[bytes]]:
    """Roots by tree size that the service once signed, from the table and from the sink."""
    key = signing_key().public_key()
    stored = [(row.size, row.root, row.note.encode()) for row in Checkpoint.objects.all()]
    published = [(size, None, note) for size, note in sink().notes()]
    heads: dict[int, set[bytes]] = {}
    for size, root, note in [*stored, *published]:
        where = "published" if root is None else "stored"
        try:
            head = signed_note.open_checkpoint(note, key, origin=settings.COUNTERSIGN_ORIGIN)
        except IntegrityFailure as error:
            raise _Fault(None, f"the {where} checkpoint of {size} entries: {error}") from error
        if head.size != size or root not in (None, head.root.hex()):
            raise _Fault(None, f"the {where} checkpoint of {size} entries contradicts its signed text")
        heads.setdefault(size, set()).add(head.root)
    return heads


def _chain() -> Iterator[tuple[LedgerEntry, str]]:
    """Every entry in order, each with the hash of the body before it."""
    prev = ledger_format.GENESIS
    for entry in LedgerEntry.objects.order_by("seq").iterator(chunk_size=_CHUNK):
        yield entry, prev
        prev = ledger_format.entry_hash(bytes(entry.body))


def _check_entry(entry: LedgerEntry, seq: int, prev: str) -> None:
    body = bytes(entry.body)
    if entry.seq != seq:
        raise _Fault(seq, f"entry {seq} is missing: {entry.seq} follows {seq - 1}")
    if entry.hash != ledger_format.entry_hash(body):
        raise _Fault(seq, f"entry {seq}: the body does not match its hash")
    try:
        said = parse_json(body, what=f"entry {seq}")
        canonical = canonical_json(said)
    except CountersignError as error:
        raise _Fault(seq, str(error)) from error
    if not isinstance(said, dict) or set(said) != ledger_format.BODY_FIELDS or canonical != body:
        raise _Fault(seq, f"entry {seq}: the body is not a canonical ledger entry")
    if said["seq"] != seq or said["prev"] != prev:
        raise _Fault(seq, f"entry {seq} does not continue the entry before it")
    if _index(entry) != _said(said):
        raise _Fault(seq, f"entry {seq}: the columns people search by do not say what the body says")


def _index(entry: LedgerEntry) -> tuple[object, ...]:
    subject = (entry.object_type, entry.object_id, entry.label)
    return (ledger_format.format_time(entry.at), entry.action, entry.actor_name, *subject, entry.model_name)


def _said(body: dict[str, Any]) -> tuple[object, ...] | None:
    actor, subject, data = body["actor"], body["object"], body["data"]
    if not (isinstance(actor, dict) and isinstance(subject, dict) and isinstance(data, dict)):
        return None
    named = (subject.get("type"), subject.get("id"), subject.get("label"))
    return (body["at"], body["action"], actor.get("name"), *named, data.get("model", ""))


def _check_root(frontier: merkle.Frontier, roots: set[bytes], anchored: int) -> None:
    if roots != {frontier.root()}:
        raise _Fault(
            anchored + 1,
            f"entries {anchored + 1} to {frontier.size} are not those that the checkpoint of {frontier.size} "
            "entries was signed over: the history was rewritten somewhere among them",
        )


def _check_end(size: int, covered: int) -> None:
    if covered > size:
        raise _Fault(
            size + 1,
            f"the ledger ends after {size} entries, but a checkpoint covers {covered}: "
            "an old backup was restored, or entries were removed",
        )

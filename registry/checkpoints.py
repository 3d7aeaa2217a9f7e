"""Signing the ledger's tree head, and publishing it outside the database."""

from __future__ import annotations

from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from registry import keys, merkle, signed_note
from registry.checkpoint_sink import FileSink
from registry.errors import IntegrityFailure
from registry.ledger import SYSTEM, Actor, record
from registry.ledger_actions import Action
from registry.models.ledger import Checkpoint, LedgerEntry
from registry.signing_key import signing_key

log = structlog.get_logger(__name__)
_CHUNK = 2_000


def sink() -> FileSink:
    """The directory that the setting ``COUNTERSIGN_CHECKPOINT_DIR`` names."""
    return FileSink(Path(settings.COUNTERSIGN_CHECKPOINT_DIR))


def latest_checkpoint() -> Checkpoint | None:
    """The last checkpoint signed, if any."""
    return Checkpoint.objects.order_by("-size").first()


def make_checkpoint(*, actor: Actor = SYSTEM) -> Checkpoint:
    """Sign the tree head over the ledger as it is now, store it, and publish it to the sink.

    The signing is itself the last entry that it covers, so there is no tail. With no entry since the last checkpoint,
    that one is published again (a crash may have come between storing and publishing) and returned.

    Raises
    ------
    IntegrityFailure
        If the sink holds a larger tree than the ledger (an old backup was restored), or another history, or the
        stored state of the last checkpoint does not match what was signed. Nothing is signed then.
    RuntimeError
        Inside a transaction: publishing must come after the commit.
    """
    with transaction.atomic(durable=True):
        # The sink is read before the ledger: what another process publishes meanwhile is then never ahead of it.
        published = sink().largest()
        last = latest_checkpoint()
        newest = LedgerEntry.objects.order_by("-seq").first()
        size = newest.seq if newest else 0
        _refuse_fork(size, published)
        made = last if last is not None and last.size == size else _sign(last, actor)
    sink().publish(made.size, made.note.encode())
    return made


def anchor() -> None:
    """:func:`make_checkpoint` after a commit that stands whatever happens here: a failure is logged, loudly, and not raised.

    The tail stays unanchored until the next checkpoint; ``/metrics`` and the ledger page show it.
    """
    try:
        make_checkpoint()
    except Exception:
        log.exception("the ledger could not be anchored", sink=str(settings.COUNTERSIGN_CHECKPOINT_DIR))


def _sign(last: Checkpoint | None, actor: Actor) -> Checkpoint:
    key = signing_key()
    key_id = keys.key_id(key.public_key())
    data = {"key": key_id, "previous": last.size if last else 0}
    entry = record(
        actor=actor,
        action=Action.CHECKPOINT_SIGNED,
        obj_type="checkpoint",
        obj_id=data["previous"],
        label="checkpoint",
        data=data,
    )
    frontier = _grow(last, entry.seq)
    head = signed_note.Checkpoint(origin=settings.COUNTERSIGN_ORIGIN, size=frontier.size, root=frontier.root())
    return Checkpoint.objects.create(
        size=frontier.size,
        root=frontier.root().hex(),
        note=signed_note.sign_checkpoint(head, key).decode(),
        frontier=frontier.packed(),
        created_at=entry.at,
    )


def _grow(last: Checkpoint | None, size: int) -> merkle.Frontier:
    """The tree of the last checkpoint, grown by the entries since. What was signed is continued, never re-read."""
    frontier = merkle.Frontier()
    if last is not None:
        frontier = merkle.Frontier.resume(last.size, bytes(last.frontier))
        if frontier.root().hex() != last.root or _head(last.note.encode()) != (last.size, last.root):
            raise IntegrityFailure(f"the stored checkpoint of {last.size} entries contradicts its own signed text")
    added = LedgerEntry.objects.filter(seq__gt=frontier.size, seq__lte=size).order_by("seq")
    for body in added.values_list("body", flat=True).iterator(chunk_size=_CHUNK):
        frontier.append(merkle.leaf_hash(bytes(body)))
    if frontier.size != size:
        raise IntegrityFailure(f"the ledger has {frontier.size} entries where {size} were counted")
    return frontier


def _refuse_fork(size: int, published: int) -> None:
    """Compare with the largest tree that was ever published: it must be one that this ledger grew from."""
    if not published:
        return
    if published > size:
        raise IntegrityFailure(
            f"a checkpoint of {published} entries was published, but the ledger has {size}: "
            "an old backup was restored, or entries were removed"
        )
    stored = Checkpoint.objects.filter(size=published).first()
    ours = stored.root if stored else _root_at(published)
    if _head(sink().read(published)) != (published, ours):
        raise IntegrityFailure(f"the published checkpoint of {published} entries is of another history")


def _root_at(size: int) -> str:
    bodies = LedgerEntry.objects.filter(seq__lte=size).order_by("seq").values_list("body", flat=True)
    leaves = (merkle.leaf_hash(bytes(body)) for body in bodies.iterator(chunk_size=_CHUNK))
    return merkle.root(leaves).hex()


def _head(note: bytes) -> tuple[int, str]:
    """Size and root that a note states; its signature is :func:`registry.ledger_verification.verify`'s matter."""
    text, _ = signed_note.parse_note(note)
    checkpoint = signed_note.parse_checkpoint_text(text)
    return checkpoint.size, checkpoint.root.hex()

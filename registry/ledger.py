"""The ledger: every state change writes one entry here, in its own transaction; and reads of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from registry import ledger_format
from registry.errors import InvalidInput
from registry.ledger_actions import Action
from registry.models.ledger import LedgerEntry

_ADVISORY_LOCK = 0x0C0F_FEE1_ED6E_4001
_SHORT = 255
_CHUNK = 2_000


class Actor(Protocol):
    """Who acts: a person, or a service. ``registry.models.Person`` is one, :data:`SYSTEM` another."""

    @property
    def pk(self) -> Any:
        """The identifier written as ``actor.id``."""

    @property
    def printed_name(self) -> str:
        """The name as it reads at the time of acting; frozen in the entry."""

    @property
    def is_service(self) -> bool:
        """Whether no person stands behind the action."""


@dataclass(frozen=True, slots=True)
class SystemActor:
    """Countersign itself, where no person acts: workers, timers, commands."""

    pk: str = "countersign"
    printed_name: str = "countersign"
    is_service: bool = True


SYSTEM = SystemActor()


def record(
    *,
    actor: Actor,
    action: Action,
    obj_type: str,
    obj_id: object,
    label: str,
    data: Mapping[str, Any],
    model_name: str = "",
) -> LedgerEntry:
    """Append one entry. Call it last in the transaction of the change that it records: it holds the ledger's lock.

    Parameters
    ----------
    actor
        Who did it; name and kind are frozen as text.
    action
        What happened.
    obj_type, obj_id, label
        What it happened to: a noun, its identifier, and how people call it; frozen as text.
    data
        What else the entry says; plain JSON.
    model_name
        The registered model that it concerns, by which people find it and are allowed to see it. It is written
        to ``data`` as ``model``.

    Raises
    ------
    RuntimeError
        Outside a transaction: an entry must stand or fall with its change.
    InvalidInput
        If ``data`` is not JSON, names another model than ``model_name``, or a text is too long.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("ledger.record must be called inside the transaction of the change that it records")
    said = _with_model(data, model_name)
    subject = {"type": _short(obj_type, "obj_type"), "id": _short(str(obj_id), "obj_id"), "label": _plain(label)}
    kind = "service" if actor.is_service else "person"
    who = {"id": str(actor.pk), "name": _plain(actor.printed_name), "kind": kind}
    last = _lock_tail()
    now = timezone.now()
    body = ledger_format.entry_body(
        seq=last.seq + 1 if last else 1,
        prev=last.hash if last else ledger_format.GENESIS,
        at=now,
        action=action.value,
        actor=who,
        subject=subject,
        data=said,
    )
    return LedgerEntry.objects.create(
        seq=last.seq + 1 if last else 1,
        body=body,
        hash=ledger_format.entry_hash(body),
        at=now,
        action=action.value,
        actor_name=who["name"],
        object_type=subject["type"],
        object_id=subject["id"],
        label=subject["label"],
        model_name=model_name,
    )


def _lock_tail() -> LedgerEntry | None:
    """The last entry, with everyone else who wants to append waiting until this transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    # SQLite's IMMEDIATE transactions hold the one write lock since they began.
    return LedgerEntry.objects.order_by("-seq").only("seq", "hash").first()


def _with_model(data: Mapping[str, Any], model_name: str) -> dict[str, Any]:
    if data.get("model", model_name) != model_name:
        raise InvalidInput("the entry's data names another model than model_name", field="model_name")
    return {**data, "model": _short(model_name, "model_name")} if model_name else dict(data)


def _short(text: str, field: str) -> str:
    if not text or len(text) > _SHORT:
        raise InvalidInput(f"a ledger entry's {field} has 1 to {_SHORT} characters", field=field)
    return _plain(text)


def _plain(text: str) -> str:
    """PostgreSQL's text cannot hold NUL, and SQLite's could: refuse it on both."""
    if "\x00" in text:
        raise InvalidInput("a ledger entry's text cannot hold NUL")
    return text


def entries(
    *,
    model_name: str | None = None,
    visible_models: Collection[str] | None = None,
    q: str = "",
    action: str = "",
    object_type: str = "",
    object_id: str = "",
    upto: int | None = None,
) -> QuerySet[LedgerEntry]:
    """Entries, the latest first.

    Parameters
    ----------
    model_name
        Only those of this registered model.
    visible_models
        Only those of these models: what the reader may see. ``None`` leaves nothing out.
    q
        What people type: part of a label, an actor's name, an action or an object's identifier; or a whole hash,
        or a ``seq``.
    action, object_type, object_id
        Exact.
    upto
        Only up to this ``seq``.
    """
    found = LedgerEntry.objects.order_by("-seq")
    exact = {"model_name": model_name, "action": action, "object_type": object_type, "object_id": object_id}
    found = found.filter(**{column: text for column, text in exact.items() if text})
    if visible_models is not None:
        found = found.filter(model_name__in=visible_models)
    if upto is not None:
        found = found.filter(seq__lte=upto)
    return found.filter(_search(q.strip())) if q.strip() else found


def _search(q: str) -> Q:
    plain = q.replace("\x00", "")
    wanted = Q(hash=plain.removeprefix("sha256:"))
    for column in ("label", "actor_name", "action", "object_id", "model_name"):
        wanted |= Q(**{f"{column}__icontains": plain})
    number = plain.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < len(str(2**63)):
        wanted |= Q(seq=int(number))
    return wanted


def export_lines(*, upto: int | None = None) -> Iterator[bytes]:
    """The lines of ``ledger.jsonl`` in order, up to the entry ``upto`` if given; streams."""
    found = LedgerEntry.objects.order_by("seq").values_list("body", flat=True)
    if upto is not None:
        found = found.filter(seq__lte=upto)
    for body in found.iterator(chunk_size=_CHUNK):
        yield ledger_format.export_line(bytes(body))

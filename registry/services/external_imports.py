"""Taking in what other registries tell: polls of MLflow servers, and CSV files, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry import ledger
from registry.canonical import digest_of, sha256_hex
from registry.errors import Conflict, CountersignError, InvalidInput
from registry.external_csv import ReadCsv, read_external_csv
from registry.external_version_fact import ExternalFact
from registry.ledger_actions import Action
from registry.mlflow_client import fetch_versions
from registry.mlflow_settings import MlflowSettings
from registry.models import ExternalRegistry, ExternalVersion, Person
from registry.services.external_registries import check_may_connect

_BATCH = 500
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What taking in facts would do, as ``(model, version)``.

    Attributes
    ----------
    new
        Not known before.
    changed
        Known, with other facts, or gone and there again.
    gone
        Known, and no longer told of.
    same
        How many stay as they are.
    """

    new: tuple[Key, ...]
    changed: tuple[Key, ...]
    gone: tuple[Key, ...]
    same: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.new or self.changed or self.gone)

    @property
    def digest(self) -> str:
        """By which an import says that it does what its preview showed."""
        return digest_of({"new": self.new, "changed": self.changed, "gone": self.gone, "same": self.same})

    @property
    def counts(self) -> dict[str, int]:
        """As the ledger says it."""
        return {"new": len(self.new), "changed": len(self.changed), "gone": len(self.gone), "same": self.same}


def poll_registry(*, actor: ledger.Actor, registry: ExternalRegistry) -> ExternalRegistry:
    """Ask an MLflow server for everything it has. If that fails, the last good state stays, with the error beside it.

    Raises
    ------
    NotAllowed
        If a person without the duty asks for it.
    InvalidInput
        If it is no MLflow server.
    Conflict
        If it is paused.
    """
    if isinstance(actor, Person):
        check_may_connect(actor)
    registry = ExternalRegistry.objects.get(pk=registry.pk)
    _check_open(registry, ExternalRegistry.Kind.MLFLOW)
    began = timezone.now()
    try:
        facts = fetch_versions(registry.url, registry.credentials, MlflowSettings.from_environment())
    except CountersignError as error:
        return _note_failure(registry, began, error.message)
    return _take_in_poll(actor, registry, began, facts)


@transaction.atomic
def _note_failure(registry: ExternalRegistry, began: datetime, message: str) -> ExternalRegistry:
    locked = ExternalRegistry.objects.select_for_update().get(pk=registry.pk)
    if not _is_overtaken(locked, registry, began):
        locked.polled_at, locked.error = began, message
        locked.save(update_fields=["polled_at", "error"])
    return locked


@transaction.atomic
def _take_in_poll(
    actor: ledger.Actor, registry: ExternalRegistry, began: datetime, facts: list[ExternalFact]
) -> ExternalRegistry:
    locked = ExternalRegistry.objects.select_for_update().get(pk=registry.pk)
    if _is_overtaken(locked, registry, began):
        return locked
    changes = _changes(locked, facts)
    _write(locked, facts, changes, began)
    locked.polled_at = locked.succeeded_at = began
    locked.error = ""
    locked.save(update_fields=["polled_at", "succeeded_at", "error"])
    if not changes.is_empty:
        _record(actor, locked, changes, {"from": locked.url})
    return locked


def _is_overtaken(locked: ExternalRegistry, asked: ExternalRegistry, began: datetime) -> bool:
    """Whether a later poll was quicker, or the registry was paused or pointed elsewhere while we read."""
    moved = (locked.url, locked.credentials) != (asked.url, asked.credentials)
    return moved or not locked.is_active or (locked.polled_at is not None and locked.polled_at > began)


def poll_due_registries(*, now: datetime | None = None) -> list[ExternalRegistry]:
    """Poll every active MLflow server whose turn it is; called again and again. What was polled.

    Two sweeps at once do no harm: the later answer counts.
    """
    before = (now or timezone.now()) - timedelta(seconds=MlflowSettings.from_environment().every)
    due = ExternalRegistry.objects.filter(kind=ExternalRegistry.Kind.MLFLOW, is_active=True).filter(
        Q(polled_at=None) | Q(polled_at__lte=before)
    )
    polled = []
    for registry in due:
        try:
            polled.append(poll_registry(actor=ledger.SYSTEM, registry=registry))
        except Conflict:  # paused since it was listed
            continue
    return polled


def preview_csv(*, actor: Person, registry: ExternalRegistry, data: bytes) -> tuple[ReadCsv, Changes]:
    """What importing the file would do, without doing it; errors as :func:`import_csv` raises them."""
    check_may_connect(actor)
    _check_open(registry, ExternalRegistry.Kind.CSV)
    read = read_external_csv(data)
    return read, _changes(registry, read.facts)


@transaction.atomic
def import_csv(*, actor: Person, registry: ExternalRegistry, data: bytes, expected: str = "") -> Changes:
    """Take in a CSV as the whole of what that registry holds, all or nothing.

    Parameters
    ----------
    expected
        The digest of the changes that a preview showed; they are refused if they would be others by now.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty.
    InvalidInput
        Naming row and column, with all errors in its details.
    Conflict
        If the registry is paused, or the changes are no longer those of the preview.
    """
    check_may_connect(actor)
    registry = ExternalRegistry.objects.select_for_update().get(pk=registry.pk)
    _check_open(registry, ExternalRegistry.Kind.CSV)
    read = read_external_csv(data)
    changes = _changes(registry, read.facts)
    if expected and expected != changes.digest:
        raise Conflict("what the import would change is no longer what was shown; look at it again", field="expected")
    now = timezone.now()
    _write(registry, read.facts, changes, now)
    registry.polled_at = registry.succeeded_at = now
    registry.save(update_fields=["polled_at", "succeeded_at"])
    _record(actor, registry, changes, {"sha256": sha256_hex(data)})
    return changes


def _check_open(registry: ExternalRegistry, kind: ExternalRegistry.Kind) -> None:
    if registry.kind != kind:
        raise InvalidInput(
            f"{registry.name} is filled by {registry.get_kind_display()}, not {kind.label}", field="kind"
        )
    if not registry.is_active:
        raise Conflict(f"{registry.name} is paused", field="registry")


def _changes(registry: ExternalRegistry, facts: Iterable[ExternalFact]) -> Changes:
    told = {fact.key: dict(fact.facts) for fact in facts}
    rows = ExternalVersion.objects.filter(registry=registry).values_list("model_name", "name", "facts", "gone_at")
    known = {(model, name): (said, gone) for model, name, said, gone in rows}
    changed = [key for key, said in told.items() if key in known and known[key] != (said, None)]
    gone = [key for key, (_, since) in known.items() if since is None and key not in told]
    return Changes(
        new=tuple(sorted(set(told) - set(known))),
        changed=tuple(sorted(changed)),
        gone=tuple(sorted(gone)),
        same=len(set(told) & set(known)) - len(changed),
    )


def _write(registry: ExternalRegistry, facts: Iterable[ExternalFact], changes: Changes, now: datetime) -> None:
    told = {fact.key: dict(fact.facts) for fact in facts}
    rows = {(row.model_name, row.name): row for row in ExternalVersion.objects.filter(registry=registry)}
    # A model that was linked stays linked: its new versions are ours as well.
    links = {model: row.model_id for (model, _), row in rows.items() if row.model_id is not None}
    ExternalVersion.objects.bulk_create(
        [
            ExternalVersion(
                registry=registry,
                model_name=model,
                name=name,
                facts=told[model, name],
                model_id=links.get(model),
                first_seen=now,
                last_seen=now,
            )
            for model, name in changes.new
        ],
        batch_size=_BATCH,
    )
    changed = []
    for key in changes.changed:
        rows[key].facts, rows[key].gone_at = told[key], None
        changed.append(rows[key])
    ExternalVersion.objects.bulk_update(changed, ["facts", "gone_at"], batch_size=_BATCH)
    for start in range(0, len(changes.gone), _BATCH):
        gone = [rows[key].pk for key in changes.gone[start : start + _BATCH]]
        ExternalVersion.objects.filter(pk__in=gone).update(gone_at=now)
    ExternalVersion.objects.filter(registry=registry, gone_at=None).update(last_seen=now)


def _record(actor: ledger.Actor, registry: ExternalRegistry, changes: Changes, said: dict[str, str]) -> None:
    ledger.record(
        actor=actor,
        action=Action.EXTERNAL_VERSIONS_IMPORTED,
        obj_type="external registry",
        obj_id=str(registry.pk),
        label=registry.name,
        data={**changes.counts, **said},
    )

"""What happens to a dataset as a whole: withdrawn and restored, given to a steward, shown to fewer."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from registry import ledger
from registry.dataset_changes import announce
from registry.dataset_selectors import may_withdraw
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import Dataset, Person
from registry.services.datasets import lock_dataset

LONGEST_REASON = 2_000


@transaction.atomic
def withdraw_dataset(*, actor: Person, dataset: Dataset, reason: str) -> Dataset:
    """Say that the dataset may not be used any more. Every model that depends on it is judged again.

    Raises
    ------
    NotAllowed
        If the actor is neither owner nor steward, nor compliance officer of a model that depends on it.
    InvalidInput
        If no reason is given.
    Conflict
        If it is withdrawn already.
    """
    said = _reason(reason)
    dataset = _locked(actor, dataset)
    if dataset.withdrawn_at is not None:
        raise Conflict(f"{dataset.slug} is withdrawn already: {dataset.withdrawn_reason}")
    dataset.withdrawn_at, dataset.withdrawn_reason = timezone.now(), said
    dataset.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    announce(dataset, because=f"{actor.printed_name} withdrew the dataset {dataset.slug}: {said}")
    _record(actor, Action.DATASET_WITHDRAWN, dataset, {"reason": said})
    return dataset


@transaction.atomic
def restore_dataset(*, actor: Person, dataset: Dataset, reason: str) -> Dataset:
    """Say that a withdrawn dataset may be used again, on the terms of its datasheet.

    Raises
    ------
    NotAllowed, InvalidInput
        As :func:`withdraw_dataset`.
    Conflict
        If it is not withdrawn.
    """
    said = _reason(reason)
    dataset = _locked(actor, dataset)
    if dataset.withdrawn_at is None:
        raise Conflict(f"{dataset.slug} is not withdrawn")
    before = dataset.withdrawn_reason
    dataset.withdrawn_at, dataset.withdrawn_reason = None, ""
    dataset.save(update_fields=["withdrawn_at", "withdrawn_reason"])
    announce(dataset, because=f"{actor.printed_name} restored the dataset {dataset.slug}: {said}")
    _record(actor, Action.DATASET_RESTORED, dataset, {"reason": said, "was_withdrawn_for": before})
    return dataset


def _reason(text: str) -> str:
    said = text.strip()
    if not said or len(said) > LONGEST_REASON or "\x00" in said:
        raise InvalidInput(f"say why, in 1 to {LONGEST_REASON} characters", field="reason")
    return said


def _locked(actor: Person, dataset: Dataset) -> Dataset:
    if not may_withdraw(actor, dataset):
        raise NotAllowed(
            f"only the owner and the steward of {dataset.slug}, and compliance officers of models that depend on it, "
            "may withdraw or restore it"
        )
    return lock_dataset(dataset)


@transaction.atomic
def name_steward(*, actor: Person, dataset: Dataset, steward: Person | None) -> Dataset:
    """Give the dataset to a steward, who writes its datasheet; None takes it back to the owner alone.

    Raises
    ------
    NotAllowed
        If the actor does not own the dataset.
    InvalidInput
        If the steward is a service account or no longer active.
    """
    _require_owner(actor, dataset, "name its steward")
    if steward is not None and (steward.is_service or not steward.is_active):
        raise InvalidInput("a steward is an active person", field="steward")
    dataset = lock_dataset(dataset)
    before = dataset.steward
    if before == steward:
        return dataset
    dataset.steward = steward
    dataset.save(update_fields=["steward"])
    _record(
        actor,
        Action.DATASET_CHANGED,
        dataset,
        {"steward": steward.username if steward else None, "before": before.username if before else None},
    )
    return dataset


@transaction.atomic
def change_visibility(*, actor: Person, dataset: Dataset, visibility: str) -> Dataset:
    """Show the dataset to everybody with a role, or only to those who have to do with it.

    Raises
    ------
    NotAllowed
        If the actor does not own the dataset.
    InvalidInput
        If there is no such visibility.
    """
    _require_owner(actor, dataset, "change who sees it")
    if visibility not in Dataset.Visibility.values:
        raise InvalidInput(f"visibility is one of {', '.join(Dataset.Visibility.values)}", field="visibility")
    dataset = lock_dataset(dataset)
    before = dataset.visibility
    if before == visibility:
        return dataset
    dataset.visibility = visibility
    dataset.save(update_fields=["visibility"])
    _record(actor, Action.DATASET_CHANGED, dataset, {"visibility": visibility, "before": before})
    return dataset


def _require_owner(actor: Person, dataset: Dataset, what: str) -> None:
    if not actor.is_active or dataset.owner_id != actor.pk:
        raise NotAllowed(f"only the owner of {dataset.slug} may {what}")


def _record(actor: Person, action: Action, dataset: Dataset, data: dict[str, str | None]) -> None:
    ledger.record(actor=actor, action=action, obj_type="dataset", obj_id=str(dataset.pk), label=dataset.slug, data=data)

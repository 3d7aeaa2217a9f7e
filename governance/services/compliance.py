"""Whether what an environment runs would still be let in: followed each time that it is judged again."""

from __future__ import annotations

from django.utils import timezone

from governance.models import EnvironmentPointer, Verdict
from governance.services.notices import notify_about_version
from registry import ledger
from registry.ledger_actions import Action
from registry.models import ModelVersion

_SENTENCES = 3


def lock_where_it_runs(version: ModelVersion, environment: str) -> EnvironmentPointer | None:
    """The environment's pointer, locked, if it stands on this version. Taken before the version's row, as promotion does."""
    pointer = EnvironmentPointer.objects.filter(
        model=version.model_id, environment=environment, promotion__version=version
    ).first()
    if pointer is None:
        return None
    pointer = EnvironmentPointer.objects.select_for_update(of=("self",)).select_related("promotion").get(pk=pointer.pk)
    return pointer if pointer.promotion and pointer.promotion.version_id == version.pk else None


def follow_compliance(
    *, actor: ledger.Actor, pointer: EnvironmentPointer, version: ModelVersion, allowed: bool, why: str
) -> None:
    """Note on the pointer, in the ledger and to the owners when what runs is no longer allowed, or is again.

    Runs in the transaction of the assessment, with the pointer locked.
    """
    pointer.judged_at = timezone.now()
    was = pointer.noncompliant_since is not None
    changed = allowed == was
    if not allowed:
        pointer.noncompliant_since = pointer.noncompliant_since or pointer.judged_at
        pointer.noncompliance = why
    else:
        pointer.noncompliant_since, pointer.noncompliance = None, ""
    pointer.save()
    if changed:
        _tell(actor, pointer, version, allowed=allowed, why=why)


def _tell(actor: ledger.Actor, pointer: EnvironmentPointer, version: ModelVersion, *, allowed: bool, why: str) -> None:
    environment = pointer.environment
    entry = ledger.record(
        actor=actor,
        action=Action.ENVIRONMENT_COMPLIANT if allowed else Action.ENVIRONMENT_NONCOMPLIANT,
        obj_type="environment",
        obj_id=f"{version.model.name}/{environment}",
        label=f"{version} in {environment}",
        data={"version": version.name, "environment": environment, "why": why},
        model_name=version.model.name,
    )
    if allowed:
        subject = f"{version} in {environment} meets its policy again"
    else:
        subject = f"{version} in {environment} is no longer allowed there"
    notify_about_version(
        version=version, environment=environment, kind=entry.action, key=str(entry.seq), subject=subject, body=why
    )


def why_blocked(verdict: Verdict | None, reason: str) -> str:
    """The gate's reason, and the first sentences of the rules that block."""
    rules = verdict.document["rules"] if verdict else []
    sentences = [rule["sentence"] for rule in rules if rule["status"] in ("fail", "missing", "error")]
    more = f" And {len(sentences) - _SENTENCES} more." if len(sentences) > _SENTENCES else ""
    return " ".join([reason, *sentences[:_SENTENCES]]) + more

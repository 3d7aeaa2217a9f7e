"""What a CI job does: submit a version, and have everything that follows planned."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from governance.policies_in_force import environments_of
from governance.services.assessment import assess_version
from governance.tasks import assess_when_measured
from registry.models import CardRevision, ModelVersion, Person
from registry.services.cards import revise_card
from registry.services.versions import register_version


@transaction.atomic
def submit_version(
    *, actor: Person, manifest: bytes, files: Mapping[str, str], responsible: Person | None = None
) -> tuple[ModelVersion, bool]:
    """Register a version and queue what every policy that covers it wants measured; whether it was new comes second.

    Raises
    ------
    InvalidInput, NotFound, NotAllowed, Conflict
        As :func:`registry.services.versions.register_version` does; nothing is registered then.
    """
    version, created = register_version(actor=actor, manifest=manifest, files=files, responsible=responsible)
    if created:
        judge_everywhere(actor=actor, version=version)
    return version, created


def judge_everywhere(*, actor: Person, version: ModelVersion) -> None:
    """Judge a version for every environment that a policy covers, and again once its evidence is in."""
    for environment in environments_of(version.model.use_case.risk_tier):
        assess_version(version=version, environment=environment, actor=actor)
        assess_when_measured.enqueue(version.pk, environment)


@transaction.atomic
def revise_model_card(*, actor: Person, version: ModelVersion, sections: Mapping[str, str]) -> CardRevision:
    """Revise the model card and judge anew: signatures on the old text become stale at once."""
    revision = revise_card(actor=actor, version=version, sections=sections)
    judge_everywhere(actor=actor, version=version)
    return revision

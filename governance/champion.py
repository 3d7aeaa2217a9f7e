"""The champion that a version is compared with."""

from __future__ import annotations

from governance.models import EnvironmentPointer, Promotion
from registry.models import ModelVersion


def version_in(model_id: int, environment: str) -> ModelVersion | None:
    """The version that the environment runs now."""
    pointer = (
        EnvironmentPointer.objects.select_related("promotion__version")
        .filter(model_id=model_id, environment=environment)
        .first()
    )
    return pointer.promotion.version if pointer and pointer.promotion else None


def champion_for(version: ModelVersion, environment: str) -> ModelVersion | None:
    """The version to beat: what the environment runs.

    For a version that has been there itself it stays what it replaced when it first came: judging it again, for
    a rollback, asks the same question as its reviewers did.
    """
    first = (
        Promotion.objects.filter(version=version, environment=environment)
        .select_related("replaced")
        .order_by("created_at")
        .first()
    )
    return first.replaced if first else version_in(version.model_id, environment)

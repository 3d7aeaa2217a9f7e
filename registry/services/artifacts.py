"""Taking artifacts in."""

from __future__ import annotations

from typing import IO

from django.db import transaction

from registry import artifact_store, ledger
from registry.ledger_actions import Action
from registry.models import Artifact, ArtifactUpload, Person


def store_artifact(*, actor: Person, stream: IO[bytes], expected: str) -> tuple[Artifact, bool]:
    """Stream bytes into the store and register them under their digest; whether they were new comes second.

    Raises
    ------
    InvalidInput
        If the bytes do not have the digest ``expected``, are empty, or are too many.
    """
    sha256, size = artifact_store.put(stream, expected=expected)
    with transaction.atomic():
        artifact, _ = Artifact.objects.get_or_create(sha256=sha256, defaults={"size": size})
        _, created = ArtifactUpload.objects.get_or_create(artifact=artifact, person=actor)
        if created:
            ledger.record(
                actor=actor,
                action=Action.ARTIFACT_STORED,
                obj_type="artifact",
                obj_id=sha256,
                label=f"sha256:{sha256}",
                data={"size": size},
            )
    return artifact, created


def keep_bytes(data: bytes) -> Artifact:
    """Store bytes that the service made itself; the caller's transaction and ledger entry name the digest."""
    sha256, size = artifact_store.put_bytes(data)
    artifact, _ = Artifact.objects.get_or_create(sha256=sha256, defaults={"size": size})
    return artifact

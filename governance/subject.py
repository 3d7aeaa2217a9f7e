"""What people sign: everything a decision rests on, in one canonical document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from registry.canonical import canonical_json, sha256_hex

FORMAT = "countersign-subject/1"


@dataclass(frozen=True, slots=True)
class Subject:
    """Canonical JSON of the subject, and its SHA-256."""

    content: bytes
    sha256: str


def make_subject(
    *,
    model: str,
    version: str,
    environment: str,
    manifest_sha256: str,
    artifacts: Iterable[tuple[str, str, str]],
    evidence: Mapping[str, str],
    verdict_sha256: str,
    policy: Mapping[str, str | int],
    card_sha256: str,
    champion_sha256: str | None,
) -> Subject:
    """Bind manifest, artifacts, evidence, verdict, policy and documents together. Change any and the digest changes.

    Parameters
    ----------
    artifacts
        ``(path, role, sha256)`` of every file as it is stored now.
    evidence
        ``{kind of evaluation: sha256 of its report}``.
    policy
        ``{"id", "version", "sha256"}``.
    """
    content = canonical_json(
        {
            "format": FORMAT,
            "model": model,
            "version": version,
            "environment": environment,
            "manifest_sha256": manifest_sha256,
            "artifacts": [{"path": path, "role": role, "sha256": sha256} for path, role, sha256 in sorted(artifacts)],
            "evidence": [{"kind": kind, "sha256": sha256} for kind, sha256 in sorted(evidence.items())],
            "verdict_sha256": verdict_sha256,
            "policy": dict(policy),
            "documents": [{"name": "model-card", "sha256": card_sha256}],
            "champion_sha256": champion_sha256,
        }
    )
    return Subject(content, sha256_hex(content))

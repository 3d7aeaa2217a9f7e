"""Everything about one decision as plain data: the source of model card, PDF and exports. Pure.

Governance builds a :class:`Dossier`; audits only renders it. Instants are ISO 8601 text in UTC (``2026-11-21T06:00:00Z``),
digests 64 lowercase hexadecimal digits, free JSON (parameters, rules) stays as mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audits.dossier_json import decode, encode
from audits.lineage_report import LineageReport
from audits.measurement import Measurement
from audits.series import Series
from registry.canonical import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service that wrote the dossier: its name, address and code version."""

    name: str
    url: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided: ``result`` is promoted, approved, pending, blocked or rejected; ``at`` is None while open."""

    result: str
    environment: str
    at: str | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model version that the decision is about, identified by the digest of its manifest."""

    model: str
    version: str
    manifest_sha256: str
    submitted_by: str
    submitted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """The business purpose that the model serves."""

    name: str
    objective: str
    kpis: str
    affected_people: str
    risk_tier: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the model card; ``markdown`` is people's text and never trusted."""

    key: str
    title: str
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The model card as revised: ordered sections with the digest of the revision."""

    sections: tuple[Section, ...]
    sha256: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes that belong to the version; ``size`` in bytes."""

    role: str
    path: str
    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One thing that the version was made from; ``kind`` is dataset, code or environment."""

    kind: str
    name: str
    digest: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationError:
    """Why an evaluation could not measure: the message, and the place in the file if there is one."""

    message: str
    file: str | None = None
    column: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """One run of one kind of check, with what it measured.

    ``sha256`` is the digest of the evidence file; ``key`` tells evaluations of one kind on different data apart.
    """

    id: str
    kind: str
    status: str
    trust: str
    started_at: str | None = None
    finished_at: str | None = None
    sha256: str | None = None
    seed: int | None = None
    code_version: str = ""
    engine: str = ""
    inputs: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: EvaluationError | None = None
    measurements: tuple[Measurement, ...] = ()
    series: tuple[Series, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """What the policy evaluator said; ``rules`` are the objects of the verdict, unchanged."""

    outcome: str
    sha256: str
    policy: str
    policy_version: int
    policy_sha256: str
    policy_title: str
    rules: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """One stage of the review: who must sign, how many, independent of whom, and where it stands."""

    name: str
    role: str
    quorum: int
    independent_of: tuple[str, ...]
    state: str
    due_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOffRecord:
    """One signature. ``state`` is live, stale or expired; ``acknowledged`` are ids of inconclusive rules."""

    stage: str
    role: str
    printed_name: str
    meaning: str
    signed_at: str
    record_sha256: str
    subject_sha256: str
    state: str
    acknowledged: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """The promotion and its attestation, when there was one."""

    at: str
    by: str
    attestation_sha256: str
    statement_sha256: str
    valid_until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference from the version compared with; ``area`` is metrics, data, features, parameters, card or code."""

    area: str
    item: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One ledger entry, as shown: ``hash`` is the SHA-256 of its body."""

    seq: int
    at: str
    actor: str
    action: str
    label: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRecord:
    """The signed tree head that covers the ledger lines; ``root`` as printed in the note, ``note`` the whole text."""

    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything about one decision.

    Attributes
    ----------
    compared_with
        Version that ``changes`` compare with; ``None`` when nothing was approved before.
    subject_sha256
        Digest of what the signers signed: manifest, evidence, verdict, policy and documents together.
    verification_url
        Where anyone can check the decision; printed as a QR code.
    origins
        Where the features come from, on which terms, and what of people is in them, as the one who asked may see it.
    """

    generated_at: str
    service: Service
    decision: Decision
    subject: Subject
    use_case: UseCase
    card: Card
    manifest: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]
    lineage: tuple[Origin, ...]
    evaluations: tuple[EvaluationRecord, ...]
    verdict: VerdictRecord
    stages: tuple[StageRecord, ...]
    sign_offs: tuple[SignOffRecord, ...]
    promotion: PromotionRecord | None
    changes: tuple[Change, ...]
    compared_with: str | None
    ledger: tuple[LedgerLine, ...]
    checkpoint: CheckpointRecord | None
    subject_sha256: str
    verification_url: str
    origins: LineageReport | None = None

    def as_json(self) -> dict[str, Any]:
        """The dossier as plain JSON: mappings, lists, text, numbers, None."""
        plain: dict[str, Any] = encode(self)
        return plain

    def canonical(self) -> bytes:
        """RFC 8785 bytes of :meth:`as_json`: the file that is embedded in the PDF and exported beside it."""
        return canonical_json(self.as_json())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Dossier:
        """Inverse of :meth:`as_json`; an unknown, missing or mistyped key is an ``InvalidInput`` naming its path."""
        return decode(cls, data)

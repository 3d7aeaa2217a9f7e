"""The one list of state changes that the ledger knows, as ``noun.past_verb``."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What an entry says happened. Members are never renamed or removed: old entries hold their text."""

    USE_CASE_CREATED = "use_case.created"
    USE_CASE_REVISED = "use_case.revised"
    MODEL_REGISTERED = "model.registered"
    VERSION_REGISTERED = "version.registered"
    ARTIFACT_STORED = "artifact.stored"
    DATASET_REGISTERED = "dataset.registered"
    DATASET_VERSION_REGISTERED = "dataset_version.registered"
    PERSON_CREATED = "person.created"
    PERSON_DEACTIVATED = "person.deactivated"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    ROLE_ASSIGNED = "role.assigned"
    ROLE_REMOVED = "role.removed"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    CHECKPOINT_SIGNED = "checkpoint.signed"

    EVALUATION_QUEUED = "evaluation.queued"
    EVALUATION_STARTED = "evaluation.started"
    EVALUATION_SUCCEEDED = "evaluation.succeeded"
    EVALUATION_FAILED = "evaluation.failed"
    EVALUATION_RECLAIMED = "evaluation.reclaimed"
    EVALUATION_CANCELLED = "evaluation.cancelled"
    DOCUMENT_REVISED = "document.revised"
    DOCUMENT_RENDERED = "document.rendered"
    DOSSIER_REQUESTED = "dossier.requested"
    DOSSIER_RENDERED = "dossier.rendered"
    DOSSIER_FAILED = "dossier.failed"

    POLICY_REGISTERED = "policy.registered"
    VERDICT_RECORDED = "verdict.recorded"
    REVIEW_OPENED = "review.opened"
    REVIEW_REOPENED = "review.reopened"
    REVIEW_REBASED = "review.rebased"
    REVIEW_CLOSED = "review.closed"
    REVIEW_APPROVED = "review.approved"
    REVIEW_REJECTED = "review.rejected"
    REVIEW_CHANGES_REQUESTED = "review.changes_requested"
    SIGN_OFF_RECORDED = "sign_off.recorded"
    VERSION_PROMOTED = "version.promoted"
    VERSION_ROLLED_BACK = "version.rolled_back"
    ATTESTATION_ISSUED = "attestation.issued"
    GATE_DECIDED = "gate.decided"

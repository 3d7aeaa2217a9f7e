"""The bytes of one person's answer: what is signed, by whom, as what, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from registry.canonical import canonical_json

FORMAT = "countersign-signature/1"


class Meaning(StrEnum):
    """What a person says by signing."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"


def shown_time(moment: datetime) -> str:
    """The moment of signing as the record holds it: UTC, to the microsecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def statement(*, meaning: Meaning, printed_name: str, role: str, version: str, environment: str, policy: str) -> str:
    """The sentence that stands above the signature."""
    role = role.replace("-", " ")
    match meaning:
        case Meaning.APPROVE:
            return (
                f"I, {printed_name}, as {role}, have reviewed {version} and the evidence for it, "
                f"and approve it for {environment} under policy {policy}."
            )
        case Meaning.REQUEST_CHANGES:
            return f"I, {printed_name}, as {role}, ask for changes to {version} before it goes to {environment}."
        case Meaning.REJECT:
            return f"I, {printed_name}, as {role}, reject {version} for {environment} under policy {policy}."


def record(
    *,
    review: str,
    stage: str,
    role: str,
    person: str,
    printed_name: str,
    meaning: Meaning,
    sentence: str,
    subject_sha256: str,
    verdict_sha256: str,
    policy: Mapping[str, str | int],
    acknowledged: Sequence[str],
    comment: str,
    method: str,
    signed_at: datetime,
) -> bytes:
    """Canonical JSON of the answer. ``acknowledged`` names the inconclusive rules that the signer accepts."""
    return canonical_json(
        {
            "format": FORMAT,
            "review": review,
            "stage": stage,
            "role": role,
            "person": person,
            "printed_name": printed_name,
            "meaning": meaning.value,
            "statement": sentence,
            "subject_sha256": subject_sha256,
            "verdict_sha256": verdict_sha256,
            "policy": dict(policy),
            "acknowledged": sorted(acknowledged),
            "comment": comment,
            "method": method,
            "signed_at": shown_time(signed_at),
        }
    )

"""Reads of signatures: which count now, and where a review's stages stand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from governance.models import Review, SignOff, Stage
from governance.policies_in_force import document_of
from governance.signature_record import Meaning, shown_time
from registry import keys
from registry.canonical import parse_json, sha256_hex
from registry.errors import InvalidInput
from registry.signing_key import signing_key


class SignatureState(StrEnum):
    """Whether a signature counts."""

    LIVE = "live"
    STALE = "stale"
    EXPIRED = "expired"
    BROKEN = "broken"


def is_intact(sign_off: SignOff) -> bool:
    """Whether row, record and seal agree: a row edited in the database counts for nothing."""
    data = bytes(sign_off.record)
    try:
        record = parse_json(data, what="signature record")
        seal = base64.b64decode(sign_off.seal, validate=True)
    except (InvalidInput, binascii.Error):
        return False
    row = {
        "subject_sha256": sign_off.subject_sha256,
        "meaning": sign_off.meaning,
        "person": sign_off.person.username,
        "review": str(sign_off.review_id),
        "stage": sign_off.stage.name,
        "role": sign_off.stage.role,
        "method": sign_off.method,
        "comment": sign_off.comment,
        "signed_at": shown_time(sign_off.signed_at),
    }
    return (
        sha256_hex(data) == sign_off.record_sha256
        and isinstance(record, dict)
        and row.items() <= record.items()
        and sign_off.stage.review_id == sign_off.review_id
        and keys.is_signed(signing_key().public_key(), seal, data)
    )


def ends_at(sign_off: SignOff) -> datetime | None:
    """When it runs out: as its stage says, or earlier where the row says so; a row edited to last longer does not."""
    days = sign_off.stage.valid_days
    promised = sign_off.signed_at + timedelta(days=days) if days else None
    return min((end for end in (promised, sign_off.valid_until) if end), default=None)


def stages_hold(review: Review) -> bool:
    """Whether the stages are still those that the policy asks for, none softened and none gone."""
    here = [
        (stage.name, stage.role, stage.quorum, list(stage.independent_of), stage.valid_days)
        for stage in review.stages.all()
    ]
    return here == [
        (stage.stage, stage.role, stage.quorum, list(stage.independent_of), stage.valid_days)
        for stage in document_of(review.policy_version).sign_off
    ]


def state_of(sign_off: SignOff, subject_sha256: str, now: datetime) -> SignatureState:
    """Live, or why not: made on another subject, past its validity, or no longer what was sealed."""
    if not is_intact(sign_off):
        return SignatureState.BROKEN
    if sign_off.subject_sha256 != subject_sha256:
        return SignatureState.STALE
    end = ends_at(sign_off)
    if end is not None and end <= now:
        return SignatureState.EXPIRED
    return SignatureState.LIVE


@dataclass(frozen=True, slots=True)
class StageProgress:
    """A stage, its live approvals, and whether it is done, being asked, or still to come."""

    stage: Stage
    signed: list[SignOff]
    state: str

    @property
    def missing(self) -> int:
        """Signatures still wanted."""
        return max(self.stage.quorum - len(self.signed), 0)


def live_approvals(
    review: Review, now: datetime | None = None, *, answers: Iterable[SignOff] | None = None
) -> list[SignOff]:
    """Approvals that count now, among ``answers`` where the caller has read the review's sign-offs already."""
    now = now or timezone.now()
    found = review.sign_offs.select_related("person", "stage") if answers is None else answers
    return [
        sign_off
        for sign_off in found
        if sign_off.meaning == Meaning.APPROVE and state_of(sign_off, review.subject_sha256, now) is SignatureState.LIVE
    ]


def stage_progress(
    review: Review, now: datetime | None = None, *, answers: Iterable[SignOff] | None = None
) -> list[StageProgress]:
    """The stages in order: ``done``, ``current`` (at most one), ``waiting``; ``answers`` as in :func:`live_approvals`."""
    approvals = live_approvals(review, now, answers=answers)
    progress, current_found = [], False
    for stage in review.stages.all():
        signed = [sign_off for sign_off in approvals if sign_off.stage_id == stage.pk]
        if len(signed) >= stage.quorum and not current_found:
            state = "done"
        elif not current_found:
            state, current_found = "current", True
        else:
            state = "waiting"
        progress.append(StageProgress(stage, signed, state))
    return progress


def valid_until(review: Review) -> datetime | None:
    """When the first of the live approvals runs out; None if none does."""
    return min((end for sign_off in live_approvals(review) if (end := ends_at(sign_off))), default=None)

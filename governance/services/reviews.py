"""Opening reviews and keeping them true to their subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from governance.models import Review, Stage, Verdict
from governance.policies_in_force import document_of
from governance.sign_offs import live_approvals, stage_progress
from governance.signature_record import Meaning
from governance.subject import Subject
from governance.transitions import ACTIVE_STATES, ReviewEvent, ReviewState, next_state
from registry import ledger
from registry.ledger_actions import Action
from registry.models import ModelVersion


def record_review(actor: ledger.Actor, action: Action, review: Review, data: Mapping[str, Any]) -> None:
    """Write the ledger entry of something that happened to a review."""
    ledger.record(
        actor=actor,
        action=action,
        obj_type="review",
        obj_id=str(review.pk),
        label=str(review),
        data={"subject_sha256": review.subject_sha256, "state": review.state, **data},
        model_name=review.version.model.name,
    )


def advance(review: Review, event: ReviewEvent) -> None:
    """Move a locked review by the transition table; the caller saves and records."""
    review.state = next_state(review.state, event)
    review.closed_at = None if review.state in ACTIVE_STATES else timezone.now()


def sync_review(
    *,
    actor: ledger.Actor,
    review: Review | None,
    verdict: Verdict,
    subject: Subject,
    champion: ModelVersion | None,
    reviewable: bool,
) -> Review | None:
    """Open, reopen or withdraw the active review so that it is about ``subject``. Runs in the assessment's transaction.

    Signatures are never touched: those on another subject read as stale by themselves. Once one on this very subject
    counts no more (it has run out), or the subject is again one that was answered before, the review ends and a new
    one begins, in which everybody may answer again: within one review nobody answers for the same twice.
    """
    if review is None:
        return _open(actor, verdict, subject, champion) if reviewable else None
    review = (
        Review.objects.select_for_update(of=("self",))
        .select_related("version__model", "policy_version__policy")
        .get(pk=review.pk)
    )
    if verdict.outcome == "blocked":
        advance(review, ReviewEvent.NO_LONGER_REVIEWABLE)
        _point(review, verdict, subject, champion)
        record_review(actor, Action.REVIEW_CLOSED, review, {"reason": "the version no longer meets the policy"})
    elif review.subject_sha256 != subject.sha256:
        stale = list(
            review.sign_offs.filter(subject_sha256=review.subject_sha256).values_list("record_sha256", flat=True)
        )
        advance(review, ReviewEvent.SUBJECT_CHANGED)
        _point(review, verdict, subject, champion)
        record_review(actor, Action.REVIEW_REOPENED, review, {"reason": "subject changed", "stale_sign_offs": stale})
        if reviewable and review.sign_offs.filter(subject_sha256=subject.sha256).exists():
            return _begin_anew(actor, review, "it is again what was answered before", verdict, subject, champion)
    elif reviewable and _signatures_lapsed(review):
        return _begin_anew(actor, review, "a signature is no longer valid", verdict, subject, champion)
    return review


def _begin_anew(
    actor: ledger.Actor,
    review: Review,
    reason: str,
    verdict: Verdict,
    subject: Subject,
    champion: ModelVersion | None,
) -> Review:
    advance(review, ReviewEvent.SIGNATURE_EXPIRED)
    review.save()
    record_review(actor, Action.REVIEW_CLOSED, review, {"reason": reason})
    return _open(actor, verdict, subject, champion)


def _signatures_lapsed(review: Review) -> bool:
    """Whether an approval of what the review is about counts no more, or one that an approved review needs is gone."""
    if review.state == ReviewState.CHANGES_REQUESTED:
        return False
    given = review.sign_offs.filter(meaning=Meaning.APPROVE, subject_sha256=review.subject_sha256).count()
    lapsed = given > len(live_approvals(review))
    return lapsed or (review.state == ReviewState.APPROVED and any(stage.missing for stage in stage_progress(review)))


def _point(review: Review, verdict: Verdict, subject: Subject, champion: ModelVersion | None) -> None:
    review.verdict, review.champion = verdict, champion
    review.subject, review.subject_sha256 = subject.content, subject.sha256
    review.save()


def _open(actor: ledger.Actor, verdict: Verdict, subject: Subject, champion: ModelVersion | None) -> Review:
    review = Review.objects.create(
        version=verdict.version,
        environment=verdict.environment,
        policy_version=verdict.policy_version,
        champion=champion,
        verdict=verdict,
        subject=subject.content,
        subject_sha256=subject.sha256,
    )
    Stage.objects.bulk_create(
        Stage(
            review=review,
            position=position,
            name=stage.stage,
            role=stage.role,
            quorum=stage.quorum,
            independent_of=list(stage.independent_of),
            valid_days=stage.valid_days,
            due_days=stage.due_days,
        )
        for position, stage in enumerate(document_of(verdict.policy_version).sign_off)
    )
    record_review(
        actor, Action.REVIEW_OPENED, review, {"policy": str(verdict.policy_version), "verdict_sha256": verdict.sha256}
    )
    return review

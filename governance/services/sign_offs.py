"""Signing: one person's answer in a review."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from governance.models import Review, SignOff, Stage
from governance.reauthentication import Reauthentication
from governance.segregation import Case, Signer, objections
from governance.services.assessment import REVIEWABLE, assess_version
from governance.services.reviews import advance, record_review
from governance.sign_offs import stage_progress, stages_hold
from governance.signature_record import Meaning, record, statement
from governance.transitions import ReviewEvent, ReviewState
from registry import keys
from registry.canonical import sha256_hex
from registry.checkpoints import anchor
from registry.errors import Conflict, IntegrityFailure, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.manifest import trained_on
from registry.models import Dataset, Person
from registry.selectors import roles_of
from registry.signing_key import signing_key

MAX_COMMENT = 10_000
_EVENTS = {
    Meaning.REQUEST_CHANGES: (ReviewEvent.REQUEST_CHANGES, Action.REVIEW_CHANGES_REQUESTED),
    Meaning.REJECT: (ReviewEvent.REJECT, Action.REVIEW_REJECTED),
}


def current_stage(review: Review) -> Stage | None:
    """The stage that is being asked; None when all have signed."""
    return next((item.stage for item in stage_progress(review) if item.state == "current"), None)


def objections_to(person: Person, review: Review, stage: Stage) -> list[str]:
    """Why ``person`` may not answer for ``stage``; empty if they may."""
    version = review.version
    answered = review.sign_offs.filter(subject_sha256=review.subject_sha256).values_list("person_id", flat=True)
    dataset = version.training_dataset
    return objections(
        Signer(
            person=person.pk,
            is_active=person.is_active,
            is_service=person.is_service,
            roles={role.value for role in roles_of(person, version.model)},
            owned_datasets=set(Dataset.objects.filter(owner=person).values_list("slug", flat=True)),
        ),
        Case(
            role=stage.role,
            independent_of=stage.independent_of,
            submitted_by=version.submitted_by_id,
            responsible=version.responsible_id,
            training_dataset=dataset.dataset.slug if dataset else None,
            already_signed=set(answered),
            further_datasets={reference.partition("@")[0] for reference in trained_on(version.facts)},
        ),
    )


def inconclusive_rules(review: Review) -> list[str]:
    """Rules that whoever approves must acknowledge by name."""
    return [rule["id"] for rule in review.verdict.document["rules"] if rule["status"] == "inconclusive"]


def sign_review(
    *,
    actor: Person,
    review: Review,
    meaning: Meaning,
    proof: Reauthentication,
    subject_sha256: str,
    acknowledged: Sequence[str] = (),
    comment: str = "",
) -> SignOff:
    """Record ``actor``'s answer for the stage being asked, bound to the subject they were shown.

    Everything is judged anew first, under lock: if anything changed since the page was opened, nothing is signed.

    Parameters
    ----------
    subject_sha256
        The digest of what the signer was shown.
    acknowledged
        Ids of the inconclusive rules that an approval accepts; all of them must be named, and no other.
    comment
        Reason; required for requesting changes and for rejecting.

    Raises
    ------
    Conflict
        If the subject changed, the review takes no signatures now, or evidence is missing.
    NotAllowed
        With every reason why this person may not sign, administrators included.
    InvalidInput
        If an inconclusive rule is not acknowledged, or a reason is missing.
    IntegrityFailure
        If the review's stages were changed behind the service's back.
    """
    proof.check(actor)
    # Once outside, so that what it finds (a stale review, reopened) stands even when nothing is signed; and once
    # inside, under the lock that the signature is given under.
    assess_version(version=review.version, environment=review.environment, actor=actor)
    with transaction.atomic():
        now = assess_version(version=review.version, environment=review.environment, actor=actor)
        review = (
            Review.objects.select_for_update(of=("self",))
            .select_related(
                "version__model__use_case", "version__training_dataset__dataset", "policy_version__policy", "verdict"
            )
            .get(pk=review.pk)
        )
        if now.review is None or now.review.pk != review.pk or review.subject_sha256 != subject_sha256:
            raise Conflict(
                "Something changed since you opened this page. Read it again before you sign.", field="subject_sha256"
            )
        stage = _check(actor, review, meaning, acknowledged, comment)
        sign_off = _record(actor, review, stage, meaning, proof, acknowledged, comment)
        _after(actor, review, meaning)
        transaction.on_commit(anchor)
    return sign_off


def _check(actor: Person, review: Review, meaning: Meaning, acknowledged: Sequence[str], comment: str) -> Stage:
    if not stages_hold(review):
        raise IntegrityFailure("The stages of this review are no longer those of its policy. Nothing was signed.")
    stage = current_stage(review)
    if review.state != ReviewState.OPEN or stage is None:
        raise Conflict(f"This review is {review.state.replace('_', ' ')}; it takes no signatures now.")
    if reasons := objections_to(actor, review, stage):
        raise NotAllowed(" ".join(reasons), reasons=reasons)
    if len(comment) > MAX_COMMENT:
        raise InvalidInput(f"A comment has at most {MAX_COMMENT} characters.", field="comment")
    if meaning is not Meaning.APPROVE:
        if not comment.strip():
            raise InvalidInput("Say why, so that the submitter knows what to do.", field="comment")
        return stage
    if review.verdict.outcome not in REVIEWABLE:
        raise Conflict("The evidence is not complete yet; nothing can be approved.")
    wanted = set(inconclusive_rules(review))
    if missing := sorted(wanted - set(acknowledged)):
        raise InvalidInput(
            f"Acknowledge each rule that the data cannot settle, by name: {', '.join(missing)}.", field="acknowledged"
        )
    if extra := sorted(set(acknowledged) - wanted):
        raise InvalidInput(
            f"{', '.join(extra)} is not inconclusive: there is nothing to acknowledge.", field="acknowledged"
        )
    return stage


def _record(
    actor: Person,
    review: Review,
    stage: Stage,
    meaning: Meaning,
    proof: Reauthentication,
    acknowledged: Sequence[str],
    comment: str,
) -> SignOff:
    now = timezone.now()
    policy = review.policy_version
    data = record(
        review=str(review.pk),
        stage=stage.name,
        role=stage.role,
        person=actor.username,
        printed_name=actor.printed_name,
        meaning=meaning,
        sentence=statement(
            meaning=meaning,
            printed_name=actor.printed_name,
            role=stage.role,
            version=str(review.version),
            environment=review.environment,
            policy=str(policy),
        ),
        subject_sha256=review.subject_sha256,
        verdict_sha256=review.verdict.sha256,
        policy={"id": policy.policy.name, "version": policy.number, "sha256": policy.sha256},
        acknowledged=acknowledged,
        comment=comment.strip(),
        method=proof.method,
        signed_at=now,
    )
    return SignOff.objects.create(
        stage=stage,
        review=review,
        person=actor,
        meaning=meaning.value,
        record=data,
        record_sha256=sha256_hex(data),
        seal=base64.b64encode(keys.sign(signing_key(), data)).decode(),
        subject_sha256=review.subject_sha256,
        method=proof.method,
        comment=comment.strip(),
        signed_at=now,
        valid_until=now + timedelta(days=stage.valid_days) if stage.valid_days else None,
    )


def _after(actor: Person, review: Review, meaning: Meaning) -> None:
    """Move the review on, and write what happened."""
    last = review.sign_offs.select_related("stage").latest("signed_at")
    record_review(
        actor,
        Action.SIGN_OFF_RECORDED,
        review,
        {
            "stage": last.stage.name,
            "meaning": meaning.value,
            "record_sha256": last.record_sha256,
            "method": last.method,
        },
    )
    if meaning in _EVENTS:
        event, action = _EVENTS[meaning]
    elif current_stage(review) is None:
        event, action = ReviewEvent.LAST_SIGNATURE, Action.REVIEW_APPROVED
    else:
        return
    advance(review, event)
    review.save()
    record_review(actor, action, review, {"comment": last.comment} if last.comment else {})

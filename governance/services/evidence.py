"""Measuring again what failed, was cancelled, or has grown too old for policy; and cancelling what is under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audits.models import Evaluation
from audits.services.evaluations import cancel_evaluation, repeat_evaluation
from governance.policies_in_force import document_of, environments_of, policy_in_force
from governance.rules.policy_document import PolicyDocument
from governance.services.assessment import latest_review
from governance.services.submissions import judge_everywhere
from governance.transitions import ACTIVE_STATES
from registry.models import ModelVersion, Person


@transaction.atomic
def measure_again(*, actor: Person, evaluation: Evaluation) -> Evaluation:
    """Ask the same question once more, and judge the version anew.

    Raises
    ------
    NotAllowed, InvalidInput, Conflict
        As :func:`audits.services.evaluations.repeat_evaluation` does; one that succeeded is measured again only where a
        policy that governs the version no longer accepts it because of its age.
    """
    _lock(evaluation)
    again = repeat_evaluation(actor=actor, evaluation=evaluation, too_old=is_too_old(evaluation))
    judge_everywhere(actor=actor, version=again.version)
    return again


@transaction.atomic
def stop_measuring(*, actor: Person, evaluation: Evaluation) -> Evaluation:
    """Cancel an evaluation, and judge the version anew: rules that wanted it are missing now.

    Raises
    ------
    NotAllowed, Conflict
        As :func:`audits.services.evaluations.cancel_evaluation` does.
    """
    _lock(evaluation)
    cancelled = cancel_evaluation(actor=actor, evaluation=evaluation)
    judge_everywhere(actor=actor, version=cancelled.version)
    return cancelled


def _lock(evaluation: Evaluation) -> None:
    """The version before the evaluation and the ledger: judging takes its locks in this order too."""
    ModelVersion.objects.select_for_update(of=("self",)).get(pk=evaluation.version_id)
    evaluation.refresh_from_db()


def is_too_old(evaluation: Evaluation) -> bool:
    """Whether a policy by which the version is judged anywhere accepts evidence of a shorter age than this."""
    if evaluation.finished_at is None:
        return False
    limits = (
        document.evidence.max_age_days for document in _policies(evaluation.version) if document.evidence.max_age_days
    )
    age = timezone.now() - evaluation.finished_at
    return any(age > timedelta(days=limit) for limit in limits)


def _policies(version: ModelVersion) -> Iterator[PolicyDocument]:
    tier = version.model.use_case.risk_tier
    for environment in environments_of(tier):
        review = latest_review(version, environment)
        policy = review.policy_version if review and review.state in ACTIVE_STATES else None
        policy = policy or policy_in_force(environment=environment, risk_tier=tier)
        if policy is not None:
            yield document_of(policy)

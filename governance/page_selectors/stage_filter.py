"""The stage of versions as the database can tell it, for filtering many; what a page shows is always computed anew.

It agrees with :func:`governance.page_selectors.standing.standings_of` on everything that services store. Only a row that
was edited behind the services' back can differ, because no database verifies seals: such a version is found under its
stored stage, and shown with the computed one.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from governance.models import Review, Stage, Verdict
from governance.signature_record import Meaning
from governance.transitions import ACTIVE_STATES, ReviewState
from registry.models import ModelVersion, RegisteredModel

STAGES = ("measuring", "blocked", "review", "approved", "rejected", "uncovered")


def newest_version(model: str = "pk") -> Subquery:
    """The version submitted last of the outer model."""
    last = ModelVersion.objects.filter(model=OuterRef(model)).order_by("-created_at", "-pk")
    return Subquery(last.values("pk")[:1])


def at_stage(models: QuerySet[RegisteredModel], stage: str, now: datetime | None = None) -> QuerySet[RegisteredModel]:
    """Models whose newest version stands at ``stage`` on its way to some environment."""
    if stage not in STAGES:
        return models.none()
    if stage == "uncovered":
        judged = Verdict.objects.filter(version=OuterRef("newest"))
        return models.alias(newest=newest_version()).filter(~Exists(judged), newest__isnull=False)
    staged = _current_verdicts().filter(_condition(stage, now or timezone.now()))
    return models.filter(pk__in=staged.values("version__model"))


def _current_verdicts() -> QuerySet[Verdict]:
    """The latest verdict for each environment on the newest version of each model."""
    later = Verdict.objects.filter(
        version=OuterRef("version"), environment=OuterRef("environment"), pk__gt=OuterRef("pk")
    )
    newer = ModelVersion.objects.filter(model=OuterRef("version__model")).filter(
        Q(created_at__gt=OuterRef("version__created_at"))
        | Q(created_at=OuterRef("version__created_at"), pk__gt=OuterRef("version"))
    )
    return Verdict.objects.filter(~Exists(newer), ~Exists(later)).order_by()


def _condition(stage: str, now: datetime) -> Q:
    """What verdict and review make of it, as :func:`governance.page_selectors.standing.standing` decides it."""
    judged = ~Q(outcome__in=["pending", "blocked"])
    rejected = Exists(_rejected())
    match stage:
        case "rejected":
            return Q(rejected)
        case "measuring":
            return (Q(outcome="pending") | (judged & ~Q(Exists(_active())))) & ~Q(rejected)
        case "blocked":
            asked = Exists(_active().filter(state=ReviewState.CHANGES_REQUESTED))
            return (Q(outcome="blocked") | (judged & Q(asked))) & ~Q(rejected)
        case "approved":
            return judged & Q(Exists(_active().filter(~Exists(_unsigned(now)), state=ReviewState.APPROVED)))
    waiting = Q(state=ReviewState.OPEN) | (Q(state=ReviewState.APPROVED) & Q(Exists(_unsigned(now))))
    return judged & Q(Exists(_active().filter(waiting)))


def _reviews() -> QuerySet[Review]:
    return Review.objects.filter(version=OuterRef("version"), environment=OuterRef("environment"))


def _active() -> QuerySet[Review]:
    """The outer verdict's active review; there is at most one."""
    return _reviews().filter(state__in=ACTIVE_STATES)


def _rejected() -> QuerySet[Review]:
    """The outer verdict's last review, if it was rejected and no other is active."""
    others = Review.objects.filter(version=OuterRef("version"), environment=OuterRef("environment")).filter(
        Q(state__in=ACTIVE_STATES) | Q(opened_at__gt=OuterRef("opened_at"))
    )
    return _reviews().filter(~Exists(others), state=ReviewState.REJECTED)


def _unsigned(now: datetime) -> QuerySet[Stage]:
    """Stages of the outer review that lack an approval which still counts."""
    counts = Q(
        sign_offs__meaning=Meaning.APPROVE,
        sign_offs__subject_sha256=F("review__subject_sha256"),
    ) & (Q(sign_offs__valid_until=None) | Q(sign_offs__valid_until__gt=now))
    return (
        Stage.objects.filter(review=OuterRef("pk"))
        .order_by()
        .annotate(given=Count("sign_offs", filter=counts))
        .filter(given__lt=F("quorum"))
    )

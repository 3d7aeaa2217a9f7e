"""The stage of versions as the database can tell it, for filtering many; what a page shows is always computed anew.

It agrees with :func:`governance.page_selectors.standing.standings_of` on everything that services store. Only a row that
was edited behind the services' back can differ, because no database verifies seals: such a version is found under its
stored stage, and shown with the computed one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
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
    found = models.alias(newest=newest_version())
    if stage not in STAGES:
        return found.none()
    judged = Verdict.objects.filter(version=OuterRef("newest"))
    if stage == "uncovered":
        return found.filter(~Exists(judged), newest__isnull=False)
    return found.filter(Exists(_staged(judged, now or timezone.now()).filter(stage=stage)))


def _staged(verdicts: QuerySet[Verdict], now: datetime) -> QuerySet[Any]:
    """The latest verdict for each environment, with the ``stage`` that it and its review make."""
    later = Verdict.objects.filter(
        version=OuterRef("version"), environment=OuterRef("environment"), pk__gt=OuterRef("pk")
    )
    review = (
        Review.objects.filter(version=OuterRef("version"), environment=OuterRef("environment"))
        .annotate(over=Case(When(state__in=ACTIVE_STATES, then=Value(0)), default=Value(1)))
        .order_by("over", "-opened_at")
    )
    return verdicts.filter(~Exists(later)).annotate(
        state=Subquery(review.values("state")[:1]),
        review=Subquery(review.values("pk")[:1]),
        stage=Case(
            When(state=ReviewState.REJECTED, then=Value("rejected")),
            When(outcome="pending", then=Value("measuring")),
            When(outcome="blocked", then=Value("blocked")),
            When(Q(state=None) | Q(state=ReviewState.WITHDRAWN), then=Value("measuring")),
            When(state=ReviewState.CHANGES_REQUESTED, then=Value("blocked")),
            When(Q(state=ReviewState.APPROVED) & ~Exists(_unsigned(now)), then=Value("approved")),
            default=Value("review"),
            output_field=CharField(),
        ),
    )


def _unsigned(now: datetime) -> QuerySet[Stage]:
    """Stages of the outer review that lack an approval which still counts."""
    counts = Q(
        sign_offs__meaning=Meaning.APPROVE,
        sign_offs__subject_sha256=F("review__subject_sha256"),
    ) & (Q(sign_offs__valid_until=None) | Q(sign_offs__valid_until__gt=now))
    return (
        Stage.objects.filter(review=OuterRef("review"))
        .order_by()
        .annotate(given=Count("sign_offs", filter=counts))
        .filter(given__lt=F("quorum"))
    )

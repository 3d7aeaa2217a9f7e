"""Where versions stand on their way to an environment, as stored: read for many models at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.models import EnvironmentPointer, Promotion, Review, SignOff, Verdict
from governance.sign_offs import StageProgress, stage_progress
from governance.transitions import ACTIVE_STATES, ReviewState
from registry.models import ModelVersion, RegisteredModel

_CHUNK = 500
_BLOBS = ("subject", "version__manifest", "verdict__facts", "policy_version__content")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one version stands for one environment, from stored verdict and signatures alone.

    Attributes
    ----------
    status
        One of the seven statuses, for mark and colour.
    word
        What stands beside the mark.
    runs, promoted
        Whether the environment runs this version now; whether it ever did.
    stage
        Key to filter lists by: ``measuring``, ``blocked``, ``review``, ``approved``, ``rejected``, ``uncovered``.
    """

    version: ModelVersion
    environment: str
    verdict: Verdict | None
    review: Review | None
    answers: list[SignOff] = field(default_factory=list)
    progress: list[StageProgress] = field(default_factory=list)
    runs: bool = False
    promoted: bool = False
    status: str = "missing"
    word: str = ""
    stage: str = "uncovered"

    @property
    def current(self) -> StageProgress | None:
        """The stage being asked, if any."""
        if self.stage != "review":
            return None
        return next((item for item in self.progress if item.state == "current"), None)

    @property
    def asked_since(self) -> datetime:
        """Since when the stage being asked waits: when the one before was complete, or the review was opened."""
        assert self.review is not None
        signed = [item.signed_at for done in self.progress if done.state == "done" for item in done.signed]
        return max([self.review.opened_at, *signed])

    @property
    def due(self) -> datetime | None:
        """By when the stage being asked should answer."""
        current = self.current
        if current is None or current.stage.due_days is None:
            return None
        return self.asked_since + timedelta(days=current.stage.due_days)


@dataclass(frozen=True, slots=True)
class Places:
    """``(version, environment)`` of what runs where, and of what ever did."""

    running: set[tuple[int, str]]
    promoted: set[tuple[int, str]]


def newest_versions(models: Collection[RegisteredModel]) -> QuerySet[ModelVersion]:
    """The version submitted last of each model."""
    last = ModelVersion.objects.filter(model=OuterRef("model")).order_by("-created_at", "-pk").values("pk")[:1]
    return (
        ModelVersion.objects.filter(model__in=[model.pk for model in models], pk=Subquery(last))
        .select_related("model__use_case", "submitted_by")
        .defer("manifest")
        .order_by("model__name")
    )


def no_longer_allowed(models: Collection[RegisteredModel]) -> QuerySet[ModelVersion]:
    """Versions that run somewhere and would not be let in again."""
    running = EnvironmentPointer.objects.filter(
        model__in=[model.pk for model in models], noncompliant_since__isnull=False, promotion__isnull=False
    ).values("promotion__version")
    return (
        ModelVersion.objects.filter(pk__in=running)
        .select_related("model__use_case", "submitted_by")
        .defer("manifest")
        .order_by("model__name")
    )


def standings_of(versions: Collection[ModelVersion], reviews: Iterable[Review] = ()) -> list[Standing]:
    """Standings of ``versions`` in every environment they were judged for, and of ``reviews`` of other versions.

    A version that no policy covers has one standing, without environment.
    """
    verdicts = _latest_verdicts(versions)
    by_key: dict[tuple[int, str], Review] = {}
    for review in [*reviews, *_reviews_of(versions)]:
        by_key.setdefault((review.version_id, review.environment), review)
    places = _places({version.model_id for version in versions} | {item.version.model_id for item in by_key.values()})
    keys = {(verdict.version_id, verdict.environment): verdict for verdict in verdicts}
    known = {version.pk: version for version in versions} | {item.version_id: item.version for item in by_key.values()}
    now = timezone.now()
    found = [
        standing(known[pk], environment, keys.get((pk, environment)), by_key.get((pk, environment)), places, now)
        for pk, environment in dict.fromkeys([*keys, *by_key])
    ]
    covered = {item.version.pk for item in found}
    found += [_uncovered(version) for version in versions if version.pk not in covered]
    return found


def active_reviews(models: Collection[RegisteredModel]) -> list[Review]:
    """Reviews that somebody still has to do something about."""
    open_, waiting = [ReviewState.OPEN, ReviewState.CHANGES_REQUESTED], Q(state=ReviewState.APPROVED)
    found = _with_everything(
        Review.objects.filter(version__model__in=[model.pk for model in models]).filter(
            Q(state__in=open_) | waiting & Q(promotions__isnull=True)
        )
    )
    return list(found.iterator(chunk_size=_CHUNK))


def standing(
    version: ModelVersion,
    environment: str,
    verdict: Verdict | None,
    review: Review | None,
    places: Places,
    now: datetime,
) -> Standing:
    """The standing from what was read."""
    verdict = verdict or (review.verdict if review else None)
    answers = list(review.sign_offs.all()) if review else []
    progress = stage_progress(review, now, answers=answers) if review else []
    stage, status, word = _words(verdict, review, progress)
    here = (version.pk, environment) in places.running
    if here:
        status, word = _words_where_it_runs(stage, status, word, environment)
    promoted = (version.pk, environment) in places.promoted
    return Standing(version, environment, verdict, review, answers, progress, here, promoted, status, word, stage)


def _words_where_it_runs(stage: str, status: str, word: str, environment: str) -> tuple[str, str]:
    """What runs, and would it be let in again."""
    where = {"environment": environment, "word": word}
    if stage == "approved":
        return "pass", _("runs in %(environment)s") % where
    if stage in ("measuring", "review"):
        return status, _("runs in %(environment)s; %(word)s") % where
    return "fail", _("runs in %(environment)s, no longer allowed: %(word)s") % where


def _words(verdict: Verdict | None, review: Review | None, progress: list[StageProgress]) -> tuple[str, str, str]:
    if review is not None and review.state == ReviewState.REJECTED:
        return "rejected", "fail", _("rejected")
    if verdict is None or verdict.outcome == "pending":
        return "measuring", "pending", _("being measured")
    if verdict.outcome == "blocked":
        return "blocked", "fail", _("blocked")
    if review is None or review.state == ReviewState.WITHDRAWN:
        return "measuring", "pending", _("being judged")
    return _words_of_review(verdict, review, progress)


def _words_of_review(verdict: Verdict, review: Review, progress: list[StageProgress]) -> tuple[str, str, str]:
    if review.state == ReviewState.CHANGES_REQUESTED:
        return "blocked", "fail", _("changes requested")
    missing = next((item.stage.name for item in progress if item.state == "current"), None)
    if review.state == ReviewState.APPROVED and missing is None:
        return "approved", "pass", _("approved")
    mark = "inconclusive" if verdict.outcome == "review" else "pending"
    return "review", mark, _("waiting for %(stage)s") % {"stage": missing or _("signatures")}


def _uncovered(version: ModelVersion) -> Standing:
    return Standing(version, "", None, None, word=_("no policy covers it"))


def _latest_verdicts(versions: Collection[ModelVersion]) -> QuerySet[Verdict]:
    latest = (
        Verdict.objects.filter(version__in=[version.pk for version in versions])
        .order_by()
        .values("version", "environment")
        .annotate(last=Max("pk"))
        .values("last")
    )
    return Verdict.objects.filter(pk__in=latest).defer("facts").order_by("environment")


def _reviews_of(versions: Collection[ModelVersion]) -> list[Review]:
    """The active review of each version and environment, else the last; in the order in which they should be taken."""
    found = _with_everything(Review.objects.filter(version__in=[version.pk for version in versions]))
    # In parts: SQLite cannot look up what belongs to more than a thousand reviews in one query.
    parts = found.order_by("-opened_at").iterator(chunk_size=_CHUNK)
    return sorted(parts, key=lambda review: review.state not in ACTIVE_STATES)


def _with_everything(reviews: QuerySet[Review]) -> QuerySet[Review]:
    return (
        reviews.select_related(
            "version__model__use_case",
            "version__submitted_by",
            "version__training_dataset__dataset",
            "policy_version__policy",
            "verdict",
        )
        .defer(*_BLOBS)
        .prefetch_related("stages", "sign_offs__person", "sign_offs__stage")
    )


def _places(models: Collection[int]) -> Places:
    pointers = EnvironmentPointer.objects.filter(model__in=models, promotion__isnull=False)
    promotions = Promotion.objects.filter(model__in=models).order_by()
    return Places(
        set(pointers.values_list("promotion__version", "environment")),
        set(promotions.values_list("version", "environment")),
    )

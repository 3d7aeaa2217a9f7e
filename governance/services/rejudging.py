"""Judging again what something new has touched: a withdrawn licence, another tier, a term that ran out."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from governance.models import EnvironmentPointer, Review
from governance.page_selectors.standing import newest_versions
from governance.policies_in_force import environments_of
from governance.services.assessment import Assessment, assess_version
from governance.services.compliance import follow_compliance, lock_where_it_runs, why_blocked
from governance.services.gate import ALLOW, opinion_on
from governance.services.notices import notify_about_version
from governance.transitions import ACTIVE_STATES
from registry import ledger
from registry.lineage_queries import models_depending_on
from registry.models import Dataset, ModelVersion, Place, RegisteredModel, UseCase

log = structlog.get_logger(__name__)
_A_SWEEP = 20


@transaction.atomic
def judge_again(
    *, version: ModelVersion, environment: str, actor: ledger.Actor = ledger.SYSTEM, because: str = ""
) -> Assessment:
    """Judge a version for an environment now; where it runs there, follow whether it would still be let in.

    People are told when a version that met its policy is blocked, or the other way round.
    """
    pointer = lock_where_it_runs(version, environment)
    before = version.verdicts.filter(environment=environment).order_by("-pk").first()
    assessment = assess_version(version=version, environment=environment, actor=actor)
    opinion = opinion_on(assessment)
    why = why_blocked(assessment.verdict, opinion.reason)
    if pointer is not None and opinion.waiting_for != ("evaluation",):
        follow_compliance(
            actor=actor, pointer=pointer, version=assessment.version, allowed=opinion.result == ALLOW, why=why
        )
    elif pointer is None and before and assessment.verdict and before.pk != assessment.verdict.pk:
        _tell_turn(assessment, before.outcome, because, why)
    return assessment


def _tell_turn(assessment: Assessment, before: str, because: str, why: str) -> None:
    """Tell of a version that does not run there, but was on its way."""
    verdict = assessment.verdict
    assert verdict is not None
    if verdict.outcome == "pending" or (before == "blocked") == (verdict.outcome == "blocked"):
        return
    word = "no longer meets" if verdict.outcome == "blocked" else "meets again, as far as measured,"
    notify_about_version(
        version=assessment.version,
        environment=assessment.environment,
        kind="verdict.turned",
        key=str(verdict.pk),
        subject=f"{assessment.version} {word} the policy of {assessment.environment}",
        body=f"{because} {why}".strip(),
    )


def under_way(versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """Those that run somewhere, are under review, or are the newest of their model; others are judged when asked about."""
    pks = {version.pk for version in versions}
    found = ModelVersion.objects.filter(pk__in=pks).select_related("model__use_case")
    models = list(RegisteredModel.objects.filter(versions__in=pks).distinct())
    newest = set(newest_versions(models).values_list("pk", flat=True))
    running = EnvironmentPointer.objects.filter(promotion__version__in=pks).values_list("promotion__version", flat=True)
    reviewed = Review.objects.filter(version__in=pks, state__in=ACTIVE_STATES).values_list("version", flat=True)
    wanted = newest | set(running) | set(reviewed)
    return [version for version in found if version.pk in wanted]


def judge_everywhere_again(*, versions: Iterable[ModelVersion], because: str) -> int:
    """Judge versions again for every environment they were on their way to; how many judgements that was.

    Each in a transaction of its own: one version whose stored bytes are damaged must not shield the others.
    """
    done = 0
    for version in under_way(versions):
        environments = {
            *version.verdicts.values_list("environment", flat=True),
            *environments_of(version.model.use_case.risk_tier),
        }
        for environment in sorted(environments):
            try:
                judge_again(version=version, environment=environment, because=because)
                done += 1
            except Exception:
                log.exception("could not judge again", version=str(version), environment=environment)
    return done


def judge_dependents(*, dataset_id: int, because: str) -> int:
    """Judge again every model that depends on a dataset, through lineage."""
    dataset = Dataset.objects.get(pk=dataset_id)
    places = list(Place.objects.filter(dataset=dataset).values_list("pk", flat=True))
    trained = ModelVersion.objects.filter(training_dataset__dataset=dataset)
    versions = {version.pk: version for version in [*models_depending_on(places), *trained]}
    return judge_everywhere_again(versions=versions.values(), because=because)


def judge_use_case(*, use_case_id: int, because: str) -> int:
    """Judge again every model of a use case, whose tier, purpose or regions may have changed."""
    use_case = UseCase.objects.get(pk=use_case_id)
    return judge_everywhere_again(versions=ModelVersion.objects.filter(model__use_case=use_case), because=because)


def judge_what_runs(*, limit: int = _A_SWEEP) -> int:
    """Judge what runs once a day: terms, signatures and evidence run out by themselves, at midnight UTC.

    A sweep of every worker; each takes the few that were not judged today for longest.
    """
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    due = (
        EnvironmentPointer.objects.filter(Q(judged_at=None) | Q(judged_at__lt=midnight), promotion__isnull=False)
        .select_related("promotion__version__model__use_case")
        .order_by("judged_at")[:limit]
    )
    done = 0
    for pointer in due:
        assert pointer.promotion is not None
        try:
            judge_again(version=pointer.promotion.version, environment=pointer.environment)
        except Exception:
            log.exception("could not judge what runs", pointer=str(pointer))
            EnvironmentPointer.objects.filter(pk=pointer.pk).update(judged_at=timezone.now())
        done += 1
    return done

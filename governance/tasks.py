"""Background entry points of the governance package. Safe to run twice."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.utils import timezone
from django_tasks import task

_AGAIN_AFTER = timedelta(seconds=2)


@task()
def assess_when_measured(version_id: int, environment: str) -> None:
    """Judge a version once its evaluations are through; until then, look again a little later."""
    from governance.services.assessment import assess_version
    from registry.models import ModelVersion

    assessment = assess_version(version=ModelVersion.objects.get(pk=version_id), environment=environment)
    if any(not evaluation.is_finished for evaluation in assessment.evaluations.values()):
        assess_when_measured.using(run_after=timezone.now() + _AGAIN_AFTER).enqueue(version_id, environment)


@task()
def draw_verdict(verdict_id: int) -> None:
    """Draw the pictures of a verdict's evidence."""
    from governance.services.pictures import draw_verdict as draw

    draw(verdict_id=verdict_id)


@task()
def render_dossier(export_id: str) -> None:
    """Make the documents of a requested dossier."""
    from governance.services.dossier_exports import render_dossier as render

    render(export_id=uuid.UUID(export_id))


@task()
def mail_notice(notice_id: int) -> None:
    """Send one notice by e-mail."""
    from governance.services.notices import mail

    mail(notice_id=notice_id)


@task()
def judge_dependents(dataset_id: int, because: str) -> None:
    """Judge again every model that depends on a dataset."""
    from governance.services.rejudging import judge_dependents as judge

    judge(dataset_id=dataset_id, because=because)


@task()
def judge_use_case(use_case_id: int, because: str) -> None:
    """Judge again every model of a use case."""
    from governance.services.rejudging import judge_use_case as judge

    judge(use_case_id=use_case_id, because=because)

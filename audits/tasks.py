"""Background entry points of the audits package. Safe to run twice."""

from __future__ import annotations

import uuid

from django_tasks import task


@task()
def run_evaluation(evaluation_id: str) -> None:
    """Measure one planned evaluation."""
    from audits.services.evaluations import run_evaluation as run

    run(evaluation_id=uuid.UUID(evaluation_id))


@task()
def answer_what_if(what_if_id: str) -> None:
    """Answer one question about a row."""
    from audits.services.what_ifs import answer_what_if as answer

    answer(what_if_id=uuid.UUID(what_if_id))

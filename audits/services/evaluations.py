"""Planning, running and finishing evaluations."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from audits import jobs
from audits.code_versions import code_version
from audits.measurement import Measurement
from audits.models import Evaluation, JobStatus, MeasurementRow, Trust
from audits.tasks import run_evaluation as run_evaluation_task
from registry import artifact_store, ledger
from registry.canonical import canonical_json, digest_of
from registry.errors import Conflict, InvalidInput
from registry.ledger_actions import Action
from registry.manifest import PREDICTIONS
from registry.models import ModelVersion, Person
from registry.services.artifacts import keep_bytes


def _record(
    evaluation: Evaluation, action: Action, data: Mapping[str, Any], actor: ledger.Actor = ledger.SYSTEM
) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="evaluation",
        obj_id=str(evaluation.pk),
        label=f"{evaluation.version} {evaluation.kind}",
        data={"kind": evaluation.kind, **data},
        model_name=evaluation.version.model.name,
    )


def question_of(plan: Mapping[str, Any], inputs: Sequence[Mapping[str, str]]) -> str:
    """The digest of what is asked: kind, parameters, and the digests of the files."""
    return digest_of(
        {"kind": plan["kind"], "parameters": plan["parameters"], "inputs": [dict(file) for file in inputs]}
    )


def _prediction_file(version: ModelVersion) -> dict[str, str] | None:
    file = version.files.filter(role=PREDICTIONS).first()
    return {"path": file.path, "sha256": file.artifact_id} if file else None


@transaction.atomic
def evaluate_version(
    *,
    actor: Person,
    version: ModelVersion,
    plans: Sequence[Mapping[str, Any]],
    champion: ModelVersion | None = None,
) -> list[Evaluation]:
    """Queue the evaluations of a plan; what was asked before, with the same inputs and code, is not asked again.

    Parameters
    ----------
    plans
        ``[{"kind", "parameters"}]``, as a policy's plan gives them.
    champion
        The version that ``comparison`` compares with.

    Returns
    -------
    list of Evaluation
        One for each plan, new or known. A version without test predictions gets evaluations in ``error`` at once.
    """
    mine = _prediction_file(version)
    theirs = _prediction_file(champion) if champion else None
    return [
        _plan(actor, version, plan, champion if plan["kind"] == "comparison" else None, mine, theirs) for plan in plans
    ]


def _plan(
    actor: Person,
    version: ModelVersion,
    plan: Mapping[str, Any],
    champion: ModelVersion | None,
    mine: Mapping[str, str] | None,
    theirs: Mapping[str, str] | None,
) -> Evaluation:
    inputs = [dict(file) for file in (mine, theirs if champion else None) if file]
    question = question_of(plan, inputs)
    known = version.evaluations.filter(question=question, code_version=code_version()).order_by("-created_at").first()
    if known is not None:
        return known
    evaluation = Evaluation.objects.create(
        version=version,
        kind=plan["kind"],
        champion=champion,
        parameters=dict(plan["parameters"]),
        inputs=inputs,
        question=question,
        code_version=code_version(),
        trust=Trust.CLAIMED,
        requested_by=actor,
    )
    _record(evaluation, Action.EVALUATION_QUEUED, {"question": question}, actor)
    run_evaluation_task.enqueue(str(evaluation.pk))
    return evaluation


@transaction.atomic
def repeat_evaluation(*, actor: Person, evaluation: Evaluation) -> Evaluation:
    """Ask a question again whose answer was an error, as a new evaluation.

    Raises
    ------
    InvalidInput
        If it has not failed: a measurement that succeeded is not replaced by luck.
    Conflict
        If the question has been asked again already.
    """
    evaluation = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
    if evaluation.status != JobStatus.ERROR:
        raise InvalidInput("only an evaluation that ended in error can be repeated")
    try:
        with transaction.atomic():
            again = Evaluation.objects.create(
                version=evaluation.version,
                kind=evaluation.kind,
                champion=evaluation.champion,
                parameters=evaluation.parameters,
                inputs=evaluation.inputs,
                question=evaluation.question,
                code_version=code_version(),
                trust=evaluation.trust,
                requested_by=actor,
            )
    except IntegrityError:
        raise Conflict("this question has been asked again already; its evaluation is there or under way") from None
    _record(again, Action.EVALUATION_QUEUED, {"question": again.question, "repeats": str(evaluation.pk)}, actor)
    run_evaluation_task.enqueue(str(again.pk))
    return again


@transaction.atomic
def _begin(evaluation_id: uuid.UUID) -> Evaluation | None:
    evaluation = jobs.claim(Evaluation, evaluation_id)
    if evaluation is not None:
        _record(evaluation, Action.EVALUATION_STARTED, {"attempt": evaluation.attempt})
    return evaluation


def run_evaluation(*, evaluation_id: uuid.UUID) -> None:
    """Measure: in a worker, safe to run twice. Whatever goes wrong ends as an evaluation in ``error``, never a pass."""
    evaluation = _begin(evaluation_id)
    if evaluation is None:
        return
    with jobs.working(evaluation, failed=_record_failure):
        _succeed(evaluation, _measure(evaluation))


def _record_failure(evaluation: Evaluation, message: str) -> None:
    _record(evaluation, Action.EVALUATION_FAILED, {"message": message})


def _measure(evaluation: Evaluation) -> dict[str, Any]:
    from audits.engines.opening import Data
    from audits.evaluate import evaluate

    if not evaluation.inputs:
        raise InvalidInput(f"the version has no file with the role {PREDICTIONS}: there is nothing to measure")
    with ExitStack() as stack:
        files = [
            Data(
                name=file["path"],
                path=stack.enter_context(artifact_store.local_path(file["sha256"], suffix=Path(file["path"]).suffix)),
            )
            for file in evaluation.inputs
        ]
        return evaluate(evaluation.kind, files, evaluation.parameters, progress=jobs.progress_of(evaluation))


def _succeed(evaluation: Evaluation, report: Mapping[str, Any]) -> None:
    data = canonical_json(report)
    with jobs.finishing(evaluation) as held:
        held.report = keep_bytes(data)
        MeasurementRow.objects.bulk_create(
            MeasurementRow.of(held, Measurement.from_json(item)) for item in report["measurements"]
        )
        _record(
            held,
            Action.EVALUATION_SUCCEEDED,
            {"report_sha256": held.report_id, "measurements": len(report["measurements"]), "trust": held.trust},
        )


def reclaim_evaluations() -> list[Evaluation]:
    """Take back evaluations of dead workers."""
    return jobs.reclaim(
        Evaluation,
        enqueue=lambda job: run_evaluation_task.enqueue(str(job.pk)),
        record=lambda job, data: _record(job, Action.EVALUATION_RECLAIMED, data),
    )


def current_evaluations(
    version: ModelVersion, plans: Sequence[Mapping[str, Any]], *, champion: ModelVersion | None = None
) -> dict[str, Evaluation]:
    """The latest evaluation that answers each plan, by kind; a plan that was never queued is absent."""
    mine = _prediction_file(version)
    theirs = _prediction_file(champion) if champion else None
    found: dict[str, Evaluation] = {}
    for plan in plans:
        inputs = [dict(file) for file in (mine, theirs if plan["kind"] == "comparison" else None) if file]
        latest = (
            version.evaluations.select_related("report")
            .filter(question=question_of(plan, inputs))
            .order_by("-created_at")
            .first()
        )
        if latest is not None:
            found[plan["kind"]] = latest
    return found

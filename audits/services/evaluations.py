"""Planning, running, cancelling and finishing evaluations."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audits import jobs
from audits.code_versions import code_version
from audits.data_roles import CHAMPION, TRAINING
from audits.measurement import Measurement
from audits.models import Evaluation, JobStatus, MeasurementRow
from audits.services.inputs import inputs_of, opened, parameters_with, require_all
from audits.services.trust import RESCORING, settle_trust, trust_of
from audits.tasks import run_evaluation as run_evaluation_task
from registry import ledger
from registry.canonical import canonical_json, digest_of
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person
from registry.roles import Role
from registry.selectors import roles_of
from registry.services.artifacts import keep_bytes
from registry.services.classifications import record_scan_of_version

MEASURERS = frozenset({Role.DEVELOPER, Role.MODEL_OWNER, Role.VALIDATOR})
"""Who has failed measurements made again, and cancels those under way."""

_DATED = frozenset({"quality", "environment"})
"""Kinds that measure ages: of the newest row, of a report."""

MOST_REPORT_BYTES = 16_000_000
"""Evidence is read whole by pages and embedded in documents."""


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


def question_of(plan: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> str:
    """The digest of what is asked: kind, parameters, and the inputs by role, and by digest or address."""
    return digest_of(
        {"kind": plan["kind"], "parameters": plan["parameters"], "inputs": [dict(file) for file in inputs]}
    )


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
        ``[{"key", "kind", "roles", "parameters"}]``, as a policy's plan gives them.
    champion
        The version that ``comparison`` compares with.

    Returns
    -------
    list of Evaluation
        One for each plan, new or known. Where no data play a role, it will end in ``error`` and say which.
    """
    return [_plan(actor, version, plan, _champion(plan, champion)) for plan in plans]


def _champion(plan: Mapping[str, Any], champion: ModelVersion | None) -> ModelVersion | None:
    return champion if any(role.startswith(CHAMPION) for role in plan["roles"]) else None


def _plan(actor: Person, version: ModelVersion, plan: Mapping[str, Any], champion: ModelVersion | None) -> Evaluation:
    inputs, _missing = inputs_of(version, plan, champion)
    question = question_of(plan, inputs)
    known = version.evaluations.filter(question=question, code_version=code_version()).order_by("-created_at").first()
    if known is not None:
        return known
    return _queue(
        actor,
        Evaluation(
            version=version,
            kind=plan["kind"],
            key=plan["key"],
            roles=list(plan["roles"]),
            champion=champion,
            parameters=_with_date(plan["kind"], plan["parameters"]),
            inputs=inputs,
            question=question,
            trust=trust_of(version, plan["kind"], inputs, champion, plan["roles"]),
        ),
    )


def _with_date(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with the day to which ages count where there are any: no part of the question, but of the answer."""
    return {**parameters, **({"as_of": timezone.now().date().isoformat()} if kind in _DATED else {})}


def _queue(actor: Person, evaluation: Evaluation, **said: str) -> Evaluation:
    evaluation.code_version, evaluation.requested_by = code_version(), actor
    evaluation.save(force_insert=True)
    _record(evaluation, Action.EVALUATION_QUEUED, {"question": evaluation.question, **said}, actor)
    run_evaluation_task.enqueue(str(evaluation.pk))
    return evaluation


def require_measurer(person: Person, version: ModelVersion) -> None:
    """Refuse those who may neither ask for a measurement again nor cancel one.

    Raises
    ------
    NotAllowed
        Unless they are a developer, owner or validator of the model.
    """
    if not roles_of(person, version.model) & MEASURERS:
        raise NotAllowed("only developers, owners and validators of the model may measure again or cancel")


@transaction.atomic
def repeat_evaluation(*, actor: Person, evaluation: Evaluation, too_old: bool = False) -> Evaluation:
    """Ask a question again whose answer was an error or was cancelled, as a new evaluation.

    Parameters
    ----------
    too_old
        Whether policy no longer accepts the evaluation because of its age; then it is replaced though it succeeded.

    Raises
    ------
    NotAllowed
        Unless the actor is a developer, owner or validator of the model.
    InvalidInput
        If it stands: a measurement that succeeded is not replaced by luck.
    Conflict
        If the question has been asked again already.
    """
    evaluation = (
        Evaluation.objects.select_for_update(of=("self",)).select_related("version__model").get(pk=evaluation.pk)
    )
    require_measurer(actor, evaluation.version)
    stands = evaluation.status not in (JobStatus.ERROR, JobStatus.CANCELLED)
    if stands and not (too_old and evaluation.status == JobStatus.SUCCEEDED):
        raise InvalidInput("only an evaluation that ended in error, was cancelled or has grown too old can be repeated")
    if stands and not evaluation.replaced:
        evaluation.replaced = True
        evaluation.save(update_fields=["replaced"])
    again = Evaluation(
        version=evaluation.version,
        kind=evaluation.kind,
        key=evaluation.key,
        roles=evaluation.roles,
        champion=evaluation.champion,
        parameters=_with_date(evaluation.kind, evaluation.parameters),
        inputs=evaluation.inputs,
        question=evaluation.question,
        trust=trust_of(evaluation.version, evaluation.kind, evaluation.inputs, evaluation.champion, evaluation.roles),
    )
    try:
        with transaction.atomic():
            return _queue(actor, again, repeats=str(evaluation.pk))
    except IntegrityError:
        raise Conflict("this question has been asked again already; its evaluation is there or under way") from None


def cancel_evaluation(*, actor: Person, evaluation: Evaluation) -> Evaluation:
    """Cancel an evaluation that has not ended; cancelling it twice changes nothing.

    A worker that is at it stops within seconds and writes nothing.

    Raises
    ------
    NotAllowed
        Unless the actor is a developer, owner or validator of the model.
    Conflict
        If it has ended already.
    """
    require_measurer(actor, evaluation.version)
    with jobs.cancelling(Evaluation, evaluation.pk) as held:
        if held is not None:
            held.cancelled_by = actor
            _record(held, Action.EVALUATION_CANCELLED, {"progress": held.percent}, actor)
    evaluation.refresh_from_db()
    return evaluation


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
    with jobs.working(evaluation, failed=_record_failure) as progress:
        _succeed(evaluation, _measure(evaluation, progress))


def _record_failure(evaluation: Evaluation, message: str) -> None:
    _record(evaluation, Action.EVALUATION_FAILED, {"message": message})


def _measure(evaluation: Evaluation, progress: jobs.Progress) -> dict[str, Any]:
    from audits.evaluate import evaluate

    plan = {"roles": evaluation.roles, "parameters": evaluation.parameters}
    _inputs, missing = inputs_of(evaluation.version, plan, evaluation.champion)
    require_all(missing, evaluation.version, evaluation.roles)
    parameters = parameters_with(evaluation.inputs, evaluation.parameters)
    with ExitStack() as stack:
        return evaluate(
            evaluation.kind, list(opened(stack, evaluation.roles, evaluation.inputs)), parameters, progress=progress
        )


def _succeed(evaluation: Evaluation, report: Mapping[str, Any]) -> None:
    data = canonical_json(report)
    if len(data) > MOST_REPORT_BYTES:
        raise InvalidInput(
            f"the report has {len(data) / 1e6:,.0f} MB, more than the {MOST_REPORT_BYTES / 1e6:,.0f} MB that evidence may "
            "have: ask about fewer columns or groups"
        )
    with jobs.finishing(evaluation) as held:
        held.report = keep_bytes(data)
        MeasurementRow.objects.bulk_create(
            MeasurementRow.of(held, Measurement.from_json(item)) for item in report["measurements"]
        )
        if held.kind == "pii" and held.roles == [TRAINING]:
            record_scan_of_version(
                actor=ledger.SYSTEM,
                version=held.version,
                found=_entities_found(report),
                evidence=str(held.report_id),
            )
        _record(
            held,
            Action.EVALUATION_SUCCEEDED,
            {"report_sha256": held.report_id, "measurements": len(report["measurements"]), "trust": held.trust},
        )
        if held.kind == RESCORING:
            held.save()
            grade_evaluations(version=held.version)


@transaction.atomic
def grade_evaluations(*, version: ModelVersion) -> None:
    """Grade again what rests on predictions that were re-scored, and write down what changed. Changes nothing twice."""
    for changed in settle_trust(version):
        _record(changed, Action.EVALUATION_GRADED, {"trust": changed.trust})


def _entities_found(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """The entities that a scan for personal data reports, by column; ``any`` only says that the column was scanned."""
    found: dict[str, list[str]] = {}
    for item in report["measurements"]:
        place = item["slice"]
        if item["metric"] == "pii_rate" and item["value"] and place["entity"] != "any":
            found.setdefault(place["column"], []).append(place["entity"])
    return found


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
    """The latest evaluation that answers each plan, by key; a plan that was never queued is absent."""
    found: dict[str, Evaluation] = {}
    for plan in plans:
        inputs, _missing = inputs_of(version, plan, _champion(plan, champion))
        latest = (
            version.evaluations.select_related("report", "cancelled_by")
            .filter(question=question_of(plan, inputs))
            .order_by("-created_at")
            .first()
        )
        if latest is not None:
            found[plan["key"]] = latest
    return found

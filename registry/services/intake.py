"""Writing intakes of use cases: start, save, discard, and submit.

A draft is nobody's evidence, so saving one writes no ledger entry; what it becomes is recorded when it is submitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.intake_form import DETAILS, RISK, Judged, check_draft, judge
from registry.intake_selectors import get_intake
from registry.models import Intake, Person, UseCase
from registry.scorecards import current_scorecard
from registry.services.risk import conclude, record_first_assessment
from registry.services.use_cases import check_may_register, create_use_case

_MOST_OPEN = 50


@transaction.atomic
def start_intake(*, actor: Person, answers: Mapping[str, Any] | None = None) -> Intake:
    """Begin a draft; its author owns the use case unless another owner is named.

    Raises
    ------
    InvalidInput
        If an answer has a wrong shape.
    Conflict
        If the actor has very many unfinished ones.
    """
    if actor.is_service:
        raise NotAllowed("use cases are described by people")
    if Intake.objects.filter(author=actor, use_case=None, discarded_at=None).count() >= _MOST_OPEN:
        raise Conflict(f"you have {_MOST_OPEN} unfinished intakes; finish or discard some first")
    return Intake.objects.create(author=actor, answers={"owner": actor.username, **check_draft(answers or {})})


@transaction.atomic
def save_intake(*, actor: Person, intake: UUID, revision: int, changes: Mapping[str, Any]) -> Intake:
    """Put ``changes`` in the place of those answers; others stay. The questionnaire's answers are one by one, too.

    Parameters
    ----------
    revision
        The revision that the actor has seen.

    Raises
    ------
    Conflict
        If the intake was saved, submitted or discarded since; ``revision`` and ``answers`` say what stands there now.
    InvalidInput
        If an answer has a wrong shape; nothing is saved then.
    """
    checked = check_draft(changes)
    draft = _open(actor, intake, revision)
    risk = {**draft.answers.get(RISK, {}), **checked.get(RISK, {})}
    answers = {**draft.answers, **checked, **({RISK: risk} if risk else {})}
    if answers != draft.answers:
        draft.answers = answers
        draft.revision += 1
        draft.save()
    return draft


@transaction.atomic
def discard_intake(*, actor: Person, intake: UUID) -> None:
    """Throw a draft away.

    Raises
    ------
    NotAllowed
        If somebody else wrote it.
    Conflict
        If it was submitted before.
    """
    get_intake(actor, intake)
    draft = Intake.objects.select_for_update().get(pk=intake)
    if draft.author_id != actor.pk:
        raise NotAllowed("only whoever began an intake discards it")
    if draft.use_case_id is not None:
        raise Conflict("it was submitted, and stays with its use case")
    draft.discarded_at = timezone.now()
    draft.save(update_fields=["discarded_at"])


@transaction.atomic
def submit_intake(*, actor: Person, intake: UUID, revision: int) -> UseCase:
    """Register the use case that a finished intake describes, with its first risk assessment.

    Raises
    ------
    NotAllowed
        If the actor does not have the duty to register use cases.
    InvalidInput
        If something is missing or wrong, or the practice is forbidden; ``errors`` names every field.
    Conflict
        If the intake was saved since the actor saw it, or the short name is taken.
    """
    get_intake(actor, intake)
    check_may_register(actor)
    draft = _open(actor, intake, revision)
    scorecard = current_scorecard()
    found = judge(draft.answers, scorecard)
    _refuse_unfinished(found)
    result = conclude(scorecard, found.risk)
    assert result.tier is not None
    values = found.values
    use_case = create_use_case(
        actor=actor,
        slug=values["slug"],
        name=values["name"],
        objective=values["objective"],
        kpis=["{name}: {baseline} → {target} {unit}".format(**kpi) for kpi in values["kpis"]],
        affected_people=values["affected_people"],
        risk_tier=result.tier,
        owner=_owner(values["owner"]),
        purpose=values["purpose"],
        regions=values["regions"],
        details={key: values[key] for key in DETAILS if key in values},
    )
    record_first_assessment(actor=actor, use_case=use_case, scorecard=scorecard, answers=found.risk)
    draft.use_case = use_case
    draft.save()
    return use_case


def _open(actor: Person, intake: UUID, revision: int) -> Intake:
    """The draft, locked, at the revision that the actor has seen."""
    get_intake(actor, intake)
    draft = Intake.objects.select_for_update().get(pk=intake)
    if draft.use_case_id is not None or draft.discarded_at is not None:
        raise Conflict("it was submitted or discarded in the meantime; nothing was saved")
    if draft.revision != revision:
        message = "it was saved by somebody, or in another window, since you opened it; nothing was saved"
        raise Conflict(message, field="revision", revision=draft.revision, answers=draft.answers)
    return draft


def _refuse_unfinished(found: Judged) -> None:
    if not found.problems:
        return
    first = found.problems[0]
    errors = [problem.as_json() for problem in found.problems]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise InvalidInput(f"{first.message}{more}", field=first.field, errors=errors)


def _owner(username: str) -> Person:
    found = Person.objects.filter(username=username, is_active=True, is_service=False).first()
    if found is None:
        message = f"Owner: there is no active person {username!r}"
        raise InvalidInput(message, field="owner", errors=[{"field": "owner", "message": message}])
    return found

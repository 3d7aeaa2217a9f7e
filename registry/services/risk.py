"""Assessing the risk of use cases, and overriding what the scorecard says.

An assessment can raise the tier in force by itself; nothing lowers it but the word of two people, one of them a
compliance officer. Where the answers come to less than the tier in force, lowering it is proposed at once and waits.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from registry import ledger, use_case_changes
from registry.canonical import canonical_json, sha256_hex
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.intake_selectors import latest_assessment
from registry.ledger_actions import Action
from registry.models import Person, RiskAssessment, UseCase
from registry.roles import MANAGERS, Role
from registry.scorecard import Answers, Result, Scorecard, assess, rank
from registry.scorecards import current_scorecard
from registry.selectors import roles_of

PROPOSED, CONFIRMED, REFUSED = "proposed", "confirmed", "refused"
_LONGEST_REASON = 5_000


def conclude(scorecard: Scorecard, answers: Answers) -> Result:
    """The result of answers that come to a tier.

    Raises
    ------
    InvalidInput
        If something is unanswered, or the practice is forbidden; ``errors`` names each question.
    """
    result = assess(scorecard, answers)
    if result.prohibited:
        reason = result.prohibited[0]
        message = f"no use case can be registered for this: {reason.provision} forbids it. {reason.answer}"
        errors = [
            {"field": f"risk.{item.question}", "message": f"{item.provision} forbids it: {item.answer}"}
            for item in result.prohibited
        ]
        raise InvalidInput(message, field=f"risk.{reason.question}", errors=errors)
    if result.tier is None:
        titles = [scorecard.question(name).title for name in result.unanswered]
        errors = [
            {"field": f"risk.{name}", "message": f"{title}: not answered yet"}
            for name, title in zip(result.unanswered, titles, strict=True)
        ]
        message = f"nothing is concluded before every question is answered; missing: {', '.join(titles)}"
        raise InvalidInput(message, field=f"risk.{result.unanswered[0]}", errors=errors)
    return result


def lowers(use_case: UseCase, assessment: RiskAssessment, tier: str) -> bool:
    """Whether ``tier`` is less than the tier in force, or than what the scorecard said."""
    return rank(tier) < max(rank(use_case.risk_tier), rank(assessment.computed_tier))


@transaction.atomic
def record_first_assessment(
    *, actor: Person, use_case: UseCase, scorecard: Scorecard, answers: Answers
) -> RiskAssessment:
    """Keep the questionnaire with which ``use_case`` has just been registered."""
    result = conclude(scorecard, answers)
    made = _keep(actor, use_case, scorecard, answers, result)
    _record(actor, Action.RISK_ASSESSED, use_case, made, computed=made.computed_tier, in_force=use_case.risk_tier)
    return made


@transaction.atomic
def assess_use_case(*, actor: Person, use_case: UseCase, answers: Answers) -> RiskAssessment:
    """Answer the current questionnaire anew.

    A higher tier is in force at once. Where the answers come to a lower one, the tier in force stays, and lowering it
    is proposed in the name of ``actor``; a confirmed override stands until then as well. A proposal that nobody has
    answered is overtaken.

    Raises
    ------
    NotAllowed
        If the actor neither owns the use case nor is its compliance officer.
    InvalidInput
        If an answer is missing or wrong, or the practice is forbidden; naming the question.
    """
    scorecard = current_scorecard()
    _check_manages(actor, use_case)
    result = conclude(scorecard, answers)
    held = UseCase.objects.select_for_update().get(pk=use_case.pk)
    before = held.risk_tier
    made = _keep(actor, held, scorecard, answers, result)
    if rank(made.computed_tier) > rank(before):
        _put_in_force(
            held, made.computed_tier, f"The risk assessment {made.number} of {held} came to {made.computed_tier}."
        )
    _record(
        actor, Action.RISK_ASSESSED, held, made, computed=made.computed_tier, before=before, in_force=held.risk_tier
    )
    if rank(made.computed_tier) < rank(before):
        reason = f"The answers of assessment {made.number} come to {made.computed_tier}."
        _propose(actor, held, made, made.computed_tier, reason)
    use_case.refresh_from_db()
    return made


@transaction.atomic
def propose_override(*, actor: Person, use_case: UseCase, tier: str, reason: str) -> RiskAssessment:
    """Propose another tier than the one in force. It changes nothing until a second person confirms it.

    Raises
    ------
    NotAllowed
        If the actor neither owns the use case nor is its compliance officer.
    InvalidInput
        If the tier is unknown or in force already, the reason is empty, or nothing was assessed yet.
    Conflict
        If another proposal waits for its answer.
    """
    _check_manages(actor, use_case)
    said = _reason(reason)
    held = UseCase.objects.select_for_update().get(pk=use_case.pk)
    assessment = latest_assessment(held)
    if assessment is None:
        raise InvalidInput("answer the risk questionnaire first: there is nothing to override", field="tier")
    if rank(tier) == rank(held.risk_tier):
        raise InvalidInput(f"{tier} is in force already", field="tier")
    if assessment.override_state == PROPOSED:
        raise Conflict(f"{assessment.override_tier} is proposed already; that must be answered first", field="tier")
    if assessment.override_state:
        assessment = _repeat(held, assessment)
    return _propose(actor, held, assessment, tier, said)


@transaction.atomic
def answer_override(*, actor: Person, use_case: UseCase, accept: bool, reason: str) -> RiskAssessment:
    """Confirm or refuse the proposed tier, as a second person.

    Raises
    ------
    NotAllowed
        If the actor proposed it, manages nothing here, or would lower the tier without being a compliance officer.
    Conflict
        If nothing is proposed.
    InvalidInput
        If the reason is empty.
    """
    _check_manages(actor, use_case)
    held = UseCase.objects.select_for_update().get(pk=use_case.pk)
    assessment = latest_assessment(held)
    if assessment is None or assessment.override_state != PROPOSED:
        raise Conflict("no other tier is proposed, so there is nothing to answer")
    if objection := objection_to_answering(actor, held, assessment, accept=accept):
        raise NotAllowed(objection)
    said = _reason(reason)
    before = held.risk_tier
    assessment.override_state = CONFIRMED if accept else REFUSED
    assessment.answered_by, assessment.answered_at = actor, timezone.now()
    assessment.save(update_fields=["override_state", "answered_by", "answered_at"])
    if accept:
        because = f"The risk tier {assessment.override_tier} of {held} was confirmed by {actor.printed_name}."
        _put_in_force(held, assessment.override_tier, because)
    action = Action.RISK_OVERRIDE_CONFIRMED if accept else Action.RISK_OVERRIDE_REFUSED
    proposed = assessment.override_tier
    _record(actor, action, held, assessment, proposed=proposed, reason=said, before=before, in_force=held.risk_tier)
    use_case.refresh_from_db()
    return assessment


def objection_to_answering(person: Person, use_case: UseCase, assessment: RiskAssessment, *, accept: bool) -> str:
    """Why ``person`` may not answer the proposal; empty if they may. Refusing one needs less than confirming it."""
    if person.pk == assessment.override_by_id:
        return "you proposed it; a second person answers"
    held = roles_of(person, use_case)
    if person.is_service or not held & MANAGERS:
        return "only an owner or compliance officer of the use case answers"
    lowering = lowers(use_case, assessment, assessment.override_tier)
    if accept and lowering and Role.COMPLIANCE_OFFICER not in held:
        return "lowering the tier is confirmed by a compliance officer"
    return ""


def _check_manages(actor: Person, use_case: UseCase) -> None:
    if actor.is_service or not roles_of(actor, use_case) & MANAGERS:
        raise NotAllowed("only a model owner or compliance officer of the use case assesses its risk")


def _reason(text: str) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not said:
        raise InvalidInput("say why: the reason stands in the ledger", field="reason")
    if len(said) > _LONGEST_REASON or "\x00" in said:
        raise InvalidInput(f"the reason is a text of at most {_LONGEST_REASON:,} characters", field="reason")
    return said


def _keep(actor: Person, use_case: UseCase, scorecard: Scorecard, answers: Answers, result: Result) -> RiskAssessment:
    """Keep answers, result and the whole scorecard: no later scorecard changes what these answers came to."""
    document = {"answers": dict(answers), "result": result.as_json(), "scorecard": dict(scorecard.document)}
    content = canonical_json(document)
    assert result.tier is not None
    return _add(use_case, scorecard.key, content, result.tier, actor)


def _repeat(use_case: UseCase, assessment: RiskAssessment) -> RiskAssessment:
    """The same answers under the next number, so that an answered proposal stays as it was."""
    content = bytes(assessment.content)
    return _add(use_case, assessment.scorecard, content, assessment.computed_tier, assessment.assessed_by)


def _add(use_case: UseCase, scorecard: str, content: bytes, tier: str, assessed_by: Person) -> RiskAssessment:
    last = latest_assessment(use_case)
    return RiskAssessment.objects.create(
        use_case=use_case,
        number=last.number + 1 if last else 1,
        scorecard=scorecard,
        content=content,
        sha256=sha256_hex(content),
        computed_tier=tier,
        assessed_by=assessed_by,
    )


def _propose(actor: Person, use_case: UseCase, assessment: RiskAssessment, tier: str, reason: str) -> RiskAssessment:
    assessment.override_tier, assessment.override_reason = tier, reason
    assessment.override_by, assessment.override_at = actor, timezone.now()
    assessment.override_state = PROPOSED
    assessment.save()
    in_force = use_case.risk_tier
    _record(actor, Action.RISK_OVERRIDE_PROPOSED, use_case, assessment, proposed=tier, reason=reason, in_force=in_force)
    return assessment


def _put_in_force(use_case: UseCase, tier: str, because: str) -> None:
    use_case.risk_tier = tier
    use_case.save(update_fields=["risk_tier"])
    use_case_changes.announce(use_case, because=because)


def _record(actor: Person, action: Action, use_case: UseCase, assessment: RiskAssessment, **said: Any) -> None:
    facts = {"number": assessment.number, "scorecard": assessment.scorecard, "sha256": assessment.sha256}
    ledger.record(
        actor=actor,
        action=action,
        obj_type="use case",
        obj_id=str(use_case.pk),
        label=use_case.slug,
        data={**facts, **said},
    )

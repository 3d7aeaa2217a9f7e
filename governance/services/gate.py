"""The gate's answer to the question whether a version may go to an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from governance.models import GateDecision, Promotion
from governance.services.assessment import Assessment, assess_version
from governance.services.compliance import follow_compliance, lock_where_it_runs, why_blocked
from governance.sign_offs import stage_progress, stages_hold
from governance.transitions import ReviewState
from registry import ledger
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person

ALLOW, DENY, PENDING = "allow", "deny", "pending"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the gate thinks, why, and what it waits for."""

    result: str
    reason: str
    waiting_for: tuple[str, ...] = ()


def opinion_on(assessment: Assessment) -> Opinion:
    """The one place where verdict and signatures become allow, deny or pending. Everything unknown denies."""
    verdict, review = assessment.verdict, assessment.review
    if assessment.policy_version is None or verdict is None:
        tier = assessment.version.model.use_case.risk_tier
        return Opinion(
            DENY,
            f"No policy covers risk tier {tier!r} in {assessment.environment!r}; without one nothing is let through.",
        )
    if review is not None and review.state == ReviewState.REJECTED:
        return Opinion(DENY, "The reviewers rejected this version.")
    blocking = [f"{rule['id']} ({rule['status']})" for rule in verdict.document["rules"] if _blocks(rule)]
    if any(rule["status"] == "pending" for rule in verdict.document["rules"]):
        # What blocks already is said, but the answer waits: a pipeline should hear all its reasons at once.
        already = f" Not met already: {', '.join(blocking)}." if blocking else ""
        return Opinion(PENDING, f"The evidence is still being measured.{already}", ("evaluation",))
    if verdict.outcome not in ("clear", "review"):
        return Opinion(DENY, f"The policy is not met: {', '.join(blocking)}.")
    if review is None:
        return Opinion(DENY, "There is no review of this version.")
    return _on_review(assessment)


def _blocks(rule: Mapping[str, Any]) -> bool:
    """Whether waiting longer would not help."""
    if rule["status"] == "inconclusive":
        return bool(rule["on_inconclusive"] != "review")
    return rule["status"] not in ("pass", "excepted", "pending")


def _on_review(assessment: Assessment) -> Opinion:
    review, subject = assessment.review, assessment.subject
    assert review is not None
    if not stages_hold(review):
        return Opinion(DENY, "The stages of this review are no longer those of its policy.")
    if review.state == ReviewState.CHANGES_REQUESTED:
        return Opinion(DENY, "A reviewer asked for changes.")
    if review.state == ReviewState.APPROVED:
        wanting = [item.stage.name for item in stage_progress(review) if item.missing]
        if subject is not None and review.subject_sha256 == subject.sha256 and not wanting:
            return Opinion(ALLOW, "The policy is met and every signature it asks for is given.")
        return Opinion(DENY, "The signatures no longer cover what is here.")
    if review.state == ReviewState.OPEN:
        waiting = next((item for item in stage_progress(review) if item.state == "current"), None)
        text = "Waiting for signatures."
        if waiting:
            wanted = "1 signature" if waiting.missing == 1 else f"{waiting.missing} signatures"
            text = f"Waiting for {wanted} in the stage {waiting.stage.name!r}."
        return Opinion(PENDING, text, ("sign-off",))
    return Opinion(DENY, f"The review is {review.state.replace('_', ' ')}.")


def decide(
    *, actor: Person, version: ModelVersion, environment: str, context: Mapping[str, Any] | None = None
) -> GateDecision:
    """Judge now, and keep the answer as it was given.

    Parameters
    ----------
    context
        What the asking pipeline says of itself; kept with the decision, believed in nothing.
    """
    with transaction.atomic():
        pointer = lock_where_it_runs(version, environment)
        assessment = assess_version(version=version, environment=environment, actor=actor)
        opinion = opinion_on(assessment)
        if pointer is not None and opinion.waiting_for != ("evaluation",):
            why = why_blocked(assessment.verdict, opinion.reason)
            follow_compliance(
                actor=actor, pointer=pointer, version=assessment.version, allowed=opinion.result == ALLOW, why=why
            )
        decision = GateDecision(
            version=assessment.version,
            environment=environment,
            verdict=assessment.verdict,
            result=opinion.result,
            context=dict(context or {}),
            asked_by=actor,
        )
        decision.answer = _answer(decision, assessment, opinion)
        decision.save()
        ledger.record(
            actor=actor,
            action=Action.GATE_DECIDED,
            obj_type="gate decision",
            obj_id=str(decision.pk),
            label=f"{version} → {environment}: {opinion.result}",
            data={
                "result": opinion.result,
                "verdict_sha256": assessment.verdict.sha256 if assessment.verdict else None,
            },
            model_name=version.model.name,
        )
    return decision


def absolute(path: str) -> str:
    """A path of this service as outsiders reach it."""
    return f"{settings.COUNTERSIGN_URL}{path}"


def _answer(decision: GateDecision, assessment: Assessment, opinion: Opinion) -> dict[str, Any]:
    version, policy, review = assessment.version, assessment.policy_version, assessment.review
    rules = assessment.verdict.document["rules"] if assessment.verdict else []
    promotion = Promotion.objects.filter(version=version, environment=assessment.environment).first()
    return {
        "id": str(decision.pk),
        "result": opinion.result,
        "reason": opinion.reason,
        "waiting_for": list(opinion.waiting_for),
        "subject": {"model": version.model.name, "version": version.name, "digest": f"sha256:{version.sha256}"},
        "environment": assessment.environment,
        "policy": {"id": policy.policy.name, "version": policy.number, "sha256": policy.sha256} if policy else None,
        "rules": [_rule(rule) for rule in rules],
        "stages": _stages(review) if review else [],
        "review_url": absolute(reverse("review", args=[review.pk])) if review else None,
        "version_url": absolute(reverse("version", args=[version.model.name, version.name])),
        "attestation_url": absolute(reverse("api-attestation", args=[promotion.attestation_id])) if promotion else None,
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        key: rule[key] for key in ("id", "title", "check", "status", "expected", "observed", "sentence", "n", "fix")
    }
    shown["on_inconclusive"] = rule["on_inconclusive"]
    shown["evidence"] = [
        {"sha256": sha256, "url": absolute(reverse("api-evidence", args=[sha256]))} for sha256 in rule["evidence"]
    ]
    return shown


def _stages(review: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": item.stage.name,
            "role": item.stage.role,
            "state": "signed" if item.state == "done" else item.state,
            "signed": len(item.signed),
            "quorum": item.stage.quorum,
        }
        for item in stage_progress(review)
    ]

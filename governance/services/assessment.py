"""Judging a version against the policy in force, and keeping its review true to what was judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audits.models import Evaluation, JobStatus
from audits.services.evaluations import current_evaluations, evaluate_version, grade_evaluations
from audits.services.inputs import with_roles_played
from audits.services.trust import RESCORING
from governance.champion import champion_for
from governance.facts import gather_facts
from governance.models import PolicyVersion, Review, Verdict
from governance.policies_in_force import document_of, policy_in_force
from governance.rules.against_champion import PREDICTED
from governance.rules.evaluator import evaluate
from governance.rules.plan import plan
from governance.services.reviews import sync_review
from governance.subject import Subject, make_subject
from governance.tasks import draw_verdict
from governance.transitions import ACTIVE_STATES, ReviewState
from registry import ledger
from registry.canonical import canonical_json, parse_json, sha256_hex
from registry.errors import IntegrityFailure
from registry.ledger_actions import Action
from registry.models import ModelVersion
from registry.selectors import current_card

REVIEWABLE = ("clear", "review")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known about a version on its way to an environment, at one moment."""

    version: ModelVersion
    environment: str
    policy_version: PolicyVersion | None
    champion: ModelVersion | None = None
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    verdict: Verdict | None = None
    subject: Subject | None = None
    review: Review | None = None


def latest_review(version: ModelVersion, environment: str) -> Review | None:
    """The active review, or else the last one."""
    found = version.reviews.filter(environment=environment).select_related(
        "policy_version__policy", "verdict", "version__model"
    )
    return found.filter(state__in=ACTIVE_STATES).first() or found.order_by("-opened_at").first()


@transaction.atomic
def assess_version(
    *, version: ModelVersion, environment: str, actor: ledger.Actor = ledger.SYSTEM, as_of: datetime | None = None
) -> Assessment:
    """Plan what is missing, judge what is there, and let the review follow.

    Safe to call at any time, by any number of processes: the version's row is locked, and nothing is written
    where nothing changed. A review under way keeps the policy version it began with.

    Raises
    ------
    IntegrityFailure
        If stored bytes (manifest, card, policy) no longer match their digests.
    """
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__use_case").get(pk=version.pk)
    review = latest_review(version, environment)
    active = review is not None and review.state in ACTIVE_STATES
    policy_version = review.policy_version if review and active else _policy(version, environment)
    if policy_version is None:
        return Assessment(version, environment, None, review=review)
    _check_stored(version, policy_version)
    champion = champion_for(version, environment)
    evaluations = _evaluations(version, policy_version, champion)
    facts = gather_facts(
        version=version,
        environment=environment,
        evaluations=evaluations,
        champion=champion,
        as_of=as_of or timezone.now(),
        reads=document_of(policy_version).reads,
    )
    verdict = _keep_verdict(version, environment, policy_version, canonical_json(facts), actor)
    subject = _subject(version, environment, policy_version, evaluations, champion, verdict)
    if review is None or review.state != ReviewState.REJECTED:
        review = (
            sync_review(
                actor=actor,
                review=review if active else None,
                verdict=verdict,
                subject=subject,
                champion=champion,
                reviewable=verdict.outcome in REVIEWABLE,
            )
            or review
        )
    return Assessment(version, environment, policy_version, champion, evaluations, verdict, subject, review)


def _check_stored(version: ModelVersion, policy_version: PolicyVersion) -> None:
    """What is judged must be what was registered: bytes changed in the database are judged by nobody."""
    card = current_card(version)
    stored = [(f"manifest of {version}", version.manifest, version.sha256)]
    stored += [(f"model card of {version}", card.content, card.sha256)] if card else []
    stored += [(f"text of policy {policy_version}", policy_version.content, policy_version.sha256)]
    for name, content, sha256 in stored:
        if sha256_hex(bytes(content)) != sha256:
            raise IntegrityFailure(f"the stored {name} no longer matches its digest")


def _policy(version: ModelVersion, environment: str) -> PolicyVersion | None:
    return policy_in_force(environment=environment, risk_tier=version.model.use_case.risk_tier)


def _evaluations(
    version: ModelVersion, policy_version: PolicyVersion, champion: ModelVersion | None
) -> dict[str, Evaluation]:
    """The evaluations that the policy needs, those queued just now included."""
    needed = plan(document_of(policy_version), declared_by(version), champion is not None)
    plans = [with_roles_played(version, item, champion) for item in needed]
    if champion is not None:
        plans = [_against(champion, item) for item in plans]
    found = current_evaluations(version, plans, champion=champion)
    wanting = [item for item in plans if item["key"] not in found]
    if wanting:
        evaluate_version(actor=version.submitted_by, version=version, plans=wanting, champion=champion)
        found = current_evaluations(version, plans, champion=champion)
    if any(evaluation.kind == RESCORING for evaluation in found.values()):
        # One that was planned while the predictions were being re-scored has its grade from before.
        grade_evaluations(version=version)
        found = current_evaluations(version, plans, champion=champion)
    return found


def declared_by(version: ModelVersion) -> dict[str, Any]:
    """What rules plan by: the manifest's ``schema``, with what it says under ``execution``, and what its use case names."""
    facts = version.facts
    execution = {"execution": facts["execution"]} if facts.get("execution") else {}
    amounts = version.model.use_case.details.get("amounts")
    return {**facts["schema"], **execution, **({"amounts": amounts} if amounts else {})}


def _against(champion: ModelVersion, item: dict[str, Any]) -> dict[str, Any]:
    """A comparison reads the champion's file by the champion's own column names, and pairs by key where both declare one."""
    if item["kind"] != "comparison":
        return item
    schema, parameters = champion.facts["schema"], dict(item["parameters"])
    columns = {key: schema[key] for key in ("label", "prediction", "score", "positive") if schema.get(key)}
    key = parameters.pop("key", None)
    if key and schema.get("key"):
        parameters |= {"key": key, "champion_key": schema["key"]}
    given, together = item["roles"][:PREDICTED], item["roles"][PREDICTED:]
    # Both models and the rows to run them on, or none of them: one alone could compare nothing.
    roles = [*given, *(together if all(together) else [""] * len(together))]
    return {**item, "roles": roles, "parameters": {**parameters, "champion": columns}}


def _keep_verdict(
    version: ModelVersion, environment: str, policy_version: PolicyVersion, facts: bytes, actor: ledger.Actor
) -> Verdict:
    content = evaluate(bytes(policy_version.content), parse_json(facts))
    sha256 = sha256_hex(content)
    last = version.verdicts.filter(environment=environment).order_by("-pk").first()
    outcome = parse_json(content)["outcome"]
    if (
        last is not None
        and (last.sha256, last.outcome, last.policy_version_id) == (sha256, outcome, policy_version.pk)
        and bytes(last.content) == content
    ):
        return last
    verdict = Verdict.objects.create(
        version=version,
        environment=environment,
        policy_version=policy_version,
        facts=facts,
        content=content,
        sha256=sha256,
        outcome=outcome,
    )
    ledger.record(
        actor=actor,
        action=Action.VERDICT_RECORDED,
        obj_type="verdict",
        obj_id=str(verdict.pk),
        label=f"{version} → {environment}: {verdict.outcome}",
        data={
            "sha256": sha256,
            "facts_sha256": sha256_hex(facts),
            "policy_sha256": sha256_hex(bytes(policy_version.content)),
        },
        model_name=version.model.name,
    )
    if verdict.outcome != "pending":
        draw_verdict.enqueue(verdict.pk)
    return verdict


def _subject(
    version: ModelVersion,
    environment: str,
    policy_version: PolicyVersion,
    evaluations: dict[str, Evaluation],
    champion: ModelVersion | None,
    verdict: Verdict,
) -> Subject:
    """Everything a signature covers, from the bytes themselves where we hold them, not from what a column says."""
    card = current_card(version)
    return make_subject(
        model=version.model.name,
        version=version.name,
        environment=environment,
        manifest_sha256=version.sha256,
        artifacts=version.files.values_list("path", "role", "artifact_id"),
        evidence={
            key: evaluation.report_id
            for key, evaluation in evaluations.items()
            if evaluation.status == JobStatus.SUCCEEDED and evaluation.report_id
        },
        verdict_sha256=sha256_hex(bytes(verdict.content)),
        policy={
            "id": policy_version.policy.name,
            "version": policy_version.number,
            "sha256": sha256_hex(bytes(policy_version.content)),
        },
        card_sha256=sha256_hex(bytes(card.content)) if card else "",
        champion_sha256=champion.sha256 if champion else None,
    )

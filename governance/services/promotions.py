"""Moving an environment's pointer: promotion and rollback, each with attestation and ledger entry in one transaction."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audits.code_versions import code_version
from governance import attestation
from governance.models import EnvironmentPointer, Promotion
from governance.services.assessment import Assessment, assess_version
from governance.services.gate import ALLOW, absolute, opinion_on
from governance.sign_offs import live_approvals, valid_until
from registry import artifact_store, ledger
from registry.canonical import parse_json, sha256_hex
from registry.checkpoints import anchor
from registry.errors import Conflict, IntegrityFailure, NotAllowed
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person, RegisteredModel
from registry.roles import PROMOTERS
from registry.selectors import current_card, roles_of
from registry.services.artifacts import keep_bytes
from registry.signing_key import signing_key


def _check_may_promote(actor: Person, model: RegisteredModel) -> None:
    if not roles_of(actor, model) & PROMOTERS:
        raise NotAllowed("only developers, owners and compliance officers of the model may promote it")


def _verify_files(version: ModelVersion) -> None:
    """Read every artifact again: a file that was swapped after the signatures, in store or table, stops here."""
    stated = {(file["path"], file["role"], file["sha256"]) for file in version.facts["artifacts"]}
    if set(version.files.values_list("path", "role", "artifact_id")) != stated:
        raise IntegrityFailure(f"the files recorded for {version} are not those of its manifest")
    for sha256 in {sha256 for _, _, sha256 in stated}:
        artifact_store.verify(sha256)


def _verify_evidence(assessment: Assessment) -> None:
    """Read every report again, and compare it with the rows that were judged."""
    for evaluation in assessment.evaluations.values():
        if evaluation.report_id is None:
            continue
        report = parse_json(artifact_store.read_bytes(evaluation.report_id), what="evidence")
        if [row.as_measurement().as_json() for row in evaluation.measurements.all()] != report["measurements"]:
            raise IntegrityFailure(f"the measurements recorded for {evaluation} are not those of its report")


def _lock_pointer(model: RegisteredModel, environment: str) -> EnvironmentPointer:
    pointer, _ = EnvironmentPointer.objects.get_or_create(model=model, environment=environment)
    return (
        EnvironmentPointer.objects.select_for_update(of=("self",))
        .select_related("promotion__version")
        .get(pk=pointer.pk)
    )


def promote_version(*, actor: Person, version: ModelVersion, environment: str) -> tuple[Promotion, bool]:
    """Let ``environment`` run ``version`` from now on, if the gate allows it at this moment.

    One transaction: judge again, check the signatures, move the pointer, attest, write the ledger. Promoting what
    is already there changes nothing and gives the standing promotion; whether it is new comes second.

    Raises
    ------
    NotAllowed
        If the actor may not promote this model.
    Conflict
        If the gate does not allow it, with the reason.
    IntegrityFailure
        If the stored bytes or rows of an artifact or of evidence are no longer those that were signed for.
    """
    _check_may_promote(actor, version.model)
    _verify_files(version)
    with transaction.atomic():
        # The pointer first: what it names is the champion that the version is judged against.
        pointer = _lock_pointer(version.model, environment)
        assessment = assess_version(version=version, environment=environment, actor=actor)
        opinion = opinion_on(assessment)
        if opinion.result != ALLOW:
            raise Conflict(f"{version} may not go to {environment}: {opinion.reason}", result=opinion.result)
        if pointer.promotion and pointer.promotion.version_id == version.pk:
            return pointer.promotion, False
        promotion = _move(actor, assessment, pointer, Promotion.Kind.PROMOTE)
        transaction.on_commit(anchor)
    return promotion, True


def roll_back(*, actor: Person, model: RegisteredModel, environment: str) -> Promotion:
    """Return ``environment`` to the last version there whose approval is still valid.

    Raises
    ------
    NotAllowed
        If the actor may not promote this model.
    Conflict
        If nothing runs there, or no earlier version is still approved; each with its reason.
    """
    _check_may_promote(actor, model)
    with transaction.atomic():
        pointer = _lock_pointer(model, environment)
        if pointer.promotion is None:
            raise Conflict(f"nothing of {model} runs in {environment}")
        reasons = []
        for version in _earlier(pointer):
            assessment = assess_version(version=version, environment=environment, actor=actor)
            opinion = opinion_on(assessment)
            if opinion.result == ALLOW:
                _verify_files(version)
                promotion = _move(actor, assessment, pointer, Promotion.Kind.ROLLBACK)
                transaction.on_commit(anchor)
                return promotion
            reasons.append(f"{version.name}: {opinion.reason}")
        detail = " ".join(reasons) or "nothing ran there before."
        raise Conflict(
            f"there is no earlier version of {model} to go back to in {environment}: {detail}", reasons=reasons
        )


def _earlier(pointer: EnvironmentPointer) -> list[ModelVersion]:
    """Versions that ran there before the present one, the latest first, each once.

    Going back twice must not go forward: whatever came after the version that now runs is left out.
    """
    assert pointer.promotion is not None
    first = Promotion.objects.filter(
        version=pointer.promotion.version, environment=pointer.environment, kind=Promotion.Kind.PROMOTE
    ).earliest("created_at")
    before = Promotion.objects.filter(
        model=pointer.model, environment=pointer.environment, created_at__lt=first.created_at
    ).select_related("version__model__use_case")
    return list({promotion.version_id: promotion.version for promotion in before}.values())


def _move(actor: Person, assessment: Assessment, pointer: EnvironmentPointer, kind: Promotion.Kind) -> Promotion:
    review, verdict, version = assessment.review, assessment.verdict, assessment.version
    assert review is not None
    assert verdict is not None
    _verify_evidence(assessment)
    now = timezone.now()
    until = valid_until(review)
    statement, envelope = _attest(assessment, now, until)
    promotion = Promotion.objects.create(
        kind=kind,
        model=version.model,
        version=version,
        environment=assessment.environment,
        review=review,
        verdict=verdict,
        replaced=pointer.promotion.version if pointer.promotion else None,
        attestation=keep_bytes(envelope),
        valid_until=until,
        promoted_by=actor,
        created_at=now,
    )
    pointer.promotion = promotion
    pointer.noncompliant_since, pointer.noncompliance, pointer.judged_at = None, "", now
    pointer.save()
    ledger.record(
        actor=actor,
        action=Action.VERSION_PROMOTED if kind == Promotion.Kind.PROMOTE else Action.VERSION_ROLLED_BACK,
        obj_type="promotion",
        obj_id=str(promotion.pk),
        label=str(promotion),
        data={
            "environment": assessment.environment,
            "version": version.name,
            "manifest_sha256": version.sha256,
            "subject_sha256": review.subject_sha256,
            "verdict_sha256": verdict.sha256,
            "attestation_sha256": promotion.attestation_id,
            "statement_sha256": sha256_hex(statement),
            "replaced": promotion.replaced.name if promotion.replaced else None,
        },
        model_name=version.model.name,
    )
    return promotion


def _attest(assessment: Assessment, now: datetime, until: datetime | None) -> tuple[bytes, bytes]:
    """The statement and its signed envelope."""
    review, verdict, version = assessment.review, assessment.verdict, assessment.version
    policy, card = assessment.policy_version, current_card(version)
    assert review is not None
    assert verdict is not None
    assert policy is not None
    approvals = live_approvals(review)
    inputs = [
        (f"evidence/{kind}", evaluation.report_id)
        for kind, evaluation in sorted(assessment.evaluations.items())
        if evaluation.report_id
    ]
    inputs += [("verdict", verdict.sha256), ("subject", review.subject_sha256)]
    inputs += [("model-card", card.sha256)] if card else []
    inputs += [(f"sign-off/{item.stage.name}/{item.person.username}", item.record_sha256) for item in approvals]
    statement = attestation.statement(
        attestation.Approval(
            resource=attestation.Resource(
                host=settings.COUNTERSIGN_URL.split("://", 1)[-1],
                model=version.model.name,
                environment=assessment.environment,
            ),
            subjects=[
                ("countersign:manifest", version.sha256),
                *version.files.order_by("path").values_list("path", "artifact_id"),
            ],
            verifier_id=settings.COUNTERSIGN_URL,
            verifier_version=code_version().split()[-1],
            verified_at=now,
            policy_uri=absolute(reverse("policy", args=[policy.policy.name, policy.number])),
            policy_sha256=policy.sha256,
            inputs=inputs,
            valid_until=until,
            details={
                "version": version.name,
                "review": str(review.pk),
                "signatures": [
                    {
                        "stage": item.stage.name,
                        "role": item.stage.role,
                        "name": item.person.printed_name,
                        "record": item.record_sha256,
                    }
                    for item in approvals
                ],
            },
        )
    )
    return statement, attestation.envelope(statement, signing_key())

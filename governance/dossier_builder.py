"""Builds the plain dossier of a decision out of the tables of all three packages. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from audits import dossier as d
from audits.code_versions import code_version
from audits.lineage_report import LineageReport
from audits.models import Evaluation, JobStatus
from audits.series import Series
from governance.champion import version_in
from governance.changes import changes_since
from governance.models import Promotion, Review, SignOff
from governance.policies_in_force import document_of
from governance.services.assessment import Assessment
from governance.services.gate import ALLOW, PENDING, absolute, opinion_on
from governance.sign_offs import stage_progress, state_of
from governance.transitions import ReviewState
from registry import ledger
from registry.canonical import parse_json, sha256_hex
from registry.errors import Conflict
from registry.models import CARD_SECTIONS, Checkpoint, ModelVersion
from registry.selectors import current_card

_LEDGER_LINES = 200


def build_dossier(assessment: Assessment, origins: LineageReport | None = None) -> d.Dossier:
    """Everything about where a version stands on its way to an environment.

    ``origins`` is where its features come from, as the reader of the dossier may see it.

    Raises
    ------
    Conflict
        If no policy covers it: there is no decision to report on.
    """
    verdict, policy, review = assessment.verdict, assessment.policy_version, assessment.review
    if verdict is None or policy is None or assessment.subject is None:
        raise Conflict("no policy covers this version, so there is no decision to report on")
    version, promotion = assessment.version, _promotion(assessment)
    changes, compared = changes_since(version, assessment.environment)
    return d.Dossier(
        generated_at=_time(timezone.now()),
        service=d.Service(name="Countersign", url=settings.COUNTERSIGN_URL, code_version=code_version()),
        decision=_decision(assessment, promotion),
        subject=d.Subject(
            model=version.model.name,
            version=version.name,
            manifest_sha256=version.sha256,
            submitted_by=version.submitted_by.printed_name,
            submitted_at=_time(version.created_at),
        ),
        use_case=_use_case(version),
        card=_card(version),
        manifest=version.facts,
        artifacts=tuple(
            d.Artifact(role=file.role, path=file.path, sha256=file.artifact_id, size=file.artifact.size, media_type="")
            for file in version.files.select_related("artifact")
        ),
        lineage=tuple(_lineage(version)),
        evaluations=tuple(_evaluation(item) for _, item in sorted(assessment.evaluations.items())),
        verdict=d.VerdictRecord(
            outcome=verdict.outcome,
            sha256=verdict.sha256,
            policy=policy.policy.name,
            policy_version=policy.number,
            policy_sha256=policy.sha256,
            policy_title=document_of(policy).title or policy.policy.name,
            rules=tuple(verdict.document["rules"]),
        ),
        stages=tuple(_stages(review)) if review else (),
        sign_offs=tuple(_sign_offs(version, assessment.environment, review)),
        promotion=promotion,
        changes=changes,
        compared_with=compared.name if compared else None,
        ledger=_ledger(version),
        checkpoint=_checkpoint(),
        subject_sha256=assessment.subject.sha256,
        verification_url=absolute(reverse("version", args=[version.model.name, version.name])),
        origins=origins,
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _promotion(assessment: Assessment) -> d.PromotionRecord | None:
    """The standing promotion: only while the environment still runs this version."""
    version = assessment.version
    if version_in(version.model_id, assessment.environment) != version:
        return None
    found = (
        Promotion.objects.filter(version=version, environment=assessment.environment)
        .select_related("promoted_by")
        .latest("created_at")
    )
    entry = ledger.entries(model_name=version.model.name, object_type="promotion", object_id=str(found.pk)).get()
    return d.PromotionRecord(
        at=_time(found.created_at),
        by=found.promoted_by.printed_name,
        attestation_sha256=found.attestation_id,
        statement_sha256=parse_json(bytes(entry.body))["data"]["statement_sha256"],
        valid_until=_time(found.valid_until) if found.valid_until else None,
    )


def _decision(assessment: Assessment, promotion: d.PromotionRecord | None) -> d.Decision:
    opinion, review = opinion_on(assessment), assessment.review
    at = None
    if promotion:
        result, at = "promoted", promotion.at
    elif opinion.result == ALLOW:
        result = "approved"
        at = _time(review.sign_offs.latest("signed_at").signed_at) if review else None
    elif opinion.result == PENDING:
        result = "pending"
    elif review and review.state == ReviewState.REJECTED:
        result, at = "rejected", _time(review.closed_at) if review.closed_at else None
    else:
        result = "blocked"
        at = _time(assessment.verdict.created_at) if assessment.verdict else None
    return d.Decision(result=result, environment=assessment.environment, at=at, sentence=opinion.reason)


def _use_case(version: ModelVersion) -> d.UseCase:
    use_case = version.model.use_case
    return d.UseCase(
        name=use_case.name,
        objective=use_case.objective,
        kpis="; ".join(use_case.kpis),
        affected_people=use_case.affected_people,
        risk_tier=use_case.risk_tier,
        owner=use_case.owner.printed_name,
    )


def _card(version: ModelVersion) -> d.Card:
    card = current_card(version)
    sections = card.sections if card else {}
    return d.Card(
        sections=tuple(
            d.Section(key=key, title=title, markdown=sections[key])
            for key, title, _ in CARD_SECTIONS
            if key in sections
        ),
        sha256=card.sha256 if card else sha256_hex(b"{}"),
        revision=card.number if card else 0,
    )


def _lineage(version: ModelVersion) -> Iterable[d.Origin]:
    facts, data = version.facts, version.training_dataset
    if data is not None:
        detail = data.dataset.source or "declared by the manifest; its content has not been shown to the service"
        yield d.Origin(kind="dataset", name=str(data), digest=data.sha256 or "", detail=detail)
    code = facts["code"]
    if code:
        yield d.Origin(
            kind="code",
            name=code.get("repository", ""),
            digest=code.get("commit", ""),
            detail="repository and commit, as stated",
        )
    environment = facts["environment"]
    if environment:
        packages = environment.get("packages", "")
        digest = next((file["sha256"] for file in facts["artifacts"] if file["path"] == packages), "")
        python = environment.get("python", "")
        yield d.Origin(
            kind="environment", name=f"Python {python}" if python else packages, digest=digest, detail=packages
        )


def _evaluation(evaluation: Evaluation) -> d.EvaluationRecord:
    done = evaluation.status == JobStatus.SUCCEEDED
    report = _report(evaluation) if done else {}
    error = evaluation.error
    return d.EvaluationRecord(
        id=str(evaluation.pk),
        kind=evaluation.kind,
        key=evaluation.key,
        status=evaluation.status,
        trust=evaluation.trust,
        started_at=_time(evaluation.started_at) if evaluation.started_at else None,
        finished_at=_time(evaluation.finished_at) if evaluation.finished_at else None,
        sha256=evaluation.report_id,
        seed=report.get("parameters", {}).get("seed"),
        code_version=evaluation.code_version,
        engine=report.get("engine", ""),
        inputs=tuple(evaluation.inputs),
        parameters=report.get("parameters", evaluation.parameters),
        warnings=tuple(report.get("warnings", ())),
        error=d.EvaluationError(**{key: error.get(key) for key in ("message", "file", "column", "row")})
        if error
        else None,
        measurements=tuple(row.as_measurement() for row in evaluation.measurements.all()) if done else (),
        series=tuple(Series.from_json(item) for item in report.get("series", ())),
    )


def _report(evaluation: Evaluation) -> dict[str, Any]:
    from registry.artifact_store import read_bytes

    assert evaluation.report_id is not None
    return dict(parse_json(read_bytes(evaluation.report_id), what="evidence"))


def _stages(review: Review) -> Iterable[d.StageRecord]:
    for item in stage_progress(review):
        stage = item.stage
        yield d.StageRecord(
            name=stage.name,
            role=stage.role,
            quorum=stage.quorum,
            independent_of=tuple(stage.independent_of),
            state=item.state,
            due_at=None,
        )


def _sign_offs(version: ModelVersion, environment: str, review: Review | None) -> Iterable[d.SignOffRecord]:
    """Every signature ever given for this environment: those of ended reviews read as stale."""
    now = timezone.now()
    found = SignOff.objects.filter(review__version=version, review__environment=environment)
    for item in found.select_related("person", "stage"):
        live = review is not None and item.review_id == review.pk
        record = parse_json(bytes(item.record))
        yield d.SignOffRecord(
            stage=item.stage.name,
            role=item.stage.role,
            printed_name=record["printed_name"],
            meaning=record["statement"],
            signed_at=_time(item.signed_at),
            record_sha256=item.record_sha256,
            subject_sha256=item.subject_sha256,
            state=state_of(item, review.subject_sha256, now).value if live and review else "stale",
            acknowledged=tuple(record["acknowledged"]),
            comment=item.comment,
        )


def _ledger(version: ModelVersion) -> tuple[d.LedgerLine, ...]:
    """The latest entries about this version, in the order in which they were written."""
    found = [entry for entry in ledger.entries(model_name=version.model.name)[:2000] if str(version) in entry.label]
    return tuple(
        d.LedgerLine(
            seq=entry.seq,
            at=_time(entry.at),
            actor=entry.actor_name,
            action=entry.action,
            label=entry.label,
            hash=entry.hash,
        )
        for entry in reversed(found[:_LEDGER_LINES])
    )


def _checkpoint() -> d.CheckpointRecord | None:
    found = Checkpoint.objects.order_by("-size").first()
    return d.CheckpointRecord(size=found.size, root=found.root, note=found.note) if found else None

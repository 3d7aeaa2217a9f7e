"""Making the documents of a decision: model card, bill of materials, audit PDF, evidence, attestation, ledger. Rendered in a worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from audits import jobs
from governance.bills_of_materials import MEDIA_TYPE, NAME, bill_of_materials
from governance.dossier_builder import build_dossier
from governance.models import DossierExport, DossierFile, Promotion
from governance.page_selectors.lineage_version import report_for
from governance.services.assessment import Assessment, assess_version
from governance.tasks import render_dossier as render_dossier_task
from registry import artifact_store, ledger
from registry.checkpoints import make_checkpoint
from registry.ledger_actions import Action
from registry.models import ModelVersion, Person
from registry.services.artifacts import keep_bytes
from registry.services.people import has_duty
from registry.signing_key import verification_pem

_JSON, _HTML, _TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"


def _record(export: DossierExport, action: Action, data: dict[str, Any], actor: ledger.Actor = ledger.SYSTEM) -> None:
    ledger.record(
        actor=actor,
        action=action,
        obj_type="dossier",
        obj_id=str(export.pk),
        label=f"{export.version} → {export.environment}",
        data=data,
        model_name=export.version.model.name,
    )


@transaction.atomic
def request_dossier(*, actor: Person, version: ModelVersion, environment: str) -> DossierExport:
    """Queue a rendering of everything about where the version stands now."""
    export = DossierExport.objects.create(version=version, environment=environment, requested_by=actor)
    _record(export, Action.DOSSIER_REQUESTED, {"environment": environment}, actor)
    render_dossier_task.enqueue(str(export.pk))
    return export


def render_dossier(*, export_id: uuid.UUID) -> None:
    """Render: in a worker, safe to run twice."""
    export = jobs.claim(DossierExport, export_id)
    if export is None:
        return
    with jobs.working(export, failed=_record_failure):
        files = _files(export)
        with jobs.finishing(export) as held:
            made = [
                DossierFile(export=held, name=name, media_type=media_type, artifact=keep_bytes(data))
                for name, media_type, data in files
            ]
            DossierFile.objects.bulk_create(made)
            _record(held, Action.DOSSIER_RENDERED, {"files": {file.name: file.artifact_id for file in made}})


def _record_failure(export: DossierExport, message: str) -> None:
    _record(export, Action.DOSSIER_FAILED, {"message": message})


def _files(export: DossierExport) -> list[tuple[str, str, bytes]]:
    """Every document as ``(name, media type, bytes)``."""
    from audits.audit_pdf import audit_pdf
    from audits.model_card import card_html, card_json, card_markdown

    progress = jobs.progress_of(export)
    progress(0.05, "gathering")
    assessment = assess_version(version=export.version, environment=export.environment)
    # The documents show a signed tree head over what they excerpt.
    checkpoint = make_checkpoint()
    dossier = build_dossier(assessment, report_for(export.requested_by, export.version))
    canonical = dossier.canonical()
    files = [("dossier.json", _JSON, canonical), ("model-card.json", _JSON, card_json(dossier))]
    progress(0.2, "writing the model card")
    files.append(("model-card.html", _HTML, card_html(dossier).encode()))
    files.append(("model-card.md", "text/markdown; charset=utf-8", card_markdown(dossier).encode()))
    files.append((NAME, MEDIA_TYPE, bill_of_materials(dossier)))
    progress(0.4, "setting the audit PDF")
    files.append(("dossier.pdf", "application/pdf", audit_pdf(dossier, canonical)))
    progress(0.9, "collecting evidence")
    files += _evidence(assessment)
    files.append(("verification.pem", "application/x-pem-file", verification_pem()))
    if has_duty(export.requested_by, "registry.view_whole_ledger"):
        files.append(("ledger.jsonl", "application/x-ndjson", b"".join(ledger.export_lines(upto=checkpoint.size))))
        files.append(("checkpoint.txt", _TEXT, checkpoint.note.encode()))
    return files


def _evidence(assessment: Assessment) -> Iterable[tuple[str, str, bytes]]:
    for kind, evaluation in sorted(assessment.evaluations.items()):
        if evaluation.report_id:
            yield f"evidence-{kind}.json", _JSON, artifact_store.read_bytes(evaluation.report_id)
    promotion = Promotion.objects.filter(version=assessment.version, environment=assessment.environment).first()
    if promotion is not None:
        envelope = artifact_store.read_bytes(promotion.attestation_id)
        yield "attestation.dsse.json", "application/vnd.dsse.envelope.v1+json", envelope


def reclaim_dossiers() -> list[DossierExport]:
    """Take back exports of dead workers."""
    return jobs.reclaim(
        DossierExport,
        enqueue=lambda job: render_dossier_task.enqueue(str(job.pk)),
        record=lambda job, data: _record(
            job, Action.DOSSIER_FAILED if data["gave_up"] else Action.DOSSIER_REQUESTED, dict(data)
        ),
    )

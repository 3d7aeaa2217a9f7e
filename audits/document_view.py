"""A dossier as the words that card and PDF print: one view, so that the two never disagree. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from audits.dossier import Dossier, EvaluationRecord, SignOffRecord
from audits.evidence_view import EvidencePart, Figure, evidence_parts, measurement_table
from audits.markdown import html_from_markdown, web_address
from audits.origins_view import origins_view
from audits.rule_view import rule_view, status_counts
from audits.wording import (
    RESULT_STATUS,
    STATUS_MARKS,
    day,
    instant,
    listed,
    short_digest,
    size_words,
    stamp,
)

OUTCOME_STATUS: Mapping[str, str] = {
    "clear": "pass",
    "review": "inconclusive",
    "pending": "pending",
    "blocked": "fail",
}
OUTCOME_WORDS: Mapping[str, str] = {
    "clear": "every rule is met",
    "review": "nothing blocks; what the data cannot settle must be acknowledged by name",
    "pending": "evidence is still being measured",
    "blocked": "at least one rule blocks",
}
SIGNATURE_STATUS: Mapping[str, str] = {"live": "pass", "stale": "missing", "expired": "missing"}


def document_view(dossier: Dossier, *, picture: Callable[[str], str] | None = str) -> dict[str, Any]:
    """Everything the templates print, as text; ``picture`` adapts every SVG to the medium, ``None`` draws none.

    User Markdown arrives as inert HTML under ``sections[].html``; all the rest is plain text and is escaped by the templates.
    """
    rules = [rule_view(rule) for rule in dossier.verdict.rules]
    parts = [] if picture is None else evidence_parts(dossier, picture=picture)
    return {
        "model": dossier.subject.model,
        "version": dossier.subject.version,
        "environment": dossier.decision.environment,
        "digest": dossier.subject_sha256,
        "digest_short": short_digest(dossier.subject_sha256),
        "manifest_digest": dossier.subject.manifest_sha256,
        "manifest_digest_short": short_digest(dossier.subject.manifest_sha256),
        "submitted_by": dossier.subject.submitted_by,
        "submitted_at": instant(dossier.subject.submitted_at),
        "generated_at": instant(dossier.generated_at),
        "service": dossier.service,
        "decision": _decision(dossier),
        "use_case": dossier.use_case,
        "verdict": _verdict(dossier),
        "rules": rules,
        "statuses": tuple(STATUS_MARKS),
        "open_rules": [rule for rule in rules if rule.status not in {"pass", "excepted"}],
        "counts": status_counts(rules),
        "parts": parts,
        "figures": [figure for part in parts for figure in _figures(part)],
        "sections": [
            {"key": section.key, "title": section.title, "html": html_from_markdown(section.markdown)}
            for section in dossier.card.sections
            if section.markdown.strip()
        ],
        "card_digest": dossier.card.sha256,
        "card_revision": str(dossier.card.revision),
        "stages": _stages(dossier),
        "signed": bool(dossier.sign_offs),
        "promotion": _promotion(dossier),
        "artifacts": [
            {
                "role": item.role,
                "path": item.path,
                "size": size_words(item.size),
                "media_type": item.media_type,
                "sha256": item.sha256,
                "short": short_digest(item.sha256),
            }
            for item in dossier.artifacts
        ],
        "lineage": dossier.lineage,
        "origins": origins_view(dossier.origins, picture=picture),
        "evaluations": [_evaluation(item) for item in dossier.evaluations],
        "changes": dossier.changes,
        "compared_with": dossier.compared_with,
        "ledger": [
            {
                "seq": str(line.seq),
                "at": stamp(line.at),
                "actor": line.actor,
                "action": line.action,
                "label": line.label,
                "short": short_digest(line.hash),
                "hash": line.hash,
            }
            for line in dossier.ledger
        ],
        "checkpoint": _checkpoint(dossier),
        "manifest": _pretty(dossier.manifest),
        "verification_url": dossier.verification_url,
        "verification_href": web_address(dossier.verification_url),
    }


def _figures(part: EvidencePart) -> list[Figure]:
    """What has a number in the document, in its order."""
    judged = [figure for item in part.rules for figure in item.figures]
    return [*judged, *(figure for figure in part.exhibits if figure.svg)]


def _decision(dossier: Dossier) -> dict[str, str]:
    decision = dossier.decision
    status = RESULT_STATUS.get(decision.result, "error")
    return {
        "result": decision.result,
        "status": status,
        "mark": STATUS_MARKS[status],
        "sentence": decision.sentence,
        "at": instant(decision.at) if decision.at else f"as of {instant(dossier.generated_at)}",
        "day": day(decision.at or dossier.generated_at),
    }


def _verdict(dossier: Dossier) -> dict[str, str]:
    verdict = dossier.verdict
    status = OUTCOME_STATUS.get(verdict.outcome, "error")
    return {
        "outcome": verdict.outcome,
        "status": status,
        "mark": STATUS_MARKS[status],
        "words": OUTCOME_WORDS.get(verdict.outcome, "the outcome is not known"),
        "policy": verdict.policy,
        "policy_version": str(verdict.policy_version),
        "policy_title": verdict.policy_title or verdict.policy,
        "policy_sha256": verdict.policy_sha256,
        "policy_short": short_digest(verdict.policy_sha256),
        "sha256": verdict.sha256,
    }


def _stages(dossier: Dossier) -> list[dict[str, Any]]:
    return [
        {
            "name": stage.name,
            "role": stage.role.replace("-", " "),
            "needs": f"{stage.quorum} signature{'' if stage.quorum == 1 else 's'}",
            "independent": listed(role.replace("-", " ") for role in stage.independent_of),
            "state": stage.state,
            "due": instant(stage.due_at) if stage.due_at else "",
            "sign_offs": [_sign_off(item) for item in dossier.sign_offs if item.stage == stage.name],
        }
        for stage in dossier.stages
    ]


def _sign_off(item: SignOffRecord) -> dict[str, Any]:
    status = SIGNATURE_STATUS.get(item.state, "error")
    return {
        "name": item.printed_name,
        "role": item.role.replace("-", " "),
        "meaning": item.meaning,
        "at": instant(item.signed_at),
        "record": item.record_sha256,
        "subject": item.subject_sha256,
        "state": item.state,
        "status": status,
        "mark": STATUS_MARKS[status],
        "acknowledged": listed(item.acknowledged),
        "comment": item.comment,
    }


def _promotion(dossier: Dossier) -> dict[str, str] | None:
    if dossier.promotion is None:
        return None
    return {
        "at": instant(dossier.promotion.at),
        "by": dossier.promotion.by,
        "attestation": dossier.promotion.attestation_sha256,
        "statement": dossier.promotion.statement_sha256,
        "valid_until": instant(dossier.promotion.valid_until) if dossier.promotion.valid_until else "no end stated",
    }


def _checkpoint(dossier: Dossier) -> dict[str, str] | None:
    if dossier.checkpoint is None:
        return None
    return {"size": f"{dossier.checkpoint.size:,}", "root": dossier.checkpoint.root, "note": dossier.checkpoint.note}


def _evaluation(item: EvaluationRecord) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "status": item.status,
        "trust": item.trust,
        "started_at": instant(item.started_at),
        "finished_at": instant(item.finished_at),
        "sha256": item.sha256,
        "short": short_digest(item.sha256),
        "seed": "not used" if item.seed is None else str(item.seed),
        "engine": item.engine,
        "code_version": item.code_version,
        "inputs": [f"{entry.get('path', '')}  {entry.get('sha256', '')}" for entry in item.inputs],
        "parameters": "; ".join(
            f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(item.parameters.items())
        ),
        "warnings": item.warnings,
        "error": item.error.message if item.error else "",
        "table": measurement_table(item.measurements),
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)

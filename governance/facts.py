"""Gathers what the pure evaluator judges: one plain mapping of everything known about a version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from audits.models import Evaluation, JobStatus
from audits.sandbox.errors import SandboxUnavailable
from registry.models import ModelVersion
from registry.selectors import current_card


def gather_facts(
    *,
    version: ModelVersion,
    environment: str,
    evaluations: Mapping[str, Evaluation],
    champion: ModelVersion | None,
    as_of: datetime,
    reads: Collection[str] = (),
) -> dict[str, Any]:
    """The facts as ``docs/policy.md`` describes them; JSON types only.

    ``reads`` are the kinds of facts beyond the usual that the policy's rules read: ``lineage``.
    """
    card = current_card(version)
    told = {}
    if "lineage" in reads:
        from governance.lineage_facts import lineage_facts

        told["lineage"] = lineage_facts(version, as_of)
    return {
        **told,
        "as_of": _time(as_of),
        "subject": {
            "model": version.model.name,
            "version": version.name,
            "manifest_sha256": version.sha256,
            "risk_tier": version.model.use_case.risk_tier,
            "environment": environment,
        },
        "evaluations": {key: _evaluation(evaluation) for key, evaluation in sorted(evaluations.items())},
        "measurements": [
            {**row.as_measurement().as_json(), "kind": key, "evidence": evaluation.report_id}
            for key, evaluation in sorted(evaluations.items())
            if evaluation.status == JobStatus.SUCCEEDED
            for row in evaluation.measurements.all()
        ],
        "champion": {"version": champion.name, "manifest_sha256": champion.sha256} if champion else None,
        "documentation": card.sections if card else {},
        "exceptions": [],
        "features": version.facts["schema"]["features"],
    }


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    error = evaluation.error
    unavailable = evaluation.status == JobStatus.ERROR and error and error.get("code") == SandboxUnavailable.code
    return {
        "status": "unavailable" if unavailable else evaluation.status,
        "trust": evaluation.trust,
        "finished_at": _time(evaluation.finished_at) if evaluation.finished_at else None,
        "sha256": evaluation.report_id,
        "error": {key: error.get(key) for key in ("message", "file", "column", "row")} if error else None,
        **({"cancelled_by": evaluation.cancelled_by.printed_name} if evaluation.cancelled_by else {}),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

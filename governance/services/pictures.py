"""Drawing a verdict's evidence, with the policy's thresholds, for pages: the same pictures as in the documents."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from governance.dossier_builder import build_dossier
from governance.models import Verdict, VerdictPicture
from governance.services.assessment import assess_version


def draw_verdict(*, verdict_id: int) -> None:
    """Draw every picture of a verdict once, in a worker. One that is no longer the latest is left undrawn."""
    from audits.evidence_view import Table, evidence_parts

    verdict = Verdict.objects.select_related("version", "policy_version__policy").get(pk=verdict_id)
    assessment = assess_version(version=verdict.version, environment=verdict.environment)
    if assessment.verdict != verdict or verdict.pictures.exists():
        return

    def plain(table: Table) -> dict[str, Any]:
        return {
            "heads": [list(cell) for cell in table.heads],
            "rows": [[list(cell) for cell in row] for row in table.rows],
        }

    figures = [
        (item.rule.id, figure)
        for part in evidence_parts(build_dossier(assessment))
        for item in part.rules
        for figure in item.figures
    ]
    with transaction.atomic():
        Verdict.objects.select_for_update(of=("self",)).get(pk=verdict_id)
        if verdict.pictures.exists():
            return
        VerdictPicture.objects.bulk_create(
            VerdictPicture(
                verdict=verdict,
                rule=rule,
                caption=figure.caption,
                position=position,
                svg=figure.svg,
                table=plain(figure.table),
            )
            for position, (rule, figure) in enumerate(figures)
        )

"""Drawing a verdict's evidence, with the policy's thresholds, for pages: the same pictures as in the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import transaction

from governance.dossier_builder import build_dossier
from governance.models import Verdict, VerdictPicture
from governance.services.assessment import assess_version

if TYPE_CHECKING:
    from audits.dossier import Dossier
    from audits.evidence_view import Figure
    from audits.tables import Cell

EVIDENCE = "evidence:"
"""Before the kind of check, it marks exhibits that belong to the evaluation rather than to one rule."""


def draw_verdict(*, verdict_id: int) -> None:
    """Draw every picture of a verdict once, in a worker. One that is no longer the latest is left undrawn."""
    verdict = Verdict.objects.select_related("version", "policy_version__policy").get(pk=verdict_id)
    assessment = assess_version(version=verdict.version, environment=verdict.environment)
    if assessment.verdict != verdict or verdict.pictures.exists():
        return
    figures = list(_figures(build_dossier(assessment)))
    with transaction.atomic():
        Verdict.objects.select_for_update(of=("self",)).get(pk=verdict_id)
        if verdict.pictures.exists():
            return
        VerdictPicture.objects.bulk_create(
            VerdictPicture(
                verdict=verdict,
                rule=place,
                caption=figure.caption,
                position=position,
                svg=figure.svg,
                table=_plain(figure),
            )
            for position, (place, figure) in enumerate(figures)
        )


def _figures(dossier: Dossier) -> Iterator[tuple[str, Figure]]:
    from audits.evidence_view import evidence_parts

    for part in evidence_parts(dossier):
        for item in part.rules:
            yield from ((item.rule.id, figure) for figure in item.figures)
        yield from ((f"{EVIDENCE}{part.key}", figure) for figure in part.exhibits)


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        "heads": [list(cell) for cell in figure.table.heads],
        "rows": _rows(figure.table.rows),
        "rest": _rows(figure.rest),
        "rest_title": figure.rest_title,
        "omitted": figure.omitted,
        "note": figure.note,
    }


def _rows(rows: tuple[tuple[Cell, ...], ...]) -> list[list[list[str]]]:
    return [[list(cell) for cell in row] for row in rows]

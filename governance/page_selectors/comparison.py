"""A version beside the champion: what was measured of both on the same rows, and what differs between the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from audits.dossier import Change
from audits.models import Evaluation, JobStatus
from audits.series import Series
from audits.series_view import exhibits_of
from governance.champion import champion_for
from governance.changes import changes_between
from governance.page_selectors.evidence import EvidencePart, Picture, current_by_kind, evidence_of
from governance.page_selectors.rules import rules_of
from governance.page_selectors.standing import Standing
from registry.models import ModelVersion

COMPARISON = "comparison"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, as the head of the page tells it."""

    role: str
    version: ModelVersion
    trained_on: str
    seed: Any
    code: str


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """What ``comparison/page.html`` reads.

    Attributes
    ----------
    empty
        Why there is nothing to see, in a sentence; empty where there is.
    sides
        Challenger and champion; none without a champion.
    compared
        How the rows were paired and on what both were measured, ``[(name, text)]``.
    part
        Rules and exhibits of the check; None where nothing was measured.
    pictures
        The exhibits, who changes sides first.
    changes
        What differs between the two manifests, by area; never their stored metrics, which are only told side by side here.
    """

    version: ModelVersion
    environment: str
    environments: list[str]
    empty: str
    sides: list[Side]
    compared: list[tuple[str, str]]
    part: EvidencePart | None
    pictures: list[Picture]
    changes: list[tuple[str, list[Change]]]


def comparison_page(version: ModelVersion, standing: Standing, environments: list[str]) -> ComparisonPage:
    """Gather the page of a version for one environment."""
    environment = standing.environment
    champion = champion_for(version, environment)
    evaluation = current_by_kind(version).get(COMPARISON)
    empty = _empty(version, champion, evaluation, environment)
    part = _part(standing, evaluation) if evaluation is not None and not empty else None
    report = part.report if part else {}
    return ComparisonPage(
        version=version,
        environment=environment,
        environments=environments,
        empty=empty,
        sides=[_side(_("Challenger"), version), _side(_("Champion"), champion)]
        if champion and champion != version
        else [],
        compared=_compared(report.get(COMPARISON, {})),
        part=part,
        pictures=_pictures(part) if part else [],
        changes=_changes(champion, version) if champion and champion != version else [],
    )


def _empty(
    version: ModelVersion, champion: ModelVersion | None, evaluation: Evaluation | None, environment: str
) -> str:
    where = {"environment": environment}
    if champion is None:
        return (
            _("Nothing ran in %(environment)s before this version, so there is no champion to compare it with.") % where
        )
    if champion == version:
        return _("This version is itself the champion in %(environment)s.") % where
    if evaluation is None:
        return (
            _(
                "It was not compared: no rule of the policy for %(environment)s asks for it, or the policy has not been applied yet."
            )
            % where
        )
    if evaluation.champion_id != champion.pk:
        was = {"before": evaluation.champion or "?", "champion": champion, **where}
        return (
            _(
                "It was compared with %(before)s. The champion in %(environment)s is %(champion)s, with which it has not been compared yet."
            )
            % was
        )
    if not evaluation.is_finished:
        return _("It is being compared now: %(percent)s %%.") % {"percent": evaluation.percent}
    return ""


def _side(role: str, version: ModelVersion) -> Side:
    facts = version.facts
    code = facts["code"]
    commit = str(code.get("commit", ""))
    return Side(
        role=role,
        version=version,
        trained_on=str(version.training_dataset or facts["training"].get("dataset", "")),
        seed=facts["training"].get("seed"),
        code=f"{code.get('repository', '')} {commit[:12]}".strip(),
    )


def _part(standing: Standing, evaluation: Evaluation) -> EvidencePart:
    parts = evidence_of(standing.verdict, rules_of(standing.verdict).everything, {COMPARISON: evaluation})
    return next(part for part in parts if part.key == COMPARISON)


def _pictures(part: EvidencePart) -> list[Picture]:
    """The exhibits as they were drawn with the verdict; until then their tables alone."""
    if part.exhibits or part.evaluation is None or part.evaluation.status != JobStatus.SUCCEEDED or part.damage:
        return part.exhibits
    series = [Series.from_json(item) for item in part.report.get("series", ())]
    return [
        Picture(f"{shown.title}.", "", shown.table, omitted=shown.omitted, note=shown.note)
        for shown in exhibits_of(COMPARISON, series)
    ]


def _compared(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not said:
        return []
    on = {
        "predictions": _("the predictions as they were submitted"),
        "re-scored": _("the challenger's test data, on which the service ran both models"),
    }
    by = {
        "key": _("by the key of each row"),
        "order": _("by their order, for the manifests declare no key"),
        "scored together": _("as they were scored, row by row"),
    }
    told = [
        (_("Measured on"), on.get(said["compared_on"], said["compared_on"])),
        (_("Rows are paired"), by.get(said["paired_by"], said["paired_by"])),
        (_("Rows"), f"{said['rows']:,}"),
    ]
    if said["only_challenger"] or said["only_champion"]:
        left = {"challenger": f"{said['only_challenger']:,}", "champion": f"{said['only_champion']:,}"}
        told.append(
            (_("Left out"), _("%(challenger)s rows of the challenger's alone, %(champion)s of the champion's") % left)
        )
    return told


def _changes(champion: ModelVersion, version: ModelVersion) -> list[tuple[str, list[Change]]]:
    found = changes_between(champion, version)
    areas = dict.fromkeys(change.area for change in found)
    return [(area, [change for change in found if change.area == area]) for area in areas]

"""Everything that a version's page shows, and the review's page with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from audits.dossier import Change
from audits.models import Evaluation
from audits.services.evaluations import MEASURERS
from governance.changes import changes_since
from governance.models import DossierExport, EnvironmentPointer, PolicyVersion, Promotion, Review
from governance.page_selectors.components import Composition, composition_of
from governance.page_selectors.evidence import EvidencePart, current_by_kind, evidence_of
from governance.page_selectors.rules import RulesShown, rules_of
from governance.page_selectors.stages import Signature, StageShown, signatures_of, stages_of
from governance.page_selectors.standing import Places, Standing, standing, standings_of
from registry import ledger
from registry.errors import NotFound
from registry.models import CARD_SECTIONS, CardRevision, ModelVersion, Person
from registry.models.ledger import LedgerEntry
from registry.roles import AUTHORS, PROMOTERS
from registry.selectors import current_card, roles_of

_HISTORY = 40
_DRAWING_SECONDS = 120
AREAS = ("metrics", "data", "features", "parameters", "card", "code")


@dataclass(frozen=True, slots=True)
class CardSection:
    """One section of the model card; ``markdown`` is people's text."""

    title: str
    markdown: str


@dataclass(frozen=True, slots=True)
class VersionPage:
    """What the templates under ``version/`` read."""

    version: ModelVersion
    environment: str
    environments: list[str]
    standing: Standing
    rules: RulesShown
    parts: list[EvidencePart]
    running: list[Evaluation]
    is_settling: bool
    stages: list[StageShown]
    signatures: list[Signature]
    changes: list[tuple[str, list[Change]]]
    compared_with: ModelVersion | None
    card: CardRevision | None
    sections: list[CardSection]
    facts: dict[str, Any]
    files: list[Any]
    promotion: Promotion | None
    pointer: EnvironmentPointer | None
    export: DossierExport | None
    composition: Composition
    history: Sequence[LedgerEntry]
    policy: PolicyVersion | None
    may_promote: bool
    may_write_card: bool
    may_measure: bool

    @property
    def headline(self) -> tuple[str, str]:
        """``(status, sentence)``: whether the environment may run it, in a few words."""
        standing, where = self.standing, {"environment": self.environment}
        if standing.runs:
            return _headline_where_it_runs(standing)
        match standing.stage:
            case "approved":
                return "pass", _("may be promoted to %(environment)s") % where
            case "measuring" | "review":
                return standing.status, _("cannot be promoted to %(environment)s yet") % where
            case "uncovered":
                return "missing", _("cannot be promoted: no policy covers this version")
        return "fail", _("cannot be promoted to %(environment)s") % where


def _headline_where_it_runs(standing: Standing) -> tuple[str, str]:
    where = {"environment": standing.environment}
    if standing.stage == "approved":
        return "pass", _("runs in %(environment)s") % where
    if standing.stage in ("blocked", "rejected", "uncovered"):
        return "fail", _("runs in %(environment)s and is no longer allowed there") % where
    return standing.status, _("runs in %(environment)s and is judged again") % where


def standing_for(version: ModelVersion, environment: str | None) -> tuple[Standing, list[str]]:
    """The standing to show, and the environments to choose from.

    Parameters
    ----------
    environment
        The one asked for; the first that the version was judged for if None.

    Raises
    ------
    NotFound
        If the version was never on its way to that environment.
    """
    standings = standings_of([version])
    known = sorted(item.environment for item in standings if item.environment)
    wanted = environment or next(iter(known), "")
    for item in standings:
        if item.environment == wanted:
            return item, known
    raise NotFound(f"{version} was never on its way to {environment}")


def standing_in(review: Review) -> tuple[Standing, list[str]]:
    """The version's standing as this review, which may be over, has it; and the environments to choose from."""
    version, environment = review.version, review.environment
    standings = standings_of([version], [review])
    now = next(item for item in standings if item.environment == environment)
    here = {(version.pk, environment)}
    places = Places(here if now.runs else set(), here if now.promoted else set())
    as_reviewed = standing(version, environment, review.verdict, review, places, timezone.now())
    return as_reviewed, sorted(item.environment for item in standings)


def version_page(person: Person, version: ModelVersion, standing: Standing, environments: list[str]) -> VersionPage:
    """Gather the page of a version for one environment, as ``person`` may see and use it."""
    environment, verdict = standing.environment, standing.verdict
    rules, roles = rules_of(verdict), roles_of(person, version.model)
    evaluations = current_by_kind(version)
    running = [item for item in evaluations.values() if not item.is_finished]
    changes, before = changes_since(version, environment)
    if running:  # what is not measured yet has not changed
        changes = tuple(item for item in changes if item.area != "metrics")
    card = current_card(version)
    texts = card.sections if card else {}
    promotions = Promotion.objects.filter(version=version, environment=environment).select_related("promoted_by")
    exports = DossierExport.objects.filter(version=version, environment=environment, requested_by=person)
    policy = standing.review.policy_version if standing.review else verdict.policy_version if verdict else None
    return VersionPage(
        version=version,
        environment=environment,
        environments=environments,
        standing=standing,
        rules=rules,
        parts=evidence_of(verdict, rules.everything, evaluations),
        running=running,
        is_settling=is_settling(standing, running),
        stages=stages_of(standing),
        signatures=signatures_of(standing),
        changes=[
            (area, [item for item in changes if item.area == area])
            for area in AREAS
            if any(item.area == area for item in changes)
        ],
        compared_with=before,
        card=card,
        sections=[CardSection(title, texts[key]) for key, title, _hint in CARD_SECTIONS if texts.get(key)],
        facts=version.facts,
        files=list(version.files.select_related("artifact")),
        promotion=promotions.order_by("-created_at").first(),
        pointer=EnvironmentPointer.objects.filter(promotion__version=version, environment=environment).first(),
        export=exports.prefetch_related("files__artifact").order_by("-created_at").first(),
        composition=composition_of(person, version, environment),
        history=history_of(version),
        policy=policy,
        may_promote=bool(roles & PROMOTERS),
        may_write_card=bool(roles & AUTHORS),
        may_measure=bool(roles & MEASURERS),
    )


def is_settling(standing: Standing, running: Sequence[Evaluation]) -> bool:
    """Whether the page will change by itself: something is measured, judged or drawn."""
    verdict = standing.verdict
    if running or (verdict is not None and verdict.outcome == "pending"):
        return True
    if verdict is None or not any(rule["details"] for rule in verdict.document["rules"]):
        return False
    fresh = (timezone.now() - verdict.created_at).total_seconds() < _DRAWING_SECONDS
    return fresh and not verdict.pictures.exists()


def history_of(version: ModelVersion) -> Sequence[LedgerEntry]:
    """The latest ledger entries about this version."""
    name = str(version)
    about = Q(label=name) | Q(label__startswith=f"{name} ")
    return list(ledger.entries(model_name=version.model.name).filter(about).defer("body")[:_HISTORY])

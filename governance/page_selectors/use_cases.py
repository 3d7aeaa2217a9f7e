"""Use cases as their pages show them: in a list, and one with its risk, policies, models and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from audits.wording import money
from governance.models import EnvironmentPointer, PolicyVersion
from governance.page_selectors.standing import newest_versions
from governance.policies_in_force import latest_versions
from registry import ledger
from registry.amounts import AMOUNTS, OUTCOMES, parse_amounts
from registry.canonical import parse_json
from registry.dataset_selectors import datasets_for
from registry.intake_form import DETAILS, FIELDS, judge
from registry.intake_selectors import intakes_for
from registry.ledger_actions import Action
from registry.lineage.names import OUR_MODELS, PlaceName
from registry.lineage_queries import upstream
from registry.models import (
    Dataset,
    Intake,
    LineageColumn,
    ModelVersion,
    Person,
    RegisteredModel,
    RiskAssessment,
    UseCase,
)
from registry.scorecard import answer_in_words
from registry.scorecard_document import parse_scorecard
from registry.scorecards import current_scorecard
from registry.selectors import models_for, use_cases_for

_NODES = 5_000
_ANSWERS = (Action.RISK_OVERRIDE_CONFIRMED.value, Action.RISK_OVERRIDE_REFUSED.value)


@dataclass(frozen=True, slots=True)
class UseCaseRow:
    """One use case in the list, with how many of its models the reader may see."""

    use_case: UseCase
    models: int


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """One unfinished intake, and how much is missing or wrong."""

    intake: Intake
    mine: bool
    problems: int


def use_case_rows(person: Person, *, q: str = "", tier: str = "") -> list[UseCaseRow]:
    """Use cases that ``person`` may see, by name; each filter that is given must hold."""
    found = use_cases_for(person).select_related("owner")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q))
    if tier:
        found = found.filter(risk_tier=tier)
    counted = models_for(person).order_by().values_list("use_case").annotate(n=Count("pk"))
    models = dict(counted)
    return [UseCaseRow(use_case, models.get(use_case.pk, 0)) for use_case in found.order_by("name", "slug")]


def intake_rows(person: Person) -> list[IntakeRow]:
    """Intakes that wait for ``person``: one's own, then others' that one may submit."""
    scorecard = current_scorecard()
    found = intakes_for(person).filter(use_case=None)
    rows = [
        IntakeRow(intake, intake.author_id == person.pk, len(judge(intake.answers, scorecard).problems))
        for intake in found
    ]
    return sorted(rows, key=lambda row: (not row.mine, row.problems))


def policies_for(tier: str) -> list[PolicyVersion]:
    """The policies that govern versions of this tier, by environment."""
    covering = [version for version in latest_versions() if tier in version.risk_tiers]
    return sorted(covering, key=lambda version: version.environment)


@dataclass(frozen=True, slots=True)
class DataSeen:
    """Datasets that models depend on; ``hidden`` more, that the reader may not see."""

    datasets: list[Dataset]
    hidden: int
    truncated: bool


def data_of(person: Person, models: list[RegisteredModel]) -> DataSeen:
    """What the newest and the running versions of ``models`` depend on, as their manifests or their lineage say."""
    versions = {version.pk: version for version in newest_versions(models)}
    running = EnvironmentPointer.objects.filter(model__in=models, promotion__isnull=False)
    for pointer in running.select_related("promotion__version__model").defer("promotion__version__manifest"):
        if pointer.promotion is not None:
            versions.setdefault(pointer.promotion.version_id, pointer.promotion.version)
    keys = [PlaceName(OUR_MODELS, str(version)).key for version in versions.values()]
    whole = LineageColumn.objects.filter(place__key__in=keys, role=LineageColumn.Role.OUT).values_list("pk", flat=True)
    graph = upstream(list(whole), limit=_NODES)
    slugs = {place.dataset for place in graph.places if place.dataset}
    trained = ModelVersion.objects.filter(pk__in=versions, training_dataset__isnull=False)
    slugs |= set(trained.values_list("training_dataset__dataset__slug", flat=True))
    seen = list(datasets_for(person).filter(slug__in=slugs).order_by("name"))
    return DataSeen(seen, len(slugs) - len(seen), graph.truncated)


@dataclass(frozen=True, slots=True)
class Assessed:
    """One assessment for people.

    Attributes
    ----------
    answers
        ``[(section title, [(question, answers in words)])]``, as the scorecard asked that it was made with.
    answered
        Why the proposal was confirmed or refused, as the ledger has it; empty while it was not.
    lapsed
        A proposal that a newer assessment overtook.
    """

    assessment: RiskAssessment
    result: dict[str, Any]
    answers: list[tuple[str, list[tuple[Any, tuple[str, ...]]]]]
    source: str
    answered: str
    lapsed: bool


def assessed(assessments: list[RiskAssessment]) -> list[Assessed]:
    """The assessments of one use case, the latest first, for people."""
    reasons = _reasons(assessments[0].use_case_id) if assessments else {}
    newest = assessments[0].number if assessments else 0
    return [_assessed(item, reasons.get(item.number, ""), newest) for item in assessments]


def _assessed(assessment: RiskAssessment, answered: str, newest: int) -> Assessed:
    document = assessment.document
    scorecard = parse_scorecard(document["scorecard"])
    given = document["answers"]
    answers = [
        (
            section.title,
            [
                (question, answer_in_words(question, given.get(question.id)))
                for question in scorecard.questions
                if question.section == section.id
            ],
        )
        for section in scorecard.sections
    ]
    lapsed = assessment.override_state == "proposed" and assessment.number != newest
    return Assessed(assessment, document["result"], answers, scorecard.source, answered, lapsed)


def _reasons(use_case: int) -> dict[int, str]:
    """Why proposals were answered as they were, by the number of the assessment; the ledger keeps the words."""
    entries = ledger.entries(object_type="use case", object_id=str(use_case)).filter(action__in=_ANSWERS)
    said = [parse_json(bytes(entry.body), what="ledger entry")["data"] for entry in entries]
    return {item["number"]: item["reason"] for item in said}


def details_of(use_case: UseCase) -> list[tuple[str, str]]:
    """``[(title, text)]`` of what the intake said beyond the use case's own columns."""
    shown = []
    for key in DETAILS:
        value = use_case.details.get(key)
        if key != "kpis" and value not in (None, "", []):
            words = dict(FIELDS[key].options).get(value, value) if isinstance(value, str) else value
            shown.append((FIELDS[key].title, f"{words:,}" if isinstance(words, int) else str(words)))
    return shown


def amounts_of(use_case: UseCase) -> list[tuple[str, str]]:
    """``[(outcome, amount)]`` of what decisions are worth, where the use case says so."""
    stated = use_case.details.get(AMOUNTS)
    if not stated:
        return []
    amounts = parse_amounts(stated)
    words = {
        "true_positive": _("A positive decision that is right"),
        "false_positive": _("A positive decision that is wrong"),
        "true_negative": _("A negative decision that is right"),
        "false_negative": _("A negative decision that is wrong"),
    }
    return [(words[outcome], money(getattr(amounts, outcome), amounts.currency)) for outcome in OUTCOMES]

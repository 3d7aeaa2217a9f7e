"""Use cases: the list, the page of one, its risk assessments, and overriding what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.page_selectors.intakes import risk_sections, risk_sent
from governance.page_selectors.models import rows_of
from governance.page_selectors.use_cases import (
    amounts_of,
    assessed,
    data_of,
    details_of,
    intake_rows,
    policies_for,
    use_case_rows,
)
from governance.views.page import reader
from registry.errors import InvalidInput, NotAllowed
from registry.intake_form import Problem, judge_risk
from registry.intake_selectors import assessments_of, get_assessment, latest_assessment, may_submit
from registry.models import Person, RiskAssessment, RiskTier, UseCase
from registry.roles import MANAGERS
from registry.scorecard import Scorecard
from registry.scorecards import current_scorecard
from registry.selectors import get_use_case, models_for, roles_of
from registry.services.risk import (
    PROPOSED,
    answer_override,
    assess_use_case,
    lowers,
    objection_to_answering,
    propose_override,
)

_PER_PAGE = 50


@require_safe
def use_cases(request: HttpRequest) -> HttpResponse:
    """Every use case that the reader may see, and the intakes that wait for them."""
    person = reader(request)
    asked = {key: request.GET.get(key, "").strip() for key in ("q", "tier")}
    intakes = intake_rows(person)
    context = {
        "rows": Paginator(use_case_rows(person, **asked), _PER_PAGE).get_page(request.GET.get("page")),
        "asked": asked,
        "filtered": any(asked.values()),
        "tiers": RiskTier.choices,
        "mine": [row for row in intakes if row.mine],
        "others": [row for row in intakes if not row.mine],
        "may_submit": may_submit(person),
    }
    return render(request, "use_cases/list.html", context)


@require_safe
def use_case(request: HttpRequest, slug: str) -> HttpResponse:
    """One use case: what it is for, whom it touches, its risk, its models and their data."""
    person = reader(request)
    return _page_of(request, person, get_use_case(person, slug))


def _page_of(
    request: HttpRequest, person: Person, found: UseCase, *, status: int = 200, **more: object
) -> HttpResponse:
    models = list(models_for(person).filter(use_case=found))
    roles = roles_of(person, found)
    history = assessed(list(assessments_of(found)))
    latest = history[0].assessment if history else None
    context = {
        "use_case": found,
        "roles": roles,
        "rows": rows_of(models),
        "data": data_of(person, models),
        "policies": policies_for(found.risk_tier),
        "details": details_of(found),
        "amounts": amounts_of(found),
        "kpis": found.details.get("kpis", []),
        "history": history,
        "latest": history[0] if history else None,
        "may_manage": bool(roles & MANAGERS),
        "tiers": [choice for choice in RiskTier.choices if choice[0] != found.risk_tier],
        **_proposal(person, found, latest),
        **more,
    }
    return render(request, "use_cases/page.html", context, status=status)


def _proposal(person: Person, found: UseCase, latest: RiskAssessment | None) -> dict[str, Any]:
    """The open proposal, whether it lowers the tier, and what keeps the reader from answering it."""
    if latest is None or latest.override_state != PROPOSED:
        return {"proposal": None}
    return {
        "proposal": latest,
        "lowering": lowers(found, latest, latest.override_tier),
        "objection": objection_to_answering(person, found, latest, accept=True),
        "may_refuse": not objection_to_answering(person, found, latest, accept=False),
        "proposed_policies": policies_for(latest.override_tier),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def risk(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer the questionnaire anew, beginning from the last answers."""
    person = reader(request)
    found = get_use_case(person, slug)
    if not roles_of(person, found) & MANAGERS:
        raise NotAllowed(_("Only an owner or compliance officer of the use case assesses its risk."))
    scorecard = current_scorecard()
    if request.method != "POST":
        last = latest_assessment(found)
        return _questionnaire(request, found, scorecard, last.document["answers"] if last else {})
    sent = risk_sent(request.POST, scorecard)
    answers, problems = judge_risk(sent, scorecard)
    if problems:
        return _questionnaire(request, found, scorecard, sent, problems)
    made = assess_use_case(actor=person, use_case=found, answers=answers)
    messages.success(request, _said_of(found, made))
    return redirect("use-case", slug=found.slug)


def _said_of(found: UseCase, made: RiskAssessment) -> str:
    names = {"computed": made.computed_tier, "tier": found.risk_tier}
    if made.override_state == PROPOSED:
        said = _("The answers come to %(computed)s. %(tier)s stays in force until a compliance officer confirms that.")
        return said % names
    return _("Assessed: the answers come to %(computed)s, and %(tier)s is in force.") % names


def _questionnaire(
    request: HttpRequest,
    found: UseCase,
    scorecard: Scorecard,
    answers: Mapping[str, Any],
    problems: tuple[Problem, ...] = (),
) -> HttpResponse:
    context = {
        "use_case": found,
        "scorecard": scorecard,
        "sections": risk_sections(answers, problems, scorecard),
        "problems": problems,
    }
    return render(request, "use_cases/risk.html", context, status=422 if problems else 200)


@require_safe
def assessment(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One assessment: every answer as it was given, and what they came to."""
    person = reader(request)
    found = get_use_case(person, slug)
    wanted = get_assessment(found, number)
    shown = next(item for item in assessed(list(assessments_of(found))) if item.assessment.pk == wanted.pk)
    return render(request, "use_cases/assessment.html", {"use_case": found, "shown": shown})


@require_POST
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Propose another tier than the one in force."""
    person = reader(request)
    found = get_use_case(person, slug)
    typed = {"tier": request.POST.get("tier", ""), "reason": request.POST.get("reason", "")}
    try:
        propose_override(actor=person, use_case=found, **typed)
    except InvalidInput as error:
        return _page_of(request, person, found, status=422, error=error, typed=typed)
    messages.success(request, _("Proposed. Nothing changes until a second person confirms it."))
    return redirect("use-case", slug=found.slug)


@require_POST
def answer(request: HttpRequest, slug: str) -> HttpResponse:
    """Confirm or refuse the proposed tier."""
    person = reader(request)
    found = get_use_case(person, slug)
    accept = request.POST.get("answer") == "confirm"
    typed = {"answer_reason": request.POST.get("reason", "")}
    try:
        answer_override(actor=person, use_case=found, accept=accept, reason=typed["answer_reason"])
    except InvalidInput as error:
        return _page_of(request, person, found, status=422, error=error, typed=typed)
    if accept:
        messages.success(request, _("Confirmed: the risk tier is %(tier)s.") % {"tier": found.risk_tier})
    else:
        messages.success(request, _("Refused: the risk tier stays %(tier)s.") % {"tier": found.risk_tier})
    return redirect("use-case", slug=found.slug)

"""Intakes of use cases: the form that saves itself, comparing two windows, discarding, and submitting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from governance.page_selectors.intakes import SectionShown, anchor, differences, form_sections, intake_sent
from governance.page_selectors.use_cases import policies_for
from governance.views.page import reader
from registry.errors import Conflict, CountersignError, InvalidInput
from registry.intake_form import judge
from registry.intake_selectors import get_intake, may_submit, people_who_submit
from registry.models import Intake, Person
from registry.scorecard import Result, assess
from registry.scorecards import current_scorecard
from registry.selectors import use_cases_for
from registry.services.intake import discard_intake, save_intake, start_intake, submit_intake

_OWN_FIELDS = {"csrfmiddlewaretoken", "revision"}


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin an intake."""
    made = start_intake(actor=reader(request))
    return redirect("intake", intake=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def intake(request: HttpRequest, intake: UUID) -> HttpResponse:
    """Show the form, and save what it sends; the page's script sends it by itself as people type."""
    person = reader(request)
    found = get_intake(person, intake)
    if request.method == "POST":
        by_itself = request.headers.get("X-Autosave") == "1"
        return _autosave(request, person, found) if by_itself else _save(request, person, found)
    if found.use_case is not None:
        return _submitted(request, person, found)
    return _form(request, found, found.answers)


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - far more saves than anybody makes
        raise InvalidInput(_("The form was damaged on its way. Please load the page again."), field="revision")
    return int(text)


def _saved(request: HttpRequest, person: Person, found: Intake) -> Intake:
    changes = intake_sent(request.POST, current_scorecard())
    return save_intake(actor=person, intake=found.pk, revision=_revision(request), changes=changes)


def _autosave(request: HttpRequest, person: Person, found: Intake) -> JsonResponse:
    try:
        saved = _saved(request, person, found)
    except CountersignError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return JsonResponse({"message": error.message, "field": error.field}, status=status)
    sections = _sections(saved, saved.answers)
    open_ = {section.id: section.open for section in sections}
    words = {section.id: open_in_words(section.open) for section in sections}
    return JsonResponse({"revision": saved.revision, "open": open_, "words": words})


def _save(request: HttpRequest, person: Person, found: Intake) -> HttpResponse:
    try:
        saved = _saved(request, person, found)
    except Conflict as error:
        if "answers" not in error.details:
            raise
        return _compare(request, found, error)
    except InvalidInput as error:
        sent = intake_sent(request.POST, current_scorecard())
        return _form(request, found, sent, error=error)
    if request.POST.get("step") == "check":
        return redirect("submit-intake", intake=saved.pk)
    messages.success(request, _("Saved. You can leave and come back."))
    return redirect("intake", intake=saved.pk)


def _sections(found: Intake, answers: dict[str, Any]) -> list[SectionShown]:
    scorecard = current_scorecard()
    return form_sections(answers, judge(answers, scorecard), scorecard)


def open_in_words(count: int) -> str:
    """How much of a section still asks for something."""
    return _("%(count)s to do") % {"count": count} if count else _("complete")


def _form(
    request: HttpRequest, found: Intake, answers: dict[str, Any], *, error: InvalidInput | None = None
) -> HttpResponse:
    sections = _sections(found, answers)
    context = {
        "intake": found,
        "scorecard": current_scorecard(),
        "sections": [(section, open_in_words(section.open)) for section in sections],
        "error": error,
        "may_discard": found.author_id == reader(request).pk,
    }
    return render(request, "use_cases/intake.html", context, status=422 if error else 200)


def _compare(request: HttpRequest, found: Intake, error: Conflict) -> HttpResponse:
    """Show what is saved beside what was sent: nothing is overwritten unseen."""
    scorecard = current_scorecard()
    sent = intake_sent(request.POST, scorecard)
    again = [(name, text) for name, texts in request.POST.lists() if name not in _OWN_FIELDS for text in texts]
    context = {
        "intake": found,
        "differences": differences(error.details["answers"], sent, scorecard),  # type: ignore[arg-type]
        "revision": error.details["revision"],
        "again": again,
    }
    return render(request, "use_cases/compare.html", context, status=409)


def _submitted(request: HttpRequest, person: Person, found: Intake) -> HttpResponse:
    assert found.use_case is not None
    if use_cases_for(person).filter(pk=found.use_case.pk).exists():
        return redirect("use-case", slug=found.use_case.slug)
    return render(request, "use_cases/submitted.html", {"intake": found})


@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: HttpRequest, intake: UUID) -> HttpResponse:
    """Ask, then throw the intake away."""
    person = reader(request)
    found = get_intake(person, intake)
    if request.method != "POST":
        return render(request, "use_cases/discard.html", {"intake": found, "mine": found.author_id == person.pk})
    discard_intake(actor=person, intake=found.pk)
    messages.success(request, _("The intake is discarded."))
    return redirect("use-cases")


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, intake: UUID) -> HttpResponse:
    """Show what is missing, or what would be registered; register it once that is confirmed."""
    person = reader(request)
    found = get_intake(person, intake)
    if found.use_case is not None:
        return _submitted(request, person, found)
    if request.method != "POST":
        return _review(request, person, found)
    try:
        made = submit_intake(actor=person, intake=found.pk, revision=_revision(request))
    except (InvalidInput, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _review(request, person, get_intake(person, intake), error=error, status=status)
    messages.success(request, _("%(name)s is registered.") % {"name": made.name})
    if use_cases_for(person).filter(pk=made.pk).exists():
        return redirect("use-case", slug=made.slug)
    return redirect("intake", intake=found.pk)


def _review(
    request: HttpRequest, person: Person, found: Intake, *, error: CountersignError | None = None, status: int = 200
) -> HttpResponse:
    scorecard = current_scorecard()
    judged = judge(found.answers, scorecard)
    result: Result = assess(scorecard, judged.risk)
    context = {
        "intake": found,
        "values": judged.values,
        "problems": [(anchor(problem.field), problem.message) for problem in judged.problems],
        "result": result.as_json(),
        "policies": policies_for(result.tier) if result.tier else [],
        "may_submit": may_submit(person),
        "submitters": [] if may_submit(person) else people_who_submit(),
        "error": error,
    }
    return render(request, "use_cases/submit.html", context, status=status)

"""The page on how a version decides, and asking it what if."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audits.models import WhatIf
from audits.services.what_ifs import ask_what_if, delete_what_if, get_what_if
from governance.page_selectors.evidence import current_by_kind
from governance.page_selectors.explanation import explanation_page, explanations_of
from governance.page_selectors.versions import is_settling, standing_for
from governance.page_selectors.what_if_form import WhatIfForm, typed_of, what_if_form
from governance.views.page import htmx_refresh, reader
from registry.errors import Conflict, InvalidInput, NotFound
from registry.models import ModelVersion
from registry.selectors import get_version

_INVALID, _CONFLICT = 422, 409


def explanation_address(version: ModelVersion) -> str:
    """The address of the page."""
    return reverse("explanation", args=[version.model.name, version.name])


@require_safe
def explanation(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """What was measured of how the version decides, and the form to ask it about a row."""
    found = get_version(reader(request), model, version)
    return _page(request, found, what_if_form(found))


@require_safe
def explanation_progress(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """How far measuring the explanation is; the whole page anew once it is through."""
    found = get_version(reader(request), model, version)
    standing, _environments = standing_for(found, request.GET.get("environment"))
    running = [item for item in explanations_of(current_by_kind(found)).values() if not item.is_finished]
    if not running or not is_settling(standing, running):
        return htmx_refresh()
    page = explanation_page(reader(request), found, standing, what_if_form(found))
    return render(request, "explanation/_measuring.html", {"page": page})


@require_POST
def ask(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Ask about the row of the form; a form that cannot be asked is shown again, with what is wrong at its field."""
    person = reader(request)
    found = get_version(person, model, version)
    base = _base(request, found)
    try:
        typed = typed_of(found, request.POST, base)
        made = ask_what_if(actor=person, version=found, row=typed.row, key=typed.key, change=typed.change)
    except (InvalidInput, Conflict) as error:
        shown = error if isinstance(error, InvalidInput) else InvalidInput(error.message)
        form = what_if_form(found, base=base, typed=request.POST, error=shown)
        status = _INVALID if isinstance(error, InvalidInput) else _CONFLICT
        return _page(request, found, form, shown=base, status=status)
    return redirect(_address(made))


@require_safe
def what_if(request: HttpRequest, model: str, version: str, what_if: UUID) -> HttpResponse:
    """One question with its answer, and the form to change its row further."""
    found = get_version(reader(request), model, version)
    shown = _own(request, found, what_if)
    return _page(request, found, what_if_form(found, base=shown if shown.result else None), shown=shown)


@require_safe
def what_if_progress(request: HttpRequest, model: str, version: str, what_if: UUID) -> HttpResponse:
    """How far the answer is; the whole page anew once it is there."""
    shown = _own(request, get_version(reader(request), model, version), what_if)
    if shown.is_finished:
        return htmx_refresh()
    return render(request, "explanation/_asked.html", {"shown": shown, "version": shown.version})


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, model: str, version: str, what_if: UUID) -> HttpResponse:
    """Ask; then delete the question with its answer, which also stops a worker that is at it."""
    person = reader(request)
    found = get_version(person, model, version)
    shown = _own(request, found, what_if)
    if request.method == "POST":
        delete_what_if(actor=person, what_if=shown)
        messages.success(request, _("The question and its answer are deleted."))
        return redirect(explanation_address(found))
    return render(request, "explanation/delete.html", {"version": found, "shown": shown, "back": _address(shown)})


def _page(
    request: HttpRequest, version: ModelVersion, form: WhatIfForm, *, shown: WhatIf | None = None, status: int = 200
) -> HttpResponse:
    standing, _environments = standing_for(version, request.GET.get("environment"))
    page = explanation_page(reader(request), version, standing, form, shown)
    return render(request, "explanation/page.html", {"page": page}, status=status)


def _own(request: HttpRequest, version: ModelVersion, pk: UUID) -> WhatIf:
    found = get_what_if(reader(request), pk)
    if found.version_id != version.pk:
        raise NotFound("there is no such what-if of this version that you can see")
    return found


def _base(request: HttpRequest, version: ModelVersion) -> WhatIf | None:
    """The question whose row the form changes."""
    text = request.POST.get("base", "")
    if not text:
        return None
    try:
        return _own(request, version, UUID(text))
    except ValueError:
        raise NotFound("there is no such what-if that you can see") from None


def _address(asked: WhatIf) -> str:
    return reverse("what-if", args=[asked.version.model.name, asked.version.name, asked.pk])

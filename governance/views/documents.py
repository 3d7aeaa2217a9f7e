"""The written part of a version's documents, and the rendering of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.models import DossierExport, SignOff
from governance.page_selectors.versions import standing_for
from governance.services.dossier_exports import request_dossier
from governance.services.submissions import revise_model_card
from governance.transitions import ACTIVE_STATES
from governance.views.page import htmx_refresh, reader
from governance.views.versions import page_of
from registry.errors import InvalidInput, NotAllowed, NotFound
from registry.models import CARD_SECTIONS, ModelVersion
from registry.roles import AUTHORS
from registry.selectors import current_card, get_version, roles_of


@dataclass(frozen=True, slots=True)
class CardField:
    """One section of the card: what belongs there, what stands there, and what was typed."""

    key: str
    title: str
    hint: str
    before: str
    text: str


@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Write the model card; where people have signed the old text, ask first."""
    person = reader(request)
    found = get_version(person, model, version)
    if not roles_of(person, found.model) & AUTHORS:
        raise NotAllowed(_("Only developers and owners of the model write its card."))
    if request.method != "POST":
        return _card_form(request, found, _texts(found))
    texts = {key: request.POST.get(key, "").replace("\r\n", "\n").strip() for key, _title, _hint in CARD_SECTIONS}
    if request.POST.get("confirmed") != "yes" and _signers(found):
        return _card_form(request, found, texts, confirm=True)
    try:
        revision = revise_model_card(actor=person, version=found, sections=texts)
    except InvalidInput as error:
        return _card_form(request, found, texts, error=error)
    messages.success(request, _("The model card is revision %(number)s now.") % {"number": revision.number})
    return redirect(page_of(found))


def _texts(version: ModelVersion) -> dict[str, str]:
    standing = current_card(version)
    return dict(standing.sections) if standing else {}


def _card_form(
    request: HttpRequest,
    version: ModelVersion,
    texts: Mapping[str, str],
    *,
    confirm: bool = False,
    error: InvalidInput | None = None,
) -> HttpResponse:
    """The form; or, to be confirmed, only what would change."""
    before = _texts(version)
    sections = [
        CardField(key, title, hint, before.get(key, ""), texts.get(key, "")) for key, title, hint in CARD_SECTIONS
    ]
    context = {
        "version": version,
        "signed": _signers(version),
        "sections": sections,
        "changed": [section for section in sections if section.before != section.text],
        "confirm": confirm,
        "error": error,
    }
    return render(request, "version/card.html", context, status=422 if error else 200)


def _signers(version: ModelVersion) -> list[str]:
    """Who has signed what is there now, in reviews that are not over."""
    rows = SignOff.objects.filter(review__version=version, review__state__in=ACTIVE_STATES).select_related(
        "person", "review"
    )
    return [row.person.printed_name for row in rows if row.subject_sha256 == row.review.subject_sha256]


@require_POST
def dossier(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Queue the rendering of every document about where the version stands now."""
    person = reader(request)
    found = get_version(person, model, version)
    standing, _environments = standing_for(found, request.POST.get("environment") or None)
    request_dossier(actor=person, version=found, environment=standing.environment)
    return redirect(f"{page_of(found, standing.environment)}#documents")


@require_safe
def dossier_progress(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """How far the reader's own dossier is; the whole page anew once it is made."""
    person = reader(request)
    found = get_version(person, model, version)
    asked = request.GET.get("environment", "")
    exports = DossierExport.objects.filter(version=found, environment=asked, requested_by=person)
    export = exports.order_by("-created_at").first()
    if export is None:
        raise NotFound("no dossier was asked for")
    if export.is_finished:
        return htmx_refresh()
    page = {"version": found, "environment": asked, "export": export}
    return render(request, "version/_dossier.html", {"page": page})

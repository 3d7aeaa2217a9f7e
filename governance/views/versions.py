"""The page of a version, its progress, measuring again, and promotion."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audits.models import Evaluation
from audits.services.evaluations import MEASURERS, require_measurer
from governance.champion import version_in
from governance.page_selectors.evidence import current_by_kind
from governance.page_selectors.standing import Standing
from governance.page_selectors.versions import is_settling, standing_for, version_page
from governance.services.evidence import measure_again, stop_measuring
from governance.services.promotions import promote_version
from governance.views.page import htmx_refresh, reader
from registry.errors import CountersignError, NotAllowed, NotFound
from registry.models import ModelVersion
from registry.roles import PROMOTERS
from registry.selectors import get_version, roles_of


def page_of(version: ModelVersion, environment: str = "") -> str:
    """The address of a version's page."""
    path = reverse("version", args=[version.model.name, version.name])
    return f"{path}?environment={environment}" if environment else path


@require_safe
def version(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Verdict, evidence, changes, documents and history of one version for one environment."""
    person = reader(request)
    found = get_version(person, model, version)
    standing, environments = standing_for(found, request.GET.get("environment"))
    return render(request, "version/page.html", {"page": version_page(person, found, standing, environments)})


@require_safe
def progress(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """How far the measuring is; the whole page anew once nothing runs any more."""
    found = get_version(reader(request), model, version)
    standing, _environments = standing_for(found, request.GET.get("environment"))
    running = [item for item in current_by_kind(found).values() if not item.is_finished]
    if not is_settling(standing, running):
        return htmx_refresh()
    person_may = bool(roles_of(reader(request), found.model) & MEASURERS)
    page = {"version": found, "environment": standing.environment, "running": running, "may_measure": person_may}
    return render(request, "version/_progress.html", {"page": page})


@require_POST
def repeat(request: HttpRequest, model: str, version: str, evaluation: UUID) -> HttpResponse:
    """Measure again what ended in error, was cancelled or grew too old."""
    person = reader(request)
    found = get_version(person, model, version)
    again = measure_again(actor=person, evaluation=_evaluation(found, evaluation))
    messages.success(request, _("The %(kind)s evaluation runs again.") % {"kind": again.key})
    return redirect(page_of(found, request.POST.get("environment", "")))


def _evaluation(version: ModelVersion, pk: UUID) -> Evaluation:
    found = version.evaluations.select_related("version__model__use_case").filter(pk=pk).first()
    if found is None:
        raise NotFound("there is no such evaluation of this version")
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, model: str, version: str, evaluation: UUID) -> HttpResponse:
    """Ask, naming the thing; then stop measuring."""
    person = reader(request)
    found = get_version(person, model, version)
    running = _evaluation(found, evaluation)
    require_measurer(person, found)
    environment = request.POST.get("environment") or request.GET.get("environment", "")
    if request.method == "POST":
        stop_measuring(actor=person, evaluation=running)
        messages.success(request, _("The %(kind)s evaluation is cancelled.") % {"kind": running.key})
        return redirect(page_of(found, environment))
    context = {"version": found, "evaluation": running, "environment": environment, "back": page_of(found, environment)}
    return render(request, "version/cancel.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def promote(request: HttpRequest, model: str, version: str) -> HttpResponse:
    """Ask, naming the thing; then let the environment run the version, if the gate allows it at that moment."""
    person = reader(request)
    found = get_version(person, model, version)
    if not roles_of(person, found.model) & PROMOTERS:
        raise NotAllowed(_("Only developers, owners and compliance officers of the model may promote it."))
    asked = request.POST.get("environment") or request.GET.get("environment")
    standing, environments = standing_for(found, asked)
    context = {"page": version_page(person, found, standing, environments), "replaces": _running_there(standing)}
    if request.method == "POST":
        try:
            promotion, _created = promote_version(actor=person, version=found, environment=standing.environment)
        except CountersignError as error:
            return render(request, "version/promote.html", {**context, "error": error}, status=409)
        messages.success(request, _("%(promotion)s. The attestation is signed.") % {"promotion": promotion})
        return redirect(page_of(found, standing.environment))
    return render(request, "version/promote.html", context)


def _running_there(standing: Standing) -> ModelVersion | None:
    return version_in(standing.version.model_id, standing.environment)

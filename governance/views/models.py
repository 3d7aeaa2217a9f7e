"""The page of a model, and going back to an earlier version."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from governance.page_selectors.deployments import deployments_of
from governance.page_selectors.models import (
    people_of,
    pointers_of,
    promotions_of,
    versions_with_standings,
)
from governance.policies_in_force import environments_of
from governance.services.promotions import roll_back
from governance.views.page import reader
from registry.errors import CountersignError, NotAllowed
from registry.external_selectors import external_versions_for
from registry.models import Deployment
from registry.roles import PROMOTERS
from registry.selectors import get_model, roles_of

_PER_PAGE = 50
_ENDED_SHOWN = 20
_ELSEWHERE_SHOWN = 50


@require_safe
def model(request: HttpRequest, model: str) -> HttpResponse:
    """One model: its versions, where they run, and who holds which role."""
    person = reader(request)
    found = get_model(person, model)
    versions = found.versions.select_related("model__use_case", "submitted_by").defer("manifest")
    shown = Paginator(versions, _PER_PAGE).get_page(request.GET.get("page"))
    roles = roles_of(person, found)
    context = {
        "model": found,
        "versions": versions_with_standings(list(shown)),
        "page_of_versions": shown,
        "runs": pointers_of([found]),
        "people": people_of(found),
        "promotions": promotions_of(found),
        "deployments": deployments_of([found]),
        "ended": deployments_of([found], live=False)[:_ENDED_SHOWN],
        "kinds": Deployment.Kind.choices,
        "elsewhere": external_versions_for(person).filter(model=found, gone_at=None)[:_ELSEWHERE_SHOWN],
        "roles": roles,
        "may_roll_back": bool(roles & PROMOTERS),
        "may_record": bool(roles & PROMOTERS),
        "service": settings.COUNTERSIGN_URL,
        "environment": next(iter(environments_of(found.use_case.risk_tier)), "production"),
    }
    return render(request, "models/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rollback(request: HttpRequest, model: str) -> HttpResponse:
    """Ask, then return an environment to the last version there that is still approved."""
    person = reader(request)
    found = get_model(person, model)
    if not roles_of(person, found) & PROMOTERS:
        raise NotAllowed(_("Only developers, owners and compliance officers of the model may roll it back."))
    environment = request.POST.get("environment") or request.GET.get("environment", "")
    context: dict[str, object] = {"model": found, "environment": environment}
    context["runs"] = next((item for item in pointers_of([found]) if item.environment == environment), None)
    if request.method == "POST":
        try:
            promotion = roll_back(actor=person, model=found, environment=environment)
        except CountersignError as error:
            return render(request, "models/rollback.html", {**context, "error": error}, status=409)
        said = _("%(version)s runs in %(environment)s again.")
        messages.success(request, said % {"environment": environment, "version": promotion.version})
        return redirect("model", model=found.name)
    return render(request, "models/rollback.html", context)

"""Saying where a version runs, and that it no longer does."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from governance.views.page import reader
from registry.errors import CountersignError, InvalidInput, NotAllowed, NotFound
from registry.models import Deployment, RegisteredModel
from registry.selectors import get_model, get_version
from registry.services.deployments import end_deployment, may_record_deployments, record_deployment

_VERSIONS_OFFERED = 100


@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, model: str) -> HttpResponse:
    """Record where a version of the model runs."""
    person = reader(request)
    found = get_model(person, model)
    if not may_record_deployments(person, found):
        raise NotAllowed(_("Only developers, owners and compliance officers of the model say where it runs."))
    said = {key: request.POST.get(key, "") for key in ("version", "environment", "kind", "location", "region", "since")}
    context = {
        "model": found,
        "versions": found.versions.values_list("name", flat=True)[:_VERSIONS_OFFERED],
        "kinds": Deployment.Kind.choices,
        "said": said,
    }
    if request.method != "POST":
        return render(request, "models/deploy.html", context)
    try:
        deployment = record_deployment(
            actor=person,
            version=get_version(person, found.name, said["version"]),
            environment=said["environment"].strip(),
            kind=said["kind"],
            location=said["location"],
            region=said["region"],
            since=_moment(said["since"]),
        )
    except CountersignError as error:
        return render(request, "models/deploy.html", {**context, "error": error}, status=422)
    messages.success(request, _("%(deployment)s is recorded.") % {"deployment": deployment})
    return redirect("model", model=found.name)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, model: str, deployment: int) -> HttpResponse:
    """Ask, then record that it no longer runs there."""
    person = reader(request)
    found = get_model(person, model)
    told = _deployment(found, deployment)
    if not may_record_deployments(person, found):
        raise NotAllowed(_("Only developers, owners and compliance officers of the model say where it runs."))
    context = {"model": found, "deployment": told}
    if request.method != "POST":
        return render(request, "models/undeploy.html", context)
    try:
        end_deployment(actor=person, deployment=told)
    except CountersignError as error:
        return render(request, "models/undeploy.html", {**context, "error": error}, status=409)
    messages.success(request, _("%(deployment)s has ended.") % {"deployment": told})
    return redirect("model", model=found.name)


def _deployment(model: RegisteredModel, pk: int) -> Deployment:
    found = Deployment.objects.select_related("version__model").filter(version__model=model, pk=pk).first()
    if found is None:
        raise NotFound(f"{model} has no such deployment")
    return found


def _moment(text: str) -> datetime | None:
    """A form's ``2026-11-21T12:00``, which is UTC here as everywhere."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            _("Write the time as 2026-11-21T12:00, in UTC, or leave it empty for now."), field="since"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

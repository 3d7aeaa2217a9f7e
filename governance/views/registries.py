"""Other registries: connecting them, what they hold, importing a CSV, and linking their models to ours."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.views.page import reader
from registry.errors import CountersignError, InvalidInput, NotAllowed, NotFound
from registry.external_csv import COLUMNS, MAX_BYTES, MAX_ROWS
from registry.external_selectors import DUTY, external_versions_for, get_registry, registries_for, sees_all_external
from registry.models import ExternalRegistry, Person
from registry.roles import PROMOTERS
from registry.selectors import get_model, models_for
from registry.services.external_imports import import_csv, preview_csv
from registry.services.external_registries import add_registry, change_registry, check_may_connect, link_model
from registry.services.people import has_duty
from registry.tasks import poll_registry_now

_PER_PAGE, _SHOWN, _OFFERED = 100, 20, 500


@require_safe
def registries(request: HttpRequest) -> HttpResponse:
    """Every registry that the reader may see something of."""
    person = reader(request)
    context = {"registries": registries_for(person), "may_connect": has_duty(person, DUTY)}
    return render(request, "registries/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Connect another registry."""
    person = reader(request)
    check_may_connect(person)
    said = {key: request.POST.get(key, "").strip() for key in ("name", "kind", "url", "credentials")}
    context = {"kinds": ExternalRegistry.Kind.choices, "said": said}
    if request.method != "POST":
        return render(request, "registries/new.html", context)
    try:
        made = add_registry(actor=person, **said)
    except CountersignError as error:
        return render(request, "registries/new.html", {**context, "error": error}, status=422)
    messages.success(request, _("%(registry)s is connected.") % {"registry": made})
    return redirect("registry", name=made.name)


@require_http_methods(["GET", "HEAD", "POST"])
def registry(request: HttpRequest, name: str) -> HttpResponse:
    """One registry: how it was read last, and what it holds; pausing it, going on, pointing it elsewhere."""
    person = reader(request)
    found = get_registry(person, name)
    if request.method == "POST":
        return _change(request, person, found)
    return render(request, "registries/detail.html", _context(request, person, found))


def _context(request: HttpRequest, person: Person, found: ExternalRegistry) -> dict[str, Any]:
    versions = external_versions_for(person).filter(registry=found)
    q = request.GET.get("q", "").strip().replace("\x00", "")
    if q:
        versions = versions.filter(model_name__icontains=q)
    return {
        "registry": found,
        "q": q,
        "page": Paginator(versions.order_by("gone_at", "model_name", "-pk"), _PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "may_connect": has_duty(person, DUTY),
        "whole": sees_all_external(person),
    }


def _change(request: HttpRequest, person: Person, found: ExternalRegistry) -> HttpResponse:
    act = request.POST.get("act", "")
    try:
        if act in ("pause", "resume"):
            change_registry(actor=person, registry=found, is_active=act == "resume")
            said = _("%(registry)s is read again.") if act == "resume" else _("%(registry)s is paused.")
        elif act == "change":
            url, credentials = request.POST.get("url", ""), request.POST.get("credentials", "")
            change_registry(actor=person, registry=found, url=url, credentials=credentials)
            said = _("%(registry)s is changed.")
        elif act == "poll":
            check_may_connect(person)
            poll_registry_now.enqueue(found.pk)
            said = _("%(registry)s is being read; look again in a moment.")
        else:
            raise InvalidInput(_("Say what to do: pause, resume, change or poll."), field="act")
    except NotAllowed:
        raise
    except CountersignError as error:
        context = {**_context(request, person, found), "error": error}
        return render(request, "registries/detail.html", context, status=422)
    messages.success(request, said % {"registry": found})
    return redirect("registry", name=found.name)


@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest, name: str) -> HttpResponse:
    """Take in a CSV, show what it would change, and import it once that is confirmed."""
    person = reader(request)
    found = get_registry(person, name)
    check_may_connect(person)
    context: dict[str, Any] = {
        "registry": found, "columns": COLUMNS, "max_rows": MAX_ROWS, "max_bytes": MAX_BYTES, "shown": _SHOWN
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "registries/import.html", context)
    try:
        data = _content(request)
        if expected := request.POST.get("expected", ""):
            changes = import_csv(actor=person, registry=found, data=data, expected=expected)
            said = _("Imported: %(new)s new, %(changed)s changed, %(gone)s gone, %(same)s as they were.")
            messages.success(request, said % changes.counts)
            return redirect("registry", name=found.name)
        read, changes = preview_csv(actor=person, registry=found, data=data)
    except CountersignError as error:
        return render(request, "registries/import.html", {**context, "error": error}, status=422)
    parts = [(_("New"), changes.new), (_("Changed"), changes.changed), (_("Gone"), changes.gone)]
    preview = {"read": read, "changes": changes, "parts": parts, "packed": base64.b64encode(data).decode()}
    return render(request, "registries/import.html", {**context, **preview})


def _content(request: HttpRequest) -> bytes:
    if packed := request.POST.get("packed"):
        try:
            return base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput(_("The form was damaged on its way. Choose the file again."), field="file") from None
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput(_("Choose a CSV file."), field="file")
    return bytes(file.read(MAX_BYTES + 1))


@require_safe
def external_model(request: HttpRequest, name: str, version: int) -> HttpResponse:
    """One model of another registry, in all its versions there."""
    person = reader(request)
    found = get_registry(person, name)
    newest = external_versions_for(person).filter(registry=found, pk=version).first()
    if newest is None:
        raise NotFound(f"{found} has no such model that you can see")
    same = external_versions_for(person).filter(registry=found, model_name=newest.model_name)
    linkable = models_for(person, roles=tuple(PROMOTERS)).order_by("name").values_list("name", flat=True)
    context = {
        "registry": found,
        "shown": newest,
        "page": Paginator(same.order_by("-pk"), _PER_PAGE).get_page(request.GET.get("page")),
        "linkable": list(linkable[:_OFFERED]),
    }
    return render(request, "registries/model.html", context)


@require_POST
def link(request: HttpRequest, name: str, version: int) -> HttpResponse:
    """Link that model to one of ours, or to none."""
    person = reader(request)
    found = get_registry(person, name)
    shown = external_versions_for(person).filter(registry=found, pk=version).first()
    if shown is None:
        raise NotFound(f"{found} has no such model that you can see")
    wanted = request.POST.get("model", "").strip()
    ours = get_model(person, wanted) if wanted else None
    link_model(actor=person, registry=found, model_name=shown.model_name, model=ours)
    said = _("%(there)s is linked to %(ours)s.") if ours else _("%(there)s is linked to nothing here.")
    messages.success(request, said % {"there": shown.model_name, "ours": ours})
    # Unlinked, it may no longer be the reader's to see.
    if not external_versions_for(person).filter(pk=shown.pk).exists():
        return redirect("models")
    return redirect("external-model", name=found.name, version=shown.pk)

"""Policies: the list, one version as people read it, and registering a new one."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from governance.models import PolicyVersion
from governance.page_selectors.policies import (
    difference,
    get_policy_version,
    policies_with_newest,
    rules_shown,
    stages_shown,
)
from governance.policies_in_force import document_of
from governance.rules.policy_document import parse_policy
from governance.services.policies import register_policy
from governance.views.page import reader
from registry.errors import CountersignError, InvalidInput, NotAllowed
from registry.models import Person
from registry.services.people import has_duty

_MAX_BYTES = 512 * 1024
_DUTY = "governance.register_policy"


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy in its newest version."""
    context = {"policies": policies_with_newest(), "may_register": has_duty(reader(request), _DUTY)}
    return render(request, "policies/list.html", context)


@require_safe
def policy(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One version: rules and stages as sentences, the YAML, and what changed."""
    person = reader(request)
    found = get_policy_version(name, number)
    versions = list(found.policy.versions.select_related("policy").order_by("-number"))
    before = _compared(versions, found, request.GET.get("against", ""))
    document = document_of(found)
    context = {
        "policy": found,
        "document": document,
        "rules": rules_shown(person, document, found.policy),
        "stages": stages_shown(document),
        "versions": versions,
        "before": before,
        "diff": _diff(before, found),
        "yaml": bytes(found.content).decode(),
        "may_register": has_duty(person, _DUTY),
    }
    return render(request, "policies/version.html", context)


def _compared(versions: list[PolicyVersion], found: PolicyVersion, against: str) -> PolicyVersion | None:
    wanted = int(against) if against.isascii() and against.isdigit() else found.number - 1
    return next((item for item in versions if item.number == wanted and item.pk != found.pk), None)


def _diff(before: PolicyVersion | None, after: PolicyVersion) -> list[Any]:
    if before is None:
        return []
    return difference(bytes(before.content), bytes(after.content), names=(str(before), str(after)))


@dataclass(frozen=True, slots=True)
class _Sent:
    """What somebody sent: the exact bytes, and whether they have seen and confirmed what these say."""

    content: bytes
    confirmed: bool


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Take in a policy's text, show what it says and changes, and register it once that is confirmed."""
    person = reader(request)
    if not has_duty(person, _DUTY):
        raise NotAllowed(_("You may not register policies; that is the compliance officers' duty."))
    if request.method != "POST":
        return render(request, "policies/register.html", {"yaml": _template_for(request.GET.get("policy", ""))})
    try:
        sent = _sent(request)
        if sent.confirmed:
            version, created = register_policy(actor=person, content=sent.content)
            said = _("%(policy)s is registered.") if created else _("%(policy)s was registered before, byte for byte.")
            messages.success(request, said % {"policy": version})
            return redirect("policy", name=version.policy.name, number=version.number)
        return render(request, "policies/register.html", _preview(person, sent.content))
    except CountersignError as error:
        errors = error.details.get("errors") or [{"field": error.field, "message": error.message}]
        text = _content(request).decode(errors="replace")
        return render(request, "policies/register.html", {"yaml": text, "errors": errors}, status=422)


def _template_for(name: str) -> str:
    """The text to begin with: the newest version of the policy, if one is named."""
    newest = PolicyVersion.objects.filter(policy__name=name).order_by("-number").first()
    return bytes(newest.content).decode() if newest else ""


def _content(request: HttpRequest) -> bytes:
    if packed := request.POST.get("packed"):
        try:
            return base64.b64decode(packed, validate=True)
        except binascii.Error:
            raise InvalidInput(_("The form was damaged on its way. Please paste the policy again.")) from None
    if file := request.FILES.get("file"):
        return bytes(file.read(_MAX_BYTES + 1))
    # A browser sends every line of a text field with CRLF; what people typed had LF.
    return request.POST.get("yaml", "").replace("\r\n", "\n").encode()


def _sent(request: HttpRequest) -> _Sent:
    content = _content(request)
    if not content.strip():
        raise InvalidInput(_("Paste the policy's YAML, or choose its file."), field="yaml")
    if len(content) > _MAX_BYTES:
        raise InvalidInput(_("A policy is text of at most 512 kB."), field="yaml")
    return _Sent(content, "packed" in request.POST and request.POST.get("step") == "register")


def _preview(person: Person, content: bytes) -> dict[str, Any]:
    document = parse_policy(content)
    newest = PolicyVersion.objects.select_related("policy").filter(policy__name=document.id).order_by("-number").first()
    names = (str(newest), f"{document.id} v{document.version}")
    return {
        "document": document,
        "rules": rules_shown(person, document),
        "stages": stages_shown(document),
        "newest": newest,
        "diff": difference(bytes(newest.content), content, names=names) if newest else [],
        "packed": base64.b64encode(content).decode(),
        "yaml": content.decode(),
    }

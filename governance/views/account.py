"""One's own account: signing in and out, roles, tokens, password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from governance.models import ApiToken
from governance.page_selectors.roles import roles_by_model
from governance.reauthentication import reauthenticate
from governance.scopes import Scope
from governance.services.passwords import change_password
from governance.services.tokens import issue_token, revoke_token
from governance.views.page import reader
from registry.errors import CountersignError, InvalidInput, NotAllowed, NotFound
from registry.models import Person
from registry.selectors import models_for

_DUTIES = (
    "register_policy", "view_whole_ledger", "create_use_case", "register_dataset", "add_external_registry",
)  # fmt: skip
_DAYS = 90


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True


def _context(person: Person) -> dict[str, Any]:
    models = list(models_for(person))
    roles = roles_by_model(person, models)
    return {
        "roles": [(model, roles[model.pk]) for model in models],
        "duties": person.user_permissions.filter(codename__in=_DUTIES).order_by("name"),
        "tokens": ApiToken.objects.filter(person=person).select_related("issued_by"),
        "scopes": list(Scope),
        "now": timezone.now(),
        "token_form": {"name": "", "days": _DAYS, "scopes": []},
        "password_form": PasswordChangeForm(person),
    }


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Roles, tokens and password of the reader."""
    return render(request, "account.html", _context(reader(request)))


@sensitive_post_parameters("password")
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Issue a token after asking for the password; its secret stands on the answer, and nowhere else."""
    person = reader(request)
    context = _context(person)
    name, days, scopes = request.POST.get("name", ""), request.POST.get("days", ""), request.POST.getlist("scopes")
    try:
        lifetime = _days(days)
        _prove(request, person)
        token, secret = issue_token(
            actor=person, person=person, issued_by=person, name=name, scopes=scopes, days=lifetime
        )
    except CountersignError as error:
        asked = {"name": name, "days": days, "scopes": scopes}
        return render(request, "account.html", {**context, "token_form": asked, "token_error": error}, status=422)
    return render(request, "account.html", {**_context(person), "new_token": token, "secret": secret})


def _days(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(_("Say for how many days the token lives."), field="days") from None


def _prove(request: HttpRequest, person: Person) -> None:
    try:
        reauthenticate(request=request, person=person, password=request.POST.get("password", ""))
    except NotAllowed:
        raise NotAllowed(_("The password is wrong. No token was issued."), field="password") from None


@require_POST
def end_token(request: HttpRequest, token: int) -> HttpResponse:
    """Revoke one of the reader's tokens."""
    person = reader(request)
    found = ApiToken.objects.filter(pk=token, person=person).first()
    if found is None:
        raise NotFound("you have no such token")
    revoke_token(actor=person, token=found)
    messages.success(request, _("The token %(token)s is revoked.") % {"token": found})
    return redirect("account")


@sensitive_post_parameters()
@require_POST
def new_password(request: HttpRequest) -> HttpResponse:
    """Change the reader's password; other sessions of theirs end."""
    person = reader(request)
    form = PasswordChangeForm(person, request.POST)
    if not form.is_valid():
        return render(request, "account.html", {**_context(person), "password_form": form}, status=422)
    change_password(actor=person, password=form.cleaned_data["new_password1"])
    update_session_auth_hash(request, person)
    messages.success(request, _("Your password is changed. Other sessions of yours have ended."))
    return redirect("account")

"""Who is calling the API: bearer tokens, or the browser's session; and whether the token's scope covers it."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from governance.models import ApiToken
from governance.scopes import Scope
from governance.services.tokens import find_token
from registry.models import Person


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer cs_…``. Unknown, expired and revoked tokens and inactive people are all 401."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        """The token's person and the token; None where no bearer token was sent."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(secret.strip())
        if token is None:
            raise exceptions.AuthenticationFailed("The token is unknown, expired or revoked. Ask for a new one.")
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class BrowserSessionAuthentication(SessionAuthentication):
    """The signed-in browser, with CSRF protection."""

    def authenticate_header(self, request: Request) -> str:
        """A 401, not a 403, when nobody is signed in."""
        return "Bearer"


class HasScope(BasePermission):
    """A token needs the view's ``required_scope`` (``read`` for safe methods). Sessions are bounded by roles alone."""

    message = "This token lacks the scope for that."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the token's scopes cover the call; a view without a declared scope refuses to change state."""
        if not isinstance(request.auth, ApiToken):
            return True
        required: Any = getattr(view, "required_scope", None)
        if request.method in SAFE_METHODS:
            required = getattr(view, "read_scope", Scope.READ)
        return required is not None and required in request.auth.scopes

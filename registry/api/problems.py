"""Problem details (RFC 9457): one shape for every error the API gives."""

from __future__ import annotations

import re
from typing import Any

import structlog
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from registry.errors import Conflict, CountersignError, IntegrityFailure, InvalidInput, NotAllowed, NotFound

log = structlog.get_logger(__name__)

_STATUS: dict[type[CountersignError], tuple[int, str]] = {
    InvalidInput: (status.HTTP_422_UNPROCESSABLE_ENTITY, "Invalid input"),
    Conflict: (status.HTTP_409_CONFLICT, "Conflict"),
    NotAllowed: (status.HTTP_403_FORBIDDEN, "Not allowed"),
    NotFound: (status.HTTP_404_NOT_FOUND, "Not found"),
    IntegrityFailure: (status.HTTP_409_CONFLICT, "Integrity failure"),
}


def problem(
    code: int, title: str, detail: str, *, name: str, headers: dict[str, str] | None = None, **extra: Any
) -> Response:
    """A problem-details response."""
    body = {
        "type": f"urn:countersign:problem:{name}",
        "title": title,
        "status": code,
        "detail": detail,
        "code": name,
        **extra,
    }
    return Response(body, status=code, content_type="application/problem+json", headers=headers)


def _of_domain_error(error: CountersignError) -> Response:
    for kind, (code, title) in _STATUS.items():
        if isinstance(error, kind):
            extra: dict[str, Any] = {key: value for key, value in error.details.items() if value is not None}
            if error.field:
                extra["field"] = error.field
            return problem(code, title, error.message, name=error.code, **extra)
    return problem(500, "Error", "An unexpected error; it has been logged.", name="error")


def _flatten(detail: Any, prefix: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [
            item for key, value in detail.items() for item in _flatten(value, f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(detail, list):
        return [item for value in detail for item in _flatten(value, prefix)]
    return [{"field": prefix, "detail": str(detail)}]


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Unknown exceptions give None: Django answers 500 and logs them."""
    set_rollback()
    if isinstance(error, CountersignError):
        return _of_domain_error(error)
    if isinstance(error, OperationalError):
        log.warning("the database was busy or away", error=str(error))
        return problem(
            503,
            "Busy",
            "The database was busy; nothing was changed. Try again.",
            name="busy",
            headers={"Retry-After": "1"},
        )
    if isinstance(error, Http404):
        return problem(404, "Not found", "There is nothing here, or you may not see it.", name="not-found")
    if isinstance(error, exceptions.ValidationError):
        errors = _flatten(error.detail)
        text = "; ".join(f"{item['field']}: {item['detail']}" if item["field"] else item["detail"] for item in errors)
        return problem(422, "Invalid input", text, name="invalid", errors=errors)
    if isinstance(error, exceptions.APIException):
        headers = {}
        if getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
        if getattr(error, "wait", None):
            headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
        name = re.sub(r"[^a-z]+", "-", error.default_code)
        return problem(
            error.status_code,
            error.default_code.replace("_", " ").capitalize(),
            str(error.detail),
            name=name,
            headers=headers,
        )
    return None

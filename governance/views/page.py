"""What every page has in common: who reads it, and errors for people turned into pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from registry.errors import Conflict, CountersignError, IntegrityFailure, InvalidInput, NotAllowed, NotFound
from registry.models import Person

_STATUS: dict[type[CountersignError], int] = {NotAllowed: 403, Conflict: 409, IntegrityFailure: 409, InvalidInput: 422}

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Turn the errors that services raise into pages (what is not to be seen is not there), and keep pages out of caches."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        _refuse_nul(request)
        try:
            response = view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error
        except CountersignError as error:
            response = problem(request, error)
        # What one person may see must not be shown to the next one at the same desk.
        add_never_cache_headers(response)
        return response

    return answer


def _refuse_nul(request: HttpRequest) -> None:
    """No text that people send holds NUL; PostgreSQL would fail on it, SQLite would not."""
    if any("\x00" in text for _, sent in request.POST.lists() for text in sent):
        raise BadRequest("the form holds NUL")


def problem(request: HttpRequest, error: CountersignError) -> HttpResponse:
    """A page that says what was refused, and why."""
    status = _STATUS.get(type(error), 409)
    template = "403.html" if status == 403 else "problem.html"  # noqa: PLR2004 - HTTP's number
    return render(request, template, {"error": error, "exception": error.message}, status=status)


def reader(request: HttpRequest) -> Person:
    """The person who is signed in; the middleware lets nobody else this far."""
    assert isinstance(request.user, Person)
    return request.user


def htmx_refresh() -> HttpResponse:
    """Tell htmx to load the whole page again: what it was waiting for has happened."""
    response = HttpResponse(status=200)
    response["HX-Refresh"] = "true"
    return response

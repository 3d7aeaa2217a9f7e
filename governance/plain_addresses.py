"""Refuses addresses that hold NUL: no database can look such a text up, and PostgreSQL's driver would answer with a crash."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

Answer = Callable[[HttpRequest], HttpResponse]


def plain_addresses(answer: Answer) -> Answer:
    """Middleware: 400 for a path or query with NUL in it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponseBadRequest("The address holds a NUL character.", content_type="text/plain")
        return answer(request)

    return middleware

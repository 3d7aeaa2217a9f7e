"""Which representation to send: every address has one, so a request that asks for another gets that one all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class OneRepresentation(DefaultContentNegotiation):
    """``Accept`` chooses where there is a choice (the schema); where there is none it does not turn callers away.

    RFC 9110, 12.5.1 allows it, and who downloads an artifact as ``application/octet-stream`` means no harm.
    """

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        """The renderer asked for, or else the first."""
        known = list(renderers)
        try:
            return super().select_renderer(request, known, format_suffix)
        except NotAcceptable:
            return known[0], known[0].media_type

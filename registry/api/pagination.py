"""Cursor pagination: stable under insertion, and no page number to guess."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class CreatedCursorPagination(CursorPagination):
    """Newest first; ``cursor`` and ``page_size`` (at most 200) in the query."""

    ordering = ("-created_at", "-pk")
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class OpenedCursorPagination(CreatedCursorPagination):
    """For what is opened rather than created."""

    ordering = ("-opened_at", "-pk")

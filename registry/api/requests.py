"""The request as our endpoints see it: every one of them demands a person, so ``user`` is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.request import Request

from registry.models import Person

if TYPE_CHECKING:

    class PersonRequest(Request):
        """A request that has passed ``IsAuthenticated``."""

        user: Person
        data: Any
else:
    PersonRequest = Request

"""The answer to addresses below ``/api/v1/`` that lead nowhere: a problem document, as for every other error."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from registry.errors import NotFound


@extend_schema(exclude=True)
class NothingView(APIView):
    """No such address."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse whatever is asked, before anything of it is read."""
        raise NotFound(f"there is no address {request.path}")

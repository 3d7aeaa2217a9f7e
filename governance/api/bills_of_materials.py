"""The endpoint that hands out the bill of materials of a version."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.views import APIView

from governance.bills_of_materials import MEDIA_TYPE, NAME, bill_of_materials
from governance.dossier_builder import build_dossier
from governance.page_selectors.versions import standing_for
from governance.services.assessment import assess_version
from registry.api.requests import PersonRequest
from registry.selectors import get_version


class BillOfMaterialsView(APIView):
    """The machine-learning bill of materials of a version."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "environment", str, description="The environment on the way to which it is told; by default the first."
            )
        ],
        responses={(200, MEDIA_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: PersonRequest, model: str, version: str) -> HttpResponseBase:
        """CycloneDX 1.6: the model with its card, data, libraries, components, and vulnerabilities that are known."""
        found = get_version(request.user, model, version)
        standing, _environments = standing_for(found, request.query_params.get("environment") or None)
        dossier = build_dossier(assess_version(version=found, environment=standing.environment))
        headers = {"Content-Disposition": f'attachment; filename="{NAME}"'}
        return HttpResponse(bill_of_materials(dossier), content_type=MEDIA_TYPE, headers=headers)

"""The endpoint that says what depends on a dataset."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.page_selectors.impact import impact_of
from registry.api.requests import PersonRequest
from registry.dataset_selectors import get_dataset


class RunningSerializer(serializers.Serializer[Any]):
    """Where a version runs: promoted through the gate, or recorded as running."""

    environment = serializers.CharField()
    promoted = serializers.BooleanField()
    location = serializers.CharField()
    noncompliant_since = serializers.DateTimeField(allow_null=True)


class DependentSerializer(serializers.Serializer[Any]):
    """A model version that was made from the dataset, and the way in one sentence."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.name")
    sha256 = serializers.CharField(source="version.sha256")
    environments = RunningSerializer(source="running", many=True)
    trained = serializers.BooleanField()
    way = serializers.CharField()


class DependentsSerializer(serializers.Serializer[Any]):
    """All that depends on a dataset; ``hidden`` more that the caller may not see."""

    dataset = serializers.CharField(source="dataset.slug")
    column = serializers.CharField(allow_null=True)
    dependents = DependentSerializer(many=True)
    hidden = serializers.IntegerField()


class DependentsView(APIView):
    """What depends on a dataset."""

    @extend_schema(
        parameters=[OpenApiParameter("column", str, description="Only what depends on this column.")],
        responses=DependentsSerializer,
        operation_id="dataset_dependents",
    )
    def get(self, request: PersonRequest, slug: str) -> Response:
        """Model versions made from it, directly or through others, and where they run; promoted ones first."""
        column = request.query_params.get("column") or None
        found = impact_of(request.user, get_dataset(request.user, slug), column)
        return Response(DependentsSerializer(found).data)

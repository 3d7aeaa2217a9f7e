"""Endpoints for registered models."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.requests import PersonRequest
from registry.models import ModelVersion, RegisteredModel
from registry.selectors import get_model, models_for, versions_for


class ModelSerializer(serializers.ModelSerializer[RegisteredModel]):
    """A registered model."""

    use_case = serializers.CharField(source="use_case.slug")

    class Meta:
        model = RegisteredModel
        fields = ["name", "use_case", "created_at"]


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A version with its identity and the manifest it stands for."""

    model = serializers.CharField(source="model.name")
    version = serializers.CharField(source="name")
    submitted_by = serializers.CharField(source="submitted_by.username")
    manifest = serializers.JSONField(source="facts")

    class Meta:
        model = ModelVersion
        fields = ["model", "version", "sha256", "submitted_by", "created_at", "manifest"]


class ModelListView(generics.ListAPIView[RegisteredModel]):
    """Models that the caller may see."""

    serializer_class = ModelSerializer
    queryset = RegisteredModel.objects.none()
    filterset_fields = ["use_case__slug", "use_case__risk_tier"]

    def get_queryset(self) -> Any:
        """Only what roles show."""
        return models_for(self.request.user)  # type: ignore[arg-type]


class ModelView(APIView):
    """One model."""

    @extend_schema(responses=ModelSerializer)
    def get(self, request: PersonRequest, model: str) -> Response:
        """Its facts."""
        return Response(ModelSerializer(get_model(request.user, model)).data)


class VersionListView(generics.ListAPIView[ModelVersion]):
    """Versions that the caller may see, the latest first; filter with ``model__name``."""

    serializer_class = VersionSerializer
    queryset = ModelVersion.objects.none()
    filterset_fields = ["model__name", "model__use_case__slug"]

    def get_queryset(self) -> Any:
        """Only what roles show."""
        return versions_for(self.request.user)  # type: ignore[arg-type]

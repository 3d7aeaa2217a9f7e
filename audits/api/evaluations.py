"""Endpoints that read evaluations: progress, measurements, evidence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from audits.models import Evaluation
from registry.api.requests import PersonRequest
from registry.artifact_store import read_bytes
from registry.canonical import strip_algorithm
from registry.errors import NotFound
from registry.models import Person
from registry.selectors import get_version, versions_for


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """An evaluation with its progress, and its measurements once it has succeeded."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.name")
    report_sha256 = serializers.CharField(source="report_id", allow_null=True)
    seconds_left = serializers.IntegerField(
        allow_null=True, help_text="If it goes on as it did; null while that cannot be told, and once it has ended."
    )
    cancelled_by = serializers.CharField(source="cancelled_by.username", allow_null=True, default=None)
    measurements = serializers.SerializerMethodField()

    class Meta:
        model = Evaluation
        fields = [
            "id", "model", "version", "kind", "key", "roles", "status", "trust", "progress", "progress_note",
            "seconds_left", "attempt", "error", "cancelled_by", "inputs", "parameters", "code_version", "report_sha256",
            "created_at", "started_at", "finished_at", "measurements",
        ]  # fmt: skip

    def get_measurements(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """Measurements as in the evidence file."""
        return [row.as_measurement().as_json() for row in evaluation.measurements.all()]


class VersionEvaluationsView(generics.ListAPIView[Evaluation]):
    """All evaluations of a version, the latest first."""

    serializer_class = EvaluationSerializer
    queryset = Evaluation.objects.none()

    def get_queryset(self) -> Any:
        """Those of the version, if the caller may see it."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        person: Person = self.request.user  # type: ignore[assignment]
        version = get_version(person, self.kwargs["model"], self.kwargs["version"])
        return version.evaluations.select_related("version__model", "cancelled_by").prefetch_related("measurements")


def visible_evaluation(person: Person, pk: UUID) -> Evaluation:
    """The evaluation, or :class:`NotFound` where it is not there or not to be seen."""
    found = (
        Evaluation.objects.select_related("version__model__use_case", "cancelled_by")
        .filter(pk=pk, version__in=versions_for(person))
        .first()
    )
    if found is None:
        raise NotFound("there is no such evaluation that you can see")
    return found


class EvaluationView(APIView):
    """One evaluation."""

    @extend_schema(responses=EvaluationSerializer)
    def get(self, request: PersonRequest, evaluation: UUID) -> Response:
        """Progress, result or error."""
        return Response(EvaluationSerializer(visible_evaluation(request.user, evaluation)).data)


class EvidenceView(APIView):
    """The report of an evaluation, by its digest."""

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.BINARY})
    def get(self, request: PersonRequest, sha256: str) -> HttpResponseBase:
        """Exactly the stored bytes, verified: what rules and signatures refer to as evidence."""
        digest = strip_algorithm(sha256)
        if not Evaluation.objects.filter(report=digest, version__in=versions_for(request.user)).exists():
            raise NotFound(f"there is no evidence sha256:{digest} that you can see")
        return HttpResponse(read_bytes(digest), content_type="application/json")

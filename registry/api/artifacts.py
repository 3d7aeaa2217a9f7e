"""Endpoints for artifacts: which are missing, upload, download."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import artifact_store
from registry.api.parsers import RawStreamParser
from registry.api.requests import PersonRequest
from registry.canonical import strip_algorithm
from registry.errors import InvalidInput, NotFound
from registry.selectors import artifacts_for
from registry.services.artifacts import store_artifact


class MissingSerializer(serializers.Serializer[Any]):
    """Digests to ask about."""

    sha256 = serializers.ListField(child=serializers.CharField(max_length=80), max_length=500)


class MissingAnswerSerializer(serializers.Serializer[Any]):
    """Those that must be uploaded."""

    missing = serializers.ListField(child=serializers.CharField())


class ArtifactSerializer(serializers.Serializer[Any]):
    """A stored artifact."""

    sha256 = serializers.CharField()
    size = serializers.IntegerField()


class MissingArtifactsView(APIView):
    """Which artifacts must still be uploaded."""

    required_scope = "submit"

    @extend_schema(request=MissingSerializer, responses=MissingAnswerSerializer, operation_id="artifacts_missing")
    def post(self, request: PersonRequest) -> Response:
        """Digests that the caller has not uploaded and that belong to nothing they may see. Changes nothing."""
        serializer = MissingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = [strip_algorithm(text) for text in serializer.validated_data["sha256"]]
        held = set(artifacts_for(request.user).filter(sha256__in=asked).values_list("sha256", flat=True))
        lost = {sha256 for sha256 in held if not artifact_store.exists(sha256)}
        return Response({"missing": [sha256 for sha256 in asked if sha256 not in held or sha256 in lost]})


class ArtifactView(APIView):
    """One artifact by its digest."""

    required_scope = "submit"
    parser_classes = [RawStreamParser]

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: ArtifactSerializer, 201: ArtifactSerializer},
    )
    def put(self, request: PersonRequest, sha256: str) -> Response:
        """Upload bytes. They are streamed, and kept only if they have the digest of the address."""
        expected = strip_algorithm(sha256)
        stream = request.data
        if not hasattr(stream, "read"):
            raise InvalidInput("the artifact is empty", field="body")
        artifact, created = store_artifact(actor=request.user, stream=stream, expected=expected)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response({"sha256": artifact.sha256, "size": artifact.size}, status=code)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: PersonRequest, sha256: str) -> HttpResponseBase:
        """Download the bytes, if they belong to something the caller may see."""
        digest = strip_algorithm(sha256)
        artifact = artifacts_for(request.user).filter(sha256=digest).first()
        if artifact is None:
            raise NotFound(f"there is no artifact sha256:{digest} that you can see")
        return FileResponse(
            artifact_store.open_stream(digest),
            as_attachment=True,
            filename=digest,
            content_type="application/octet-stream",
        )

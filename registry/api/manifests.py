"""The manifest endpoint: the client has no YAML parser, so the server tells it which files to hash and upload."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.parsers import YAMLTextParser
from registry.api.requests import PersonRequest
from registry.errors import InvalidInput
from registry.manifest import parse_manifest


class ManifestFileSerializer(serializers.Serializer[Any]):
    """A file that the manifest names."""

    path = serializers.CharField()
    role = serializers.CharField()


class ManifestAnswerSerializer(serializers.Serializer[Any]):
    """What the manifest is about."""

    model = serializers.CharField()
    version = serializers.CharField()
    files = ManifestFileSerializer(many=True)


class ManifestView(APIView):
    """Check a manifest."""

    required_scope = "submit"
    parser_classes = [YAMLTextParser]

    @extend_schema(
        request={"application/yaml": OpenApiTypes.STR},
        responses=ManifestAnswerSerializer,
        operation_id="manifests_check",
    )
    def post(self, request: PersonRequest) -> Response:
        """Parse and check; changes nothing. Errors name the field that is wrong."""
        if not isinstance(request.data, bytes):
            raise InvalidInput("send the manifest as the body, with Content-Type application/yaml")
        manifest = parse_manifest(request.data)
        return Response(
            {
                "model": manifest.model,
                "version": manifest.version,
                "files": [{"path": file.path, "role": file.role} for file in manifest.files],
            }
        )

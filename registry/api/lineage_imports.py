"""The endpoint that takes in lineage which other tools wrote down."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import InvalidInput
from registry.lineage.names import LONGEST_NAMESPACE
from registry.safe_yaml import load_yaml
from registry.services.lineage_imports import FORMATS, import_lineage


class LineageImportSerializer(serializers.Serializer[Any]):
    """A document: dbt's ``manifest.json``, or definitions of features as JSON or as the text of a YAML file."""

    format = serializers.ChoiceField(choices=FORMATS)
    namespace = serializers.CharField(max_length=LONGEST_NAMESPACE, required=False, allow_null=True)
    document = serializers.JSONField()
    catalog = serializers.JSONField(required=False, allow_null=True)


class LineageImportAnswerSerializer(serializers.Serializer[Any]):
    """What became of it."""

    sha256 = serializers.CharField()
    new = serializers.BooleanField()
    places = serializers.IntegerField()
    edges = serializers.IntegerField()
    notes = serializers.ListField(child=serializers.CharField())


class LineageImportsView(APIView):
    """Imports of lineage."""

    required_scope = "lineage"

    @extend_schema(
        request=LineageImportSerializer,
        responses={201: LineageImportAnswerSerializer, 200: LineageImportAnswerSerializer},
        operation_id="lineage_import",
    )
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Take in a document, all of it or nothing. The latest one again changes nothing, and is answered with 200."""
        serializer = LineageImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        document = data["document"]
        if isinstance(document, str):
            if data["format"] != "features":
                raise InvalidInput("document: send the parsed manifest.json, not its text", field="document")
            document = load_yaml(document.encode(), what="document")
        made = import_lineage(
            actor=request.user,
            format=data["format"],
            document=document,
            catalog=data.get("catalog"),
            namespace=data.get("namespace"),
        )
        answer = LineageImportAnswerSerializer(made)
        return Response(answer.data, status=status.HTTP_201_CREATED if made.new else status.HTTP_200_OK)

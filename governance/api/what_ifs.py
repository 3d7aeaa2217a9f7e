"""Endpoints that ask a version about one row: what it says of it, and what would change its decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from audits.models import WhatIf
from audits.services.what_ifs import ask_what_if, delete_what_if, get_what_if, what_ifs_for
from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import NotFound
from registry.models import Person
from registry.selectors import get_version


class WhatIfRequestSerializer(serializers.Serializer[Any]):
    """A row by its values or by its key in the test data, and what is different in the changed row."""

    row = serializers.JSONField(default=None, help_text="{feature: number, text, true, false or null}, every feature.")
    key = serializers.JSONField(
        default=None, help_text="{key column: value} of a row of the test data, instead of row."
    )
    change = serializers.JSONField(default=None, help_text="{feature: value} of those that are different.")
    counterfactual = serializers.BooleanField(
        default=True, help_text="Whether to look for the nearest changes of the decision."
    )


class WhatIfAcceptedSerializer(serializers.Serializer[Any]):
    """Where the answer will be. It repeats nothing of the row: what is deleted stands nowhere else."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class WhatIfSerializer(serializers.ModelSerializer[WhatIf]):
    """A question about a row, with its progress, and its answer once there is one."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.name")
    seconds_left = serializers.IntegerField(
        allow_null=True, help_text="If it goes on as it did; null while that cannot be told, and once it has ended."
    )

    class Meta:
        model = WhatIf
        fields = [
            "id", "model", "version", "status", "progress", "progress_note", "seconds_left", "row", "key", "change",
            "options", "error", "result", "created_at", "expires_at",
        ]  # fmt: skip


class WhatIfsView(generics.ListAPIView[WhatIf]):
    """What the caller asked a version."""

    required_scope = "submit"
    serializer_class = WhatIfSerializer
    queryset = WhatIf.objects.none()

    def get_queryset(self) -> Any:
        """One's own of this version; nobody else's."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        person: Person = self.request.user  # type: ignore[assignment]
        return what_ifs_for(person).filter(version=get_version(person, self.kwargs["model"], self.kwargs["version"]))

    @extend_schema(request=WhatIfRequestSerializer, responses={202: WhatIfAcceptedSerializer})
    @idempotent
    def post(self, request: PersonRequest, model: str, version: str) -> Response:
        """Ask about one row; a worker runs the model in the sandbox and answers.

        For developers, owners, validators, compliance officers and auditors of the model, three questions at a time. Only
        the caller sees question and answer, which are deleted after a day.
        """
        found = get_version(request.user, model, version)
        serializer = WhatIfRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = ask_what_if(actor=request.user, version=found, **serializer.validated_data)
        url = reverse("api-what-if", args=[found.model.name, found.name, made.pk])
        told = {"id": made.pk, "status": made.status, "url": url, "expires_at": made.expires_at}
        return Response(WhatIfAcceptedSerializer(told).data, status=status.HTTP_202_ACCEPTED)


class WhatIfView(APIView):
    """One question and its answer."""

    required_scope = "submit"

    @extend_schema(responses=WhatIfSerializer)
    def get(self, request: PersonRequest, model: str, version: str, what_if: UUID) -> Response:
        """Progress, then the result or the error."""
        return Response(WhatIfSerializer(what_if_of(request.user, model, version, what_if)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: PersonRequest, model: str, version: str, what_if: UUID) -> Response:
        """Delete it at once, with its answer; what is under way stops."""
        delete_what_if(actor=request.user, what_if=what_if_of(request.user, model, version, what_if))
        return Response(status=status.HTTP_204_NO_CONTENT)


def what_if_of(person: Person, model: str, version: str, pk: UUID) -> WhatIf:
    """One's own question to this version, or :class:`NotFound`."""
    found = get_what_if(person, pk)
    if found.version != get_version(person, model, version):
        raise NotFound("there is no such what-if of this version that you can see")
    return found

"""Endpoints of submission: versions, their model cards, and their dossiers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.serializers import (
    CardSerializer,
    DossierRequestSerializer,
    DossierSerializer,
    SubmissionSerializer,
    SubmittedSerializer,
)
from governance.models import ApiToken, DossierExport
from governance.services.dossier_exports import request_dossier
from governance.services.gate import absolute
from governance.services.submissions import revise_model_card, submit_version
from registry.api.idempotency import idempotent
from registry.api.models import VersionListView, VersionSerializer
from registry.api.requests import PersonRequest
from registry.errors import NotFound
from registry.models import CardRevision, ModelVersion
from registry.selectors import current_card, get_version, versions_for


def submitted(version: ModelVersion, *, created: bool) -> dict[str, Any]:
    """The answer to a submission."""
    return {
        "model": version.model.name,
        "version": version.name,
        "sha256": version.sha256,
        "url": absolute(reverse("version", args=[version.model.name, version.name])),
        "created": created,
        "evaluations": list(version.evaluations.order_by("kind", "created_at").values("kind", "status")),
    }


class VersionsView(VersionListView):
    """Versions that the caller may see; and submission."""

    required_scope = "submit"

    @extend_schema(request=SubmissionSerializer, responses={200: SubmittedSerializer, 201: SubmittedSerializer})
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register a version and queue what policy wants measured. The same manifest again changes nothing."""
        serializer = SubmissionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        responsible = request.auth.issued_by if isinstance(request.auth, ApiToken) else None
        version, created = submit_version(
            actor=request.user, manifest=data["manifest"].encode(), files=data["files"], responsible=responsible
        )
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(submitted(version, created=created), status=code)


class VersionView(APIView):
    """One version."""

    @extend_schema(responses=VersionSerializer)
    def get(self, request: PersonRequest, model: str, version: str) -> Response:
        """Its facts."""
        return Response(VersionSerializer(get_version(request.user, model, version)).data)


def _card(revision: CardRevision | None) -> dict[str, Any]:
    if revision is None:
        raise NotFound("this version has no model card")
    return {"sections": revision.sections, "revision": revision.number, "sha256": revision.sha256}


class CardView(APIView):
    """The written part of a version's model card."""

    required_scope = "submit"

    @extend_schema(responses=CardSerializer)
    def get(self, request: PersonRequest, model: str, version: str) -> Response:
        """The current revision."""
        return Response(_card(current_card(get_version(request.user, model, version))))

    @extend_schema(request=CardSerializer, responses=CardSerializer)
    def put(self, request: PersonRequest, model: str, version: str) -> Response:
        """Replace the sections. Signatures on the old text become stale."""
        found = get_version(request.user, model, version)
        serializer = CardSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        revision = revise_model_card(actor=request.user, version=found, sections=serializer.validated_data["sections"])
        return Response(_card(revision))


def _dossier(export: DossierExport) -> dict[str, Any]:
    return {
        "id": str(export.pk),
        "status": export.status,
        "progress": export.progress,
        "progress_note": export.progress_note,
        "error": export.error["message"] if export.error else None,
        "files": [
            {
                "name": file.name,
                "sha256": file.artifact_id,
                "size": file.artifact.size,
                "media_type": file.media_type,
                "url": reverse("api-dossier-file", args=[export.pk, file.name]),
            }
            for file in export.files.select_related("artifact")
        ],
    }


def visible_export(person: Any, pk: UUID) -> DossierExport:
    """An export that the person asked for themselves, of a version that they may still see.

    Not anybody else's: what stands in it, the whole ledger for one, depends on what the one who asked may see.
    """
    found = DossierExport.objects.filter(pk=pk, requested_by=person, version__in=versions_for(person)).first()
    if found is None:
        raise NotFound("there is no such dossier that you can see")
    return found


class VersionDossierView(APIView):
    """Asking for a dossier."""

    required_scope = "read"

    @extend_schema(request=DossierRequestSerializer, responses={202: DossierSerializer})
    @idempotent
    def post(self, request: PersonRequest, model: str, version: str) -> Response:
        """Queue the rendering of everything about where the version stands now."""
        found = get_version(request.user, model, version)
        serializer = DossierRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        export = request_dossier(
            actor=request.user, version=found, environment=serializer.validated_data["environment"]
        )
        return Response(_dossier(export), status=status.HTTP_202_ACCEPTED)


class DossierView(APIView):
    """A dossier being made, or made."""

    @extend_schema(responses=DossierSerializer)
    def get(self, request: PersonRequest, export: UUID) -> Response:
        """Progress and files."""
        return Response(_dossier(visible_export(request.user, export)))

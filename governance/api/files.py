"""Endpoints that hand out bytes: dossier files, attestations, the ledger, the verification key."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.serializers import AttestationStatusSerializer
from governance.api.versions import visible_export
from governance.models import EnvironmentPointer, Promotion
from registry import artifact_store, ledger
from registry.api.requests import PersonRequest
from registry.canonical import strip_algorithm
from registry.checkpoints import latest_checkpoint
from registry.errors import NotFound
from registry.models import Person
from registry.selectors import models_for
from registry.services.people import has_duty
from registry.signing_key import verification_pem


class DossierFileView(APIView):
    """One file of a dossier."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: PersonRequest, export: UUID, name: str) -> HttpResponseBase:
        """The bytes, as a download: an HTML card is never rendered on this origin."""
        file = visible_export(request.user, export).files.filter(name=name).first()
        if file is None:
            raise NotFound("there is no such file in this dossier")
        return FileResponse(
            artifact_store.open_stream(file.artifact_id),
            as_attachment=True,
            filename=name,
            content_type=file.media_type,
        )


def _promotion(person: Person, sha256: str) -> Promotion:
    found = Promotion.objects.filter(attestation_id=strip_algorithm(sha256), model__in=models_for(person)).first()
    if found is None:
        raise NotFound("there is no such attestation that you can see")
    return found


class AttestationView(APIView):
    """An attestation."""

    @extend_schema(responses={(200, "application/vnd.dsse.envelope.v1+json"): OpenApiTypes.BINARY})
    def get(self, request: PersonRequest, sha256: str) -> HttpResponseBase:
        """Exactly the stored bytes of the DSSE envelope."""
        data = artifact_store.read_bytes(_promotion(request.user, sha256).attestation_id)
        return HttpResponse(data, content_type="application/vnd.dsse.envelope.v1+json")


class AttestationStatusView(APIView):
    """Whether an attestation still stands."""

    @extend_schema(responses=AttestationStatusSerializer)
    def get(self, request: PersonRequest, sha256: str) -> Response:
        """``current``, ``superseded`` by a later promotion or rollback, ``expired``, or ``non-compliant``.

        The last: it still runs there, but would not be let in again, and ``reason`` says why.
        """
        promotion = _promotion(request.user, sha256)
        pointer = EnvironmentPointer.objects.get(model=promotion.model, environment=promotion.environment)
        status = "current" if pointer.promotion_id == promotion.pk else "superseded"
        if promotion.valid_until and promotion.valid_until <= timezone.now():
            status = "expired"
        elif status == "current" and pointer.noncompliant_since:
            status = "non-compliant"
        return Response(
            {
                "sha256": promotion.attestation_id,
                "status": status,
                "environment": promotion.environment,
                "valid_until": promotion.valid_until,
                "reason": pointer.noncompliance if status == "non-compliant" else "",
            }
        )


class LedgerView(APIView):
    """The whole ledger."""

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY})
    def get(self, request: PersonRequest) -> HttpResponseBase:
        """``ledger.jsonl`` up to the last checkpoint; for those whose duty it is to read all of it."""
        if not has_duty(request.user, "registry.view_whole_ledger"):
            raise NotFound("there is nothing here, or you may not see it")
        checkpoint = latest_checkpoint()
        lines = ledger.export_lines(upto=checkpoint.size if checkpoint else 0)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


class CheckpointView(APIView):
    """The latest signed tree head."""

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: PersonRequest) -> HttpResponseBase:
        """The note as signed. Keep it: it holds us to everything before it."""
        checkpoint = latest_checkpoint()
        if checkpoint is None:
            raise NotFound("no checkpoint has been signed yet")
        return HttpResponse(checkpoint.note, content_type="text/plain; charset=utf-8")


class VerificationKeyView(APIView):
    """The public key."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "application/x-pem-file"): OpenApiTypes.STR})
    def get(self, request: PersonRequest) -> HttpResponseBase:
        """PEM, for offline verification."""
        return HttpResponse(verification_pem(), content_type="application/x-pem-file")

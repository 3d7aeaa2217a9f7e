"""Endpoints that change what is measured: asking again, and cancelling."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from audits.api.evaluations import EvaluationSerializer, visible_evaluation
from governance.services.evidence import measure_again, stop_measuring
from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest


class RepeatEvaluationView(APIView):
    """Asking again."""

    required_scope = "submit"

    @extend_schema(request=None, responses={201: EvaluationSerializer})
    @idempotent
    def post(self, request: PersonRequest, evaluation: UUID) -> Response:
        """Queue the same question again after an error, a cancellation, or once policy finds the answer too old.

        For developers, owners and validators of the model.
        """
        again = measure_again(actor=request.user, evaluation=visible_evaluation(request.user, evaluation))
        return Response(EvaluationSerializer(again).data, status=status.HTTP_201_CREATED)


class CancelEvaluationView(APIView):
    """Stopping what is under way."""

    required_scope = "submit"

    @extend_schema(request=None, responses=EvaluationSerializer)
    @idempotent
    def post(self, request: PersonRequest, evaluation: UUID) -> Response:
        """Cancel an evaluation that has not ended; twice is once. For developers, owners and validators of the model."""
        found = stop_measuring(actor=request.user, evaluation=visible_evaluation(request.user, evaluation))
        return Response(EvaluationSerializer(found).data)

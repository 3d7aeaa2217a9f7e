"""Endpoints for intakes of use cases: written bit by bit, and submitted when nothing is missing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.api.use_cases import UseCaseSerializer
from registry.intake_form import judge
from registry.intake_selectors import get_intake, intakes_for
from registry.models import Intake
from registry.scorecards import current_scorecard
from registry.services.intake import discard_intake, save_intake, start_intake, submit_intake

_MOST_REVISIONS = 2**31 - 1


class IntakeProblemSerializer(serializers.Serializer[Any]):
    """What stands in the way of submitting: a field, and what to do."""

    field = serializers.CharField()
    message = serializers.CharField()


class IntakeSerializer(serializers.ModelSerializer[Intake]):
    """An intake as it stands. ``problems`` is empty once it can be submitted."""

    author = serializers.CharField(source="author.username", read_only=True)
    answers = serializers.JSONField(default=dict)
    use_case = serializers.CharField(source="use_case.slug", default=None, read_only=True)
    problems = serializers.SerializerMethodField()

    class Meta:
        model = Intake
        fields = ["id", "author", "revision", "answers", "problems", "use_case", "created_at", "updated_at"]
        read_only_fields = ["id", "revision", "created_at", "updated_at"]

    @extend_schema(responses=IntakeProblemSerializer(many=True))
    def get_problems(self, intake: Intake) -> list[dict[str, str]]:
        """Everything that is missing or wrong, in the order of the form."""
        return [problem.as_json() for problem in judge(intake.answers, current_scorecard()).problems]


class SaveSerializer(serializers.Serializer[Any]):
    """Changed answers, and the revision that they were changed from."""

    revision = serializers.IntegerField(min_value=0, max_value=_MOST_REVISIONS)
    answers = serializers.JSONField()


class SubmitSerializer(serializers.Serializer[Any]):
    """The revision that was read before submitting."""

    revision = serializers.IntegerField(min_value=0, max_value=_MOST_REVISIONS)


class IntakeListView(generics.ListAPIView[Intake]):
    """Intakes that the caller wrote, or may submit."""

    required_scope = "manage"
    serializer_class = IntakeSerializer
    queryset = Intake.objects.none()

    def get_queryset(self) -> Any:
        """One's own; everybody's for those with the duty to register use cases."""
        return intakes_for(self.request.user)  # type: ignore[arg-type]

    @extend_schema(request=IntakeSerializer, responses={201: IntakeSerializer})
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Begin an intake, with any answers that are there already."""
        serializer = IntakeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = start_intake(actor=request.user, answers=serializer.validated_data["answers"])
        return Response(IntakeSerializer(made).data, status=status.HTTP_201_CREATED)


class IntakeView(APIView):
    """One intake."""

    required_scope = "manage"

    @extend_schema(responses=IntakeSerializer)
    def get(self, request: PersonRequest, intake: UUID) -> Response:
        """Its answers, and what is missing."""
        return Response(IntakeSerializer(get_intake(request.user, intake)).data)

    @extend_schema(request=SaveSerializer, responses=IntakeSerializer)
    def patch(self, request: PersonRequest, intake: UUID) -> Response:
        """Save changed answers; 409 with the present ones if it was saved since ``revision``."""
        get_intake(request.user, intake)
        serializer = SaveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        sent = serializer.validated_data
        saved = save_intake(actor=request.user, intake=intake, revision=sent["revision"], changes=sent["answers"])
        return Response(IntakeSerializer(saved).data)

    @extend_schema(responses={204: None})
    def delete(self, request: PersonRequest, intake: UUID) -> Response:
        """Discard it; authors only."""
        discard_intake(actor=request.user, intake=intake)
        return Response(status=status.HTTP_204_NO_CONTENT)


class IntakeSubmissionView(APIView):
    """Submitting an intake."""

    required_scope = "manage"

    @extend_schema(request=SubmitSerializer, responses={201: UseCaseSerializer})
    @idempotent
    def post(self, request: PersonRequest, intake: UUID) -> Response:
        """Register the use case it describes; 422 names every field that is missing or wrong."""
        get_intake(request.user, intake)
        serializer = SubmitSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        use_case = submit_intake(actor=request.user, intake=intake, revision=serializer.validated_data["revision"])
        return Response(UseCaseSerializer(use_case).data, status=status.HTTP_201_CREATED)

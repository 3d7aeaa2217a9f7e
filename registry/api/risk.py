"""Endpoints for the risk of use cases: the questionnaire, its answers, and overriding what they come to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import InvalidInput
from registry.intake_selectors import assessments_of
from registry.models import RiskAssessment, RiskTier
from registry.scorecards import current_scorecard
from registry.selectors import get_use_case
from registry.services.risk import answer_override, assess_use_case, propose_override


class RiskAssessmentSerializer(serializers.ModelSerializer[RiskAssessment]):
    """One assessment: the answers, what they came to, and an override if one was proposed."""

    assessed_by = serializers.CharField(source="assessed_by.username")
    override_by = serializers.CharField(source="override_by.username", default=None)
    answered_by = serializers.CharField(source="answered_by.username", default=None)
    answers = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()

    class Meta:
        model = RiskAssessment
        fields = [
            "number", "scorecard", "sha256", "computed_tier", "answers", "result", "assessed_by", "created_at",
            "override_tier", "override_state", "override_reason", "override_by", "override_at", "answered_by",
            "answered_at",
        ]  # fmt: skip

    def get_answers(self, assessment: RiskAssessment) -> dict[str, Any]:
        """By question."""
        return dict(assessment.document["answers"])

    def get_result(self, assessment: RiskAssessment) -> dict[str, Any]:
        """Tier, reasons, areas and points."""
        return dict(assessment.document["result"])


class RiskSerializer(serializers.Serializer[Any]):
    """The tier in force, and every assessment, the latest first."""

    tier = serializers.ChoiceField(choices=RiskTier.choices)
    assessments = RiskAssessmentSerializer(many=True)


class RiskAnswersSerializer(serializers.Serializer[Any]):
    """Answers by question; see ``/scorecard``."""

    answers = serializers.JSONField()


class ProposalSerializer(serializers.Serializer[Any]):
    """Another tier, and why."""

    tier = serializers.ChoiceField(choices=RiskTier.choices)
    reason = serializers.CharField(max_length=5000)


class AnswerSerializer(serializers.Serializer[Any]):
    """Whether the proposed tier is confirmed, and why."""

    accept = serializers.BooleanField()
    reason = serializers.CharField(max_length=5000)


class ScorecardView(APIView):
    """The questionnaire that sets risk tiers."""

    @extend_schema(responses={200: dict[str, Any]})
    def get(self, request: PersonRequest) -> Response:
        """Its questions, options, points and floors, as new assessments use them."""
        return Response(current_scorecard().document)


class RiskView(APIView):
    """The risk of one use case."""

    required_scope = "manage"

    @extend_schema(responses=RiskSerializer)
    def get(self, request: PersonRequest, slug: str) -> Response:
        """The tier in force, and how it came about."""
        use_case = get_use_case(request.user, slug)
        shown = {"tier": use_case.risk_tier, "assessments": assessments_of(use_case)}
        return Response(RiskSerializer(shown).data)

    @extend_schema(request=RiskAnswersSerializer, responses={201: RiskAssessmentSerializer})
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Answer the questionnaire anew. A higher tier is in force at once; a lower one waits for a second person."""
        use_case = get_use_case(request.user, slug)
        serializer = RiskAnswersSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        answers = serializer.validated_data["answers"]
        if not isinstance(answers, dict):
            raise InvalidInput("answers is a mapping from question to answer", field="answers")
        made = assess_use_case(actor=request.user, use_case=use_case, answers=answers)
        return Response(RiskAssessmentSerializer(made).data, status=status.HTTP_201_CREATED)


class RiskOverrideView(APIView):
    """Proposing another tier."""

    required_scope = "manage"

    @extend_schema(request=ProposalSerializer, responses={201: RiskAssessmentSerializer})
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Propose it; nothing changes until a second person confirms."""
        use_case = get_use_case(request.user, slug)
        serializer = ProposalSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = propose_override(actor=request.user, use_case=use_case, **serializer.validated_data)
        return Response(RiskAssessmentSerializer(made).data, status=status.HTTP_201_CREATED)


class RiskOverrideAnswerView(APIView):
    """Answering a proposed tier."""

    required_scope = "manage"

    @extend_schema(request=AnswerSerializer, responses=RiskAssessmentSerializer)
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Confirm or refuse it, as a second person."""
        use_case = get_use_case(request.user, slug)
        serializer = AnswerSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = answer_override(actor=request.user, use_case=use_case, **serializer.validated_data)
        return Response(RiskAssessmentSerializer(made).data)

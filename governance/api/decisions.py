"""Endpoints of decisions: the gate, reviews and signatures, promotion and rollback, policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import Throttled
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import serializers as shapes
from governance.models import GateDecision, PolicyVersion, Promotion, Review
from governance.reauthentication import Reauthentication, reauthenticate
from governance.services import gate
from governance.services.policies import adopt_newer_policy, register_policy
from governance.services.promotions import promote_version, roll_back
from governance.services.sign_offs import inconclusive_rules, sign_review
from governance.sign_offs import stage_progress, state_of
from governance.signature_record import Meaning
from registry import ledger
from registry.api.idempotency import idempotent
from registry.api.pagination import CreatedCursorPagination, OpenedCursorPagination
from registry.api.parsers import YAMLTextParser
from registry.api.requests import PersonRequest
from registry.canonical import strip_algorithm
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import Person
from registry.selectors import get_model, get_version, versions_for


def _read(shape: type[serializers.Serializer[Any]], request: PersonRequest) -> dict[str, Any]:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _page(
    request: PersonRequest,
    view: APIView,
    pagination: CreatedCursorPagination,
    found: QuerySet[Any],
    shown: Callable[[Any], dict[str, Any]],
) -> Response:
    rows = pagination.paginate_queryset(found, request, view=view) or []
    return pagination.get_paginated_response([shown(row) for row in rows])


class GateDecisionsView(APIView):
    """The gate."""

    required_scope = "gate"

    @extend_schema(request=shapes.GateQuestionSerializer, responses=shapes.GateAnswerSerializer)
    @idempotent
    def post(self, request: PersonRequest, environment: str) -> Response:
        """May this version go there? ``allow``, ``deny`` or ``pending``, with every rule."""
        data = _read(shapes.GateQuestionSerializer, request)
        subject = data["subject"]
        digest = strip_algorithm(subject["digest"]) if subject.get("digest") else None
        version = get_version(request.user, subject["model"], subject.get("version") or f"sha256:{digest}")
        if digest and version.sha256 != digest:
            raise Conflict(
                f"{version} has the digest sha256:{version.sha256}, not the one given", field="subject.digest"
            )
        decision = gate.decide(actor=request.user, version=version, environment=environment, context=data["context"])
        return Response(decision.answer)


class GateDecisionView(APIView):
    """A decision that was given."""

    read_scope = "gate"

    @extend_schema(responses=shapes.GateAnswerSerializer)
    def get(self, request: PersonRequest, decision: UUID) -> Response:
        """The answer as it was."""
        found = GateDecision.objects.filter(pk=decision, version__in=versions_for(request.user)).first()
        if found is None:
            raise NotFound("there is no such decision that you can see")
        return Response(found.answer)


def _review(person: Person, pk: UUID) -> Review:
    found = (
        Review.objects.filter(pk=pk, version__in=versions_for(person))
        .select_related("version__model__use_case", "policy_version__policy", "verdict")
        .first()
    )
    if found is None:
        raise NotFound("there is no such review that you can see")
    return found


def _shown(review: Review) -> dict[str, Any]:
    policy, now = review.policy_version, timezone.now()
    return {
        "id": str(review.pk),
        "model": review.version.model.name,
        "version": review.version.name,
        "environment": review.environment,
        "state": review.state,
        "policy": {"id": policy.policy.name, "version": policy.number, "sha256": policy.sha256},
        "subject_sha256": review.subject_sha256,
        "verdict_sha256": review.verdict.sha256,
        "to_acknowledge": inconclusive_rules(review),
        "stages": [
            {
                "name": item.stage.name,
                "role": item.stage.role,
                "state": "signed" if item.state == "done" else item.state,
                "signed": len(item.signed),
                "quorum": item.stage.quorum,
            }
            for item in stage_progress(review)
        ],
        "sign_offs": [
            {
                "stage": item.stage.name,
                "person": item.person.username,
                "meaning": item.meaning,
                "state": state_of(item, review.subject_sha256, now).value,
                "record_sha256": item.record_sha256,
                "subject_sha256": item.subject_sha256,
                "signed_at": item.signed_at.isoformat(),
            }
            for item in review.sign_offs.select_related("stage", "person")
        ],
        "url": gate.absolute(reverse("review", args=[review.pk])),
    }


class ReviewListView(APIView):
    """Reviews that the caller may see."""

    @extend_schema(
        responses=shapes.ReviewPageSerializer,
        operation_id="reviews_list",
        parameters=[OpenApiParameter(name, str) for name in ("model", "version", "state", "cursor", "page_size")],
    )
    def get(self, request: PersonRequest) -> Response:
        """The latest first; filter with ``model``, ``version`` and ``state``."""
        wanted = {
            "version__model__name": request.query_params.get("model"),
            "version__name": request.query_params.get("version"),
            "state": request.query_params.get("state"),
        }
        found = Review.objects.filter(
            version__in=versions_for(request.user), **{key: text for key, text in wanted.items() if text}
        ).select_related("version__model__use_case", "policy_version__policy", "verdict")
        return _page(request, self, OpenedCursorPagination(), found, _shown)


class ReviewView(APIView):
    """One review."""

    @extend_schema(responses=shapes.ReviewSerializer)
    def get(self, request: PersonRequest, review: UUID) -> Response:
        """Stages and signatures."""
        return Response(_shown(_review(request.user, review)))


def _present(request: PersonRequest, password: str) -> Reauthentication:
    asked = request._request
    try:
        return reauthenticate(request=asked, person=request.user, password=password)
    except NotAllowed:
        if not getattr(asked, "axes_locked_out", False):
            raise
        # The page that axes would send instead of our answer is for browsers.
        asked.axes_locked_out = False  # type: ignore[attr-defined]
    raise Throttled(detail="There were too many wrong passwords: nobody signs with this account from here for a while.")


class SignOffsView(APIView):
    """Signing."""

    required_scope = "sign"

    @extend_schema(request=shapes.SignSerializer, responses={201: shapes.ReviewSerializer})
    def post(self, request: PersonRequest, review: UUID) -> Response:
        """Give the caller's answer, with their password as proof that they are present; a token alone signs nothing."""
        found = _review(request.user, review)
        data = _read(shapes.SignSerializer, request)
        # Before the idempotent transaction: a wrong password must be counted, not rolled back with the rest.
        return self._sign(request, found, data, _present(request, data["password"]))

    @idempotent
    def _sign(self, request: PersonRequest, review: Review, data: dict[str, Any], proof: Reauthentication) -> Response:
        sign_review(
            actor=request.user,
            review=review,
            meaning=Meaning(data["meaning"]),
            proof=proof,
            subject_sha256=strip_algorithm(data["subject_sha256"]),
            acknowledged=data["acknowledged"],
            comment=data["comment"],
        )
        return Response(_shown(_review(request.user, review.pk)), status=status.HTTP_201_CREATED)


class AdoptPolicyView(APIView):
    """Moving a review to a newer policy."""

    required_scope = "policy"

    @extend_schema(request=None, responses=shapes.ReviewSerializer)
    @idempotent
    def post(self, request: PersonRequest, review: UUID) -> Response:
        """End this review and begin one under the policy in force; its signatures count no longer."""
        assessment = adopt_newer_policy(actor=request.user, review=_review(request.user, review))
        now = assessment.review.pk if assessment.review else review
        return Response(_shown(_review(request.user, now)))


def _promotion(promotion: Promotion) -> dict[str, Any]:
    entry = ledger.entries(object_type="promotion", object_id=str(promotion.pk)).get()
    return {
        "id": str(promotion.pk),
        "kind": promotion.kind,
        "model": promotion.model.name,
        "version": promotion.version.name,
        "environment": promotion.environment,
        "replaced": promotion.replaced.name if promotion.replaced else None,
        "attestation_sha256": promotion.attestation_id,
        "attestation_url": gate.absolute(reverse("api-attestation", args=[promotion.attestation_id])),
        "ledger": {"seq": entry.seq, "hash": entry.hash},
        "valid_until": promotion.valid_until.isoformat() if promotion.valid_until else None,
        "created_at": promotion.created_at.isoformat(),
    }


class PromotionsView(APIView):
    """Promotion."""

    required_scope = "promote"

    @extend_schema(
        request=shapes.PromoteSerializer, responses={200: shapes.PromotionSerializer, 201: shapes.PromotionSerializer}
    )
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Let an environment run a version, if the gate allows it at this moment."""
        data = _read(shapes.PromoteSerializer, request)
        version = get_version(request.user, data["model"], data["version"])
        promotion, created = promote_version(actor=request.user, version=version, environment=data["environment"])
        return Response(_promotion(promotion), status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class RollbacksView(APIView):
    """Rollback."""

    required_scope = "promote"

    @extend_schema(request=shapes.RollbackSerializer, responses={201: shapes.PromotionSerializer})
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Return an environment to the last version whose approval is still valid."""
        data = _read(shapes.RollbackSerializer, request)
        model = get_model(request.user, data["model"])
        promotion = roll_back(actor=request.user, model=model, environment=data["environment"])
        return Response(_promotion(promotion), status=status.HTTP_201_CREATED)


def _policy(version: PolicyVersion) -> dict[str, Any]:
    return {
        "id": version.policy.name,
        "version": version.number,
        "sha256": version.sha256,
        "environment": version.environment,
        "risk_tiers": version.risk_tiers,
        "content": bytes(version.content).decode(),
        "created_at": version.created_at.isoformat(),
    }


class PoliciesView(APIView):
    """Policies. Everybody who is signed in may read them: they say what is asked of everybody."""

    required_scope = "policy"
    parser_classes = [YAMLTextParser]

    @extend_schema(
        responses=shapes.PolicyPageSerializer,
        operation_id="policies_list",
        parameters=[OpenApiParameter(name, str) for name in ("cursor", "page_size")],
    )
    def get(self, request: PersonRequest) -> Response:
        """Every version of every policy, the latest first."""
        found = PolicyVersion.objects.select_related("policy")
        return _page(request, self, CreatedCursorPagination(), found, _policy)

    @extend_schema(
        request={"application/yaml": OpenApiTypes.STR},
        responses={200: shapes.PolicyVersionSerializer, 201: shapes.PolicyVersionSerializer},
    )
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register the YAML in the body as the next version of its policy."""
        if not isinstance(request.data, bytes):
            raise InvalidInput("send the policy as the body, with Content-Type application/yaml")
        version, created = register_policy(actor=request.user, content=request.data)
        return Response(_policy(version), status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class PolicyVersionView(APIView):
    """One version of a policy."""

    @extend_schema(responses=shapes.PolicyVersionSerializer)
    def get(self, request: PersonRequest, name: str, number: int) -> Response:
        """Its exact text."""
        found = PolicyVersion.objects.select_related("policy").filter(policy__name=name, number=number).first()
        if found is None:
            raise NotFound(f"there is no policy {name!r} with version {number}")
        return Response(_policy(found))

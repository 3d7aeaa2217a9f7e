"""Endpoints for use cases, and the roles on them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.amounts import AMOUNTS
from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import NotFound
from registry.models import Person, RiskTier, UseCase
from registry.roles import Role, parse_role
from registry.selectors import get_use_case, use_cases_for
from registry.services.people import assign_role, remove_role
from registry.services.use_cases import check_may_register, create_use_case


def _person(username: str, field: str) -> Person:
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(f"there is no active person {username!r}", field=field)
    return found


class AmountsSerializer(serializers.Serializer[Any]):
    """What each outcome of a decision is worth: a benefit above 0, a cost below. For the schema."""

    true_positive = serializers.FloatField()
    false_positive = serializers.FloatField()
    true_negative = serializers.FloatField()
    false_negative = serializers.FloatField()
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", help_text="Three capital letters, such as EUR.")


@extend_schema_field(AmountsSerializer)
class AmountsField(serializers.JSONField):
    """Amounts as they came: the service checks them, and knows no key but those."""


class UseCaseSerializer(serializers.ModelSerializer[UseCase]):
    """A use case; ``owner`` is a user name. Data are used for ``purpose``; for the slug, if it is empty.

    With ``amounts``, which are stated once and for all here, comparisons of versions tell what their decisions are worth.
    """

    owner = serializers.CharField(source="owner.username")
    kpis = serializers.ListField(child=serializers.CharField(max_length=500), default=list)
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices)
    slug = serializers.SlugField(max_length=100)
    regions = serializers.ListField(child=serializers.CharField(max_length=30), default=list)
    amounts = AmountsField(source="details.amounts", required=False)

    class Meta:
        model = UseCase
        fields = [
            "slug", "name", "objective", "kpis", "affected_people", "risk_tier", "purpose", "regions", "amounts", "owner",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["created_at"]


class UseCaseListView(generics.ListAPIView[UseCase]):
    """Use cases that the caller may see."""

    required_scope = "manage"
    serializer_class = UseCaseSerializer
    queryset = UseCase.objects.none()

    def get_queryset(self) -> Any:
        """Only what roles show."""
        return use_cases_for(self.request.user).select_related("owner")  # type: ignore[arg-type]

    @extend_schema(request=UseCaseSerializer, responses={201: UseCaseSerializer})
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register a use case."""
        serializer = UseCaseSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        # Before the owner is looked up: who may not register use cases learns no user names here.
        check_may_register(request.user)
        data = dict(serializer.validated_data)
        owner = _person(data.pop("owner")["username"], "owner")
        amounts = data.pop("details", {}).get(AMOUNTS)
        use_case = create_use_case(actor=request.user, owner=owner, amounts=amounts, **data)
        return Response(UseCaseSerializer(use_case).data, status=status.HTTP_201_CREATED)


class UseCaseView(APIView):
    """One use case."""

    @extend_schema(responses=UseCaseSerializer)
    def get(self, request: PersonRequest, slug: str) -> Response:
        """Its facts."""
        return Response(UseCaseSerializer(get_use_case(request.user, slug)).data)


class RoleSerializer(serializers.Serializer[Any]):
    """Who is to be what."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=[role.value for role in Role])


class UseCaseRolesView(APIView):
    """Roles on a use case."""

    required_scope = "manage"

    def _read(self, request: PersonRequest) -> tuple[Person, Role]:
        serializer = RoleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        return _person(data["username"], "username"), parse_role(data["role"])

    @extend_schema(request=RoleSerializer, responses={201: RoleSerializer})
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Give a role."""
        use_case = get_use_case(request.user, slug)
        person, role = self._read(request)
        assign_role(actor=request.user, person=person, role=role, on=use_case)
        return Response({"username": person.username, "role": role.value}, status=status.HTTP_201_CREATED)

    @extend_schema(request=RoleSerializer, responses={204: None})
    def delete(self, request: PersonRequest, slug: str) -> Response:
        """Take a role away."""
        use_case = get_use_case(request.user, slug)
        person, role = self._read(request)
        remove_role(actor=request.user, person=person, role=role, on=use_case)
        return Response(status=status.HTTP_204_NO_CONTENT)

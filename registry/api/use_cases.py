"""Endpoints for use cases, the roles on them, and datasets."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import NotFound
from registry.models import Dataset, DatasetVersion, Person, RiskTier, UseCase
from registry.roles import Role, parse_role
from registry.selectors import get_use_case, use_cases_for
from registry.services.datasets import register_dataset, register_dataset_version
from registry.services.people import assign_role, remove_role
from registry.services.use_cases import check_may_register, create_use_case


def _person(username: str, field: str) -> Person:
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(f"there is no active person {username!r}", field=field)
    return found


class UseCaseSerializer(serializers.ModelSerializer[UseCase]):
    """A use case; ``owner`` is a user name."""

    owner = serializers.CharField(source="owner.username")
    kpis = serializers.ListField(child=serializers.CharField(max_length=500), default=list)
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices)
    slug = serializers.SlugField(max_length=100)

    class Meta:
        model = UseCase
        fields = ["slug", "name", "objective", "kpis", "affected_people", "risk_tier", "owner", "created_at"]
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
        use_case = create_use_case(actor=request.user, owner=owner, **data)
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


class DatasetSerializer(serializers.Serializer[Any]):
    """A dataset, owned by the caller."""

    slug = serializers.SlugField(max_length=100)
    name = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=5000)  # type: ignore[assignment] # DRF fields have a `source` of their own


class DatasetsView(APIView):
    """Datasets."""

    required_scope = "submit"

    @extend_schema(request=DatasetSerializer, responses={201: DatasetSerializer}, operation_id="datasets_register")
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register a dataset; the caller becomes its owner."""
        serializer = DatasetSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        dataset = register_dataset(actor=request.user, **serializer.validated_data)
        return Response(DatasetSerializer(dataset).data, status=status.HTTP_201_CREATED)


class DatasetVersionSerializer(serializers.Serializer[Any]):
    """What one version of a dataset holds."""

    label = serializers.RegexField(  # type: ignore[assignment] # DRF fields have a `label` of their own
        r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"
    )
    sha256 = serializers.CharField(max_length=80)
    rows = serializers.IntegerField(min_value=0, max_value=2**53 - 1, required=False, allow_null=True)


class DatasetVersionsView(APIView):
    """Versions of a dataset."""

    required_scope = "submit"

    @extend_schema(
        request=DatasetVersionSerializer,
        responses={201: DatasetVersionSerializer},
        operation_id="dataset_versions_register",
    )
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """State the content digest of a version. Owners only; to anyone else the dataset is not there."""
        dataset = Dataset.objects.filter(slug=slug, owner=request.user).first()
        if dataset is None:
            raise NotFound(f"there is no dataset {slug!r} that you own")
        serializer = DatasetVersionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version: DatasetVersion = register_dataset_version(
            actor=request.user, dataset=dataset, **serializer.validated_data
        )
        return Response(DatasetVersionSerializer(version).data, status=status.HTTP_201_CREATED)

"""Endpoints for other registries: connecting, reading, importing a CSV, and linking their models to ours."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.idempotency import idempotent
from registry.api.pagination import CreatedCursorPagination
from registry.api.requests import PersonRequest
from registry.errors import InvalidInput
from registry.external_selectors import external_versions_for, get_registry, registries_for, sees_all_external
from registry.models import ExternalRegistry, ExternalVersion
from registry.selectors import get_model
from registry.services.external_imports import import_csv, preview_csv
from registry.services.external_registries import add_registry, change_registry, check_may_connect, link_model
from registry.tasks import poll_registry_now

_LISTED = 200


class RegistrySerializer(serializers.ModelSerializer[ExternalRegistry]):
    """Another registry. Address, credentials' name and error are shown to those who see all of it."""

    name = serializers.SlugField(max_length=100)

    class Meta:
        model = ExternalRegistry
        fields = [
            "name", "kind", "url", "credentials", "is_active", "created_at", "polled_at", "succeeded_at", "error",
        ]  # fmt: skip
        read_only_fields = ["is_active", "created_at", "polled_at", "succeeded_at", "error"]
        extra_kwargs = {"url": {"required": False}, "credentials": {"required": False}}

    def to_representation(self, instance: ExternalRegistry) -> dict[str, Any]:
        """Without what only those whose duty it is should read."""
        shown = dict(super().to_representation(instance))
        if not self.context.get("whole"):
            shown |= {"url": "", "credentials": "", "error": "could not be read" if instance.error else ""}
        return shown


def _registry(request: PersonRequest, registry: ExternalRegistry) -> dict[str, Any]:
    return dict(RegistrySerializer(registry, context={"whole": sees_all_external(request.user)}).data)


class RegistryListView(generics.ListAPIView[ExternalRegistry]):
    """Registries that the caller may see something of."""

    required_scope = "manage"
    serializer_class = RegistrySerializer
    pagination_class = CreatedCursorPagination
    queryset = ExternalRegistry.objects.none()

    def get_queryset(self) -> Any:
        """Only what duty or a link shows."""
        return registries_for(self.request.user)  # type: ignore[arg-type]

    def get_serializer_context(self) -> dict[str, Any]:
        """Whether addresses are shown."""
        context = dict(super().get_serializer_context())
        # The schema is drawn for nobody.
        whole = self.request is not None and sees_all_external(self.request.user)  # type: ignore[arg-type]
        return {**context, "whole": whole}

    @extend_schema(request=RegistrySerializer, responses={201: RegistrySerializer})
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Connect one; nothing is read yet."""
        check_may_connect(request.user)
        serializer = RegistrySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = add_registry(actor=request.user, **serializer.validated_data)
        return Response(_registry(request, made), status=status.HTTP_201_CREATED)


class RegistryChangeSerializer(serializers.Serializer[Any]):
    """What changes; what is left out stays."""

    url = serializers.CharField(max_length=500, required=False)
    credentials = serializers.CharField(max_length=50, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class RegistryView(APIView):
    """One registry."""

    required_scope = "manage"

    @extend_schema(responses=RegistrySerializer)
    def get(self, request: PersonRequest, name: str) -> Response:
        """How it was read last."""
        return Response(_registry(request, get_registry(request.user, name)))

    @extend_schema(request=RegistryChangeSerializer, responses=RegistrySerializer)
    def patch(self, request: PersonRequest, name: str) -> Response:
        """Pause it, go on, or point it elsewhere."""
        found = get_registry(request.user, name)
        serializer = RegistryChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = change_registry(actor=request.user, registry=found, **serializer.validated_data)
        return Response(_registry(request, changed))


class RegistryPollView(APIView):
    """Reading a registry out of turn."""

    required_scope = "manage"

    @extend_schema(request=None, responses={202: RegistrySerializer})
    @idempotent
    def post(self, request: PersonRequest, name: str) -> Response:
        """Have a worker read it soon."""
        found = get_registry(request.user, name)
        check_may_connect(request.user)
        if found.kind != ExternalRegistry.Kind.MLFLOW:
            raise InvalidInput(f"{found.name} is filled from CSV; there is nothing to poll", field="name")
        poll_registry_now.enqueue(found.pk)
        return Response(_registry(request, found), status=status.HTTP_202_ACCEPTED)


class ExternalVersionSerializer(serializers.ModelSerializer[ExternalVersion]):
    """A version elsewhere. ``linked_to`` is one of our models; it gives the version no standing here."""

    model = serializers.CharField(source="model_name")
    version = serializers.CharField(source="name")
    linked_to = serializers.CharField(source="model.name", default=None, allow_null=True)

    class Meta:
        model = ExternalVersion
        fields = ["model", "version", "facts", "linked_to", "first_seen", "last_seen", "gone_at"]


class ByFirstSeen(CursorPagination):
    """The latest first."""

    ordering = ("-pk",)
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class ExternalVersionListView(generics.ListAPIView[ExternalVersion]):
    """What a registry holds, as far as the caller may see it."""

    serializer_class = ExternalVersionSerializer
    pagination_class = ByFirstSeen
    queryset = ExternalVersion.objects.none()

    def get_queryset(self) -> Any:
        """Only what duty or a link shows."""
        person: Any = self.request.user
        return external_versions_for(person).filter(registry=get_registry(person, self.kwargs["name"]))


class ImportSerializer(serializers.Serializer[Any]):
    """A CSV as text. Without ``expected`` it is a preview; with the digest of a preview it is imported."""

    content = serializers.CharField(max_length=1_500_000, trim_whitespace=False)
    expected = serializers.RegexField(r"^[0-9a-f]{64}$", required=False)


class ImportedSerializer(serializers.Serializer[Any]):
    """What an import changes: counts, the first of each, and the digest to import it by."""

    imported = serializers.BooleanField()
    digest = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())
    new = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    changed = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    gone = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class RegistryImportsView(APIView):
    """Imports of a CSV."""

    required_scope = "manage"

    @extend_schema(request=ImportSerializer, responses={200: ImportedSerializer, 201: ImportedSerializer})
    @idempotent
    def post(self, request: PersonRequest, name: str) -> Response:
        """Preview, or import what a preview showed: all or nothing."""
        found = get_registry(request.user, name)
        check_may_connect(request.user)
        serializer = ImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data["content"].encode("utf-8", "replace")
        expected = serializer.validated_data.get("expected", "")
        if expected:
            changes = import_csv(actor=request.user, registry=found, data=data, expected=expected)
        else:
            _, changes = preview_csv(actor=request.user, registry=found, data=data)
        said = {"imported": bool(expected), "digest": changes.digest, "counts": changes.counts}
        listed = {key: getattr(changes, key)[:_LISTED] for key in ("new", "changed", "gone")}
        code = status.HTTP_201_CREATED if expected else status.HTTP_200_OK
        return Response(ImportedSerializer({**said, **listed}).data, status=code)


class LinkSerializer(serializers.Serializer[Any]):
    """Which model there is which of ours; null for none."""

    model_there = serializers.CharField(max_length=300)
    model = serializers.CharField(max_length=100, allow_null=True)


class RegistryLinksView(APIView):
    """Links of models there to ours."""

    required_scope = "manage"

    @extend_schema(request=LinkSerializer, responses={200: LinkSerializer})
    @idempotent
    def post(self, request: PersonRequest, name: str) -> Response:
        """Link all versions of a model there, also those to come."""
        found = get_registry(request.user, name)
        serializer = LinkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        ours = get_model(request.user, said["model"]) if said["model"] else None
        link_model(actor=request.user, registry=found, model_name=said["model_there"], model=ours)
        return Response(LinkSerializer(said).data)

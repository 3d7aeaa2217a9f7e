"""Endpoints for datasets: their versions, datasheets, withdrawal, addresses and Croissant descriptions."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.dataset_serializers import (
    AddressSerializer,
    ChangeSerializer,
    DatasetDetailSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
    DatasheetSerializer,
    NewDatasetSerializer,
    ReasonSerializer,
    SheetSerializer,
    TakenSerializer,
    checked,
)
from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.dataset_selectors import addresses_of, datasets_for, get_dataset
from registry.errors import InvalidInput, NotFound
from registry.models import Dataset, DatasetVersion, DatasheetRevision, Person
from registry.services.dataset_addresses import add_address, remove_address
from registry.services.dataset_descriptions import (
    Taken,
    croissant_document,
    register_from_croissant,
    revise_from_croissant,
)
from registry.services.dataset_standing import change_visibility, name_steward, restore_dataset, withdraw_dataset
from registry.services.datasets import register_dataset, register_dataset_version, require_tender
from registry.services.datasheets import revise_datasheet

_LARGEST_BASE = 2**31 - 1
_BASE = OpenApiParameter(
    "base", OpenApiTypes.INT, description="Number of the revision it was written from; 0 for none."
)
_SLUG = OpenApiParameter("slug", OpenApiTypes.STR, description="The name to register it under.")


class DatasetListView(generics.ListAPIView[Dataset]):
    """Datasets that the caller may see."""

    required_scope = "submit"
    serializer_class = DatasetSerializer
    queryset = Dataset.objects.none()
    filterset_fields = {"owner__username": ["exact"], "withdrawn_at": ["isnull"]}

    def get_queryset(self) -> Any:
        """Only what roles show."""
        return datasets_for(self.request.user).select_related("owner", "steward")  # type: ignore[arg-type]

    @extend_schema(request=NewDatasetSerializer, responses={201: DatasetSerializer}, operation_id="datasets_register")
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register a dataset; the caller becomes its owner."""
        data = checked(NewDatasetSerializer(data=request.data))
        dataset = register_dataset(actor=request.user, **data)
        return Response(DatasetSerializer(dataset).data, status=status.HTTP_201_CREATED)


class DatasetView(APIView):
    """One dataset."""

    required_scope = "manage"

    @extend_schema(responses=DatasetDetailSerializer)
    def get(self, request: PersonRequest, slug: str) -> Response:
        """Its facts, and the terms on which it may be used now."""
        return Response(DatasetDetailSerializer(get_dataset(request.user, slug)).data)

    @extend_schema(request=ChangeSerializer, responses=DatasetDetailSerializer)
    def patch(self, request: PersonRequest, slug: str) -> Response:
        """Name a steward, or change who sees it."""
        dataset = get_dataset(request.user, slug)
        data = checked(ChangeSerializer(data=request.data))
        with transaction.atomic():
            if "visibility" in data:
                dataset = change_visibility(actor=request.user, dataset=dataset, visibility=data["visibility"])
            if "steward" in data:
                dataset = name_steward(actor=request.user, dataset=dataset, steward=_steward(request, dataset, data))
        return Response(DatasetDetailSerializer(dataset).data)


def _steward(request: PersonRequest, dataset: Dataset, data: dict[str, Any]) -> Person | None:
    # Who may not name a steward learns no user names here.
    if data["steward"] is None or dataset.owner_id != request.user.pk:
        return None
    found = Person.objects.filter(username=data["steward"], is_active=True).first()
    if found is None:
        raise NotFound(f"there is no active person {data['steward']!r}", field="steward")
    return found


class DatasetVersionsView(generics.ListAPIView[DatasetVersion]):
    """Versions of a dataset."""

    required_scope = "submit"
    serializer_class = DatasetVersionSerializer
    queryset = DatasetVersion.objects.none()

    def get_queryset(self) -> Any:
        """Those of the one dataset."""
        return get_dataset(self.request.user, self.kwargs["slug"]).versions.all()  # type: ignore[arg-type]

    @extend_schema(
        request=DatasetVersionSerializer,
        responses={201: DatasetVersionSerializer},
        operation_id="dataset_versions_register",
    )
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """State what a version holds: digest, rows, columns, profile, last day. Owners and stewards only."""
        dataset = get_dataset(request.user, slug)
        data = checked(DatasetVersionSerializer(data=request.data))
        version = register_dataset_version(actor=request.user, dataset=dataset, **data)
        return Response(DatasetVersionSerializer(version).data, status=status.HTTP_201_CREATED)


class DatasheetListView(generics.ListAPIView[DatasheetRevision]):
    """Revisions of a dataset's datasheet, the latest first."""

    required_scope = "manage"
    serializer_class = DatasheetSerializer
    queryset = DatasheetRevision.objects.none()

    def get_queryset(self) -> Any:
        """Those of the one dataset."""
        dataset = get_dataset(self.request.user, self.kwargs["slug"])  # type: ignore[arg-type]
        return dataset.datasheets.select_related("author")

    @extend_schema(request=SheetSerializer, responses={201: DatasheetSerializer}, operation_id="datasheets_revise")
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Write a revision: the whole sheet, and the number of the revision from which it was written."""
        dataset = get_dataset(request.user, slug)
        data = checked(SheetSerializer(data=request.data))
        revision = revise_datasheet(actor=request.user, dataset=dataset, sheet=data["sheet"], base=data["base"])
        return Response(DatasheetSerializer(revision).data, status=status.HTTP_201_CREATED)


class DatasheetView(APIView):
    """One revision."""

    @extend_schema(responses=DatasheetSerializer)
    def get(self, request: PersonRequest, slug: str, number: int) -> Response:
        """The datasheet as it was then."""
        found = get_dataset(request.user, slug).datasheets.select_related("author").filter(number=number).first()
        if found is None:
            raise NotFound(f"the dataset {slug!r} has no datasheet {number}")
        return Response(DatasheetSerializer(found).data)


class WithdrawView(APIView):
    """Withdrawing a dataset."""

    required_scope = "manage"

    @extend_schema(request=ReasonSerializer, responses=DatasetDetailSerializer)
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Say that it may not be used any more; every model that depends on it is judged again."""
        dataset = get_dataset(request.user, slug)
        data = checked(ReasonSerializer(data=request.data))
        dataset = withdraw_dataset(actor=request.user, dataset=dataset, reason=data["reason"])
        return Response(DatasetDetailSerializer(dataset).data)


class RestoreView(APIView):
    """Restoring a withdrawn dataset."""

    required_scope = "manage"

    @extend_schema(request=ReasonSerializer, responses=DatasetDetailSerializer)
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Say that it may be used again, on the terms of its datasheet."""
        dataset = get_dataset(request.user, slug)
        data = checked(ReasonSerializer(data=request.data))
        dataset = restore_dataset(actor=request.user, dataset=dataset, reason=data["reason"])
        return Response(DatasetDetailSerializer(dataset).data)


class AddressesView(APIView):
    """Names under which lineage tells of a dataset elsewhere."""

    required_scope = "manage"

    @extend_schema(responses=AddressSerializer(many=True))
    def get(self, request: PersonRequest, slug: str) -> Response:
        """Tables, files and topics that are the dataset."""
        found = addresses_of(get_dataset(request.user, slug))
        return Response(AddressSerializer(found, many=True).data)

    @extend_schema(request=AddressSerializer, responses={201: AddressSerializer})
    @idempotent
    def post(self, request: PersonRequest, slug: str) -> Response:
        """Say that a table, file or topic is the dataset."""
        dataset = get_dataset(request.user, slug)
        place = add_address(actor=request.user, dataset=dataset, **checked(AddressSerializer(data=request.data)))
        return Response(AddressSerializer(place).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AddressSerializer, responses={204: None})
    def delete(self, request: PersonRequest, slug: str) -> Response:
        """Say that it is the dataset no longer."""
        dataset = get_dataset(request.user, slug)
        remove_address(actor=request.user, dataset=dataset, **checked(AddressSerializer(data=request.data)))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DatasetCroissantView(APIView):
    """A dataset as Croissant."""

    required_scope = "manage"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: PersonRequest, slug: str) -> Response:
        """Its description: Croissant 1.0 with the RAI vocabulary 1.0."""
        return Response(croissant_document(get_dataset(request.user, slug)))

    @extend_schema(request=OpenApiTypes.OBJECT, responses=TakenSerializer, parameters=[_BASE])
    def put(self, request: PersonRequest, slug: str) -> Response:
        """Write what a description says into the datasheet; what it does not speak of stays."""
        dataset = get_dataset(request.user, slug)
        require_tender(request.user, dataset, "write its datasheet")
        taken = revise_from_croissant(
            actor=request.user, dataset=dataset, document=request.data, base=_base(request.query_params.get("base"))
        )
        return Response(_taken(taken))


class CroissantView(APIView):
    """Datasets described as Croissant."""

    required_scope = "manage"

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: TakenSerializer}, parameters=[_SLUG])
    @idempotent
    def post(self, request: PersonRequest) -> Response:
        """Register a dataset from its description; the caller becomes its owner."""
        taken = register_from_croissant(
            actor=request.user, document=request.data, slug=request.query_params.get("slug", "")
        )
        return Response(_taken(taken), status=status.HTTP_201_CREATED)


def _base(text: str | None) -> int:
    try:
        base = serializers.IntegerField(min_value=0, max_value=_LARGEST_BASE).run_validation(text)
    except serializers.ValidationError:
        message = "base is the number of the revision that it was written from; 0 where there is none"
        raise InvalidInput(message, field="base") from None
    return int(base)


def _taken(taken: Taken) -> dict[str, Any]:
    return {
        "dataset": taken.dataset.slug,
        "datasheet": taken.revision.number,
        "version": taken.version.label if taken.version else None,
        "unread": list(taken.unread),
    }

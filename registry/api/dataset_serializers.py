"""Shapes of what is asked and answered about datasets."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from registry.datasheet_terms import sheet_of, terms_of
from registry.models import Dataset, DatasetVersion, DatasheetRevision

_LONGEST_REASON = 2_000


def checked(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """The validated data of a request; an error that names the fields otherwise."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class NewDatasetSerializer(serializers.Serializer[Any]):
    """A dataset, to be owned by the caller."""

    slug = serializers.SlugField(max_length=100)
    name = serializers.CharField(max_length=200)
    source = serializers.CharField(max_length=5000)  # type: ignore[assignment] # DRF fields have a `source` of their own


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A dataset; owner and steward are user names."""

    owner = serializers.CharField(source="owner.username", default=None)
    steward = serializers.CharField(source="steward.username", default=None)

    class Meta:
        model = Dataset
        fields = [
            "slug", "name", "source", "owner", "steward", "visibility", "withdrawn_at", "withdrawn_reason", "created_at",
        ]  # fmt: skip


class DatasetDetailSerializer(DatasetSerializer):
    """A dataset with the terms on which it may be used now."""

    terms = serializers.SerializerMethodField()

    class Meta(DatasetSerializer.Meta):
        fields = [*DatasetSerializer.Meta.fields, "terms"]

    def get_terms(self, dataset: Dataset) -> dict[str, Any]:
        """As the rules of a policy see them."""
        return terms_of(dataset).as_json()


class ChangeSerializer(serializers.Serializer[Any]):
    """What the owner may change of a dataset; what is left out stays."""

    steward = serializers.CharField(max_length=150, allow_null=True, required=False)
    visibility = serializers.ChoiceField(choices=Dataset.Visibility.choices, required=False)


class ColumnSerializer(serializers.Serializer[Any]):
    """A column of a version."""

    name = serializers.CharField(max_length=500, trim_whitespace=False)
    type = serializers.CharField(max_length=200, default="", allow_blank=True)


class DatasetVersionSerializer(serializers.ModelSerializer[DatasetVersion]):
    """What one version of a dataset holds."""

    label = serializers.RegexField(  # type: ignore[assignment] # DRF fields have a `label` of their own
        r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"
    )
    sha256 = serializers.CharField(max_length=80)
    rows = serializers.IntegerField(min_value=0, max_value=2**53 - 1, required=False, allow_null=True)
    columns = ColumnSerializer(many=True, required=False)
    profile = serializers.DictField(child=serializers.DictField(), required=False)
    data_until = serializers.DateField(required=False, allow_null=True)

    class Meta:
        model = DatasetVersion
        fields = ["label", "sha256", "rows", "columns", "profile", "data_until", "created_at"]
        read_only_fields = ["created_at"]


class SheetSerializer(serializers.Serializer[Any]):
    """A whole datasheet, and the number of the revision from which it was written (0 for none)."""

    sheet = serializers.DictField()
    base = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class DatasheetSerializer(serializers.ModelSerializer[DatasheetRevision]):
    """One revision of a datasheet."""

    author = serializers.CharField(source="author.username")
    sheet = serializers.SerializerMethodField()

    class Meta:
        model = DatasheetRevision
        fields = ["number", "sha256", "author", "created_at", "sheet"]

    def get_sheet(self, revision: DatasheetRevision) -> dict[str, Any]:
        """The datasheet, once its bytes are seen to be those that were written."""
        return sheet_of(revision)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=_LONGEST_REASON)


class AddressSerializer(serializers.Serializer[Any]):
    """A table, file or topic, as OpenLineage names it."""

    namespace = serializers.CharField(max_length=500)
    name = serializers.CharField(max_length=1000)


class TakenSerializer(serializers.Serializer[Any]):
    """What a description became; ``unread`` lists what of it has no place here."""

    dataset = serializers.CharField()
    datasheet = serializers.IntegerField()
    version = serializers.CharField(allow_null=True)
    unread = serializers.ListField(child=serializers.CharField())

"""Endpoints that ask the lineage: what something was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.requests import PersonRequest
from registry.errors import InvalidInput, NotFound
from registry.lineage.graph import Graph
from registry.lineage.names import (
    LONGEST_COLUMN,
    LONGEST_NAME,
    LONGEST_NAMESPACE,
    PlaceName,
    dataset_place,
    model_place,
)
from registry.lineage_queries import downstream, nodes_of_place, place_named, upstream
from registry.lineage_visibility import sees_place, visible
from registry.models import Person

_NOTHING = "there is nothing of that name in the lineage that you can see"


class QuestionSerializer(serializers.Serializer[Any]):
    """What is asked about: one place, and one column of it or all."""

    namespace = serializers.CharField(max_length=LONGEST_NAMESPACE, required=False)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    dataset = serializers.SlugField(max_length=100, required=False)
    model = serializers.CharField(max_length=100, required=False)
    version = serializers.CharField(max_length=100, required=False)
    column = serializers.CharField(max_length=LONGEST_COLUMN, required=False)
    feature = serializers.CharField(max_length=LONGEST_COLUMN, required=False)
    at = serializers.DateTimeField(required=False)


@dataclass(frozen=True, slots=True)
class _Question:
    place: PlaceName
    column: str | None
    at: datetime | None


_PARAMETERS = [
    OpenApiParameter("namespace", str, description="With `name`: a table, file or topic as its events name it."),
    OpenApiParameter("name", str, description="With `namespace`."),
    OpenApiParameter("dataset", str, description="Slug of a registered dataset."),
    OpenApiParameter("model", str, description="With `version`: a model version."),
    OpenApiParameter("version", str, description="With `model`."),
    OpenApiParameter("column", str, description="One column of the table or dataset; all of it without."),
    OpenApiParameter("feature", str, description="One feature of the model version; all of it without."),
    OpenApiParameter("at", OpenApiTypes.DATETIME, description="As of this moment; now without."),
]


def _parse(request: PersonRequest) -> _Question:
    serializer = QuestionSerializer(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    asked = serializer.validated_data
    ways: list[tuple[set[str], str, Callable[[], PlaceName]]] = [
        ({"namespace", "name"}, "column", lambda: PlaceName(asked["namespace"], asked["name"])),
        ({"dataset"}, "column", lambda: dataset_place(asked["dataset"])),
        ({"model", "version"}, "feature", lambda: model_place(asked["model"], asked["version"])),
    ]
    for keys, part, place in ways:
        if set(asked) - {"at"} in (keys, {*keys, part}):
            return _Question(place(), asked.get(part), asked.get("at"))
    raise InvalidInput(
        "name one place: namespace and name, or dataset (with column for one column of it), "
        "or model and version (with feature for one feature of it)",
        field="namespace",
    )


def _rows(person: Person, question: _Question) -> list[int]:
    """Rows of what is asked about; :class:`NotFound` where it is not there or not to be seen."""
    place = place_named(question.place)
    if place is None or not sees_place(person, place):
        raise NotFound(_NOTHING)
    nodes = nodes_of_place(place)
    if question.column is None:
        return nodes.all
    if question.column not in nodes.columns:
        raise NotFound(_NOTHING)
    return [nodes.columns[question.column]]


def _shown(graph: Graph) -> dict[str, Any]:
    told = graph.as_json()
    for place, row in zip(graph.places, told["places"], strict=True):
        row["hidden"] = place.hidden
    return told


class _AskView(APIView):
    """One direction. Places that the caller may not see are there without names, marked ``hidden``."""

    query: ClassVar[Callable[..., Graph]]

    def _answer(self, request: PersonRequest) -> Response:
        question = _parse(request)
        rows = _rows(request.user, question)
        found = type(self).query(rows, at=question.at)
        graph = visible(found, request.user).canonical()
        asked = set(rows)
        focus = [index for index, node in enumerate(graph.nodes) if node.id in asked]
        return Response({"asked": focus, **_shown(graph)})


class UpstreamView(_AskView):
    """What made it."""

    query = staticmethod(upstream)

    @extend_schema(parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT, operation_id="lineage_upstream")
    def get(self, request: PersonRequest) -> Response:
        """All that the column, or the place, was made from, as places, nodes and edges; ``asked`` are its nodes."""
        return self._answer(request)


class DownstreamView(_AskView):
    """What depends on it."""

    query = staticmethod(downstream)

    @extend_schema(parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT, operation_id="lineage_downstream")
    def get(self, request: PersonRequest) -> Response:
        """All that was made from the column, or the place, as places, nodes and edges; ``asked`` are its nodes."""
        return self._answer(request)

"""Endpoints that receive OpenLineage events, one by one and in batches."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from registry.api.parsers import EventParser
from registry.api.requests import PersonRequest
from registry.errors import InvalidInput
from registry.services.lineage_events import record_events
from registry.services.sealing import seal_events


class LineageRateThrottle(UserRateThrottle):
    """A rate of their own: events come in bursts, and the client gives them up when it is told to wait too long."""

    scope = "lineage"


class KeptEventSerializer(serializers.Serializer[Any]):
    """What became of an event. ``id`` is the SHA-256 of its canonical JSON."""

    id = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())


class KeptBatchSerializer(serializers.Serializer[Any]):
    """How many events came, how many of them were new, and the notes by their place in the array."""

    received = serializers.IntegerField()
    new = serializers.IntegerField()
    repeated = serializers.IntegerField()
    notes = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


class _ReceivingView(APIView):
    required_scope = "lineage"
    parser_classes = [EventParser]
    throttle_classes = [LineageRateThrottle]


class LineageView(_ReceivingView):
    """One OpenLineage event. No Idempotency-Key: the same event again changes nothing."""

    @extend_schema(request={"application/json": dict[str, Any]}, responses={201: KeptEventSerializer})
    def post(self, request: PersonRequest) -> Response:
        """Keep a RunEvent, JobEvent or DatasetEvent, and take what it says into the graph."""
        (kept,) = record_events(actor=request.user, events=[request.data]).events
        return Response({"id": kept.sha256, "notes": list(kept.notes)}, status=status.HTTP_201_CREATED)


class LineageBatchView(_ReceivingView):
    """Several OpenLineage events, all or none of them."""

    @extend_schema(request={"application/json": list[dict[str, Any]]}, responses=KeptBatchSerializer)
    def post(self, request: PersonRequest) -> Response:
        """Keep an array of events, take what they say into the graph, and seal them in the ledger."""
        events = request.data
        if not isinstance(events, list):
            raise InvalidInput("$: is to be an array of events; send a single one to /api/v1/lineage", field="$")
        receipt = record_events(actor=request.user, events=events)
        if receipt.new:
            seal_events(actor=request.user)
        return Response(
            {
                "received": len(events),
                "new": receipt.new,
                "repeated": len(events) - receipt.new,
                "notes": {str(index): list(kept.notes) for index, kept in enumerate(receipt.events) if kept.notes},
            }
        )

"""Endpoints of the inventory: where versions run, and the components of composite ones."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.page_selectors.components import Part, composition_of
from governance.page_selectors.deployments import DeploymentShown, deployments_of
from governance.page_selectors.standing import standings_of
from registry.api.idempotency import idempotent
from registry.api.requests import PersonRequest
from registry.errors import NotFound
from registry.models import Deployment
from registry.selectors import get_model, get_version, models_for
from registry.services.deployments import end_deployment, record_deployment


class DeploymentRequestSerializer(serializers.Serializer[Any]):
    """Where a version runs."""

    version = serializers.CharField(max_length=200)
    environment = serializers.CharField(max_length=50)
    kind = serializers.ChoiceField(choices=Deployment.Kind.choices)
    location = serializers.CharField(max_length=500)
    region = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    since = serializers.DateTimeField(required=False, allow_null=True, default=None)


class DeploymentSerializer(serializers.Serializer[Any]):
    """Where a version runs or ran; ``promoted`` says whether the environment's pointer names it now."""

    id = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.CharField()
    sha256 = serializers.CharField()
    environment = serializers.CharField()
    kind = serializers.CharField()
    location = serializers.CharField()
    region = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    recorded_by = serializers.CharField()
    promoted = serializers.BooleanField()


def _shown(shown: DeploymentShown) -> dict[str, Any]:
    item = shown.deployment
    return dict(
        DeploymentSerializer(
            {
                "id": item.pk,
                "model": item.version.model.name,
                "version": item.version.name,
                "sha256": item.version.sha256,
                "environment": item.environment,
                "kind": item.kind,
                "location": item.location,
                "region": item.region,
                "since": item.since,
                "until": item.until,
                "recorded_by": item.recorded_by.username,
                "promoted": shown.is_promoted,
            }
        ).data
    )


def _one(deployment: Deployment) -> dict[str, Any]:
    found = deployments_of([deployment.version.model], live=deployment.until is None)
    return _shown(next(item for item in found if item.deployment.pk == deployment.pk))


class DeploymentsView(APIView):
    """Where versions of a model run."""

    required_scope = "promote"

    @extend_schema(
        operation_id="deployments_list",
        parameters=[OpenApiParameter("ended", bool, description="``true``: those that ended, the latest first.")],
        responses=DeploymentSerializer(many=True),
    )
    def get(self, request: PersonRequest, model: str) -> Response:
        """Those that run now."""
        live = request.query_params.get("ended", "") not in ("true", "1")
        return Response([_shown(item) for item in deployments_of([get_model(request.user, model)], live=live)[:500]])

    @extend_schema(request=DeploymentRequestSerializer, responses={201: DeploymentSerializer})
    @idempotent
    def post(self, request: PersonRequest, model: str) -> Response:
        """Record one. It is a statement, not a permission: ``promoted`` says whether the gate let this version in."""
        found = get_model(request.user, model)
        serializer = DeploymentRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = dict(serializer.validated_data)
        version = get_version(request.user, found.name, said.pop("version"))
        deployment = record_deployment(actor=request.user, version=version, **said)
        return Response(_one(deployment), status=status.HTTP_201_CREATED)


class EndDeploymentSerializer(serializers.Serializer[Any]):
    """When it ended; now unless given."""

    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class EndDeploymentView(APIView):
    """The end of a deployment."""

    required_scope = "promote"

    @extend_schema(request=EndDeploymentSerializer, responses=DeploymentSerializer)
    @idempotent
    def post(self, request: PersonRequest, deployment: int) -> Response:
        """Record that it no longer runs there."""
        visible = models_for(request.user).order_by().values("pk")
        found = Deployment.objects.filter(version__model__in=visible, pk=deployment).first()
        if found is None:
            raise NotFound("there is no such deployment that you can see")
        serializer = EndDeploymentSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(_one(end_deployment(actor=request.user, deployment=found, **serializer.validated_data)))


class PartSerializer(serializers.Serializer[Any]):
    """A component or a composite. ``known`` is false where it is not registered, or not the caller's to see."""

    model = serializers.CharField()
    version = serializers.CharField()
    known = serializers.BooleanField()
    sha256 = serializers.CharField(allow_null=True)
    stage = serializers.CharField(allow_null=True)
    runs = serializers.BooleanField()


class CompositionSerializer(serializers.Serializer[Any]):
    """What a version is composed of, and what it is a component of, for one environment."""

    environment = serializers.CharField()
    components = PartSerializer(many=True)
    used_in = PartSerializer(many=True)


class ComponentsView(APIView):
    """Components of a composite version."""

    @extend_schema(
        parameters=[OpenApiParameter("environment", str, description="The first it was judged for, unless given.")],
        responses=CompositionSerializer,
    )
    def get(self, request: PersonRequest, model: str, version: str) -> Response:
        """Each with its own stage for the same environment."""
        found = get_version(request.user, model, version)
        known = sorted(item.environment for item in standings_of([found]) if item.environment)
        environment = request.query_params.get("environment") or next(iter(known), "")
        composition = composition_of(request.user, found, environment)
        said = {
            "environment": environment,
            "components": [_part(part) for part in composition.components],
            "used_in": [_part(part) for part in composition.used_in],
        }
        return Response(CompositionSerializer(said).data)


def _part(part: Part) -> dict[str, Any]:
    return {
        "model": part.model,
        "version": part.version.name if part.version else part.name,
        "known": part.version is not None,
        "sha256": part.version.sha256 if part.version else None,
        "stage": part.standing.stage if part.standing else None,
        "runs": part.runs,
    }

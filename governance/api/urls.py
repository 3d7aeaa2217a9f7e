"""Addresses of the REST API, below ``/api/v1/``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def nothing(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("")


urlpatterns = [
    path("artifacts/<str:sha256>", nothing, name="api-artifact"),
    path("attestations/<str:sha256>", nothing, name="api-attestation"),
]

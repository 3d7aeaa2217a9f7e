"""Addresses of the pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def nothing(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("")


urlpatterns = [
    path("", nothing, name="inbox"),
    path("sign-in", nothing, name="login"),
    path("models/<str:model>/versions/<str:version>", nothing, name="version"),
    path("reviews/<uuid:review>", nothing, name="review"),
    path("policies/<slug:name>/<int:number>", nothing, name="policy"),
]

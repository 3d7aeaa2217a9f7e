"""Every address of the service: pages, the API, and what machines probe."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("governance.views.urls")),
    path("", include("governance.api.machine_urls")),
    path("api/v1/", include("governance.api.urls")),
]

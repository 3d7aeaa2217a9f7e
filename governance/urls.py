"""Every address of the service: pages, the API, and what machines probe."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    # First, so that no call of the API is compared with the addresses of all pages.
    path("api/v1/", include("governance.api.urls")),
    path("", include("governance.views.urls")),
    path("", include("governance.api.machine_urls")),
]

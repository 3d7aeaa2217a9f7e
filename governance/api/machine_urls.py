"""Addresses for probes and for fetching the client."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

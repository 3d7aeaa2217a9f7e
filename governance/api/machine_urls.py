"""Addresses for probes, and for fetching client and verifier."""

from __future__ import annotations

from django.urls import URLPattern, path

from governance.api import machine

urlpatterns: list[URLPattern] = [
    path("health/live", machine.live, name="health-live"),
    path("health/ready", machine.ready, name="health-ready"),
    path("metrics", machine.metrics, name="metrics"),
    path("countersign.pyz", machine.pyz, name="client-pyz"),
    path("countersign_verify.py", machine.verifier, name="verifier"),
]

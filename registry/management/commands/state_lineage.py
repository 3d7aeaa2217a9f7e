"""State the lineage of versions that were registered before lineage was kept."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from registry.ledger import SYSTEM
from registry.models import ModelVersion
from registry.services.manifest_lineage import state_version_lineage


class Command(BaseCommand):
    help = "State what the manifests of all versions say of their lineage. It may be run again at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        made = 0
        versions = ModelVersion.objects.select_related("model").order_by("created_at", "pk")
        for version in versions.iterator(chunk_size=200):
            made += state_version_lineage(version=version, actor=SYSTEM)
        self.stdout.write(f"stated the lineage of {made} versions")

"""``manage.py rebuild_lineage``: make the graph again from the OpenLineage events as they were kept."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.services.lineage_rebuilding import rebuild_lineage
from registry.services.sealing import verify_seals


class Command(BaseCommand):
    help = "Take all kept OpenLineage events in again, in one transaction. Refused where an event was changed."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = [found.what for found in verify_seals()]
        if broken:
            raise CommandError("\n".join(broken))
        self.stdout.write(f"Took {rebuild_lineage()} events in again.")

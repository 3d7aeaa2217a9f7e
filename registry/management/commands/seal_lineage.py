"""``manage.py seal_lineage``: cover the lineage events since the last seal by a ledger entry; run it from a timer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.services.sealing import seal_events, verify_seals


class Command(BaseCommand):
    help = "Seal lineage events in the ledger; with --verify, check the seals that are there instead."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--verify", action="store_true", help="check events against their seals, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            broken = [found.what for found in verify_seals()]
            if broken:
                raise CommandError("\n".join(broken))
            self.stdout.write("Every sealed lineage event is what it was.")
            return
        entry = seal_events()
        self.stdout.write(f"Sealed {entry.label} in entry {entry.seq}." if entry else "There is nothing to seal.")

"""``manage.py verify_ledger``: recompute the whole ledger; exit 1 if anything does not hold."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.ledger_verification import verify


class Command(BaseCommand):
    help = "Recompute every entry of the ledger and compare it with every checkpoint, stored and published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        elif found.ok:
            self.stdout.write(f"ok: {found.reason}; {found.checkpoints} checkpoints; root {found.root}")
        if not found.ok:
            where = f"first bad entry {found.first_bad_seq}: " if found.first_bad_seq else ""
            raise CommandError(f"the ledger does not verify: {where}{found.reason}", returncode=1)

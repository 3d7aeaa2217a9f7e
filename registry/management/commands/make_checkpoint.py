"""``manage.py make_checkpoint``: sign the ledger's tree head and publish it; run it from a timer."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.checkpoints import make_checkpoint
from registry.errors import CountersignError


class Command(BaseCommand):
    help = "Sign a checkpoint over the ledger as it is now, store it, and publish it outside the database."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_checkpoint()
        except CountersignError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(made.note, ending="")

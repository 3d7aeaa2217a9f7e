"""``manage.py export_ledger DIR``: the ledger, a checkpoint over all of it, and the key to verify it offline."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.checkpoints import make_checkpoint
from registry.errors import CountersignError
from registry.ledger import export_lines
from registry.signing_key import verification_pem


class Command(BaseCommand):
    help = (
        "Sign a checkpoint, then write ledger.jsonl, checkpoint.txt and verification.pem to DIR. "
        "Verify there: python countersign_verify.py ledger ledger.jsonl --checkpoint checkpoint.txt --key verification.pem"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        try:
            made = make_checkpoint()
        except CountersignError as error:
            raise CommandError(str(error)) from error
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "ledger.jsonl").open("wb") as file:
            file.writelines(export_lines(upto=made.size))
        (directory / "checkpoint.txt").write_text(made.note, encoding="utf-8")
        (directory / "verification.pem").write_bytes(verification_pem())
        self.stdout.write(f"{made.size} entries in {directory}")

"""``manage.py probe_sandbox``: try whether models can be run on this machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audits.model_execution import try_model_execution


class Command(BaseCommand):
    """Probe."""

    help = "Start a sandbox that tries to get out, and say what held; exits with 1 where models cannot be run"

    def handle(self, *args: Any, **options: Any) -> None:
        """Try, print, keep."""
        found = try_model_execution()
        for check in found.checks:
            self.stdout.write(
                f"{'holds' if check.ok else 'FAILS'}  {check.name}{f': {check.words}' if check.words else ''}"
            )
        if not found.works:
            self.stdout.write(f"models cannot be run here: {found.reason}")
            raise SystemExit(1)
        self.stdout.write("models are run here")

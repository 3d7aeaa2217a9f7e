"""``manage.py poll_registries``: ask the MLflow servers whose turn it is, or those that are named, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.errors import CountersignError
from registry.ledger import SYSTEM
from registry.models import ExternalRegistry
from registry.services.external_imports import poll_due_registries, poll_registry


class Command(BaseCommand):
    """Poll."""

    help = "Read the model registries of MLflow servers whose turn it is; named ones at once"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which."""
        parser.add_argument("name", nargs="*", help="poll these now, whether or not it is their turn")

    def handle(self, *args: Any, **options: Any) -> None:
        """Poll, and say how each went; the exit status is 1 if one could not be read."""
        try:
            if options["name"]:
                named = [ExternalRegistry.objects.get(name=name) for name in options["name"]]
                polled = [poll_registry(actor=SYSTEM, registry=registry) for registry in named]
            else:
                polled = poll_due_registries()
        except ExternalRegistry.DoesNotExist as error:
            raise CommandError("there is no such registry") from error
        except CountersignError as error:
            raise CommandError(error.message) from error
        for registry in polled:
            self.stdout.write(f"{registry.name}: {registry.error or 'read'}")
        if any(registry.error for registry in polled):
            raise CommandError("not every registry could be read")

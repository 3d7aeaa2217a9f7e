"""``manage.py create_person``: add somebody, or a service account."""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from registry.errors import CountersignError
from registry.ledger import SYSTEM
from registry.services.people import create_person, grant_duty


class Command(BaseCommand):
    """Create a person."""

    help = "Add a person (the password is asked for, or taken from COUNTERSIGN_PASSWORD) or a service account"

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        parser.add_argument("username")
        parser.add_argument("--first-name", default="")
        parser.add_argument("--last-name", default="")
        parser.add_argument("--email", default="")
        parser.add_argument("--service", action="store_true", help="a service account: holds tokens, never signs")
        parser.add_argument(
            "--duty",
            action="append",
            default=[],
            metavar="APP.PERMISSION",
            help="registry.create_use_case, registry.register_dataset, registry.add_external_registry, "
            "registry.view_whole_ledger or governance.register_policy; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create."""
        password = None
        if not options["service"]:
            password = os.environ.get("COUNTERSIGN_PASSWORD") or getpass.getpass("Password: ")
        try:
            with transaction.atomic():
                person = create_person(
                    actor=SYSTEM,
                    username=options["username"],
                    first_name=options["first_name"],
                    last_name=options["last_name"],
                    email=options["email"],
                    password=password,
                    is_service=options["service"],
                )
                for duty in options["duty"]:
                    grant_duty(actor=SYSTEM, person=person, permission=duty)
        except CountersignError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"created {person.username}")

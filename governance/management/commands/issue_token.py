"""``manage.py issue_token``: make a bearer token and print its secret once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.scopes import Scope
from governance.services.tokens import issue_token
from registry.errors import CountersignError
from registry.ledger import SYSTEM
from registry.models import Person


class Command(BaseCommand):
    """Issue a token."""

    help = "Make a token for a person or service account; the secret is printed once, on standard output alone"

    def add_arguments(self, parser: CommandParser) -> None:
        """For whom, for what, how long."""
        parser.add_argument("username")
        parser.add_argument("--responsible", help="who answers for what the token does; the person unless given")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--scope", action="append", required=True, choices=[scope.value for scope in Scope])
        parser.add_argument("--days", type=int, default=90)

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue."""
        try:
            person = Person.objects.get(username=options["username"])
            responsible = Person.objects.get(username=options["responsible"] or options["username"])
            _, secret = issue_token(
                actor=SYSTEM,
                person=person,
                issued_by=responsible,
                name=options["name"],
                scopes=options["scope"],
                days=options["days"],
            )
        except Person.DoesNotExist as error:
            raise CommandError("there is no such person") from error
        except CountersignError as error:
            raise CommandError(error.message) from error
        self.stdout.write(secret)

"""``manage.py assign_role``: give somebody a role on a use case or a model, as the operator."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import CountersignError
from registry.ledger import SYSTEM
from registry.models import Person, RegisteredModel, UseCase
from registry.roles import Role, parse_role
from registry.services.people import assign_role, remove_role


class Command(BaseCommand):
    """Assign a role."""

    help = "Give (or with --remove, take) a role on a use case or model"

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, what, where."""
        parser.add_argument("username")
        parser.add_argument("role", choices=[role.value for role in Role])
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--use-case")
        where.add_argument("--model")
        parser.add_argument("--remove", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Assign."""
        on: UseCase | RegisteredModel
        try:
            person = Person.objects.get(username=options["username"])
            if options["use_case"]:
                on = UseCase.objects.get(slug=options["use_case"])
            else:
                on = RegisteredModel.objects.get(name=options["model"])
            change = remove_role if options["remove"] else assign_role
            change(actor=SYSTEM, person=person, role=parse_role(options["role"]), on=on)
        except (Person.DoesNotExist, UseCase.DoesNotExist, RegisteredModel.DoesNotExist) as error:
            raise CommandError(f"there is no such {type(error).__qualname__.partition('.')[0]}") from error
        except CountersignError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{person.username} {'no longer acts' if options['remove'] else 'acts'} as {options['role']} on {on}"
        )

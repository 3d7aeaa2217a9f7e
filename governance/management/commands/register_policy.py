"""``manage.py register_policy``: register a policy file in the name of a compliance officer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.services.policies import register_policy
from registry.errors import CountersignError
from registry.models import Person


class Command(BaseCommand):
    """Register a policy."""

    help = "Register FILE as the next version of its policy"

    def add_arguments(self, parser: CommandParser) -> None:
        """What, by whom."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--by", required=True, help="user name of a person with the duty governance.register_policy"
        )

    def handle(self, *args: Any, file: Path, by: str, **options: Any) -> None:
        """Register."""
        try:
            version, created = register_policy(actor=Person.objects.get(username=by), content=file.read_bytes())
        except OSError as error:
            raise CommandError(f"cannot read {file}: {error.strerror}") from error
        except Person.DoesNotExist as error:
            raise CommandError(f"there is no person {by!r}") from error
        except CountersignError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{version} {'registered' if created else 'is registered already'} (sha256:{version.sha256})")

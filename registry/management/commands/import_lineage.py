"""Import lineage from files: a dbt project, or definitions of features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.canonical import parse_json
from registry.errors import CountersignError
from registry.models import Person
from registry.safe_yaml import load_yaml
from registry.services.lineage_imports import FORMATS, MOST_BYTES, import_lineage


class Command(BaseCommand):
    help = "Import lineage from a dbt manifest.json or from definitions of features. All of it is taken in, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="manifest.json, or a YAML or JSON file of features")
        parser.add_argument("--format", required=True, choices=FORMATS)
        parser.add_argument("--by", required=True, help="user name in whose name it is imported")
        parser.add_argument("--namespace", help="where the tables lie, such as postgres://host:5432")
        parser.add_argument("--catalog", type=Path, help="dbt's catalog.json, which tells all columns")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Person.objects.filter(username=options["by"], is_active=True).first()
        if actor is None:
            raise CommandError(f"there is no active person {options['by']!r}")
        try:
            made = import_lineage(
                actor=actor,
                format=options["format"],
                document=_read(options["file"], yaml=options["format"] == "features"),
                catalog=_read(options["catalog"], yaml=False) if options["catalog"] else None,
                namespace=options["namespace"],
            )
        except (OSError, CountersignError) as error:
            raise CommandError(str(error)) from error
        for note in made.notes:
            self.stderr.write(f"note: {note}")
        self.stdout.write(
            f"{'imported' if made.new else 'known already:'} {made.places} places and {made.edges} edges, sha256:{made.sha256}"
        )


def _read(path: Path, *, yaml: bool) -> object:
    if path.stat().st_size > MOST_BYTES:
        raise CommandError(f"{path} is larger than {MOST_BYTES:,} bytes")
    data = path.read_bytes()
    return load_yaml(data, what=str(path)) if yaml else parse_json(data, what=str(path))

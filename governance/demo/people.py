"""The people of the demo, and how each of them reaches the service: over HTTP, with a token of their own."""

from __future__ import annotations

import io
import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody with a name, a part in the story, and a password."""

    username: str
    first_name: str
    last_name: str
    part: str
    duties: tuple[str, ...] = ()

    @property
    def password(self) -> str:
        """The password that is printed; a demo's, not a secret."""
        return f"{self.username}-signs-at-dawn"

    @property
    def name(self) -> str:
        """As printed."""
        return f"{self.first_name} {self.last_name}"


ADA = Character("ada", "Ada", "Lovelace", "developer")
TONY = Character("tony", "Tony", "Hoare", "model owner")
GRACE = Character("grace", "Grace", "Hopper", "validator")
EDSGER = Character(
    "edsger",
    "Edsger",
    "Dijkstra",
    "compliance officer",
    ("registry.create_use_case", "governance.register_policy", "registry.view_whole_ledger"),
)
BARBARA = Character("barbara", "Barbara", "Liskov", "auditor", ("registry.view_whole_ledger",))
CAST = (ADA, TONY, GRACE, EDSGER, BARBARA)
BOT = "ci-bot"
ETL = "etl-bot"


def run(command: str, *arguments: str, **environment: str) -> str:
    """An operator's ``manage.py`` command; what it printed."""
    out = io.StringIO()
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        call_command(command, *arguments, stdout=out)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return out.getvalue().strip()


def create_cast() -> None:
    """People with passwords, and service accounts for CI and for the jobs that prepare data."""
    for person in CAST:
        duties = [argument for duty in person.duties for argument in ("--duty", duty)]
        run(
            "create_person", person.username, "--first-name", person.first_name, "--last-name", person.last_name, *duties,
            COUNTERSIGN_PASSWORD=person.password,
        )  # fmt: skip
    run("create_person", BOT, "--first-name", "CI", "--last-name", "pipeline", "--service")
    run("create_person", ETL, "--first-name", "ETL", "--last-name", "jobs", "--service")


def token_for(username: str, *scopes: str, responsible: str | None = None) -> str:
    """A bearer token, as an operator hands it out."""
    scope = [argument for name in scopes for argument in ("--scope", name)]
    return run(
        "issue_token", username, "--responsible", responsible or username, "--name", "demo", "--days", "7", *scope
    )


class Caller:
    """One person's way to the REST API."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self.token = base, token

    def call(self, method: str, path: str, body: Any = None, *, media_type: str = "application/json") -> Any:
        """One request; the parsed answer.

        Raises
        ------
        RuntimeError
            With the service's own explanation, if it refuses.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": media_type}
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data=data, method=method, headers=headers)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error

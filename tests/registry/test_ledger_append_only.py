"""The database itself refuses to change the ledger, and sixteen writers at once leave no gap and no fork."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from registry import ledger_triggers
from registry.checkpoints import make_checkpoint
from registry.ledger import SYSTEM, record
from registry.ledger_actions import Action
from registry.ledger_verification import verify
from registry.models import Checkpoint, LedgerEntry

REST = "action, actor_name, object_type, object_id, label, model_name"
ENTRY = f"INSERT INTO registry_ledgerentry (seq, hash, at, body, {REST}) SELECT {{seq}}, {{hash}}, at, body, {REST} "
ENTRY += "FROM registry_ledgerentry WHERE seq = 1"
NOTE = "INSERT INTO registry_checkpoint (size, root, note, frontier, created_at) "
NOTE += "SELECT {size}, 'forged', note, frontier, created_at FROM registry_checkpoint WHERE size = 2"

FORBIDDEN = {
    "update": "UPDATE registry_ledgerentry SET action = 'gate.decided' WHERE seq = 1",
    "update of all": "UPDATE registry_ledgerentry SET body = body",
    "deletion": "DELETE FROM registry_ledgerentry WHERE seq = 2",
    "deletion of all": "DELETE FROM registry_ledgerentry",
    "update of a checkpoint": "UPDATE registry_checkpoint SET root = ''",
    "deletion of a checkpoint": "DELETE FROM registry_checkpoint",
    "gap": ENTRY.format(seq=4, hash="'other'"),
    "known seq": ENTRY.format(seq=1, hash="'other'"),
    "known hash": ENTRY.format(seq=3, hash="hash"),
    "earlier checkpoint": NOTE.format(size=1),
    "known checkpoint": NOTE.format(size=2),
}
OVERWRITING = {
    "known seq": ("seq", "body = ''"),
    "known hash": ("hash", "body = ''"),
    "known checkpoint": ("size", "root = ''"),
}


@pytest.fixture
def before(db):
    with transaction.atomic():
        record(actor=SYSTEM, action=Action.MODEL_REGISTERED, obj_type="model", obj_id=1, label="m", data={})
    make_checkpoint()
    return everything()


def everything():
    entries = [(entry.seq, bytes(entry.body), entry.hash) for entry in LedgerEntry.objects.order_by("seq")]
    return entries, [(row.size, row.root, row.note) for row in Checkpoint.objects.all()]


def refuses(statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_the_database_refuses_every_change(before, kind):
    refuses(FORBIDDEN[kind])
    assert everything() == before
    assert verify().ok


@pytest.mark.parametrize("kind", OVERWRITING)
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_the_database_refuses_to_overwrite_what_stands(before, kind, recursive):
    column, change = OVERWRITING[kind]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA recursive_triggers={recursive}")
        refuses(FORBIDDEN[kind].replace("INSERT INTO", "INSERT OR REPLACE INTO"))
    refuses(f"{FORBIDDEN[kind]} ON CONFLICT ({column}) DO UPDATE SET {change}")
    assert everything() == before


def test_the_database_refuses_to_truncate(before):
    # SQLite has no TRUNCATE: there it is a syntax error, which refuses as well.
    refuses("TRUNCATE registry_ledgerentry")
    refuses("TRUNCATE registry_checkpoint")
    assert everything() == before


def test_the_triggers_can_be_installed_again_after_a_migration_rebuilt_a_table(before):
    editor = connection.schema_editor()
    ledger_triggers.remove(editor)
    ledger_triggers.install(editor)
    ledger_triggers.install(editor)
    refuses(FORBIDDEN["update"])
    refuses(FORBIDDEN["deletion of a checkpoint"])


WRITER = """
import sys, threading
import django
django.setup()
from django.db import connection, transaction
from registry.ledger import SYSTEM, record
from registry.ledger_actions import Action

def write(writer):
    for number in range(10):
        with transaction.atomic():
            record(actor=SYSTEM, action=Action.GATE_DECIDED, obj_type="gate", obj_id=number, label=writer, data={})
    connection.close()

threads = [threading.Thread(target=write, args=(f"writer {sys.argv[1]}.{n}",)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
READER = """
import json
from collections import Counter
import django
django.setup()
from registry.ledger import entries
from registry.ledger_verification import verify
found = verify()
print(found.ok, found.entries, sorted(set(Counter(entries().values_list("label", flat=True)).values())))
"""


@pytest.fixture
def database_url(tmp_path, request):
    """A database that other processes can open: a file for SQLite, a database of its own for PostgreSQL."""
    request.getfixturevalue("db")
    if connection.vendor == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    name = f"ledger_{os.getpid()}"
    given = connection.settings_dict
    socket = given["HOST"] or given["OPTIONS"].get("host", "")
    return f"postgresql://{given['USER']}@/{name}?host={quote(socket, safe='')}"


def test_sixteen_writers_leave_no_gap_and_no_fork(database_url, tmp_path):
    environment = {**os.environ, "DATABASE_URL": database_url, "COUNTERSIGN_DATA_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "governance.settings"
    python = {"cwd": settings.BASE_DIR, "env": environment, "text": True}
    if database_url.startswith("postgresql"):
        import psycopg2

        admin = psycopg2.connect(database_url.replace(f"/ledger_{os.getpid()}?", "/postgres?"))
        admin.autocommit = True
        admin.cursor().execute(f"CREATE DATABASE ledger_{os.getpid()}")
        admin.close()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, **python)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(number)], **python) for number in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    read = subprocess.run([sys.executable, "-c", READER], check=True, capture_output=True, **python)
    assert read.stdout.strip() == "True 160 [10]"

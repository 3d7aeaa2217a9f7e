"""Database triggers that make the ledger append-only, for SQLite and PostgreSQL; migrations install them.

On SQLite a migration that alters one of these tables rebuilds it, and its triggers are gone: such a migration must
call :func:`install` again.
"""

from __future__ import annotations

from django.db import NotSupportedError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from registry.models.ledger import Checkpoint, LedgerEntry

_FUNCTION = "countersign_refuse_change"
_ORDER_FUNCTION = "countersign_refuse_disorder"


def install(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on entries and checkpoints, and entries that do not follow the last.

    Installing twice is the same as once.

    Raises
    ------
    NotSupportedError
        On a database other than SQLite and PostgreSQL.
    """
    remove(schema_editor)
    statements = {"sqlite": _sqlite_triggers, "postgresql": _postgresql_triggers}[schema_editor.connection.vendor]()
    _execute(schema_editor, statements)


def remove(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Undo :func:`install`: only for the reversal of its migration, and for tests that empty their tables."""
    vendor = schema_editor.connection.vendor
    if vendor == "sqlite":
        names = [f"{table}_{event}" for table in _tables() for event in ("no_update", "no_delete", "in_order")]
        _execute(schema_editor, [f'DROP TRIGGER IF EXISTS "{name}"' for name in names])
    elif vendor == "postgresql":
        functions = (_FUNCTION, _ORDER_FUNCTION)
        _execute(schema_editor, [f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in functions])
    else:
        raise NotSupportedError(f"the ledger is not protected on {vendor}; use SQLite or PostgreSQL")


def _execute(schema_editor: BaseDatabaseSchemaEditor, statements: list[str]) -> None:
    for statement in statements:
        schema_editor.execute(statement, params=None)


def _tables() -> list[str]:
    return [LedgerEntry._meta.db_table, Checkpoint._meta.db_table]


def _sqlite_triggers() -> list[str]:
    entries, checkpoints = _tables()
    refuse = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    changes = [
        f'CREATE TRIGGER "{table}_no_{event}" BEFORE {event.upper()} ON "{table}" {refuse}'
        for table in (entries, checkpoints)
        for event in ("update", "delete")
    ]
    # INSERT OR REPLACE deletes without firing the delete trigger unless recursive_triggers is on, so an insert
    # that would replace (by seq, size or hash) is refused before it can.
    follows = f'NEW.seq IS (SELECT COALESCE(MAX(seq), 0) + 1 FROM "{entries}")'  # noqa: S608 - our own table names
    known = f'EXISTS (SELECT 1 FROM "{entries}" WHERE hash = NEW.hash)'  # noqa: S608
    grows = f'NEW.size > (SELECT COALESCE(MAX(size), 0) FROM "{checkpoints}")'  # noqa: S608
    orders = [
        f'CREATE TRIGGER "{table}_in_order" BEFORE INSERT ON "{table}" WHEN NOT ({condition}) {refuse}'
        for table, condition in ((entries, f"{follows} AND NOT {known}"), (checkpoints, grows))
    ]
    return changes + orders


def _postgresql_triggers() -> list[str]:
    entries, checkpoints = _tables()
    raising = "RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation';"
    # TG_ARGV holds the key column; the largest key so far is read through the primary key's index.
    functions = [
        f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raising} END $$",
        f"""CREATE FUNCTION {_ORDER_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE last bigint;
        BEGIN
            IF TG_ARGV[0] = 'seq' THEN
                SELECT COALESCE(MAX(seq), 0) INTO last FROM "{entries}";
                IF NEW.seq IS DISTINCT FROM last + 1 THEN {raising} END IF;
            ELSE
                SELECT COALESCE(MAX(size), 0) INTO last FROM "{checkpoints}";
                IF NEW.size <= last THEN {raising} END IF;
            END IF;
            RETURN NEW;
        END $$""",  # noqa: S608 - our own table names
    ]
    changes = [
        f'CREATE TRIGGER "{table}_no_{event}" BEFORE {event.upper()} ON "{table}" '
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
        for table in (entries, checkpoints)
        for event in ("update", "delete", "truncate")
    ]
    orders = [
        f'CREATE TRIGGER "{table}_in_order" BEFORE INSERT ON "{table}" '
        f"FOR EACH ROW EXECUTE FUNCTION {_ORDER_FUNCTION}('{column}')"
        for table, column in ((entries, "seq"), (checkpoints, "size"))
    ]
    return functions + changes + orders

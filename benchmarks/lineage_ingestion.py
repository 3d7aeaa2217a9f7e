"""How many OpenLineage events each second are kept and taken into the graph, on SQLite and PostgreSQL.

Two hundred jobs, each with two inputs and one output of twenty columns with their schema and column lineage, run over and
over: START and COMPLETE of each run; every fiftieth run has changed a column. Measured are the service (one event at a
time, and a hundred at a time) and the endpoints. The peer is the least that keeping an event can cost: one INSERT of the
same bytes and a commit.

Run it with ``python benchmarks/lineage_ingestion.py``; ``--events 2000 --database sqlite`` for less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bench

JOBS, COLUMNS, BATCH, CHANGED_EVERY = 200, 20, 100, 50
OK, CREATED = 200, 201
START = datetime(2026, 1, 1, tzinfo=UTC)
FACET = {"_producer": "https://example.org/etl", "_schemaURL": "https://example.org/facets/1-0-0/Facet.json"}
NAMESPACE = "postgres://warehouse:5432"


def stream(number: int) -> list[bytes]:
    """So many events, in the order in which they happen."""
    made: list[bytes] = []
    run = 0
    while len(made) < number:
        job = run % JOBS
        at = START + timedelta(minutes=run)
        changed = run // CHANGED_EVERY if run % CHANGED_EVERY == 0 else 0
        made += [
            json.dumps(_event(kind, at + timedelta(seconds=seconds), run, job, changed)).encode()
            for kind, seconds in (("START", 0), ("COMPLETE", 40))
        ]
        run += 1
    return made[:number]


def _event(kind: str, at: datetime, run: int, job: int, changed: int) -> dict[str, Any]:
    names = [f"shop.staging.source_{(job * 2 + side) % JOBS}" for side in (0, 1)]
    inputs = [{"namespace": NAMESPACE, "name": name, "facets": {"schema": _schema()}} for name in names]
    fields = {
        f"c{index}": {
            "inputFields": [
                {
                    "namespace": NAMESPACE,
                    "name": names[index % 2],
                    "field": f"c{(index + changed) % COLUMNS}",
                    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": False}],
                }
            ]
        }
        for index in range(COLUMNS)
    }
    output = {
        "namespace": NAMESPACE,
        "name": f"shop.mart.table_{job}",
        "facets": {"schema": _schema(), "columnLineage": {**FACET, "fields": fields}},
    }
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": FACET["_producer"],
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"01890000-0000-7000-8000-{run:012}", "facets": {}},
        "job": {"namespace": "airflow", "name": f"nightly.table_{job}", "facets": {}},
        "inputs": inputs if kind == "START" else [],
        "outputs": [output],
    }


def _schema() -> dict[str, Any]:
    return {**FACET, "fields": [{"name": f"c{index}", "type": "VARCHAR"} for index in range(COLUMNS)]}


def connect(database: str, folder: Path) -> Callable[[], None]:
    """Point Django at a fresh database; gives what stops it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    os.environ["COUNTERSIGN_DATA_DIR"] = str(folder)
    stop: Callable[[], None] = bool
    if database == "postgresql":
        from tests.conftest import start_postgresql

        server = start_postgresql(folder / "postgresql")
        os.environ["DATABASE_URL"] = server.get_uri()
        stop = server.cleanup
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)
    return stop


def measure(database: str, number: int) -> list[dict[str, Any]]:
    """All ways of taking events in, on one database; each on events of its own."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    stop = connect(database, folder)
    try:
        return _measure(database, number)
    finally:
        from django.db import connections

        connections.close_all()
        stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(database: str, number: int) -> list[dict[str, Any]]:
    from django.test import Client

    from governance.services.tokens import issue_token
    from registry.ledger import SYSTEM
    from registry.models import Person
    from registry.services.lineage_events import record_events

    person = Person.objects.create_user(username="ada", password=None)
    sender = Person.objects.create_user(username="scheduler", password=None, is_service=True)
    _, secret = issue_token(actor=SYSTEM, person=sender, issued_by=person, name="etl", scopes=["lineage"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    events = stream(JOBS * 2 + 4 * number)
    # The first run of every job makes its places and columns; a service that has run for a day knows them.
    first, rest = events[: JOBS * 2], events[JOBS * 2 :]
    parts = [rest[start : start + number] for start in range(0, len(rest), number)]

    def one(part: Sequence[bytes]) -> None:
        for event in part:
            record_events(actor=sender, events=[event])

    def batch(part: Sequence[bytes]) -> None:
        for start in range(0, len(part), BATCH):
            record_events(actor=sender, events=part[start : start + BATCH])

    def post(part: Sequence[bytes]) -> None:
        for event in part:
            answer = client.post("/api/v1/lineage", event, content_type="application/json")
            assert answer.status_code == CREATED, answer.content

    def post_batch(part: Sequence[bytes]) -> None:
        for start in range(0, len(part), BATCH):
            body = b"[" + b",".join(part[start : start + BATCH]) + b"]"
            answer = client.post("/api/v1/lineage/batch", body, content_type="application/json")
            assert answer.status_code == OK, answer.content

    def warm_up(part: Sequence[bytes]) -> None:
        one(part)
        # What only the first request of a process loads: addresses, views, middleware.
        post(part[:1])

    rows = [
        _timed(database, "first run of each job, by one", warm_up, first),
        _timed(database, "bare INSERT", _bare, rest[:number]),
    ]
    ways = (
        ("service, by one", one),
        ("service, by 100", batch),
        ("endpoint, by one", post),
        ("endpoint, by 100", post_batch),
    )
    rows += [_timed(database, name, way, part) for (name, way), part in zip(ways, parts, strict=True)]
    return rows


def _bare(part: Sequence[bytes]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (body TEXT)")
        for event in part:
            cursor.execute("INSERT INTO bare (body) VALUES (%s)", [event.decode()])


def _timed(database: str, name: str, way: Callable[[Sequence[bytes]], None], part: Sequence[bytes]) -> dict[str, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    way(part)
    seconds, busy = time.perf_counter() - wall, time.process_time() - processor
    return {
        "database": database,
        "way": name,
        "events": len(part),
        "events/s": len(part) / seconds,
        "ms/event": 1000 * seconds / len(part),
        "ms of our processor": 1000 * busy / len(part),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        bench.table(measure(options.database, options.events))
        return
    print(bench.machine("django", "rfc8785"))
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        # A process of its own: Django's settings are read once.
        import subprocess
        import sys

        command = [sys.executable, __file__, "--inner", "--database", database, "--events", str(options.events)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

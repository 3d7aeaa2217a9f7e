"""Upstream and downstream of random columns, on SQLite and PostgreSQL, next to networkx on the same graph in memory.

Run: ``python benchmarks/lineage_queries.py [--edges 1e4,1e5,1e6] [--asked 200] [--databases sqlite,postgresql] [--no-peer]``.
A made-up warehouse of eight layers: tables of twenty columns, each table from one to three of the layer before, each column
from one to four columns of those, one table in fifty known only as a whole besides, one edge in ten no longer true. Times
are of ``upstream`` and ``downstream`` as pages and rules call them: reading nodes, edges, places, jobs, and making the graph.
networkx's are of ``ancestors`` and ``descendants``, which give node numbers only, of a graph that is in memory already. Exits
1 if the nodes differ, or if a median at the largest size is not under 200 ms.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench import growth, machine, table

LAYERS, COLUMNS, FAN_IN, PARENTS = 8, 20, 4, 3
WHOLE_SHARE, CLOSED_SHARE = 0.02, 0.10
BAR_SECONDS = 0.2
T0 = datetime(2026, 1, 1, tzinfo=UTC)
CLOSED = T0 + timedelta(days=30)
_PER_TABLE = COLUMNS + 2


@dataclass
class Warehouse:
    """Rows as they go into the tables; nodes are numbered place by place: in, out, columns."""

    places: int
    edges: list[tuple[int, int, str, int | None, datetime | None]] = field(default_factory=list)
    column_edges: int = 0

    def column(self, place: int, number: int) -> int:
        """Row number of a column."""
        return place * _PER_TABLE + 3 + number

    def ends(self, place: int) -> tuple[int, int]:
        """Row numbers of ``in`` and ``out``."""
        return place * _PER_TABLE + 1, place * _PER_TABLE + 2

    def columns(self, layers: range = range(LAYERS)) -> list[int]:
        """Row numbers of all columns of these layers."""
        per_layer = self.places // LAYERS
        places = range(layers.start * per_layer, layers.stop * per_layer)
        return [self.column(place, number) for place in places for number in range(COLUMNS)]

    def questions(self, asked: int) -> dict[str, tuple[bool, list[int]]]:
        """What is asked: whether upstream, and of which columns."""
        every, first, last = self.columns(), self.columns(range(1)), self.columns(range(LAYERS - 1, LAYERS))
        chosen = {
            "upstream of any": (True, every),
            "upstream of the last layer": (True, last),
            "downstream of any": (False, every),
            "downstream of the first layer": (False, first),
        }
        return {name: (up, Random(7).sample(of, min(asked, len(of)))) for name, (up, of) in chosen.items()}


def warehouse(column_edges: int, *, seed: int = 42) -> Warehouse:
    """A layered warehouse with about so many column edges."""
    draw = Random(seed)
    per_layer = max(1, round(column_edges / ((LAYERS - 1) * COLUMNS * (1 + FAN_IN) / 2)))
    made = Warehouse(per_layer * LAYERS)
    for place in range(made.places):
        into, out = made.ends(place)
        columns = [made.column(place, number) for number in range(COLUMNS)]
        ties = [(into, out), *((into, column) for column in columns), *((column, out) for column in columns)]
        made.edges += [(source, target, "structure", None, None) for source, target in ties]
        layer = place // per_layer
        if layer:
            _made_from(made, draw, place, columns, range((layer - 1) * per_layer, layer * per_layer))
    return made


def _made_from(made: Warehouse, draw: Random, place: int, columns: list[int], before: range) -> None:
    parents = [draw.choice(before) for _ in range(draw.randint(1, PARENTS))]
    for column in columns:
        sources = {made.column(draw.choice(parents), draw.randrange(COLUMNS)) for _ in range(draw.randint(1, FAN_IN))}
        for source in sorted(sources):
            until = CLOSED if draw.random() < CLOSED_SHARE else None
            made.edges.append((source, column, "column", place + 1, until))
            made.column_edges += 1
    if draw.random() < WHOLE_SHARE:
        made.edges.append((made.ends(parents[0])[1], made.ends(place)[0], "dataset", place + 1, None))


def store(made: Warehouse) -> None:
    """Write the warehouse into the database that Django is set to, as ``apply_statements`` would leave it."""
    from django.db import connection

    from registry.models import Person

    person = Person.objects.create_user(username="bench", password=None)
    assert person
    said = range(1, made.places + 1)
    _insert("registry_place", "id namespace name key kind description first_seen last_seen", (
        (p, "postgres://warehouse:5432", f"layer.table_{p}", f"{p:064d}", "table", "", T0, T0) for p in said
    ))  # fmt: skip
    roles = ["in", "out", *["column"] * COLUMNS]
    _insert("registry_lineagecolumn", "id place_id role name type first_seen last_seen", (
        ((p - 1) * _PER_TABLE + 1 + i, p, role, f"column_{i}" if role == "column" else "", "", T0, T0)
        for p in said for i, role in enumerate(roles)
    ))  # fmt: skip
    _insert("registry_lineagejob", "id namespace name key description first_seen last_seen", (
        (p, "airflow", f"build.table_{p}", f"{p:064d}", "", T0, T0) for p in said
    ))  # fmt: skip
    _insert("registry_lineagestatement", "id job_id place_id by digest since seen", (
        (p, p, p, "openlineage", f"{p:064d}", T0, T0) for p in said
    ))  # fmt: skip
    names = "id source_id target_id level manner subtype masking description statement_id since until"
    _insert("registry_lineageedge", names, (
        (i, source, target, level, "direct", "IDENTITY" if level == "column" else "", False, "", statement,
         T0 if statement else None, until)
        for i, (source, target, level, statement, until) in enumerate(made.edges, start=1)
    ))  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as its autovacuum does by itself


def _insert(name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    from django.db import connection, transaction

    fields = columns.split()
    into = f"{name} ({', '.join(fields)})"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lines = ("\t".join("\\N" if value is None else str(value) for value in row) + "\n" for row in rows)
            cursor.copy_expert(f"COPY {into} FROM STDIN", io.StringIO("".join(lines)))
            return
        adapt = connection.ops.adapt_datetimefield_value
        marks = ", ".join(["%s"] * len(fields))
        cursor.executemany(
            f"INSERT INTO {into} VALUES ({marks})",
            [[adapt(value) if isinstance(value, datetime) else value for value in row] for row in rows],
        )


def timed(call: Callable[[int], Any], asked: Sequence[int]) -> tuple[list[float], list[Any]]:
    """Seconds of each call, and what it gave."""
    seconds, given = [], []
    for column in asked:
        start = time.perf_counter()
        value = call(column)
        seconds.append(time.perf_counter() - start)
        given.append(value)
    return seconds, given


def databases(chosen: Sequence[str], directory: Path) -> Iterator[str]:
    """Set Django to one empty, migrated database after the other."""
    from django.core.management import call_command
    from django.db import connections

    from tests.conftest import postgresql_settings, start_postgresql

    for name in chosen:
        server = start_postgresql(directory / "pg") if name == "postgresql" else None
        if server is not None:
            connections["default"].close()
            del connections["default"]
            held = connections.settings["default"]
            connections.settings["default"] = {**held, "OPTIONS": {}, **postgresql_settings(server)}
        call_command("migrate", verbosity=0)
        yield name
        connections["default"].close()
        if server is not None:
            server.cleanup()


def empty() -> None:
    """Take the warehouse out again."""
    from django.db import connection

    with connection.cursor() as cursor:
        for name in ("lineageedge", "lineagestatement", "lineagejob", "lineagecolumn", "place", "person"):
            cursor.execute(f"DELETE FROM registry_{name}")


Questions = dict[str, tuple[bool, list[int]]]
Answers = dict[str, tuple[list[float], list[Any]]]


def peer(made: Warehouse, questions: Questions) -> tuple[float, Answers]:
    """The edges that hold now in networkx: seconds to load; seconds of each call, and nodes of each answer."""
    import networkx as nx

    start = time.perf_counter()
    graph = nx.DiGraph()
    graph.add_edges_from((source, target) for source, target, _, _, until in made.edges if until is None)
    loaded = time.perf_counter() - start
    answers = {}
    for name, (up, asked) in questions.items():
        walk = nx.ancestors if up else nx.descendants
        answers[name] = timed(partial(_reached, walk, graph), asked)
    return loaded, answers


def _reached(walk: Callable[[Any, int], set[int]], graph: Any, column: int) -> set[int]:
    return {column, *walk(graph, column)}


def _asked(query: Callable[[Iterable[int]], Any], column: int) -> Any:
    return query([column])


def ask(questions: Questions, peers: Answers) -> tuple[list[dict[str, Any]], bool]:
    """Rows of the table for one database and size, and whether the nodes were the same as the peer's."""
    from registry.lineage_queries import downstream, upstream

    rows, same = [], True
    for name, (up, asked) in questions.items():
        query = upstream if up else downstream
        timed(partial(_asked, query), asked[:5])
        seconds, graphs = timed(partial(_asked, query), asked)
        median = statistics.median(seconds)
        row: dict[str, Any] = {
            "question": name,
            "median nodes": int(statistics.median(len(graph.nodes) for graph in graphs)),
            "most nodes": max(len(graph.nodes) for graph in graphs),
            "median ms": median * 1e3,
            "p95 ms": statistics.quantiles(seconds, n=20)[-1] * 1e3,
        }
        if peers:
            theirs, found = peers[name]
            row |= {"networkx ms": statistics.median(theirs) * 1e3, "ratio": median / statistics.median(theirs)}
            same &= all(
                graph.truncated or {node.id for node in graph.nodes} == nodes
                for graph, nodes in zip(graphs, found, strict=True)
            )
        rows.append(row)
    return rows, same


def main() -> int:
    """Measure, print, and say whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", default="1e4,1e5,1e6")
    parser.add_argument("--asked", type=int, default=200)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    sizes = [int(float(text)) for text in options.edges.split(",")]
    rows: list[dict[str, Any]] = []
    agreed = True
    with tempfile.TemporaryDirectory(prefix="countersign-lineage-") as root:
        os.environ.update(DJANGO_SETTINGS_MODULE="governance.settings", COUNTERSIGN_DATA_DIR=root)
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        for database in databases(options.databases.split(","), Path(root)):
            for size in sizes:
                made = warehouse(size)
                questions = made.questions(options.asked)
                loaded, peers = (0.0, {}) if options.no_peer else peer(made, questions)
                start = time.perf_counter()
                store(made)
                stored = time.perf_counter() - start
                print(
                    f"{database}: {made.column_edges} column edges of {len(made.edges)} stored in {stored:.1f} s; "
                    f"networkx read them in {loaded:.1f} s",
                    flush=True,
                )
                found, same = ask(questions, peers)
                rows += [{"database": database, "column edges": made.column_edges, **row} for row in found]
                agreed = agreed and same
                empty()
    print(machine("networkx", "Django"))
    table(rows)
    fast = True
    for (database, question), group in _groups(rows):
        if len(group) > 1:
            slope = growth([row["column edges"] for row in group], [row["median ms"] for row in group])
            print(f"{database} {question}: time grows with the power {slope:.2f} of the graph")
        fast &= group[-1]["median ms"] < BAR_SECONDS * 1e3
    print(f"same nodes as networkx: {'not compared' if options.no_peer else agreed}; median under 200 ms: {fast}")
    return 0 if agreed and fast else 1


def _groups(rows: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], list[dict[str, Any]]]]:
    keys = dict.fromkeys((row["database"], row["question"]) for row in rows)
    for key in keys:
        yield key, [row for row in rows if (row["database"], row["question"]) == key]


if __name__ == "__main__":
    sys.exit(main())

"""A private DuckDB in memory: limited, spilling to a folder of its own, reading nothing that was not given. Pure of Django."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.engines.compiling import quoted, text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from audits.engines.settings import Settings

_GIVEN = "given"
_PLAIN = (
    (r"FLOAT|DECIMAL\(.*\)|U?HUGEINT", "CAST({0} AS DOUBLE)"),
    (r"TIMESTAMP WITH TIME ZONE", "({0} AT TIME ZONE 'UTC')"),
    (r"TIMESTAMP_(S|MS|NS)", "CAST({0} AS TIMESTAMP)"),
    (r"ENUM\(.*\)|UUID|TIME|TIME_NS|TIME WITH TIME ZONE|INTERVAL|BIT", "CAST({0} AS VARCHAR)"),
)
"""Types of DuckDB to the plain types that every engine has: doubles, UTC, text. Nested types and bytes stay."""

_WHOLE = re.compile(r"DECIMAL\((\d+),0\)")
_DIGITS_OF_BIGINT = 18


class Database:
    """One DuckDB database and the folder in which it spills; closing it removes both.

    Attributes
    ----------
    connection
        For definitions. Queries run on cursors, so that several can be read at a time.
    folder
        For files that live as long as it does.
    """

    def __init__(self, settings: Settings) -> None:
        import duckdb

        self._folder = tempfile.TemporaryDirectory(prefix="countersign-")
        self.folder = Path(self._folder.name)
        self._given: Any = None
        self._links: dict[str, str] = {}
        try:
            self.connection = duckdb.connect(":memory:", config=_config(settings, self.folder))
        except BaseException:
            self._folder.cleanup()
            raise

    def cursor(self, *, watched: bool) -> duckdb.DuckDBPyConnection:
        """A connection for one query."""
        cursor = self.connection.cursor()
        if self._given is not None:
            cursor.register(_GIVEN, self._given)
        if watched:
            cursor.execute("SET enable_progress_bar = true")
            cursor.execute("SET enable_progress_bar_print = false")
        return cursor

    def give(self, data: Any) -> str:
        """Make Arrow data readable, as they lie there. Returns what to select from."""
        self._given = data
        self.connection.register(_GIVEN, data)
        return _GIVEN

    def parquet(self, files: Sequence[tuple[Path, str]]) -> str:
        """What to select from, for Parquet files with their names for people.

        They are read through links of plain names: DuckDB would take ``*`` and ``[`` in a path for patterns, and
        ``year=2026`` in it for a column.
        """
        links = []
        for place, (path, name) in enumerate(files):
            link = self.folder / f"part-{place}.parquet"
            link.symlink_to(path.resolve())
            self._links[str(link)] = name
            links.append(text(str(link)))
        union = "true" if len(links) > 1 else "false"
        return f"read_parquet([{', '.join(links)}], hive_partitioning = false, union_by_name = {union})"

    def define(self, relation: str) -> None:
        """Make the view ``source`` of a relation, with plain types."""
        described = self.connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - our relation
        columns = ", ".join(_plain(name, kind) for name, kind, *_ in described)
        self.connection.execute(f"CREATE VIEW source AS SELECT {columns} FROM {relation}")  # noqa: S608 - quoted

    def schema_of(self, view: str) -> pa.Schema:
        """The Arrow schema of a view."""
        return self.connection.execute(f"SELECT * FROM {view} LIMIT 0").to_arrow_reader().schema  # noqa: S608 - our view

    def told(self, message: str) -> str:
        """A message of DuckDB with the names that people know."""
        for link, name in self._links.items():
            message = message.replace(link, name)
        return message.replace(str(self.folder), "the temporary folder")

    def close(self) -> None:
        """Close the database and remove its folder."""
        self.connection.close()
        self._given = None
        self._folder.cleanup()


def _config(settings: Settings, folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
        "temp_directory": str(folder / "spill"),
    }
    if settings.memory:
        config["memory_limit"] = settings.memory
    if settings.threads:
        config["threads"] = settings.threads
    return config


def _plain(name: str, kind: str) -> str:
    column = quoted(name)
    whole = _WHOLE.fullmatch(kind)
    if whole and int(whole.group(1)) <= _DIGITS_OF_BIGINT:
        return f"CAST({column} AS BIGINT) AS {column}"
    for pattern, cast in _PLAIN:
        if re.fullmatch(pattern, kind):
            return f"{cast.format(column)} AS {column}"
    return column

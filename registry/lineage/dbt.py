"""A dbt project's ``manifest.json`` (v10 to v12) and ``catalog.json`` as lineage. Pure.

A relation is the place ``database.schema.identifier`` as dbt writes them, under a namespace that dbt does not know and
the importer names, such as ``postgres://host:5432``. Models are read from their compiled SQL, column by column; where
that cannot be read, and for whatever else a node depends on, the edge is at the level ``dataset``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from registry.errors import InvalidInput
from registry.lineage.document_part import Part
from registry.lineage.features import Tags
from registry.lineage.names import JobName, PlaceName
from registry.lineage.sql import SqlTable, column_lineage
from registry.lineage.statement import StatedEdge, Statement

VERSIONS = (10, 11, 12, 20)
"""20 is what dbt Fusion calls the form of v12."""

DIALECTS: Mapping[str, str] = {
    "athena": "athena", "bigquery": "bigquery", "clickhouse": "clickhouse", "databricks": "databricks", "doris": "doris",
    "dremio": "dremio", "duckdb": "duckdb", "exasol": "exasol", "fabric": "tsql", "hive": "hive",
    "materialize": "materialize", "mysql": "mysql", "oracle": "oracle", "postgres": "postgres", "redshift": "redshift",
    "risingwave": "risingwave", "snowflake": "snowflake", "spark": "spark", "sqlite": "sqlite", "sqlserver": "tsql",
    "starrocks": "starrocks", "synapse": "tsql", "teradata": "teradata", "trino": "trino",
}  # fmt: skip
"""dbt's adapters in sqlglot's words."""

_MADE = frozenset({"model", "seed", "snapshot"})
_SCHEMA_VERSION = re.compile(r"/manifest/v(\d+)(?:\.json|/)")
_MOST_NODES = 50_000
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class DbtLineage:
    """What a project says.

    Attributes
    ----------
    statements
        One for each model, seed and snapshot.
    schemas
        ``{place: {column: type}}`` of sources, whose making dbt knows nothing of.
    tags
        Tags and ``meta`` of places (column None) and columns.
    """

    project: str
    at: datetime
    statements: tuple[Statement, ...]
    schemas: Mapping[PlaceName, Mapping[str, str]]
    tags: tuple[tuple[PlaceName, str | None, Tags], ...]
    notes: tuple[str, ...]


def read_dbt(manifest: object, *, catalog: object = None, namespace: str | None = None) -> DbtLineage:
    """Read a project.

    Parameters
    ----------
    manifest, catalog
        The parsed files; without a catalog, stars of sources cannot be spelled out.
    namespace
        Where the project's database is, as OpenLineage names it; only BigQuery has none to name.

    Raises
    ------
    InvalidInput
        Naming the field: a version that is not read, a node without a name, no namespace.
    """
    return _Project(Part(manifest), Part(catalog, "catalog"), namespace).read()


@dataclass
class _Project:
    """Reads one manifest."""

    root: Part
    catalog: Part
    namespace: str | None
    notes: list[str] = field(default_factory=list)
    schemas: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        metadata = self.root.get("metadata")
        if not metadata:
            metadata.refuse("is required: this is no manifest.json of dbt")
        stated = metadata.get("dbt_schema_version").text()
        found = _SCHEMA_VERSION.search(stated)
        if found is None or int(found.group(1)) not in VERSIONS:
            metadata.get("dbt_schema_version").refuse(
                f"{stated!r} is not read; manifest.json of v10 to v12 is (dbt 1.6 and later)"
            )
        self.adapter = metadata.get("adapter_type").words(longest=50)
        self.dialect = DIALECTS.get(self.adapter)
        self.at = _moment(metadata.get("generated_at"))
        self.space = self.namespace or ("bigquery" if self.adapter == "bigquery" else "")
        if self.space.startswith("countersign:"):
            raise InvalidInput("namespace must not be one of Countersign's own", field="namespace")
        if not self.space:
            raise InvalidInput(
                "namespace is required: dbt does not say where its database is; name it as OpenLineage does, such as "
                "postgres://host:5432 or snowflake://organisation-account",
                field="namespace",
            )
        self.nodes = {key: part for key, part in self._parts() if self._resource(part) in _MADE | {"source"}}
        self.project = metadata.get("project_name").words(longest=200) or self._any_package()
        self.places = {key: self._place(part) for key, part in self.nodes.items() if not self._ephemeral(part)}
        self.types = {key: self._types(key, part) for key, part in self.nodes.items()}

    def _parts(self) -> Iterator[tuple[str, Part]]:
        yield from self.root.get("nodes").entries(most=_MOST_NODES)
        yield from self.root.get("sources").entries(most=_MOST_NODES)

    def _any_package(self) -> str:
        return next((part.get("package_name").words(longest=200) for part in self.nodes.values()), "") or "project"

    def _resource(self, part: Part) -> str:
        return part.get("resource_type").text(longest=50)

    def _ephemeral(self, part: Part) -> bool:
        config = part.get("config")
        return bool(config) and config.get("materialized").value == "ephemeral"

    def _place(self, part: Part) -> PlaceName:
        identifier = part.get("identifier", "alias", "name").text(longest=400)
        parts = [part.get(key).words(longest=300) for key in ("database", "schema")]
        return PlaceName(self.space, ".".join([found for found in parts if found] + [identifier]))

    def _types(self, key: str, part: Part) -> dict[str, str]:
        """The columns of a relation with their types, where all are known: from the catalog, or an enforced contract."""
        listed = self._catalog_columns(key)
        if listed is not None:
            return listed
        contract = part.get("config").get("contract") if part.get("config") else Part(None)
        if contract and contract.get("enforced").value is True:
            return dict(self._documented(part))
        return {}

    def _catalog_columns(self, key: str) -> dict[str, str] | None:
        if not self.catalog:
            return None
        for kind in ("nodes", "sources"):
            group = self.catalog.get(kind)
            found = group.get(key) if group else None
            if found:
                columns = found.get("columns").entries()
                return {item.get("name").words(name): item.get("type").words(longest=200) for name, item in columns}
        return None

    def _documented(self, part: Part) -> Iterator[tuple[str, str]]:
        for name, item in part.get("columns").entries():
            yield item.get("name").words(name), item.get("data_type").words(longest=200)

    def read(self) -> DbtLineage:
        """All of it, upstream first, since what a model gives is what the next one's stars mean."""
        for key, types in self.types.items():
            if types and key in self.places:
                self.schemas[self.places[key].name] = tuple(types)
        made = [key for key in self._ordered() if key in self.places and self._resource(self.nodes[key]) in _MADE]
        statements = [self._statement(key) for key in made]
        sources = {
            self.places[key]: types
            for key, types in self.types.items()
            if types and self._resource(self.nodes[key]) == "source"
        }
        tags = tuple(self._tags())
        return DbtLineage(self.project, self.at, tuple(statements), sources, tags, tuple(self.notes))

    def _depends(self, key: str) -> list[str]:
        depends = self.nodes[key].get("depends_on")
        listed = [part.text() for part in depends.get("nodes").items()] if depends else []
        return [other for other in listed if other in self.nodes]

    def _ordered(self) -> list[str]:
        order: dict[str, None] = {}
        for start in sorted(self.nodes):
            waiting = [(start, False)]
            open_: set[str] = set()
            while waiting:
                key, done = waiting.pop()
                if done:
                    order[key] = None
                elif key not in order and key not in open_:
                    open_.add(key)
                    waiting.append((key, True))
                    waiting += [(other, False) for other in self._depends(key)]
        return list(order)

    def _upstream(self, key: str) -> list[PlaceName]:
        """The relations that a node depends on, behind whatever ephemeral models stand between."""
        found: dict[PlaceName, None] = {}
        seen, waiting = {key}, self._depends(key)
        while waiting:
            other = waiting.pop(0)
            if other in seen:
                continue
            seen.add(other)
            if other in self.places:
                found[self.places[other]] = None
            else:
                waiting += self._depends(other)
        return list(found)

    def _statement(self, key: str) -> Statement:
        part, place = self.nodes[key], self.places[key]
        made = self._read_sql(key, part)
        edges = list(made.edges) if made is not None else []
        told = {edge.source for edge in edges}
        upstream = self._upstream(key)
        if self._resource(part) == "seed":
            upstream = [PlaceName(f"dbt:{self.project}", part.get("original_file_path").words(key))]
        edges += [StatedEdge(source=source, level="dataset") for source in upstream if source not in told]
        columns = self.types[key]
        if not columns and made is not None and made.columns is not None and self._resource(part) == "model":
            documented = {name.casefold(): kind for name, kind in self._documented(part)}
            columns = {name: documented.get(name.casefold(), "") for name in made.columns}
            self.schemas[place.name] = tuple(columns)
        return Statement(
            job=JobName(f"dbt:{self.project}", key),
            place=place,
            at=self.at,
            by="dbt",
            edges=tuple(edges),
            columns=columns or None,
        )

    def _read_sql(self, key: str, part: Part) -> SqlTable | None:
        """What the compiled SQL of a model makes; None, with a note, where it is not there or cannot be read."""
        if self._resource(part) == "seed":
            return None
        code = part.get("compiled_code")
        if part.get("language").words("sql") != "sql" or not code or code.value == "":
            self.notes.append(f"{key}: there is no compiled SQL; only what it depends on is known")
            return None
        try:
            read = column_lineage(
                code.text(longest=10_000_000, lines=True),
                dialect=self.dialect,
                namespace=self.space,
                schemas=self.schemas,
            )
        except InvalidInput as error:
            self.notes.append(f"{key}: {error.message}; only what it depends on is known")
            return None
        if len(read.tables) != 1 or read.tables[0].place is not None:
            self.notes.append(f"{key}: its compiled SQL is no single SELECT; only what it depends on is known")
            return None
        self.notes += [f"{key}: {note}" for note in read.notes]
        return self._spelled(key, read.tables[0])

    def _spelled(self, key: str, made: SqlTable) -> SqlTable:
        """The columns as the catalog, or a contract, spells them."""
        known = {name.casefold(): name for name in self.types[key]}
        edges = tuple(
            replace(edge, target_column=known.get(edge.target_column.casefold(), edge.target_column))
            if edge.target_column is not None
            else edge
            for edge in made.edges
        )
        columns = tuple(known.get(name.casefold(), name) for name in made.columns) if made.columns is not None else None
        return SqlTable(made.place, columns, edges)

    def _tags(self) -> Iterator[tuple[PlaceName, str | None, Tags]]:
        for key, place in sorted(self.places.items()):
            part = self.nodes[key]
            whole = tuple(dict.fromkeys((*_tags_of(part), *self._inherited(part))))
            if whole:
                yield place, None, whole
            spelled = {name.casefold(): name for name in self.schemas.get(place.name, ())}
            for name, item in part.get("columns").entries():
                shown = item.get("name").words(name)
                found = _tags_of(item)
                if found:
                    yield place, spelled.get(shown.casefold(), shown), found

    def _inherited(self, part: Part) -> Tags:
        """What is said of a source as a whole counts for each of its tables."""
        source = part.get("source_meta")
        return tuple(_pairs(source)) if source else ()


def _tags_of(part: Part) -> Tags:
    """Tags, and ``meta`` as pairs of key and value, of a node or column and of its ``config``."""
    found: list[str | tuple[str, str]] = []
    for holder in (part, part.get("config")):
        if not holder:
            continue
        tags = holder.get("tags")
        if isinstance(tags.value, str):
            found.append(tags.text(longest=200))
        else:
            found += [tag.text(longest=200) for tag in tags.items()]
        found += _pairs(holder.get("meta"))
    return tuple(dict.fromkeys(found))


def _pairs(meta: Part) -> list[tuple[str, str]]:
    found = []
    for key, item in meta.entries():
        values = item.value if isinstance(item.value, list) else [item.value]
        found += [(key, _as_text(value)) for value in values if isinstance(value, _SCALARS)]
    return found


def _as_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:200]


def _moment(part: Part) -> datetime:
    try:
        found = datetime.fromisoformat(part.text(longest=50))
    except ValueError:
        part.refuse("must be a time as ISO 8601")
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)

"""What the facets of OpenLineage datasets and jobs say beside their lineage. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.lineage.names import LONGEST_COLUMN, LONGEST_NAME, LONGEST_NAMESPACE, PlaceName
from registry.lineage.openlineage_json import below, flag, items, mapping, optional_text, refuse, text

MOST_COLUMNS = 20_000
MOST_LISTED = 1_000
_DEEPEST_STRUCT = 20
_CHANGES = ("ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on a dataset (``column`` empty) or on one of its columns, by the key, value and source of the standard."""

    key: str
    value: str
    column: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Assertion:
    """The result of one check on a dataset (``column`` empty) or on a column of it."""

    assertion: str
    success: bool
    column: str = ""
    severity: str = ""
    name: str = ""
    expected: str = ""
    actual: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPlace:
    """All that one event says of one dataset, lineage apart.

    Attributes
    ----------
    columns
        ``{name: type}``, nested fields as ``outer.inner``; None where the event states no schema.
    aliases
        Other names of the same data.
    previous
        The name before a renaming.
    path
        Where in the event it stands.
    """

    name: PlaceName
    path: str
    written: bool = False
    columns: Mapping[str, str] | None = None
    aliases: tuple[PlaceName, ...] = ()
    dropped: bool = False
    previous: PlaceName | None = None
    tags: tuple[Tag, ...] = ()
    documentation: str = ""
    owners: tuple[str, ...] = ()
    source: str = ""
    assertions: tuple[Assertion, ...] = ()

    @property
    def description(self) -> str:
        """Documentation, owners and data source as one text; empty where the event says none of them."""
        lines = [self.documentation, f"Owners: {', '.join(self.owners)}" if self.owners else ""]
        lines.append(f"Source: {self.source}" if self.source else "")
        return "\n\n".join(line for line in lines if line)


def place_name(holder: Mapping[str, Any], path: str) -> PlaceName:
    """The dataset that ``namespace`` and ``name`` name."""
    return PlaceName(
        text(holder, "namespace", path, longest=LONGEST_NAMESPACE), text(holder, "name", path, longest=LONGEST_NAME)
    )


def facet(facets: Mapping[str, Any], key: str, path: str) -> tuple[Mapping[str, Any], str] | None:
    """The facet ``key`` and its path; None where it is absent, null or marked as deleted."""
    value = facets.get(key)
    if value is None:
        return None
    at = below(path, key)
    found = mapping(value, at)
    return None if flag(found, "_deleted", at) else (found, at)


def facets_of(holder: Mapping[str, Any], key: str, path: str) -> tuple[Mapping[str, Any], str]:
    """The facets under ``key`` and their path; none where they are absent or null."""
    at = below(path, key)
    value = holder.get(key)
    return ({} if value is None else mapping(value, at)), at


def told_place(dataset: Mapping[str, Any], name: PlaceName, path: str, *, written: bool) -> ToldPlace:
    """All that the facets of a dataset say of it, lineage apart."""
    facets, at = facets_of(dataset, "facets", path)
    dropped, previous = _lifecycle(facets, at)
    return ToldPlace(
        name=name,
        path=path,
        written=written,
        columns=_schema(facets, at),
        aliases=_symlinks(facets, at, name),
        dropped=dropped,
        previous=previous,
        tags=_tags(facets, at),
        documentation=_documentation(facets, at),
        owners=_owners(facets, at),
        source=_source(facets, at),
        assertions=tuple(_assertions(dataset, path)),
    )


def _schema(facets: Mapping[str, Any], path: str) -> Mapping[str, str] | None:
    found = facet(facets, "schema", path)
    if found is None or found[0].get("fields") is None:
        return None
    columns: dict[str, str] = {}
    for name, type_, at in _fields(found[0], found[1], "", 0):
        if len(columns) >= MOST_COLUMNS:
            raise refuse(at, f"the schema has more than {MOST_COLUMNS} columns")
        columns[name] = type_
    return columns


def _fields(holder: Mapping[str, Any], path: str, outer: str, depth: int) -> Iterator[tuple[str, str, str]]:
    for item, at in items(holder, "fields", path, most=MOST_COLUMNS):
        if depth >= _DEEPEST_STRUCT:
            raise refuse(at, f"structures are nested more than {_DEEPEST_STRUCT} levels deep")
        column = mapping(item, at)
        name = outer + text(column, "name", at, longest=LONGEST_COLUMN)
        if len(name) > LONGEST_COLUMN:
            raise refuse(below(at, "name"), f"with its structure has more than {LONGEST_COLUMN} characters")
        yield name, optional_text(column, "type", at), at
        yield from _fields(column, at, f"{name}.", depth + 1)


def _symlinks(facets: Mapping[str, Any], path: str, own: PlaceName) -> tuple[PlaceName, ...]:
    found = facet(facets, "symlinks", path)
    if found is None:
        return ()
    names = [
        place_name(mapping(item, at), at) for item, at in items(found[0], "identifiers", found[1], most=MOST_LISTED)
    ]
    return tuple(dict.fromkeys(name for name in names if name != own))


def _lifecycle(facets: Mapping[str, Any], path: str) -> tuple[bool, PlaceName | None]:
    found = facet(facets, "lifecycleStateChange", path)
    if found is None:
        return False, None
    change = text(found[0], "lifecycleStateChange", found[1])
    if change not in _CHANGES:
        raise refuse(below(found[1], "lifecycleStateChange"), f"is to be one of {', '.join(_CHANGES)}")
    before = found[0].get("previousIdentifier")
    if change != "RENAME" or before is None:
        return change == "DROP", None
    at = below(found[1], "previousIdentifier")
    return False, place_name(mapping(before, at), at)


def _tags(facets: Mapping[str, Any], path: str) -> tuple[Tag, ...]:
    found = facet(facets, "tags", path)
    if found is None:
        return ()
    listed = []
    for item, at in items(found[0], "tags", found[1], most=MOST_COLUMNS):
        tag = mapping(item, at)
        listed.append(
            Tag(
                key=text(tag, "key", at),
                value=optional_text(tag, "value", at),
                column=optional_text(tag, "field", at),
                source=optional_text(tag, "source", at),
            )
        )
    return tuple(listed)


def _documentation(facets: Mapping[str, Any], path: str) -> str:
    found = facet(facets, "documentation", path)
    return optional_text(found[0], "description", found[1]) if found else ""


def _owners(facets: Mapping[str, Any], path: str) -> tuple[str, ...]:
    found = facet(facets, "ownership", path)
    if found is None:
        return ()
    listed = []
    for item, at in items(found[0], "owners", found[1], most=MOST_LISTED):
        owner = mapping(item, at)
        kind = optional_text(owner, "type", at)
        listed.append(text(owner, "name", at) + (f" ({kind})" if kind else ""))
    return tuple(listed)


def _source(facets: Mapping[str, Any], path: str) -> str:
    found = facet(facets, "dataSource", path)
    if found is None:
        return ""
    said = [optional_text(found[0], "name", found[1]), optional_text(found[0], "uri", found[1])]
    return " ".join(part for part in said if part)


def _assertions(dataset: Mapping[str, Any], path: str) -> Iterator[Assertion]:
    # The standard has it on inputs; some producers put it among the common facets.
    for holder in ("facets", "inputFacets"):
        facets, above = facets_of(dataset, holder, path)
        found = facet(facets, "dataQualityAssertions", above)
        if found is None:
            continue
        for item, at in items(found[0], "assertions", found[1], most=MOST_COLUMNS):
            told = mapping(item, at)
            if not isinstance(told.get("success"), bool):
                raise refuse(below(at, "success"), "is to be true or false")
            yield Assertion(
                text(told, "assertion", at),
                told["success"],
                **{key: optional_text(told, key, at) for key in ("column", "severity", "name", "expected", "actual")},
            )


@dataclass(frozen=True, slots=True)
class Query:
    """The SQL that a job runs. ``dialect`` is empty where it is not told."""

    sql: str
    dialect: str = ""


def query_of(job: Mapping[str, Any], path: str) -> Query | None:
    """The SQL facet of a job."""
    facets, at = facets_of(job, "facets", path)
    found = facet(facets, "sql", at)
    if found is None:
        return None
    query = optional_text(found[0], "query", found[1])
    return Query(query, optional_text(found[0], "dialect", found[1])) if query.strip() else None

"""Features as definitions state them: of which columns each is made, by our own small form. Pure.

The form stands in a manifest under ``features``, in a file of the role ``feature-definitions``, or in an import. What
feature stores write is read by :mod:`registry.lineage.feature_store`, into the same :class:`FeatureDefinitions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from registry.errors import InvalidInput
from registry.lineage.document_part import Part
from registry.lineage.names import LONGEST_COLUMN, JobName, PlaceName, dataset_place
from registry.lineage.sql import MOST_BYTES, column_lineage
from registry.lineage.statement import METHODS, StatedEdge, Statement

OUR_FEATURES = "countersign:features"
"""Namespace of sets of features that are defined in our own form; the name is the set's."""

MOST_FEATURES = 5000
MOST_SQL = 200_000
"""Characters of SQL in one list of features: reading it takes seconds, while somebody waits for an answer."""
_FEATURE = frozenset(
    {"name", "from", "sources", "transformation", "sql", "namespace", "dialect", "treatment", "type", "tags"}
)
_SOURCE = frozenset({"dataset", "namespace", "name", "column"})
_TREATMENT = frozenset({"method", "k", "epsilon"})
_MOST_SOURCES = 500

Tags = tuple[str | tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DefinedPlace:
    """A place whose columns are features, and what they are made from."""

    place: PlaceName
    columns: Mapping[str, str]
    edges: tuple[StatedEdge, ...]


@dataclass(frozen=True, slots=True)
class FeatureDefinitions:
    """What a document defines.

    Attributes
    ----------
    places
        Feature views, on-demand views, services, or one set of features.
    direct
        Edges of features that are defined in our own form, by name: they go to whatever has the feature.
    tags
        What tags say of columns, or of whole places where the column is None.
    notes
        What could not be known, in sentences.
    """

    places: tuple[DefinedPlace, ...] = ()
    direct: Mapping[str, tuple[StatedEdge, ...]] = field(default_factory=dict)
    tags: tuple[tuple[PlaceName, str | None, Tags], ...] = ()
    notes: tuple[str, ...] = ()

    def statements(self, *, job: JobName, at: datetime, by: str = "features") -> tuple[Statement, ...]:
        """The same as statements of a job."""
        return tuple(
            Statement(job=job, place=one.place, at=at, by=by, edges=one.edges, columns=one.columns)
            for one in self.places
        )

    def edges_of(self, feature: str) -> tuple[StatedEdge, ...]:
        """What the feature of this name is made from; empty where the document does not define it.

        In a feature store a feature may be named with its view, ``view__feature`` or ``view:feature``.
        """
        if feature in self.direct:
            return self.direct[feature]
        found = [one.place for one in self.places if feature in one.columns]
        column = feature
        if not found:
            for one in self.places:
                for mark in ("__", ":"):
                    start = f"{one.place.name}{mark}"
                    if feature.startswith(start) and feature.removeprefix(start) in one.columns:
                        found, column = [one.place], feature.removeprefix(start)
        return tuple(
            StatedEdge(source=place, source_column=column, target_column=feature, subtype="IDENTITY") for place in found
        )


def read_features(part: Part, *, namespace: str | None = None) -> tuple[dict[str, tuple[StatedEdge, ...]], list[str]]:
    """The edges of each feature of a list in our own form, and notes.

    Parameters
    ----------
    namespace
        Where tables lie that are named without one.

    Raises
    ------
    InvalidInput
        Naming the field: unknown keys, a feature that stands there twice, a source that is none, SQL that is no single
        SELECT.
    """
    found: dict[str, tuple[StatedEdge, ...]] = {}
    notes: list[str] = []
    length = sum(len(str(item.get("sql").value or "")) for item in part.items(most=MOST_FEATURES))
    if length > MOST_SQL:
        part.refuse(f"holds {length:,} characters of SQL; at most {MOST_SQL:,} are read, so put the rest into views")
    for item in part.items(most=MOST_FEATURES):
        name = item.known(_FEATURE).get("name").text(longest=LONGEST_COLUMN)
        if name in found:
            item.get("name").refuse(f"{name!r} is defined twice")
        found[name] = _edges(item, name, namespace, notes)
    return found, notes


def _edges(item: Part, name: str, namespace: str | None, notes: list[str]) -> tuple[StatedEdge, ...]:
    space = item.get("namespace").words(namespace or "", longest=500)
    sources = [_source(part, space) for part in item.get("sources", "from").items(most=_MOST_SOURCES)]
    sql, treatment = item.get("sql"), _treatment(item.get("treatment"))
    if not sources and not sql:
        item.refuse("state what the feature is made from: sources, or sql")
    masking = dict(treatment).get("method") == "masking"
    description = item.get("transformation").words(longest=5000, lines=True)
    plain = not (description or treatment) and len(sources) == 1
    subtype = (
        "IDENTITY" if plain else "AGGREGATION" if dict(treatment).get("method") == "aggregation" else "TRANSFORMATION"
    )
    read = _from_sql(item, name, space, [place for place, _ in sources], notes) if sql else ()
    told = {(edge.source, edge.source_column) for edge in read} | {(edge.source, None) for edge in read}
    stated = [
        StatedEdge(
            source=place,
            source_column=column,
            target_column=name,
            level="dataset" if column is None else "column",
            subtype=subtype,
        )
        for place, column in sources
        if (place, column) not in told
    ]
    return tuple(_treated(edge, treatment, description, masking=masking) for edge in (*read, *stated))


def _treated(
    edge: StatedEdge, treatment: tuple[tuple[str, str | int | float], ...], description: str, *, masking: bool
) -> StatedEdge:
    """The edge with what is stated of the whole feature; what only decides is not treated by it."""
    if edge.manner == "indirect":
        return edge
    return replace(edge, treatment=treatment or edge.treatment, masking=masking, description=description[:500])


def _source(part: Part, namespace: str) -> tuple[PlaceName, str | None]:
    part.known(_SOURCE)
    column = part.get("column").words(longest=LONGEST_COLUMN) or None
    dataset = part.get("dataset")
    if dataset:
        if part.get("name") or part.get("namespace"):
            part.refuse("name a dataset, or a place by namespace and name, not both")
        return dataset_place(dataset.text(longest=100)), column
    space = part.get("namespace").words(namespace, longest=500)
    if not space:
        part.get("namespace").refuse("is required beside name; or name a dataset")
    return PlaceName(space, part.get("name").text()), column


def _treatment(part: Part) -> tuple[tuple[str, str | int | float], ...]:
    if not part:
        return ()
    method = part.known(_TREATMENT).get("method").text(longest=50)
    if method not in METHODS:
        part.get("method").refuse(f"must be one of {', '.join(METHODS)}")
    found: dict[str, str | int | float] = {"method": method}
    k, epsilon = part.get("k"), part.get("epsilon")
    if k:
        if not isinstance(k.value, int) or isinstance(k.value, bool) or not 1 <= k.value <= 2**53 - 1:
            k.refuse("must be a whole number, at least 1: of how many people each value tells")
        found["k"] = k.value
    if epsilon:
        if (
            not isinstance(epsilon.value, int | float)
            or isinstance(epsilon.value, bool)
            or not 0 < epsilon.value <= 2**53
        ):
            epsilon.refuse("must be a number above 0")
        found["epsilon"] = epsilon.value
    return tuple(sorted(found.items()))


def _from_sql(
    item: Part, name: str, namespace: str, sources: list[PlaceName], notes: list[str]
) -> tuple[StatedEdge, ...]:
    """What the feature's SQL makes it from. Tables are those among the sources that end in their names."""
    sql = item.get("sql")
    found = query_columns(
        sql, dialect=item.get("dialect").words(longest=50) or None, namespace=namespace or OUR_FEATURES, notes=notes
    )
    if name in found:
        edges = found[name]
    elif len(found) == 1:
        (edges,) = found.values()
    else:
        sql.refuse(
            f"must be a SELECT of one column, or of one named {name}; it gives {', '.join(sorted(found)) or 'none'}"
        )
    made = []
    for edge in edges:
        place = _meant(edge.source, sources)
        if place is None and not namespace:
            sql.refuse(f"reads {edge.source.name}, which is not among the sources; name it there, or give a namespace")
        made.append(replace(edge, source=place or edge.source, target_column=name))
    return tuple(made)


def _meant(read: PlaceName, sources: Iterable[PlaceName]) -> PlaceName | None:
    wanted = read.name.casefold()
    found = [
        place for place in sources if place.name.casefold() == wanted or place.name.casefold().endswith(f".{wanted}")
    ]
    return found[0] if len(set(found)) == 1 else None


def query_columns(
    sql: Part,
    *,
    dialect: str | None,
    namespace: str,
    notes: list[str],
    schemas: Mapping[str, Any] | None = None,
) -> dict[str, tuple[StatedEdge, ...]]:
    """The edges into each column of a single SELECT, those that decide on its rows among them.

    Raises
    ------
    InvalidInput
        Naming the field: SQL that cannot be read, that is no single SELECT, or whose columns are not all known.
    """
    try:
        read = column_lineage(
            sql.text(longest=MOST_BYTES, lines=True), dialect=dialect, namespace=namespace, schemas=schemas
        )
    except InvalidInput as error:
        field = sql.field if error.field == "sql" else sql.field.rpartition(".")[0] + f".{error.field}"
        raise InvalidInput(f"{field}: {error.message}", field=field, **error.details) from None
    if len(read.tables) != 1 or read.tables[0].place is not None:
        sql.refuse("must be a single SELECT")
    made = read.tables[0]
    if made.columns is None:
        sql.refuse(f"must name its columns: {'; '.join(read.notes)}")
    notes += [f"{sql.field}: {note}" for note in read.notes]
    return {
        column: tuple(
            replace(edge, target_column=column) for edge in made.edges if edge.target_column in {column, None}
        )
        for column in made.columns
    }

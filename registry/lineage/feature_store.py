"""Feature definitions in the manner of Feast, as YAML or JSON: views, on-demand views, services. Pure.

Read are the words of Feast's Python objects (``feature_views``, ``source``, ``schema``) and those of its registry as
JSON (``featureViews``, ``spec``, ``batchSource``). Keys that say nothing of the lineage are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from registry.errors import InvalidInput
from registry.lineage.document_part import Part
from registry.lineage.feature_set import parse_set
from registry.lineage.features import DefinedPlace, FeatureDefinitions, Tags, query_columns
from registry.lineage.names import LONGEST_COLUMN, PlaceName
from registry.lineage.statement import StatedEdge
from registry.safe_yaml import load_yaml

MOST_BYTES = 2_000_000
_STORE = ("feature_views", "on_demand_feature_views", "stream_feature_views", "batch_feature_views", "feature_services")
_OPTIONS = ("file_options", "bigquery_options", "redshift_options", "snowflake_options", "spark_options",
            "trino_options", "athena_options", "custom_options")  # fmt: skip
_OWN_KEYS = frozenset({"tags", "field_mapping"})
"""Their keys are people's own, not the feature store's."""
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def parse_features(data: bytes, *, namespace: str | None = None) -> FeatureDefinitions:
    """Read a document of feature definitions, of a feature store or in our own form.

    Parameters
    ----------
    data
        YAML, or JSON, which is YAML too.
    namespace
        Where tables lie that the document names without a namespace.

    Raises
    ------
    InvalidInput
        Naming the field that is wrong.
    """
    return read_definitions(load_yaml(data, what="the feature definitions", max_bytes=MOST_BYTES), namespace=namespace)


def read_definitions(document: object, *, namespace: str | None = None) -> FeatureDefinitions:
    """The same of a document that is parsed already."""
    if not isinstance(document, dict):
        Part(document).refuse("feature definitions are a mapping with the key features or feature_views")
    try:
        root = Part(_snake(document))
    except RecursionError:
        raise InvalidInput("the feature definitions are nested too deep") from None
    if any(root.get(key) for key in _STORE):
        return _Store(root, namespace).read()
    return parse_set(Part(document), namespace=namespace)


def _snake(value: Any) -> Any:
    """The same with keys in the words of Feast's Python objects: ``featureViews`` is ``feature_views``."""
    if isinstance(value, dict):
        words = {key: _CAPITAL.sub(r"_\1", str(key)).lower() for key in value}
        return {words[key]: item if words[key] in _OWN_KEYS else _snake(item) for key, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _View:
    """A feature view that was read, by which others are made."""

    place: PlaceName
    features: tuple[str, ...]


@dataclass
class _Store:
    """Reads one document."""

    root: Part
    namespace: str | None
    places: list[DefinedPlace] = field(default_factory=list)
    tags: list[tuple[PlaceName, str | None, Tags]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    views: dict[str, _View] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space = f"feast:{self.root.get('project').text(longest=200)}"
        self.sources = {
            _spec(part).get("name").text(): _spec(part) for part in self.root.get("data_sources", "sources").items()
        }
        self.entities = dict(self._entity(_spec(part)) for part in self.root.get("entities").items())

    def read(self) -> FeatureDefinitions:
        """Everything, views before what is made from them."""
        for key in ("feature_views", "batch_feature_views", "stream_feature_views"):
            for part in self.root.get(key).items():
                self._view(_spec(part))
        for part in self.root.get("on_demand_feature_views").items():
            self._on_demand(_spec(part))
        for part in self.root.get("feature_services").items():
            self._service(_spec(part))
        return FeatureDefinitions(tuple(self.places), {}, tuple(self.tags), tuple(self.notes))

    def _entity(self, part: Part) -> tuple[str, tuple[str, ...]]:
        name = part.get("name").text()
        keys = tuple(key.text() for key in part.get("join_keys").items())
        return name, keys or (part.get("join_key").words(name),)

    def _name(self, part: Part) -> str:
        name = part.get("name").text(longest=500)
        if name in self.views:
            part.get("name").refuse(f"a feature view {name!r} is defined twice")
        return name

    def _features(self, part: Part, place: PlaceName) -> dict[str, str]:
        """Names and types of the fields of a view; what their tags say is noted."""
        found: dict[str, str] = {}
        for item in part.get("features", "schema").items():
            name = item.get("name").text(longest=LONGEST_COLUMN)
            if name in found:
                item.get("name").refuse(f"a field {name!r} is defined twice")
            found[name] = item.get("dtype", "value_type", "type").words(longest=200)
            self._tag(item, place, name)
        if not found:
            part.get("features").refuse("a view has at least one feature")
        return found

    def _tag(self, part: Part, place: PlaceName, column: str | None) -> None:
        tags = tuple((key, _as_text(item)) for key, item in part.get("tags").entries())
        if tags:
            self.tags.append((place, column, tags))

    def _view(self, part: Part) -> None:
        name = self._name(part)
        place = PlaceName(self.space, name)
        features = self._features(part, place)
        keys = {key: "" for entity in part.get("entities").items() for key in self._keys(entity)}
        source = self._source(part)
        made = self._from_source(source, {**keys, **features})
        self.places.append(DefinedPlace(place, {**keys, **features}, made))
        self.views[name] = _View(place, tuple(features))
        self._tag(part, place, None)

    def _keys(self, entity: Part) -> tuple[str, ...]:
        name = entity.text()
        if name == "__dummy":  # how a feature store says that a view has no entity
            return ()
        if name not in self.entities:
            entity.refuse(f"there is no entity {name!r}")
        return self.entities[name]

    def _source(self, part: Part) -> Part:
        """The batch source of a view, behind whatever stream or push source stands before it."""
        source = part.get("batch_source", "source", "stream_source")
        for _ in range(3):
            if isinstance(source.value, str):
                if source.value not in self.sources:
                    source.refuse(f"there is no data source {source.value!r}")
                source = self.sources[source.value]
            inner = source.get("batch_source", "spec") if source else source
            if not inner:
                break
            source = inner
        if not source:
            part.get("source").refuse("is required: the table, path or query that the view is made from")
        return source

    def _from_source(self, source: Part, columns: Mapping[str, str]) -> tuple[StatedEdge, ...]:
        options = next((source.get(key) for key in _OPTIONS if source.get(key)), source)
        mapping = {named.text(): read for read, named in source.get("field_mapping").entries()}
        query = options.get("query", "sql")
        if query:
            return self._from_query(query, source, columns, mapping)
        place = self._place(options, source)
        return tuple(
            StatedEdge(source=place, source_column=mapping.get(name, name), target_column=name, subtype="IDENTITY")
            for name in columns
        )

    def _from_query(
        self, query: Part, source: Part, columns: Mapping[str, str], mapping: Mapping[str, str]
    ) -> tuple[StatedEdge, ...]:
        namespace = source.get("namespace").words(self.namespace or "", longest=500)
        if not namespace:
            source.get("namespace").refuse("is required: where the tables lie that the query reads")
        dialect = source.get("dialect").words(longest=50) or None
        found = query_columns(query, dialect=dialect, namespace=namespace, notes=self.notes)
        by_name = {name.casefold(): edges for name, edges in found.items()}
        made: list[StatedEdge] = []
        for name in columns:
            read = mapping.get(name, name)
            edges = found.get(read, by_name.get(read.casefold()))
            if edges is None:
                query.refuse(f"gives no column {read!r}, which the view has; it gives {', '.join(found)}")
            made += [_onto(edge, name) for edge in edges]
        return tuple(made)

    def _place(self, options: Part, source: Part) -> PlaceName:
        """Where a source lies, as OpenLineage names it."""
        path = options.get("path", "uri")
        if path:
            return _file_place(path.text())
        kind = source.get("type").words(longest=200)
        default = "bigquery" if "BIGQUERY" in kind.upper() or source.get("bigquery_options") else ""
        namespace = source.get("namespace").words(default or self.namespace or "", longest=500)
        table = options.get("table", "table_ref")
        if not table:
            source.get("table").refuse("is required: the table, path or query that the view is made from")
        if not namespace:
            source.get("namespace").refuse("is required: where the table lies, as OpenLineage names it")
        parts = [options.get(key).words() for key in ("database", "schema")] if table.text().count(".") == 0 else []
        return PlaceName(namespace, ".".join([part for part in parts if part] + [table.text()]))

    def _on_demand(self, part: Part) -> None:
        name = self._name(part)
        place = PlaceName(self.space, name)
        features = self._features(part, place)
        inputs = self._inputs(part.get("sources"))
        if not inputs:
            part.get("sources").refuse("is required: the views and requests that the features are made from")
        made: list[StatedEdge] = []
        for item in part.get("features", "schema").items():
            target = item.get("name").text(longest=LONGEST_COLUMN)
            chosen = [self._chosen(one, inputs) for one in item.get("inputs", "from").items()]
            for origin, column in chosen or [pair for pairs in inputs.values() for pair in pairs]:
                edge = StatedEdge(
                    source=origin, source_column=column, target_column=target, subtype="TRANSFORMATION",
                    description=f"on demand, {name}",
                )  # fmt: skip
                made.append(edge)
        self.places.append(DefinedPlace(place, features, tuple(made)))
        self.views[name] = _View(place, tuple(features))

    def _inputs(self, part: Part) -> dict[str, list[tuple[PlaceName, str]]]:
        """The columns behind each named input of an on-demand view."""
        if isinstance(part.value, list):
            return dict(self._input(item, None) for item in part.items())
        return dict(self._input(item, name) for name, item in part.entries())

    def _input(self, part: Part, named: str | None) -> tuple[str, list[tuple[PlaceName, str]]]:
        if isinstance(part.value, str):
            view = self._known(part)
            return named or part.text(), [(view.place, column) for column in view.features]
        request = part.get("request_data_source", "request_source")
        if request or part.get("schema"):
            return self._request(request or part, named)
        projection = part.get("feature_view_projection", "feature_view")
        if not isinstance(projection.value, Mapping):
            projection = part
        name = projection.get("feature_view_name", "feature_view", "name")
        view = self._known(name)
        columns = [item.get("name").text() for item in projection.get("feature_columns", "features").items()]
        for column in columns:
            if column not in view.features:
                projection.refuse(f"{name.text()} has no feature {column!r}")
        return named or name.text(), [(view.place, column) for column in columns or view.features]

    def _request(self, part: Part, named: str | None) -> tuple[str, list[tuple[PlaceName, str]]]:
        """What comes with each request: a place of its own, since nobody knows more of it."""
        name = part.get("name").words(named or "")
        if not name:
            part.get("name").refuse("is required")
        place = PlaceName(self.space, f"request:{name}")
        if isinstance(part.get("schema").value, Mapping):
            columns = {key: _as_text(item) for key, item in part.get("schema").entries()}
        else:
            columns = {
                item.get("name").text(): item.get("dtype", "value_type", "type").words()
                for item in part.get("schema").items()
            }
        if place not in {one.place for one in self.places}:
            self.places.append(DefinedPlace(place, columns, ()))
        return named or name, [(place, column) for column in columns]

    def _known(self, part: Part) -> _View:
        if part.text() not in self.views:
            part.refuse(f"there is no feature view {part.value!r}")
        return self.views[part.text()]

    def _chosen(self, part: Part, inputs: Mapping[str, list[tuple[PlaceName, str]]]) -> tuple[PlaceName, str]:
        name, _, column = part.text().partition(":")
        found = next((place for place, known in inputs.get(name, ()) if known == column), None)
        if found is None:
            part.refuse("must be an input and one of its features, as view:feature")
        return found, column

    def _service(self, part: Part) -> None:
        place = PlaceName(self.space, f"service:{part.get('name').text(longest=500)}")
        chosen: list[tuple[str, _View, str]] = []
        for item in part.get("features").items():
            if isinstance(item.value, str):
                view, listed = self._known(item), []
            else:
                view = self._known(item.get("feature_view_name", "feature_view", "name"))
                listed = [_field_name(one) for one in item.get("feature_columns", "features").items()]
            for column in listed or view.features:
                if column not in view.features:
                    item.refuse(f"{view.place.name} has no feature {column!r}")
                chosen.append((view.place.name, view, column))
        self.places.append(_served(place, chosen))


def _served(place: PlaceName, chosen: Iterable[tuple[str, _View, str]]) -> DefinedPlace:
    """A service gives each feature under its name, and under that of its view too where two have the same."""
    listed = list(dict.fromkeys(chosen))
    names = [column for _, _, column in listed]
    edges = [
        StatedEdge(
            source=view.place,
            source_column=column,
            target_column=column if names.count(column) == 1 else f"{named}__{column}",
            subtype="IDENTITY",
        )
        for named, view, column in listed
    ]
    return DefinedPlace(place, {edge.target_column or "": "" for edge in edges}, tuple(edges))


def _field_name(part: Part) -> str:
    return part.text() if isinstance(part.value, str) else part.get("name").text()


def _spec(part: Part) -> Part:
    """What is stated, where a registry wraps it in ``spec`` beside its ``meta``."""
    spec = part.get("spec")
    return spec or part


def _as_text(part: Part) -> str:
    value = part.value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:500]


def _onto(edge: StatedEdge, name: str) -> StatedEdge:
    return replace(edge, target_column=name)


def _file_place(path: str) -> PlaceName:
    """A file as OpenLineage names it: the bucket is the namespace, the path within it the name."""
    address = urlsplit(path)
    if address.scheme in {"", "file"}:
        return PlaceName("file", address.path or path)
    scheme = {"s3a": "s3", "s3n": "s3"}.get(address.scheme, address.scheme)
    return PlaceName(f"{scheme}://{address.hostname or ''}", address.path.strip("/") or "/")

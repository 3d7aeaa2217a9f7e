"""What the facets ``columnLineage`` and ``lineage`` of OpenLineage say of where data come from. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from registry.lineage.names import LONGEST_COLUMN, LONGEST_NAME, LONGEST_NAMESPACE, OUR_MODELS, JobName, PlaceName
from registry.lineage.openlineage_facets import MOST_COLUMNS, MOST_LISTED, facet, facets_of, place_name
from registry.lineage.openlineage_json import below, flag, items, mapping, optional_text, refuse, text
from registry.lineage.statement import METHODS, Level, StatedEdge

JOB_PLACES = "job:"
"""Before the namespace of a job, where it is a step in the lineage by itself: a ``lineage`` facet can make data flow
from and into jobs without naming datasets. Left out, such a step would look as if nothing were unknown."""

MOST_EDGES = 50_000
_LARGEST = 10**9
_LONGEST_SUBTYPE, _LONGEST_DESCRIPTION = 50, 500
_LONGEST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Made:
    """How an event says that one place is made.

    Attributes
    ----------
    edges
        What is stated explicitly.
    closed
        Whether the sources of the whole place are stated explicitly, so that the inputs of the event are not also
        taken for sources of it.
    path
        Where in the event it stands.
    """

    place: PlaceName
    edges: tuple[StatedEdge, ...]
    closed: bool
    path: str


@dataclass(frozen=True, slots=True)
class _How:
    """One transformation."""

    manner: Literal["direct", "indirect"] = "direct"
    subtype: str = ""
    masking: bool = False
    treatment: tuple[tuple[str, str | int | float], ...] = ()
    description: str = ""


def job_place(job: JobName) -> PlaceName:
    """The place that a job is, where it is a step in the lineage by itself."""
    return PlaceName(JOB_PLACES + job.namespace, job.name)


def job_name(holder: Mapping[str, Any], path: str) -> JobName:
    """The job that ``namespace`` and ``name`` name."""
    longest = LONGEST_NAMESPACE - len(JOB_PLACES)
    return JobName(text(holder, "namespace", path, longest=longest), text(holder, "name", path, longest=LONGEST_NAME))


def column_lineage(dataset: Mapping[str, Any], place: PlaceName, path: str) -> list[Made]:
    """What the facet ``columnLineage`` of a dataset states; all versions up to 1-2-0."""
    facets, above = facets_of(dataset, "facets", path)
    found = facet(facets, "columnLineage", above)
    if found is None:
        return []
    holder, at = found
    said = json.dumps(holder)
    edges = _remembered_edges(said, at) if len(said) <= _LONGEST_REMEMBERED else _stated_edges(holder, at)
    return [Made(place, edges, closed=False, path=at)]


@lru_cache(maxsize=512)
def _remembered_edges(said: str, at: str) -> tuple[StatedEdge, ...]:
    """The edges of a facet by its text: a job states the same in every run, and telling that is quicker than reading it."""
    return _stated_edges(json.loads(said), at)


def _stated_edges(holder: Mapping[str, Any], at: str) -> tuple[StatedEdge, ...]:
    edges: list[StatedEdge] = []
    for target, column, there in _columns(holder, at):
        older = _older_transformation(column, there)
        for item, here in items(column, "inputFields", there, most=MOST_COLUMNS):
            edges += _from_field(mapping(item, here), here, target, older)
        _check_number(edges, at)
    for item, here in items(holder, "dataset", at, most=MOST_COLUMNS):
        edges += _from_field(mapping(item, here), here, None, (_How(manner="indirect"),))
    _check_number(edges, at)
    return tuple(edges)


def dataset_lineage(dataset: Mapping[str, Any], place: PlaceName, path: str, job: JobName | None) -> list[Made]:
    """What the facet ``lineage`` of a dataset states."""
    facets, above = facets_of(dataset, "facets", path)
    found = facet(facets, "lineage", above)
    return [_entry(found[0], place, found[1], job)] if found else []


def entry_lineage(holder: Mapping[str, Any], path: str, job: JobName) -> list[Made]:
    """What the facet ``lineage`` of a job or a run states: entries about datasets and jobs."""
    facets, above = facets_of(holder, "facets", path)
    found = facet(facets, "lineage", above)
    if found is None:
        return []
    # "lineage" is how the entries were called before the facet was published.
    key = "lineage" if "entries" not in found[0] and "lineage" in found[0] else "entries"
    if found[0].get(key) is None:
        raise refuse(below(found[1], key), "is wanted and missing: an array of lineage entries")
    made = []
    for item, at in items(found[0], key, found[1], most=MOST_LISTED):
        entry = mapping(item, at)
        kind = _kind(entry, at)
        target = place_name(entry, at) if kind == "DATASET" else job_place(_job(entry, at, job))
        made.append(_entry(entry, target, at, job))
    return made


def _entry(entry: Mapping[str, Any], place: PlaceName, path: str, job: JobName | None) -> Made:
    edges: list[StatedEdge] = []
    for item, at in items(entry, "inputs", path, most=MOST_LISTED):
        edges += _from_entity(mapping(item, at), at, None, job)
    for target, column, there in _columns(entry, path):
        for item, at in items(column, "inputs", there, most=MOST_COLUMNS):
            edges += _from_entity(mapping(item, at), at, target, job)
        _check_number(edges, path)
    return Made(place, tuple(edges), closed=entry.get("inputs") is not None, path=path)


def _columns(holder: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    at = below(path, "fields")
    value = holder.get("fields")
    listed = {} if value is None else mapping(value, at)
    if len(listed) > MOST_COLUMNS:
        raise refuse(at, f"has {len(listed)} columns; at most {MOST_COLUMNS} are read")
    for target, column in listed.items():
        there = below(at, target)
        if not target or len(target) > LONGEST_COLUMN:
            raise refuse(there, f"the name of a column has 1 to {LONGEST_COLUMN} characters")
        yield target, mapping(column, there), there


def _from_field(
    source: Mapping[str, Any], path: str, target: str | None, older: tuple[_How, ...]
) -> Iterator[StatedEdge]:
    place, column = place_name(source, path), text(source, "field", path, longest=LONGEST_COLUMN)
    for how in _transformations(source, path) or older:
        yield _edge(place, column, target, how)


def _from_entity(source: Mapping[str, Any], path: str, target: str | None, job: JobName | None) -> Iterator[StatedEdge]:
    column = None
    if _kind(source, path) == "JOB":
        place = job_place(_job(source, path, job))
    else:
        place = place_name(source, path)
        if source.get("field") is not None:
            column = text(source, "field", path, longest=LONGEST_COLUMN)
    # A column that affects the whole of the target decides about its rows; a place that does so gives its data.
    default = _How(manner="indirect" if target is None and column is not None else "direct")
    for how in _transformations(source, path) or (default,):
        yield _edge(place, column, target, how)


def _edge(place: PlaceName, column: str | None, target: str | None, how: _How) -> StatedEdge:
    # What leaves a model is its prediction: from outside nobody says what features it has.
    known = None if place.namespace == OUR_MODELS else column
    level: Level = "dataset" if known is None else "column"
    return StatedEdge(
        source=place,
        source_column=known,
        target_column=target,
        level=level,
        manner=how.manner,
        subtype=how.subtype,
        masking=how.masking,
        treatment=how.treatment,
        description=how.description,
    )


def _kind(holder: Mapping[str, Any], path: str) -> str:
    kind = text(holder, "type", path)
    if kind not in ("DATASET", "JOB"):
        raise refuse(below(path, "type"), "is to be DATASET or JOB")
    return kind


def _job(holder: Mapping[str, Any], path: str, own: JobName | None) -> JobName:
    """The job that is named; without a name the one of the event."""
    if holder.get("namespace") is None and holder.get("name") is None:
        if own is None:
            raise refuse(below(path, "name"), "is wanted and missing: this event has no job of its own")
        return own
    return job_name(holder, path)


def _transformations(source: Mapping[str, Any], path: str) -> tuple[_How, ...]:
    return tuple(
        _transformation(mapping(item, at), at) for item, at in items(source, "transformations", path, most=MOST_LISTED)
    )


def _transformation(said: Mapping[str, Any], path: str) -> _How:
    masking = flag(said, "masking", path)
    # Only INDIRECT says that no values come over; of any other word we assume that they do.
    return _How(
        manner="indirect" if text(said, "type", path).upper() == "INDIRECT" else "direct",
        subtype=optional_text(said, "subtype", path)[:_LONGEST_SUBTYPE],
        masking=masking,
        treatment=_treatment(said, path) or ((("method", "masking"),) if masking else ()),
        description=optional_text(said, "description", path)[:_LONGEST_DESCRIPTION],
    )


def _treatment(said: Mapping[str, Any], path: str) -> tuple[tuple[str, str | int | float], ...]:
    """Our own key ``countersign`` in a transformation: ``{"method": ..., "k"?: ..., "epsilon"?: ...}``."""
    if said.get("countersign") is None:
        return ()
    at = below(path, "countersign")
    told = mapping(said["countersign"], at)
    method = text(told, "method", at)
    if method not in METHODS:
        raise refuse(below(at, "method"), f"is to be one of {', '.join(METHODS)}")
    found: dict[str, str | int | float] = {"method": method}
    for key, kinds, wanted in (
        ("k", (int,), "a whole number above 0, at most 10^9"),
        ("epsilon", (int, float), "a number above 0, at most 10^9"),
    ):
        value = told.get(key)
        if value is None:
            continue
        if not isinstance(value, kinds) or isinstance(value, bool) or not 0 < value <= _LARGEST:
            raise refuse(below(at, key), f"is to be {wanted}")
        found[key] = value
    return tuple(sorted(found.items()))


def _older_transformation(column: Mapping[str, Any], path: str) -> tuple[_How, ...]:
    """What was said of a column before transformations stood at each of its inputs."""
    kind = optional_text(column, "transformationType", path)
    masked = kind.upper() == "MASKED"
    return (
        _How(
            subtype=kind[:_LONGEST_SUBTYPE],
            masking=masked,
            treatment=(("method", "masking"),) if masked else (),
            description=optional_text(column, "transformationDescription", path)[:_LONGEST_DESCRIPTION],
        ),
    )


def _check_number(edges: list[StatedEdge], path: str) -> None:
    if len(edges) > MOST_EDGES:
        raise refuse(path, f"states more than {MOST_EDGES} edges")

"""OpenLineage events: one event read into what it says of datasets, and of how they are made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from registry.canonical import digest_of
from registry.errors import InvalidInput
from registry.lineage.names import OUR_DATASETS, OUR_JOBS, OUR_MODELS, JobName, PlaceName
from registry.lineage.openlineage_edges import Made, column_lineage, dataset_lineage, entry_lineage, job_name
from registry.lineage.openlineage_facets import (
    MOST_LISTED,
    Query,
    ToldPlace,
    facet,
    facets_of,
    place_name,
    query_of,
    told_place,
)
from registry.lineage.openlineage_json import below, items, mapping, moment, optional_text, refuse, text
from registry.lineage.statement import digest_of_edges

Kind = Literal["RunEvent", "JobEvent", "DatasetEvent"]
EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
FAILED = ("ABORT", "FAIL")

CATALOGUE = JobName(OUR_JOBS, "dataset-events")
"""The job in whose name a dataset event speaks: it has none of its own."""

_LONGEST_RUN = 100
_OURS = "countersign:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one event says.

    Attributes
    ----------
    at
        When it happened, in UTC.
    run_id, event_type
        Of run events; empty for the others.
    job
        The event's own job; :data:`CATALOGUE` for dataset events.
    inputs, outputs
        Names as listed, without repetition.
    places
        What is said of each dataset, the same one several times where it stands at several places.
    made
        Explicit lineage.
    query
        The SQL that the job runs.
    notes
        What could not be read as it was meant, for people.
    """

    kind: Kind
    at: datetime
    job: JobName
    run_id: str = ""
    event_type: str = ""
    inputs: tuple[PlaceName, ...] = ()
    outputs: tuple[PlaceName, ...] = ()
    places: tuple[ToldPlace, ...] = ()
    made: tuple[Made, ...] = ()
    query: Query | None = None
    job_description: str = ""
    notes: tuple[str, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """A run that was aborted or failed has made nothing that we could rely on."""
        return self.event_type in FAILED

    @property
    def names(self) -> set[PlaceName]:
        """Every place that the event tells to be there."""
        told = {place.name for place in self.places}
        if self.says_nothing:
            return told
        made = {entry.place for entry in self.made}
        return told | made | {edge.source for entry in self.made for edge in entry.edges}

    @property
    def aliases(self) -> tuple[tuple[PlaceName, PlaceName], ...]:
        """Pairs of names of the same data."""
        return tuple((place.name, alias) for place in self.places for alias in place.aliases)

    @property
    def says(self) -> str:
        """SHA-256 of its lineage alone, by which events that say the same are known; empty where it has none."""
        if self.says_nothing or not (self.inputs or self.outputs or self.made):
            return ""
        return _lineage_digest(self.inputs, self.outputs, self.made, self.query, self.aliases)


@lru_cache(maxsize=4096)
def _lineage_digest(
    inputs: tuple[PlaceName, ...],
    outputs: tuple[PlaceName, ...],
    made: tuple[Made, ...],
    query: Query | None,
    aliases: tuple[tuple[PlaceName, PlaceName], ...],
) -> str:
    said = {
        "inputs": sorted([name.namespace, name.name] for name in inputs),
        "outputs": sorted([name.namespace, name.name] for name in outputs),
        "made": [
            [entry.place.namespace, entry.place.name, entry.closed, digest_of_edges(frozenset(entry.edges))]
            for entry in made
        ],
        "query": [query.sql, query.dialect] if query else None,
        "aliases": sorted([[one.namespace, one.name], [other.namespace, other.name]] for one, other in aliases),
    }
    return digest_of(said)


def read_event(event: Any) -> Reading:
    """Read one RunEvent, JobEvent or DatasetEvent of any version of the standard.

    Facets and keys that are not known are passed over, as the standard has it.

    Raises
    ------
    InvalidInput
        ``field`` is the JSON path of what is wrong, such as ``$.outputs[0].name``.
    """
    said = mapping(event, "$")
    notes: list[str] = []
    at, zone_missing = moment(said, "eventTime", "$")
    if zone_missing:
        notes.append("$.eventTime has no time zone and was taken as UTC.")
    if said.get("run") is None and said.get("dataset") is not None:
        found = _read_dataset_event(said, at)
    elif said.get("job") is not None or said.get("run") is not None:
        found = _read_job_or_run(said, at)
    else:
        raise refuse("$", "has neither run, job nor dataset: send a RunEvent, a JobEvent or a DatasetEvent")
    return replace(found, notes=(*notes, *found.notes))


def _read_dataset_event(said: Mapping[str, Any], at: datetime) -> Reading:
    path = "$.dataset"
    dataset = mapping(said["dataset"], path)
    name = place_name(dataset, path)
    _refuse_ours(name, path)
    made = [*column_lineage(dataset, name, path), *dataset_lineage(dataset, name, path, None)]
    place = told_place(dataset, name, path, written=True)
    _refuse_claims(place)
    return Reading(kind="DatasetEvent", at=at, job=CATALOGUE, places=(place,), made=tuple(made))


def _read_job_or_run(said: Mapping[str, Any], at: datetime) -> Reading:
    run_id = event_type = ""
    run: Mapping[str, Any] = {}
    kind: Kind = "JobEvent"
    if said.get("run") is not None:
        kind = "RunEvent"
        run = mapping(said["run"], "$.run")
        run_id = text(run, "runId", "$.run", longest=_LONGEST_RUN)
        event_type = optional_text(said, "eventType", "$").upper()
        if event_type and event_type not in EVENT_TYPES:
            raise refuse("$.eventType", f"is to be one of {', '.join(EVENT_TYPES)}")
    job_said = mapping(said.get("job"), "$.job")
    job = job_name(job_said, "$.job")
    if job.namespace.startswith(_OURS):
        raise refuse("$.job.namespace", f"namespaces that begin with {_OURS} are kept for Countersign itself")
    inputs, notes = _inputs(said)
    outputs, made = _outputs(said, job)
    made += [*entry_lineage(job_said, "$.job", job), *entry_lineage(run, "$.run", job)]
    for entry in made:
        _refuse_ours(entry.place, entry.path)
    return Reading(
        kind=kind,
        at=at,
        job=job,
        run_id=run_id,
        event_type=event_type,
        inputs=tuple(dict.fromkeys(place.name for place in inputs)),
        outputs=tuple(dict.fromkeys(place.name for place in outputs)),
        places=(*inputs, *outputs),
        made=tuple(made),
        query=query_of(job_said, "$.job"),
        job_description=_job_description(job_said),
        notes=tuple(notes),
    )


def _inputs(said: Mapping[str, Any]) -> tuple[list[ToldPlace], list[str]]:
    places, notes = [], []
    for item, path in items(said, "inputs", "$", most=MOST_LISTED):
        dataset = mapping(item, path)
        name = place_name(dataset, path)
        place = told_place(dataset, name, path, written=False)
        if name.namespace == OUR_MODELS:
            # Reading from a model is scoring with it; what the model is like is told by its manifest alone.
            notes.append(f"{path}: a model version's facets are not taken from events.")
            place = ToldPlace(name=name, path=path, assertions=place.assertions)
        _refuse_claims(place)
        places.append(place)
    return places, notes


def _outputs(said: Mapping[str, Any], job: JobName) -> tuple[list[ToldPlace], list[Made]]:
    places, made = [], []
    for item, path in items(said, "outputs", "$", most=MOST_LISTED):
        dataset = mapping(item, path)
        name = place_name(dataset, path)
        _refuse_ours(name, path)
        place = told_place(dataset, name, path, written=True)
        _refuse_claims(place)
        places.append(place)
        made += [*column_lineage(dataset, name, path), *dataset_lineage(dataset, name, path, job)]
    return places, made


def _refuse_ours(name: PlaceName, path: str) -> None:
    """Nobody outside says how a model version, or anything else of ours but a registered dataset, is made."""
    if name.namespace.startswith(_OURS) and name.namespace != OUR_DATASETS:
        raise refuse(
            below(path, "namespace"),
            f"{name.namespace} cannot be written by events; only {OUR_DATASETS} of ours can",
        )


def _refuse_claims(place: ToldPlace) -> None:
    """Nor does anybody outside make a model version another name of something, or something of it."""
    facets = f"{place.path}.facets"
    for index, alias in enumerate(place.aliases):
        _refuse_ours(alias, f"{facets}.symlinks.identifiers[{index}]")
    if place.previous is not None:
        _refuse_ours(place.previous, f"{facets}.lifecycleStateChange.previousIdentifier")


def _job_description(job: Mapping[str, Any]) -> str:
    facets, above = facets_of(job, "facets", "$.job")
    found = facet(facets, "documentation", above)
    return optional_text(found[0], "description", found[1]) if found else ""


def at_index(error: InvalidInput, index: int) -> InvalidInput:
    """The same refusal, of the event ``index`` of a batch."""
    field = error.field or "$"
    path = f"$[{index}]{field[1:]}" if field.startswith("$") else f"$[{index}]"
    message = error.message.removeprefix(f"{field}: ")
    return InvalidInput(f"{path}: {message}", field=path)

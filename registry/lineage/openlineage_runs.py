"""What the events of one run say together: how each place is made. Pure.

The events of a run add up: one may name the inputs at the start, another the outputs at the end. What they say counts
from the time of the earliest of them. That is when the job was as they describe it, and it does not move when further
events of the run arrive; a time that moved on with every event would take a run that lasts for months out of the past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.lineage.names import JobName, PlaceName
from registry.lineage.openlineage import Reading
from registry.lineage.openlineage_edges import MOST_EDGES, Made
from registry.lineage.openlineage_facets import Query
from registry.lineage.openlineage_json import refuse
from registry.lineage.statement import StatedEdge

BY = "openlineage"


@dataclass(frozen=True, slots=True)
class RunLineage:
    """How a run, a job event or a dataset event says that places are made.

    Attributes
    ----------
    edges
        Of every place that is made.
    unknown
        Places of which no column is known, with the query that may tell.
    """

    job: JobName
    at: datetime
    edges: dict[PlaceName, tuple[StatedEdge, ...]]
    unknown: dict[PlaceName, Query]


def lineage_of(readings: Sequence[Reading]) -> RunLineage | None:
    """The lineage that the events of one run state together; None where none of them says anything.

    Raises
    ------
    InvalidInput
        Where inputs and outputs together would make more edges than are kept.
    """
    told = [reading for reading in readings if not reading.says_nothing]
    if not told:
        return None
    inputs = sorted({name for reading in told for name in reading.inputs})
    outputs = sorted({name for reading in told for name in reading.outputs})
    made: defaultdict[PlaceName, list[Made]] = defaultdict(list)
    for reading in told:
        for entry in reading.made:
            made[entry.place].append(entry)
    queries = [reading.query for reading in sorted(told, key=lambda item: item.at) if reading.query is not None]
    same = _same_names(told)
    edges: dict[PlaceName, tuple[StatedEdge, ...]] = {}
    unknown: dict[PlaceName, Query] = {}
    number = 0
    for place in sorted({*outputs, *made}):
        stated = {edge for entry in made[place] for edge in entry.edges}
        columns = any(edge.target_column is not None for edge in stated)
        closed = any(entry.closed for entry in made[place])
        covered = {same.get(edge.source, edge.source) for edge in stated if edge.target_column is not None}
        if place in outputs and not closed:
            mentioned = {same.get(edge.source, edge.source) for edge in stated}
            stated |= {
                StatedEdge(source=source, level="dataset")
                for source in inputs
                if same.get(source, source) not in mentioned and source != place
            }
        if not columns and queries and place in outputs:
            unknown[place] = queries[-1]
        edges[place] = tuple(_without_covered(stated, covered, same))
        number += len(edges[place])
        if number > MOST_EDGES:
            raise refuse("$.outputs", f"inputs and outputs together would make more than {MOST_EDGES} edges")
    return RunLineage(told[0].job, min(reading.at for reading in told), edges, unknown)


def _without_covered(
    stated: set[StatedEdge], covered: set[PlaceName], same: dict[PlaceName, PlaceName]
) -> list[StatedEdge]:
    """An explicit source of the whole place adds nothing where its columns are stated, too, and says how nothing."""
    plain = {
        edge
        for edge in stated
        if edge.level == "dataset" and edge.target_column is None and not edge.subtype and not edge.masking
        and edge.manner == "direct" and same.get(edge.source, edge.source) in covered
    }  # fmt: skip
    return sorted(stated - plain, key=lambda edge: (edge.source, edge.target_column or "", edge.source_column or ""))


def _same_names(readings: Sequence[Reading]) -> dict[PlaceName, PlaceName]:
    """One name for each of several that the events themselves call the same data."""
    return {alias: place.name for reading in readings for place in reading.places for alias in place.aliases}

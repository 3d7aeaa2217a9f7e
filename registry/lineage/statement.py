"""What one job says of how one place is made: the common form of events, SQL, manifests and imports. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from registry.canonical import canonical_json, sha256_hex
from registry.lineage.names import JobName, PlaceName

Level = Literal["column", "dataset", "training", "structure"]
"""How much is known: from which column; only from which place; that a model was trained on it; or the tie within one place."""

METHODS = ("masking", "hash", "keyed-hash", "aggregation", "differential-privacy", "suppression", "encryption")
"""What a treatment can be: what somebody says was done to protect the people in the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedEdge:
    """The target column is made from the source column.

    Attributes
    ----------
    source, source_column
        ``source_column`` None: from the source as a whole, no column known.
    target_column
        None: every column of the target, as a filter or a grouping does.
    manner
        ``direct``: values come over; ``indirect``: they only decide (filter, join, sort, condition).
    subtype
        As OpenLineage says it: IDENTITY, TRANSFORMATION, AGGREGATION, FILTER, …
    masking
        Whether the source says that the step masks.
    treatment
        ``{"method": one of METHODS, "k"?: int, "epsilon"?: float}`` as sorted pairs; empty where none is stated.
    """

    source: PlaceName
    source_column: str | None = None
    target_column: str | None = None
    level: Level = "column"
    manner: Literal["direct", "indirect"] = "direct"
    subtype: str = ""
    masking: bool = False
    treatment: tuple[tuple[str, str | int | float], ...] = ()
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        """The edge as JSON, for digests."""
        return {
            "source": [self.source.namespace, self.source.name, self.source_column],
            "target": self.target_column,
            "level": self.level,
            "manner": self.manner,
            "subtype": self.subtype,
            "masking": self.masking,
            "treatment": dict(self.treatment),
            "description": self.description,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All that a job says of how ``place`` is made, at one moment. It replaces what the job said of it before.

    Attributes
    ----------
    by
        Where it comes from: openlineage, sql, manifest, features, dbt or declared.
    edges
        None at all is a statement too: the job makes the place from nothing that it names.
    columns
        ``{name: type}`` of the place where its schema is stated; None where it is not. Columns that a newer schema
        lacks are dropped at ``at``.
    """

    job: JobName
    place: PlaceName
    at: datetime
    by: str
    edges: tuple[StatedEdge, ...] = ()
    columns: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def digest(self) -> str:
        """SHA-256 over the edges, whatever their order."""
        return digest_of_edges(frozenset(self.edges))


@lru_cache(maxsize=4096)
def digest_of_edges(edges: frozenset[StatedEdge]) -> str:
    """SHA-256 over edges as stated. Remembered for the latest, because jobs say the same over and over."""
    return sha256_hex(canonical_json(sorted((edge.as_json() for edge in edges), key=canonical_json)))

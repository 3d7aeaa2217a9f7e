"""The counts of a reference as plain JSON, so that later data are compared with it without reading it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.measures.drift.correlations import Correlations
from audits.measures.drift.counting import listed
from audits.measures.drift.numbers import Binned, Numbers
from audits.measures.drift.sides import FAMILIES, Categories, Profile, Side
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.engines.port import Origin

FORMAT = 1
LISTED = 4096
"""Most distinct values of a column that a sketch lists; more are kept as counts by fine bins."""


def sketch_of(profile: Profile, *, bins: int, origins: Sequence[Origin]) -> dict[str, Any]:
    """Everything that a comparison needs of the reference; in lists where order matters, since JSON objects have none."""
    found = profile.correlations
    return {
        "format": FORMAT,
        "rows": profile.rows,
        "bins": bins,
        "origins": [{"path": origin.path, "sha256": origin.sha256} for origin in origins],
        "columns": [{"name": name, **_column(side)} for name, side in profile.columns.items()],
        "correlations": None
        if found is None
        else {
            "clips": [[name, *clip] for name, clip in found.clips.items()],
            "values": [[None if np.isnan(value) else float(value) for value in row] for row in found.values],
            "rows": [[int(value) for value in row] for row in found.rows],
        },
    }


def profile_of(sketch: Mapping[str, Any], bins: int) -> Profile:
    """Inverse of :func:`sketch_of`.

    Raises
    ------
    InvalidInput
        If it is none, or was made with another number of bins.
    """
    if sketch.get("format") != FORMAT:
        raise InvalidInput("the reference sketch is not one that this version writes", field="reference_sketch")
    if sketch.get("bins") != bins:
        raise InvalidInput(
            f"the reference sketch has {sketch.get('bins')} bins, not {bins}: ask for as many, or read the reference again",
            field="reference_sketch",
        )
    try:
        rows = int(sketch["rows"])
        columns = {str(data["name"]): _side(data, rows, bins) for data in sketch["columns"]}
        found = sketch["correlations"]
        correlations = None if found is None else _correlations(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InvalidInput(
            "the reference sketch is damaged: make it again from the reference", field="reference_sketch"
        ) from error
    return Profile(rows=rows, columns=columns, correlations=correlations)


def _column(side: Side) -> dict[str, Any]:
    plain: dict[str, Any] = {"family": side.family, "given": side.given, "failure": side.failure}
    counted = side.counted
    if isinstance(counted, Categories):
        if len(counted.counts) > LISTED:
            plain["failure"] = f"has more than {LISTED:,} categories, which a sketch does not keep: read the reference"
            return plain
        return plain | {"categories": dict(counted.counts), "missing": counted.missing}
    if counted is None:
        return plain
    binned = counted.binned
    if binned.atoms and len(binned.edges) > LISTED:
        binned = binned.over(counted.edges)
    return plain | {
        "missing": counted.missing,
        "mean": counted.mean,
        "deviation": counted.deviation,
        "listed": binned.atoms,
        "edges": binned.edges.tolist(),
        "counts": binned.counts.tolist(),
        "below": binned.below,
        "above": binned.above,
        "cuts": list(counted.cuts),
        "suppressed": counted.suppressed,
    }


def _side(data: Mapping[str, Any], rows: int, bins: int) -> Side:
    family, given, failure = str(data["family"]), int(data["given"]), str(data["failure"])
    if family not in FAMILIES.values():
        raise ValueError(family)
    if failure or ("categories" not in data and "edges" not in data):
        return Side(family=family, failure=failure or "was not counted", given=given)
    if "categories" in data:
        counts = {str(name): int(count) for name, count in data["categories"].items()}
        return Side(family=family, counted=Categories(counts, int(data["missing"])), given=given)
    return Side(family=family, counted=_numbers(data, rows, bins), given=given)


def _numbers(data: Mapping[str, Any], rows: int, bins: int) -> Numbers:
    edges = np.array(data["edges"], dtype=np.float64)
    counts = np.array(data["counts"], dtype=np.int64)
    ascending = bool((np.diff(edges) > 0).all()) and bool(np.isfinite(edges).all())
    if len(counts) != len(edges) + 1 or not ascending or (counts < 0).any():
        raise ValueError(data)
    if data["listed"]:
        return listed(Binned(edges, counts, atoms=True), rows, bins)
    return Numbers(
        rows=rows,
        missing=int(data["missing"]),
        mean=float(data["mean"]),
        deviation=float(data["deviation"]),
        binned=Binned(edges, counts, float(data["below"]), float(data["above"])),
        edges=edges,
        cuts=tuple(edges[np.searchsorted(edges, data["cuts"])].tolist()),
        suppressed=int(data["suppressed"]),
    )


def _correlations(found: Mapping[str, Any]) -> Correlations:
    clips = {str(name): (float(low), float(high)) for name, low, high in found["clips"]}
    values = np.array([[np.nan if v is None else float(v) for v in row] for row in found["values"]], dtype=np.float64)
    rows = np.array(found["rows"], dtype=np.float64)
    if values.shape != rows.shape or values.shape != (len(clips), len(clips)):
        raise ValueError(values.shape)
    return Correlations(clips, values, rows)

"""What the latest explanation of a version says that others build on: how it sampled, and the values of the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audits.models import Evaluation, JobStatus
from registry import artifact_store
from registry.canonical import parse_json
from registry.errors import IntegrityFailure
from registry.models import ModelVersion

EXPLANATION = "explanation"
FEATURE_RANGES = "feature_ranges"
"""The series of its report; the module that makes it is the worker's, and loads numpy."""
_SEED, _BACKGROUND_ROWS = 0, 100


def latest_explanation(version: ModelVersion) -> Evaluation | None:
    """The latest explanation of the version that succeeded."""
    found = version.evaluations.filter(kind=EXPLANATION, status=JobStatus.SUCCEEDED, report__isnull=False)
    return found.order_by("-finished_at").first()


def sampling_of(version: ModelVersion) -> dict[str, int]:
    """``{"seed", "background_rows"}`` as the latest explanation drew its background; the usual ones where there is none."""
    latest = latest_explanation(version)
    stated: Mapping[str, Any] = latest.parameters if latest else {}
    return {
        "seed": int(stated.get("seed", _SEED)),
        "background_rows": int(stated.get("background_rows", _BACKGROUND_ROWS)),
    }


def ranges_of(version: ModelVersion) -> dict[str, dict[str, Any]]:
    """Feature to ``{type, low, q05, median, q95, high, values}``; empty where no explanation was measured, or it was damaged.

    A damaged report is shown as such beside the evidence itself; here it only means that no limits are known.
    """
    latest = latest_explanation(version)
    if latest is None:
        return {}
    try:
        report = parse_json(artifact_store.read_bytes(str(latest.report_id)), what="evidence")
    except IntegrityFailure:
        return {}
    for series in report.get("series", ()):
        if series["name"] == FEATURE_RANGES:
            rows = (dict(zip(series["columns"], row, strict=True)) for row in series["rows"])
            return {row.pop("feature"): row for row in rows}
    return {}

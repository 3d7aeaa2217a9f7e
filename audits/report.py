"""The report of an evaluation: what ``--json`` prints and what is stored as evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.code_versions import code_version, engine_version

if TYPE_CHECKING:
    from audits.engines.port import Origin
    from audits.measurement import Measurement
    from audits.series import Series

Report: TypeAlias = dict[str, Any]


def make_report(
    kind: str,
    measurements: Sequence[Measurement],
    *,
    origins: Sequence[Origin],
    parameters: Mapping[str, Any],
    engine: str = "",
    warnings: Sequence[str] = (),
    series: Sequence[Series] = (),
    extra: Mapping[str, Any] | None = None,
) -> Report:
    """Put a report together: plain JSON, the same bytes in canonical form for the same input.

    Parameters
    ----------
    origins
        What was read.
    engine
        Name of the engine that counted, such as ``duckdb 1.5.6``.
    series
        Curves, histograms and lists beside the measurements.
    extra
        Further keys of this kind, such as ``tensor``.
    """
    said = list(warnings)
    undefined = sum(measurement.value is None for measurement in measurements)
    if undefined:
        verb = "measurement is" if undefined == 1 else "measurements are"
        said.append(f"{undefined} {verb} undefined; the note says why")
    return {
        "kind": kind,
        "measurements": [measurement.as_json() for measurement in measurements],
        "series": [item.as_json() for item in series],
        "inputs": [{"path": origin.path, "sha256": origin.sha256} for origin in origins],
        "parameters": dict(parameters),
        "engine": engine_version(engine),
        "code_version": code_version(),
        "warnings": said,
        **(extra or {}),
    }

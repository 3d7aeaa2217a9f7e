"""One call per kind of evaluation: data and parameters in, the report that is stored as evidence out. Django-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds import kind_named
from audits.report import Report
from registry.errors import InvalidInput


def _silent(done: float, note: str) -> None:
    """Progress that nobody watches."""


def evaluate(
    kind: str,
    data: Sequence[Data | Path | str],
    parameters: Mapping[str, Any],
    *,
    progress: Progress | None = None,
) -> Report:
    """Run one evaluation.

    Parameters
    ----------
    kind
        One of :data:`audits.kinds.MODULES`.
    data
        What to measure, as many as the kind takes: files, directories, or addresses of tables elsewhere.
    parameters
        Of that kind; see the dataclass that its ``parse`` returns.
    progress
        Called with the share of the work done, in [0, 1], and what is going on. Whatever it raises ends the work.

    Returns
    -------
    dict
        As :func:`audits.report.make_report` gives it. Plain JSON; the same input gives the same bytes in canonical form.

    Raises
    ------
    PredictionsError
        If a file cannot be measured; names file, column and row.
    InvalidInput
        If the kind or a parameter is unknown or impossible.
    """
    found = kind_named(kind)
    inputs = [Data.of(item) for item in data]
    if len(inputs) != len(found.inputs):
        wanted = " and ".join(found.inputs)
        plural = "data set" if len(found.inputs) == 1 else "data sets"
        raise InvalidInput(f"{kind} reads {wanted}: {len(found.inputs)} {plural}, not {len(inputs)}", field="data")
    progress = progress or _silent
    report = found.run(inputs, found.parse(parameters), progress)
    progress(1.0, "done")
    return report

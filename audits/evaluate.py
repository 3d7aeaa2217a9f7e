"""One call per kind of evaluation: data and parameters in, the report that is stored as evidence out. Django-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audits.engines.opening import Data
from audits.engines.port import Progress
from audits.kinds import kind_named
from audits.kinds.kind import NOT_GIVEN, Kind
from audits.report import Report
from registry.errors import InvalidInput


def _silent(done: float, note: str) -> None:
    """Progress that nobody watches."""


def evaluate(
    kind: str,
    data: Sequence[Data | Path | str | None],
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
        What to measure, as many as the kind takes: files, directories, or addresses of tables elsewhere. Optional ones
        follow in their order; ``None`` stands for one that is not there.
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
    inputs = _inputs(found, data)
    progress = progress or _silent
    report = found.run(inputs, found.parse(parameters), progress)
    progress(1.0, "done")
    return report


def _inputs(kind: Kind, data: Sequence[Data | Path | str | None]) -> list[Data]:
    """One data set in each place of the kind, :data:`NOT_GIVEN` where an optional one is not there."""
    least, most = len(kind.inputs), len(kind.inputs) + len(kind.optional)
    if not least <= len(data) <= most or any(item is None for item in data[:least]):
        wanted = " and ".join(kind.inputs)
        plural = "data set" if least == 1 else "data sets"
        further = f", and may read {' and '.join(kind.optional)}" if kind.optional else ""
        given = sum(item is not None for item in data)
        raise InvalidInput(f"{kind.name} reads {wanted}: {least} {plural}, not {given}{further}", field="data")
    inputs = [NOT_GIVEN if item is None else Data.of(item) for item in data]
    return inputs + [NOT_GIVEN] * (most - len(inputs))

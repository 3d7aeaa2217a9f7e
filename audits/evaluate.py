"""One call per kind of evaluation: files and parameters in, the report that is stored as evidence out. Django-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from audits.parameters import Parameters, parse_parameters
from registry.errors import InvalidInput

if TYPE_CHECKING:
    from audits.measurement import Measurement
    from audits.predictions import Predictions
    from audits.tensor import CountTensor

Progress: TypeAlias = Callable[[float, str], None]
Report: TypeAlias = dict[str, Any]

_READ, _COUNTED, _MEASURED = 0.5, 0.6, 0.95


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to evaluate: where it lies, and the name that people know it by."""

    path: Path
    name: str


def _silent(done: float, note: str) -> None:
    """Progress that nobody watches."""


def evaluate(
    kind: str,
    files: Sequence[InputFile | Path | str],
    parameters: Mapping[str, Any],
    *,
    progress: Progress | None = None,
) -> Report:
    """Run one evaluation.

    Parameters
    ----------
    kind
        ``performance``, ``fairness`` (one file each) or ``comparison`` (challenger, then champion).
    files
        The prediction files.
    parameters
        ``label``, ``prediction`` (required), ``score``, ``weight``, ``positive``, ``sensitive``, ``intersections``, ``over``,
        ``confidences``, ``minimum_groups``, ``max_groups``, ``seed``; for a comparison also ``champion``, a mapping with the
        columns of the champion's file where they differ. See :class:`audits.parameters.Parameters`.
    progress
        Called with the share of the work done, in [0, 1], and what is going on.

    Returns
    -------
    dict
        ``kind``, ``measurements``, ``inputs``, ``parameters``, ``engine``, ``code_version``, ``warnings`` and, but for a
        comparison, ``tensor``. Plain JSON; the same input gives the same bytes in canonical form.

    Raises
    ------
    PredictionsError
        If a file cannot be measured; names file, column and row.
    InvalidInput
        If the kind or a parameter is unknown or impossible.
    """
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is no kind of evaluation; there are {', '.join(KINDS)}", field="kind")
    inputs = [file if isinstance(file, InputFile) else InputFile(Path(file), str(file)) for file in files]
    expected = 2 if kind == "comparison" else 1
    if len(inputs) != expected:
        raise InvalidInput(f"{kind} takes {expected} prediction file(s), not {len(inputs)}", field="files")
    progress = progress or _silent
    report = KINDS[kind](inputs, parse_parameters(parameters, kind), progress)
    progress(1.0, "done")
    return report


def evaluate_performance(files: Sequence[InputFile], parameters: Parameters, progress: Progress) -> Report:
    """Overall performance of one file of predictions."""
    from audits.performance import measure_performance
    from audits.tensor import count

    progress(0.0, "reading predictions")
    predictions = _read(files[0], parameters, ())
    progress(_READ, f"counting {len(predictions):,} rows")
    tensor = count(predictions)
    progress(_COUNTED, "measuring")
    measurements = measure_performance(predictions, tensor, confidences=parameters.confidences, seed=parameters.seed)
    return _report("performance", measurements, [predictions], parameters, tensor=tensor)


def evaluate_fairness(files: Sequence[InputFile], parameters: Parameters, progress: Progress) -> Report:
    """Rates per group, and ratios and differences over groups, of one file of predictions."""
    from audits.fairness import measure_fairness
    from audits.tensor import count

    over = parameters.over or _column_sets(parameters)
    columns = list(dict.fromkeys(column for group in over for column in group))
    if not columns:
        raise InvalidInput("name at least one sensitive column", field="sensitive")
    progress(0.0, "reading predictions")
    predictions = _read(files[0], parameters, columns)
    progress(_READ, f"counting {len(predictions):,} rows")
    tensor = count(predictions)

    def step(done: float) -> None:
        progress(_COUNTED + done * (_MEASURED - _COUNTED), "measuring groups")

    measurements = measure_fairness(
        predictions,
        tensor,
        over=over,
        confidences=parameters.confidences,
        minimum_groups=parameters.minimum_groups,
        step=step,
    )
    return _report("fairness", measurements, [predictions], parameters, tensor=tensor)


def _column_sets(parameters: Parameters) -> tuple[tuple[str, ...], ...]:
    """Each sensitive column alone and, where asked, every combination of two or more of them."""
    sizes = range(1, len(parameters.sensitive) + 1) if parameters.intersections else [1]
    return tuple(group for size in sizes for group in combinations(parameters.sensitive, size))


def evaluate_comparison(files: Sequence[InputFile], parameters: Parameters, progress: Progress) -> Report:
    """Differences between a challenger's and the champion's predictions."""
    from audits.comparison import compare

    progress(0.0, "reading the challenger's predictions")
    challenger = _read(files[0], parameters, parameters.sensitive)
    progress(_READ / 2, "reading the champion's predictions")
    champion = _read(files[1], parameters.of_champion(), parameters.sensitive)
    progress(_READ, "comparing")
    measurements, warnings = compare(challenger, champion, confidences=parameters.confidences, seed=parameters.seed)
    return _report("comparison", measurements, [challenger, champion], parameters, warnings=warnings)


KINDS: dict[str, Callable[[Sequence[InputFile], Parameters, Progress], Report]] = {
    "performance": evaluate_performance,
    "fairness": evaluate_fairness,
    "comparison": evaluate_comparison,
}
"""Kind of evaluation to the function that runs it."""


def _read(file: InputFile, parameters: Parameters, sensitive: Sequence[str]) -> Predictions:
    from audits.predictions import read_predictions

    return read_predictions(
        file.path,
        name=file.name,
        label=parameters.label,
        prediction=parameters.prediction,
        score=parameters.score,
        weight=parameters.weight,
        positive=parameters.positive,
        sensitive=sensitive,
        max_groups=parameters.max_groups,
    )


def _report(
    kind: str,
    measurements: Sequence[Measurement],
    read: Sequence[Predictions],
    parameters: Parameters,
    *,
    warnings: Sequence[str] = (),
    tensor: CountTensor | None = None,
) -> Report:
    from audits.engine import code_version, engine_version

    said = list(warnings)
    for predictions in read:
        for column, rows in predictions.unknown.items():
            if rows:
                said.append(
                    f"{predictions.name}: {rows:,} rows name no group in {column!r}; they are the group 'unknown'"
                )
    undefined = sum(measurement.value is None for measurement in measurements)
    if undefined:
        said.append(f"{undefined} measurements are undefined; the note of each says why")
    report: Report = {
        "kind": kind,
        "measurements": [measurement.as_json() for measurement in measurements],
        "inputs": [{"path": source.name, "sha256": source.sha256} for part in read for source in part.sources],
        "parameters": parameters.as_json(),
        "engine": engine_version(),
        "code_version": code_version(),
        "warnings": said,
    }
    if tensor is not None:
        report["tensor"] = {"sha256": tensor.digest, **tensor.as_json()}
    return report

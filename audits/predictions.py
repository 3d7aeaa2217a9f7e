"""A model's predictions on labelled rows, read from CSV or Parquet, checked, and held as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.group_names import UNKNOWN
from audits.prediction_columns import Levels, Numbers, binary_classes
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Limits, Source, open_sources, read_batches

__all__ = ["UNKNOWN", "Limits", "Predictions", "PredictionsError", "Source", "read_predictions"]

LARGEST_WEIGHT = 1e15

Column = tuple[npt.NDArray[Any], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """Labelled rows with what the model said about them.

    Attributes
    ----------
    label, prediction
        (n,) zeros and ones; 1 is the favourable, positive class.
    score
        (n,) the model's probability of class 1, in [0, 1]; ``None`` where not given.
    sensitive
        Column to ``(codes, names)``: (n,) indices into the sorted group names. A missing value is the group ``unknown``.
    weight
        (n,) positive sample weights; ``None`` where every row counts one.
    sources
        The files that the rows came from, each with its SHA-256.
    unknown
        Column to the number of rows whose group was missing.
    """

    label: npt.NDArray[np.int8]
    prediction: npt.NDArray[np.int8]
    score: npt.NDArray[np.float64] | None = None
    sensitive: Mapping[str, Column]
    weight: npt.NDArray[np.float64] | None = None
    sources: tuple[Source, ...] = ()
    unknown: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse columns of unequal lengths."""
        columns: dict[str, npt.NDArray[Any]] = {name: codes for name, (codes, _) in self.sensitive.items()}
        columns |= {"prediction": self.prediction}
        columns |= {name: c for name, c in (("score", self.score), ("weight", self.weight)) if c is not None}
        for name, values in columns.items():
            if len(values) != len(self.label):
                raise PredictionsError(
                    f"{name} has {len(values)} rows where the labels have {len(self.label)}",
                    file=self.name,
                    column=name,
                )

    def __len__(self) -> int:
        return len(self.label)

    @property
    def name(self) -> str:
        """Name of the file, or of the first of several."""
        return self.sources[0].name if self.sources else "predictions"

    @property
    def sha256(self) -> str:
        """SHA-256 of the file; empty when the rows came from none, of the first file when from several."""
        return self.sources[0].sha256 if self.sources else ""


def read_predictions(
    path: str | Path,
    *,
    name: str | None = None,
    label: str,
    prediction: str,
    score: str | None = None,
    sensitive: Sequence[str] = (),
    weight: str | None = None,
    positive: str | None = None,
    max_groups: int = 100,
    limits: Limits | None = None,
) -> Predictions:
    """Read and check labelled predictions.

    Parameters
    ----------
    path
        A CSV file (UTF-8, comma, header), a Parquet file, or a directory of Parquet files. What it is, is told by content.
    name
        What to call the file in messages and reports; the path as given by default.
    label, prediction
        Columns of 0 and 1 (or false and true), or of two values one of which is ``positive``.
    score, weight
        Optional columns of numbers: probabilities of the positive class in [0, 1], and positive weights.
    sensitive
        Columns that hold a group name per row; a missing one becomes the group ``unknown``.
    positive
        The value that means the positive class where labels are not 0 and 1.
    max_groups
        Most distinct values that a sensitive column may have.
    limits
        Caps on file size, unpacked size and rows.

    Raises
    ------
    PredictionsError
        Naming file, column and 1-based data row of what is wrong.
    """
    shown = name or str(path)
    roles = Roles(label, prediction, score, tuple(sensitive), weight, positive)
    roles.refuse_shared(shown)
    limits = limits or Limits()
    files = open_sources(Path(path), shown, limits)
    levels = {column: Levels(column, limit=max_groups) for column in sensitive}
    levels |= {column: Levels(column, limit=None) for column in (label, prediction)}
    numbers = {column: Numbers(column) for column in (score, weight) if column is not None}
    for batch in read_batches(files, [*levels, *numbers], limits):
        for column, reader in (levels | numbers).items():
            reader.add(batch.columns[column], batch)
    return _assemble(files, roles, levels, numbers)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column plays which part, and the value that means the positive class."""

    label: str
    prediction: str
    score: str | None
    sensitive: tuple[str, ...]
    weight: str | None
    positive: str | None

    def refuse_shared(self, file: str) -> None:
        """Raise where one column has two parts: a label that is its own prediction would look perfect."""
        parts = [("label", self.label), ("prediction", self.prediction), ("score", self.score), ("weight", self.weight)]
        taken: dict[str, str] = {}
        for part, column in [*parts, *(("sensitive", column) for column in self.sensitive)]:
            if column in taken:
                message = (
                    f"{file}: column {column!r} is named both as {taken[column]} and as {part}; each needs its own"
                )
                raise PredictionsError(message, file=file, column=column)
            if column is not None:
                taken[column] = part


def _assemble(
    files: Sequence[Source], roles: Roles, levels: Mapping[str, Levels], numbers: Mapping[str, Numbers]
) -> Predictions:
    labels, file = levels[roles.label], files[0].name
    if not len(labels):
        raise PredictionsError(f"{file}: has no data rows", file=file)
    labels.refuse_blanks()
    classes, named = binary_classes(labels, roles.positive), roles.positive is not None
    truth = labels.as_binary(classes, named=named)
    if truth.min() == truth.max():
        raise labels.error(f"holds one class only ({labels.names[0]!r} in all {len(labels)} rows); both are needed")
    groups = {column: levels[column] for column in roles.sensitive}
    for reader in groups.values():
        reader.refuse_empty_groups()
    smallest_weight = float(np.nextafter(0.0, 1.0))
    return Predictions(
        label=truth,
        prediction=levels[roles.prediction].as_binary(classes, named=named),
        score=numbers[roles.score].within(0.0, 1.0, "a probability in [0, 1]") if roles.score else None,
        sensitive={column: reader.as_groups() for column, reader in groups.items()},
        weight=numbers[roles.weight].within(smallest_weight, LARGEST_WEIGHT, "a positive number")
        if roles.weight
        else None,
        sources=tuple(files),
        unknown={column: reader.missing_rows for column, reader in groups.items()},
    )

"""Counts labelled predictions on an engine, by the rules of the row reader, which has the last word on what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.counted import Counted
from audits.declared_groups import declared_groups
from audits.exact_sums import ExactSum, whole_numbers
from audits.losses import loss_sums
from audits.prediction_columns import Levels, binary_classes
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Batch, Source
from audits.predictions import LARGEST_WEIGHT, Roles, read_predictions
from audits.score_counting import Scored, count_scores, sum_losses
from audits.score_table import Integers, flat_index
from audits.tensor import CountTensor, tensor_of_cells
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.opening import Data
    from audits.engines.port import Engine, Value
    from audits.parameters import Parameters

_LOOKED_AT = 1 << 14
_NUMBERS = ("number", "integer", "boolean")
_NOWHERE = Path()


class UnusualColumn(PredictionsError):
    """A column that an engine cannot count as it stands, but that the row reader may understand: numbers kept as text."""


def count_on_engine(
    engine: Engine, parameters: Parameters, sensitive: Sequence[str], *, data: Data, losses: bool
) -> Counted:
    """See :func:`audits.counted.count_predictions`."""
    roles = Roles(
        parameters.label,
        parameters.prediction,
        parameters.score,
        tuple(sensitive),
        parameters.weight,
        parameters.positive,
    )
    roles.refuse_shared(data.name)
    try:
        return _Counting(engine, roles, data, parameters.max_groups).counted(losses=losses)
    except PredictionsError as error:
        if data.path is None:
            raise
        rows = read_predictions(
            data.path,
            name=data.name,
            label=roles.label,
            prediction=roles.prediction,
            score=roles.score,
            weight=roles.weight,
            positive=roles.positive,
            sensitive=roles.sensitive,
            max_groups=parameters.max_groups,
        )
        if isinstance(error, UnusualColumn) and not engine.disclosure:
            return Counted.of_rows(rows, engine=engine.name)
        raise


@dataclass(frozen=True)
class _Counting:
    """One counting of one table."""

    engine: Engine
    roles: Roles
    data: Data
    max_groups: int

    @cached_property
    def source(self) -> ibis.Table:
        """The table, with group names and classes as they are written."""
        return self.engine.as_written([self.roles.label, self.roles.prediction, *self.roles.sensitive])

    @cached_property
    def groups(self) -> dict[str, Value]:
        """Names in results to the sensitive columns: a column may have any name, also one of ours."""
        return {f"g{index}": self.source[column] for index, column in enumerate(self.roles.sensitive)}

    def counted(self, *, losses: bool) -> Counted:
        self._check_columns()
        self._look_at_groups()
        largest = self._largest_weight()
        found = self.engine.grouped(
            {**self.groups, "label": self.source[self.roles.label], "prediction": self.source[self.roles.prediction]},
            self._measures(largest),
            of=self.source,
        )
        table = found.table
        if found.suppressed and not len(table):
            least = self.engine.disclosure
            raise InvalidInput(
                f"{self.data.name}: every group has fewer than {least} rows; nothing may be told", field="disclosure"
            )
        if not found.suppressed:
            self._check_scores(table)
        columns = {column: self._levels(column, table[f"g{i}"]) for i, column in enumerate(self.roles.sensitive)}
        label, prediction, positive = self._classes(table)
        counts = whole_numbers(table["n"])
        tensor = self._tensor(columns, 2 * label + prediction, counts, table, largest)
        scored = self._scored(tensor, positive, largest)
        scores = count_scores(scored) if scored is not None and not found.suppressed else None
        return Counted(
            tensor=tensor,
            scores=scores,
            losses=self._losses(scored, scores) if losses else {},
            name=self.data.name,
            origins=self.engine.origins,
            unknown={column: int(counts[levels.missing()].sum()) for column, levels in columns.items()},
            engine=self.engine.name,
            disclosure=self.engine.disclosure,
            suppressed=found.suppressed,
        )

    def _error(self, column: str, message: str) -> PredictionsError:
        return PredictionsError(f"{self.data.name}: column {column!r} {message}", file=self.data.name, column=column)

    def _check_columns(self) -> None:
        there = self.engine.columns
        roles = self.roles
        numbers = [column for column in (roles.score, roles.weight) if column is not None]
        for column in [roles.label, roles.prediction, *numbers, *roles.sensitive]:
            if column not in there:
                shown = ", ".join(map(repr, list(there)[:50]))
                message = f"{self.data.name}: has no column {column!r}; it has {shown}"
                raise PredictionsError(message, file=self.data.name, column=column)
        for column in [roles.label, roles.prediction, *roles.sensitive]:
            if self.source[column].type().is_nested():
                raise self._error(
                    column, f"has type {self.source[column].type()}, which does not name groups or classes"
                )
        for column in numbers:
            if there[column] not in _NUMBERS:
                message = f"{self.data.name}: column {column!r} holds {there[column]}, where numbers are expected"
                raise UnusualColumn(message, file=self.data.name, column=column)

    def _look_at_groups(self) -> None:
        """Refuse a column of too many groups after a look at some rows, before counting takes the memory of all."""
        if not self.roles.sensitive:
            return
        some = self.source.select(*dict.fromkeys(self.roles.sensitive)).limit(_LOOKED_AT)
        distinct = {f"g{index}": some[column].nunique() for index, column in enumerate(self.roles.sensitive)}
        found = self.engine.grouped((), distinct, of=some).columns()
        for index, column in enumerate(self.roles.sensitive):
            if found[f"g{index}"][0] > self.max_groups:
                raise self._too_many(column)

    def _too_many(self, column: str) -> PredictionsError:
        hint = "bin it (ages into bands, places into regions) or raise max_groups"
        return self._error(column, f"holds more than {self.max_groups} distinct values; {hint}")

    def _largest_weight(self) -> float:
        """The largest weight, once all are known to be positive numbers; 1 where there are none."""
        if self.roles.weight is None:
            return 1.0
        found = self.engine.grouped((), _range(self._number(self.roles.weight)), of=self.source)
        low, high = self._range_of(found.table, self.roles.weight, "a positive number")
        if not 0 < low <= high <= LARGEST_WEIGHT:
            raise self._error(
                self.roles.weight, f"holds {low if not low > 0 else high!r}; it must be a positive number"
            )
        return high

    def _number(self, column: str) -> ibis.Value:
        value = self.source[column]
        return (value.cast("int8") if value.type().is_boolean() else value).cast("float64")

    def _measures(self, largest: float) -> dict[str, Value]:
        measures: dict[str, Value] = {}
        if self.roles.score is not None:
            measures |= _range(self._number(self.roles.score))
        if self.roles.weight is not None:
            weight = self._number(self.roles.weight)
            measures |= ExactSum("mass", largest).measures(weight)
            measures |= ExactSum("squares", largest * largest).measures(weight * weight)
        return measures

    def _check_scores(self, table: pa.Table) -> None:
        if self.roles.score is not None:
            low, high = self._range_of(table, self.roles.score, "a probability in [0, 1]")
            if not 0 <= low <= high <= 1:
                wrong = low if not low >= 0 else high
                raise self._error(self.roles.score, f"holds {wrong!r}; it must be a probability in [0, 1]")

    def _range_of(self, table: pa.Table, column: str, what: str) -> tuple[float, float]:
        """Least and largest value of a column; raises where one is missing. NaN counts as largest of all, on every engine."""
        rows, given = whole_numbers(table["n"]), whole_numbers(table["given"])
        if not rows.sum():
            raise PredictionsError(f"{self.data.name}: has no data rows", file=self.data.name)
        if (rows != given).any():
            raise self._error(column, f"is empty in {int((rows - given).sum()):,} rows; it must be {what}")
        return float(table["low"].to_numpy().min()), float(table["high"].to_numpy().max())

    def _levels(self, column: str, values: pa.ChunkedArray) -> Levels:
        """The groups of a column of the result, by the rules of the row reader."""
        levels = Levels(column, limit=self.max_groups, placed=False)
        self._feed(levels, values)
        if len(levels):
            levels.declare(declared_groups(self.data.path, column))
            levels.refuse_empty_groups()
        return levels

    def _feed(self, levels: Levels, values: pa.ChunkedArray) -> None:
        levels.add(values.combine_chunks(), Batch(self._place, 0, {}, frozenset()))

    @cached_property
    def _place(self) -> Source:
        return Source(name=self.data.name, sha256="", path=self.data.path or _NOWHERE, format="table")

    def _classes(self, table: pa.Table) -> tuple[Integers, Integers, list[Any]]:
        """Label and prediction of each row of the result, and the values of the label column that mean 1."""
        labels = Levels(self.roles.label, limit=None, placed=False)
        predictions = Levels(self.roles.prediction, limit=None, placed=False)
        self._feed(labels, table["label"])
        self._feed(predictions, table["prediction"])
        if not len(labels):
            raise PredictionsError(f"{self.data.name}: has no data rows", file=self.data.name)
        labels.refuse_blanks()
        classes, named = binary_classes(labels, self.roles.positive), self.roles.positive is not None
        label = labels.as_binary(classes, named=named)
        prediction = predictions.as_binary(classes, named=named)
        if label.min() == label.max() and not self.engine.disclosure:
            rows = int(whole_numbers(table["n"]).sum())
            raise labels.error(f"holds one class only ({labels.names[0]!r} in all {rows} rows); both are needed")
        values = table["label"].to_pylist()
        positive = list(dict.fromkeys(value for value, one in zip(values, label, strict=True) if one))
        return label.astype(np.int64), prediction.astype(np.int64), positive

    def _tensor(
        self,
        columns: dict[str, Levels],
        cell: Integers,
        counts: Integers,
        table: pa.Table,
        largest: float,
    ) -> CountTensor:
        coded = {column: levels.as_groups() for column, levels in columns.items()}
        weights = None
        if self.roles.weight is not None:
            weights = (ExactSum("mass", largest).of(table), ExactSum("squares", largest * largest).of(table))
        return tensor_of_cells(
            {column: names for column, (_, names) in coded.items()},
            [codes.astype(np.int64) for codes, _ in coded.values()],
            cell,
            counts,
            weights,
        )

    def _scored(self, tensor: CountTensor, positive: list[Any], largest: float) -> Scored | None:
        if self.roles.score is None:
            return None
        label = self.source[self.roles.label].isin(positive)
        return Scored(
            engine=self.engine,
            source=self.source,
            by={**self.groups, "label": label},
            label=label,
            place=lambda table: (self._groups_in(table, tensor), _zeros_and_ones(table["label"])),
            score=self._number(self.roles.score),
            weight=None if self.roles.weight is None else self._number(self.roles.weight),
            largest=largest,
            tensor=tensor,
        )

    def _groups_in(self, table: pa.Table, tensor: CountTensor) -> Integers:
        """Each row's group, as an index into the tensor's keys."""
        codes = []
        for index, column in enumerate(self.roles.sensitive):
            found, names = self._levels(column, table[f"g{index}"]).as_groups()
            if names != tensor.levels[index]:
                raise self._error(column, "changed while it was counted; count it again")
            codes.append(found.astype(np.int64))
        sizes = [len(names) for names in tensor.levels]
        known = flat_index(list(tensor.keys.T), sizes, len(tensor.keys))
        return np.searchsorted(known, flat_index(codes, sizes, len(table)))

    def _losses(self, scored: Scored | None, scores: Any) -> Any:
        if scored is None or scores is None:
            return {}
        return loss_sums(scores.margin(()).bins()) if scores.exact else sum_losses(scored)


def _range(value: ibis.Value) -> dict[str, Value]:
    return {"low": value.min(), "high": value.max(), "given": value.count()}


def _zeros_and_ones(column: pa.ChunkedArray) -> Integers:
    values: npt.NDArray[Any] = column.to_numpy()
    return values.astype(np.int64)

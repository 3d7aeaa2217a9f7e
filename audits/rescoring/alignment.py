"""Puts the submitted predictions and the model's own in one form, so that they can be grouped by key. Pure of Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.rescoring.parameters import RescoringParameters
from audits.scoring.model import DECISION, SCORE, score_column

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.engines.port import Engine

SUBMITTED, OURS = 0, 1
SIDE = "side"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The columns of the common form: what each of them is called on either side.

    Attributes
    ----------
    keys, stated
        Columns of both data sets.
    numbers
        Name here to (column of the submitted predictions, column of the model's answer).
    """

    keys: tuple[str, ...]
    stated: tuple[str, ...]
    numbers: Mapping[str, tuple[str, str]]
    prediction: str

    def columns(self) -> list[str]:
        """All columns of the common form, in order."""
        keys = [key_column(i) for i in range(len(self.keys))]
        stated = [stated_column(i) for i in range(len(self.stated))]
        return [SIDE, *keys, *self.numbers, DECISION, *stated]


def key_column(place: int) -> str:
    """The name of a key column in the common form."""
    return f"k{place}"


def stated_column(place: int) -> str:
    """The name of a stated column in the common form."""
    return f"c{place}"


def form_of(parameters: RescoringParameters, test_columns: Mapping[str, str]) -> Form:
    """What is compared: the score, those of classes, and the stated columns that the test data hold too."""
    numbers = {"s": (parameters.score, SCORE)} if parameters.score else {}
    for place, (name, column) in enumerate(sorted(parameters.scores.items())):
        numbers[f"s{place}"] = (column, score_column(name))
    stated = tuple(name for name in parameters.stated if name in test_columns)
    return Form(keys=parameters.key, stated=stated, numbers=numbers, prediction=parameters.prediction)


def submitted_rows(engine: Engine, form: Form) -> Iterator[pa.RecordBatch]:
    """The submitted predictions in the common form."""
    numbers = [column for column, _ in form.numbers.values()]
    names = dict.fromkeys([*form.keys, *form.stated, *numbers, form.prediction])
    for batch in engine.batches(engine.table.select(*names)):
        yield _common(form, SUBMITTED, batch, batch.column, dict(zip(form.numbers, numbers, strict=True)))


def scored_rows(
    engine: Engine,
    form: Form,
    inputs: tuple[str, ...],
    score: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
) -> Iterator[pa.RecordBatch]:
    """The test data as the model scores them, in the common form; the rows stay in the order in which they are read."""
    waiting: list[pa.RecordBatch] = []

    def asked() -> Iterator[pa.RecordBatch]:
        for batch in engine.batches(engine.table.select(*dict.fromkeys([*form.keys, *form.stated, *inputs]))):
            waiting.append(batch)
            yield batch.select(list(inputs))

    numbers = {name: column for name, (_, column) in form.numbers.items()}
    rows = _Rows(waiting)
    for answer in score(asked()):
        beside = rows.take(answer.num_rows)
        merged = {name: answer.column(name) for name in answer.schema.names}
        yield _common(form, OURS, beside, lambda name, answer=merged: answer[name], numbers, decision=DECISION)


class _Rows:
    """Rows that were sent to the model and wait for its answer, which may come in other batches."""

    def __init__(self, waiting: list[pa.RecordBatch]) -> None:
        self._waiting = waiting

    def take(self, rows: int) -> pa.RecordBatch:
        import pyarrow as pa

        taken = []
        while rows:
            first = self._waiting.pop(0)
            taken.append(first.slice(0, rows))
            if first.num_rows > rows:
                self._waiting.insert(0, first.slice(rows))
            rows -= taken[-1].num_rows
        return pa.Table.from_batches(taken).combine_chunks().to_batches()[0] if len(taken) != 1 else taken[0]


def _common(
    form: Form, side: int, beside: pa.RecordBatch, answer: Any, numbers: Mapping[str, str], *, decision: str = ""
) -> pa.RecordBatch:
    import pyarrow as pa

    rows = beside.num_rows
    arrays = [pa.array([side] * rows, pa.int8())]
    arrays += [as_text(beside.column(name)) for name in form.keys]
    arrays += [_number(answer(column)) for column in numbers.values()]
    arrays.append(as_text(answer(decision or form.prediction)))
    arrays += [as_text(beside.column(name)) for name in form.stated]
    return pa.RecordBatch.from_arrays(arrays, names=form.columns())


def _number(column: Any) -> Any:
    """64-bit numbers; what is no number is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)):
        column = pc.cast(column, pa.string())
    values = pc.cast(column, pa.float64())
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def as_text(column: Any) -> Any:
    """One way of writing for values that mean the same: ``1``, ``1.0`` and true are ``1``; ``True`` is ``1`` as well.

    A column of texts that all are numbers is a column of numbers.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _plain_text(pc.cast(column, pa.string()))
    if pa.types.is_integer(column.type):
        return pc.cast(column, pa.string())
    if pa.types.is_floating(column.type):
        values = pc.cast(column, pa.float64())
        return pc.cast(pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values), pa.string())
    return pc.cast(column, pa.string())


def _plain_text(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    lowered = pc.utf8_lower(column)
    for word, digit in (("true", "1"), ("false", "0")):
        column = pc.if_else(pc.equal(lowered, word), digit, column)
    # "1.0" and "2.50" are written as numbers are; "007" is not, since a key may begin with zeros.
    written = pc.match_substring_regex(column, r"^-?(0|[1-9][0-9]{0,14})\.[0-9]+$")
    numbers = pc.cast(pc.cast(pc.if_else(written, column, None), pa.float64()), pa.string())
    return pc.if_else(pc.fill_null(written, fill_value=False), numbers, column)


def write_rows(path: Path, batches: Iterator[pa.RecordBatch], told: Callable[[int], None]) -> int:
    """Write rows of the common form as a Parquet file. Returns how many there are.

    Parameters
    ----------
    told
        Called with the number of rows so far after every batch; what it raises ends the writing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for batch in batches:
            if writer is None:
                writer = pq.ParquetWriter(path, batch.schema)
            writer.write_table(pa.Table.from_batches([batch]))
            rows += batch.num_rows
            told(rows)
    finally:
        if writer is not None:
            writer.close()
    return rows

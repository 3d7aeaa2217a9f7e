"""Reads columns from an engine in one pass, batch by batch, and tallies their distinct values. Memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.measures.personal_data.catalogue import LATITUDE, LONGITUDE, find_all
from audits.measures.personal_data.cleaning import cleaned
from audits.measures.personal_data.column_names import is_latitude, is_longitude, named_entities
from audits.measures.personal_data.detector import Hits
from audits.measures.personal_data.free_text import Analyse, is_running_text
from audits.measures.personal_data.people import FIRST_YEAR, LAST_YEAR, find_dates
from audits.measures.personal_data.tally import ColumnTally
from audits.measures.personal_data.texts import Ints, Texts, pieces

if TYPE_CHECKING:
    from audits.engines.port import Engine

Step: TypeAlias = Callable[[int, int], None]
Floats: TypeAlias = npt.NDArray[np.float64]

_COLUMNS_AT_ONCE = 4
_ENTRIES = 1 << 16
_HELD_BYTES = 1 << 24
_PIECE_BYTES = 1 << 20
_EXACT_INTEGER = float(1 << 53)
_LEAST_NUMBER = 100_000.0
_THREADS = 2


@dataclass
class _Column:
    """A column being read: its tally, and distinct values that wait to be looked at, with their rows."""

    tally: ColumnTally
    named: frozenset[str]
    analyse: Analyse | None = None
    waiting: list[tuple[pa.Array, pa.Array]] = field(default_factory=list)
    entries: int = 0
    held: int = 0

    def take(self, values: pa.Array) -> None:
        """Take in a batch."""
        if self.tally.unread:
            return
        plain = _plain(values)
        if plain is None:
            self.tally.unread = True
            return
        counted = plain.drop_null().value_counts()
        self._wait(counted.field("values"), counted.field("counts"))
        if self.entries > _ENTRIES or self.held > _HELD_BYTES:
            if len(self.waiting) > 1:
                self._merge()
            if self.entries > _ENTRIES // 2 or self.held > _HELD_BYTES // 2:
                self.look()

    def look(self) -> None:
        """Look at all values that wait."""
        if len(self.waiting) > 1:
            self._merge()
        for values, rows in self.waiting:
            self._look_at(values, np.asarray(rows, dtype=np.int64))
        self.waiting, self.entries, self.held = [], 0, 0

    def _look_at(self, values: pa.Array, rows: Ints) -> None:
        if self.tally.kind in {"date", "time"}:
            years = np.asarray(values, dtype=np.int64)
            dated = (years >= FIRST_YEAR) & (years <= LAST_YEAR)
            self.tally.add_years(years[dated], rows[dated])
            self.tally.count("birth_date", int(rows[dated].sum()), int(rows.sum()))
        elif pa.types.is_floating(values.type):
            self._look_at_floats(np.asarray(values, dtype=np.float64), rows)
        elif pa.types.is_boolean(values.type):
            self.tally.values += int(rows.sum())
        else:
            self._look_at_texts(values.cast(pa.string()), rows)

    def _look_at_floats(self, values: Floats, rows: Ints) -> None:
        known = ~np.isnan(values)
        values, rows = values[known], rows[known]
        with np.errstate(invalid="ignore"):
            whole = (np.abs(values) < _EXACT_INTEGER) & (values >= _LEAST_NUMBER) & (np.floor(values) == values)
        for detector, limit, ours in (
            (LATITUDE, 90.0, is_latitude(self.tally.name)),
            (LONGITUDE, 180.0, is_longitude(self.tally.name)),
        ):
            if ours and "geo_coordinate" in self.named:
                self.tally.count(detector.key, int(rows[np.abs(values) <= limit].sum()), 0)
        self.tally.values += int(rows[~whole].sum())
        if whole.any():
            self._look_at_texts(pa.array(values[whole].astype(np.int64)).cast(pa.string()), rows[whole])

    def _look_at_texts(self, values: pa.Array, rows: Ints) -> None:
        done = 0
        for piece in pieces(values, _PIECE_BYTES):
            count = rows[done : done + len(piece)]
            done += len(piece)
            texts = cleaned(piece, count)
            dates, years = find_dates(texts)
            self.tally.add_years(years, texts.rows[dates.found.parents])
            self.tally.add(texts, self._found(texts, dates))

    def _found(self, texts: Texts, dates: Hits) -> Iterator[Hits]:
        """What the detectors find; what is running text and no hit as a whole goes to the analyser too."""
        left = is_running_text(texts)
        for hits in (*find_all(texts, self.named), dates):
            left[hits.found.parents[hits.found.whole & hits.counted]] = False
            yield hits
        if self.analyse is not None and left.any():
            yield from self.analyse(texts, left)

    def _wait(self, values: pa.Array, rows: pa.Array) -> None:
        self.waiting.append((values, rows))
        self.entries += len(values)
        self.held += values.nbytes

    def _merge(self) -> None:
        values = pa.chunked_array([part for part, _ in self.waiting])
        rows = pa.chunked_array([part for _, part in self.waiting])
        merged = (
            pa.table({"value": values, "rows": rows}).group_by("value").aggregate([("rows", "sum")]).combine_chunks()
        )
        self.waiting, self.entries, self.held = [], 0, 0
        if len(merged):
            self._wait(pa.concat_arrays(merged["value"].chunks), pa.concat_arrays(merged["rows_sum"].chunks))


def scan(engine: Engine, columns: Sequence[str], step: Step, *, analyse: Analyse | None = None) -> list[ColumnTally]:
    """Tally columns of an engine's table, every row of it.

    Rows come in batches; the distinct values of each batch are counted, merged while they are few, and looked at as
    soon as they are many. No more than some hundred thousand values of a column are in memory at any time, and no value
    is kept: only counts, digests and masked examples.

    Parameters
    ----------
    columns
        Which columns.
    step
        Called with the rows read of each group of columns, and how many columns these are.
    analyse
        What reads running text, if asked for.
    """
    tallies: list[ColumnTally] = []
    for first in range(0, len(columns), _COLUMNS_AT_ONCE):
        some = list(columns[first : first + _COLUMNS_AT_ONCE])
        batches = engine.batches(engine.table.select(*some))
        kinds = {name: engine.columns[name] for name in some}
        tallies += scan_batches(batches, kinds, step, analyse=analyse)
    return tallies


def scan_batches(
    batches: Iterable[pa.RecordBatch], kinds: dict[str, str], step: Step, *, analyse: Analyse | None = None
) -> list[ColumnTally]:
    """Tally the columns named in ``kinds`` over Arrow batches."""
    reading = [
        _Column(ColumnTally(name=name, kind=kind), named_entities(name), analyse) for name, kind in kinds.items()
    ]
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="personal-data") as pool:
        for batch in batches:
            list(pool.map(lambda column, of=batch: column.take(of.column(column.tally.name)), reading))
            step(batch.num_rows, len(reading))
        list(pool.map(_Column.look, reading))
    return [column.tally for column in reading]


def _plain(values: pa.Array) -> pa.Array | None:
    """The values in a type that can be counted: text, number, day, truth; ``None`` where they are nothing to read."""
    types = pa.types
    values = values.dictionary_decode() if types.is_dictionary(values.type) else values
    kind = values.type
    if types.is_timestamp(kind):
        return pc.year(values.cast(pa.timestamp(kind.unit)))
    if types.is_date(kind):
        return pc.year(values)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return _read_bytes(values)
    if any(is_it(kind) for is_it in (types.is_large_string, types.is_string_view, types.is_decimal, types.is_null)):
        return values.cast(pa.string())
    known = (types.is_string, types.is_integer, types.is_floating, types.is_boolean)
    return values if any(is_it(kind) for is_it in known) else None


def _read_bytes(values: pa.Array) -> pa.Array | None:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return None

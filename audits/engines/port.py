"""The port that every measure is written in: grouped counts and sums, histograms, keyed sample. Pure of Django.

An engine holds one table, wherever it lies. Measures say what they want in Ibis expressions over column names; the
engine compiles them to its own SQL and gives back small Arrow tables. Only those leave the place where the data are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    Value: TypeAlias = "str | ibis.Value | ibis.Deferred"
    """A column's name, or an Ibis expression over the columns (``ibis._.score > 0.5``)."""

ROWS = "n"
"""The column of row counts in every grouped result."""

MISSING_BIN = -1
"""The bin of values that are missing or not a number."""

Progress: TypeAlias = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an engine read, as it stands under ``inputs`` in evidence: a name, and the SHA-256 of its content."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """A grouped result: one row per group, with its counts and sums.

    Attributes
    ----------
    table
        Columns as asked for; without groups it has exactly one row.
    suppressed
        Groups that were held back because they have fewer rows than the disclosure threshold. What rests on a result
        with suppressed groups is not known, and must say so.
    """

    table: pa.Table
    suppressed: int = 0

    def columns(self) -> dict[str, list[Any]]:
        """The result as plain Python lists by column."""
        result: dict[str, list[Any]] = self.table.to_pydict()
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Rows by bin of one column: ``len(edges) + 1`` counts, those that are missing, and how many bins were held back."""

    missing: int
    counts: tuple[int, ...]
    suppressed: int = 0


class Engine(ABC):
    """One table behind three operations. Use as a context manager: leaving it closes what it opened.

    Attributes
    ----------
    name
        What computes, with its version, for evidence: ``duckdb 1.5.6``.
    origins
        What it read.
    table
        The unbound Ibis table of the data, for expressions that nest one grouping in another.
    disclosure
        Groups of fewer rows than this never leave the engine; 0 suppresses nothing.
    """

    name: str
    table: ibis.Table
    disclosure: int = 0

    @property
    @abstractmethod
    def origins(self) -> tuple[Origin, ...]:
        """What was read, with its digests; may wait for a digest that is being computed beside the counting."""

    @abstractmethod
    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an Ibis table expression over :attr:`table` and give its rows, in bounded batches.

        This is the one way to the data; the three operations are built on it. Whoever calls it directly decides what
        leaves the place where the data are.
        """

    def as_written(self, columns: Sequence[str]) -> ibis.Table:
        """The table with those columns as they are written, where a type was read into a text: group names stay names."""
        return self.table

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and temporary files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def columns(self) -> dict[str, str]:
        """Column to its kind: ``number``, ``integer``, ``boolean``, ``text``, ``date``, ``time`` or ``other``."""
        return {name: _kind(dtype) for name, dtype in self.table.schema().items()}

    def require(self, *names: str, field: str) -> None:
        """Raise :class:`InvalidInput` naming the first column that the table lacks, with those it has."""
        for name in names:
            if name not in self.columns:
                there = ", ".join(map(repr, list(self.columns)[:50]))
                raise InvalidInput(f"there is no column {name!r}; there are {there}", field=field)

    def read(self, expression: ibis.Table) -> pa.Table:
        """All rows of a small result."""
        import pyarrow as pa

        batches = list(self.batches(expression))
        return pa.Table.from_batches(batches) if batches else pa.table({name: [] for name in expression.columns})

    def rows(self) -> int:
        """Rows of the table."""
        return int(self.grouped().columns()[ROWS][0])

    def grouped(
        self,
        by: Mapping[str, Value] | Sequence[str] = (),
        measures: Mapping[str, Value] | None = None,
        *,
        of: ibis.Table | None = None,
        where: Value | None = None,
    ) -> Grouped:
        """Count rows, and sum, by group: the first operation.

        Parameters
        ----------
        by
            Names of the result to columns or expressions to group by; a missing value is a group of its own.
        measures
            Names of the result to reductions (``ibis._.loss.sum()``); the row count ``n`` is always there.
        of
            A table made from :attr:`table` to group in its stead, such as an earlier grouping.
        where
            Rows to keep.
        """
        import ibis

        source = self.table if of is None else of
        if where is not None:
            source = source.filter(where)
        named = dict(by) if isinstance(by, Mapping) else {name: name for name in by}
        wanted = {**(measures or {}), ROWS: ibis._.count()}
        keys = [bound(source, value).name(name) for name, value in named.items()]
        reductions = {name: bound(source, value) for name, value in wanted.items()}
        result = source.group_by(keys).aggregate(**reductions) if keys else source.aggregate(**reductions)
        if not self.disclosure or not keys:
            return Grouped(table=self.read(result))
        small = self.read(result.filter(ibis._[ROWS] < self.disclosure).aggregate(groups=ibis._.count()))
        kept = self.read(result.filter(ibis._[ROWS] >= self.disclosure))
        return Grouped(table=kept, suppressed=int(small["groups"][0].as_py()))

    def histogram(
        self, value: Value, edges: Sequence[float], *, by: Mapping[str, Value] | Sequence[str] = ()
    ) -> Grouped:
        """Count rows by bin of a number, within groups: the second operation.

        Returns
        -------
        Grouped
            The columns of ``by``, ``bin`` and ``n``. Bin ``i`` holds the values with ``edges[i − 1] <= value < edges[i]``:
            bin 0 lies below the first edge, bin ``len(edges)`` at and above the last, bin −1 holds what is missing.
        """
        named: dict[str, Value] = dict(by) if isinstance(by, Mapping) else {name: name for name in by}
        return self.grouped({**named, "bin": binned(bound(self.table, value), edges)})

    def histograms(self, columns: Mapping[str, tuple[Value, Sequence[float]]]) -> dict[str, Histogram]:
        """The second operation for many columns at once, which an engine may do faster; the counts are the same.

        Parameters
        ----------
        columns
            Names of the result to a finite number (missing where it is none) and ascending edges; bins as in
            :meth:`histogram`.
        """
        found = {}
        for name, (value, edges) in columns.items():
            grouped = self.histogram(value, edges)
            counts = [0] * (len(edges) + 2)
            for place, rows in zip(*(grouped.columns()[column] for column in ("bin", ROWS)), strict=True):
                counts[place + 1] = rows
            found[name] = Histogram(missing=counts[0], counts=tuple(counts[1:]), suppressed=grouped.suppressed)
        return found

    def keyed_sample(
        self, rows: int, *, key: Sequence[str], columns: Sequence[str] | None = None, seed: int = 0
    ) -> pa.Table:
        """The ``rows`` rows whose keys have the smallest digests: the third operation.

        The digest is MD5 over ``seed`` and the text of the key columns, so every engine and every run draws the same
        rows. Keys should be integers or texts and identify a row; of floating-point keys the text may differ per engine.
        """
        import ibis

        self.require(*key, field="key")
        parts = [ibis.literal(str(seed)), *(self.table[name].cast("string").fill_null("") for name in key)]
        digest = ibis.literal("\x1f").join(parts).hexdigest("md5")
        chosen = self.table.mutate(_digest=digest).order_by(["_digest", *key]).limit(rows)
        return self.read(chosen.select(*(columns or list(self.columns))))


def bound(table: ibis.Table, value: Value) -> ibis.Value:
    """The value as an expression on ``table``: a column's name or a deferred expression resolved."""
    if isinstance(value, str):
        return table[value]
    resolve = getattr(value, "resolve", None)
    return resolve(table) if resolve is not None else value


def exactly(number: float) -> ibis.Value:
    """The literal of a floating-point number, to the last bit on every engine.

    Written plainly it is a decimal first, and DuckDB's way from there to the double is off by one bit for one number in
    twenty; as a text it is read as Python reads it.
    """
    import ibis

    return ibis.literal(repr(float(number))).cast("float64")


def binned(value: ibis.Value, edges: Sequence[float]) -> ibis.Value:
    """The bin of a number among ascending edges, as a balanced tree of comparisons: the same on every engine.

    Raises
    ------
    InvalidInput
        If the edges do not ascend.
    """
    import ibis

    if any(not later > earlier for earlier, later in pairwise(edges)):
        raise InvalidInput("the edges of a histogram must ascend", field="edges")

    def place(low: int, high: int) -> ibis.Value:
        if low == high:
            return ibis.literal(low, type="int32")
        middle = (low + high) // 2
        return ibis.ifelse(value < exactly(edges[middle]), place(low, middle), place(middle + 1, high))

    absent = value.isnull() | value.isnan() if value.type().is_floating() else value.isnull()
    return ibis.ifelse(absent, ibis.literal(MISSING_BIN, type="int32"), place(0, len(edges)))


def _kind(dtype: Any) -> str:
    if dtype.is_boolean():
        return "boolean"
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype.is_string():
        return "text"
    if dtype.is_date():
        return "date"
    return "time" if dtype.is_timestamp() else "other"

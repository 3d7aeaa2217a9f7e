"""The port that every measure is written in: grouped counts and sums, histograms, keyed sample. Pure of Django.

An engine holds one table, wherever it lies. Measures say what they want in Ibis expressions over column names; the
engine compiles them to its own SQL and gives back small Arrow tables. Only those leave the place where the data are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from audits.engines.expressions import MISSING_BIN, Value, binned, bound, exactly, md5_hex, told
from registry.errors import CountersignError, InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.watching import Watch

__all__ = [
    "MISSING_BIN",
    "ROWS",
    "Engine",
    "Grouped",
    "Histogram",
    "Interrupted",
    "Origin",
    "Progress",
    "Value",
    "binned",
    "bound",
    "exactly",
]

ROWS = "n"
"""The column of row counts in every grouped result."""

_KEYS = frozenset({"integer", "text", "boolean", "date"})

Progress: TypeAlias = Callable[[float, str], None]


class Interrupted(CountersignError):
    """What an engine was running has been stopped from outside."""

    code = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an engine read, as it stands under ``inputs`` in evidence.

    Attributes
    ----------
    path
        The file's name, or the address of the table.
    sha256
        SHA-256 of the file's bytes; of a table elsewhere, its fingerprint: see :mod:`audits.engines.fingerprint`.
    """

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
    watch
        Who looks on while it counts: see :func:`audits.engines.watching.watched`.
    """

    name: str
    table: ibis.Table
    disclosure: int = 0
    watch: Watch | None = None

    @property
    @abstractmethod
    def origins(self) -> tuple[Origin, ...]:
        """What was read, with its digests; may wait for a digest that is being computed beside the counting."""

    @abstractmethod
    def batches(self, expression: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Run an Ibis table expression over :attr:`table` and give its rows, in bounded batches.

        This is the one way to the data; the three operations are built on it. Whoever calls it directly decides what
        leaves the place where the data are. The batches have the types of ``expression.schema()`` on every engine.

        Raises
        ------
        PredictionsError
            If the data cannot be read.
        Interrupted
            If :meth:`interrupt` was called meanwhile.
        """

    @abstractmethod
    def interrupt(self) -> None:
        """Stop what runs now, from any thread."""

    def progress(self) -> float | None:
        """How much of what runs now is done, in [0, 1]; None where it cannot be told. From any thread."""
        return None

    def expected_rows(self) -> int | None:
        """Rows of the table, where they are known without counting; for showing progress only."""
        return None

    def observed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches, while :attr:`watch` looks on."""
        return batches if self.watch is None else self.watch.over(self, batches)

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

        return pa.Table.from_batches(list(self.batches(expression)), schema=expression.schema().to_pyarrow())

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

        The digest is MD5 over ``seed`` and the key columns as UTF-8 text, so every engine and every run draws the same
        rows, whatever their order. A missing value is a key like any other. Rows come in the order of their digests.

        Raises
        ------
        InvalidInput
            If a key column is not there, or holds neither whole numbers, texts, booleans nor dates: other values are written
            differently by different engines.
        """
        import ibis

        self.require(*key, *(columns or ()), field="key")
        for name in key:
            if (kind := self.columns[name]) not in _KEYS:
                message = f"column {name!r} holds {kind}; a key is made of whole numbers, texts, booleans or dates"
                raise InvalidInput(message, field="key")
        # Each part says whether there is a value, so that a missing one is not the empty text.
        parts = [ibis.literal(str(seed)), *(told(self.table[name]) for name in key)]
        drawn = self.table.select(
            **{f"c{i}": self.table[name] for i, name in enumerate(columns or self.columns)},
            digest=md5_hex(ibis.literal("\x1f").join(parts)),
        )
        # Rows of one key are told apart by what they hold, as far as every engine can put it in order.
        ties = [name for name in drawn.columns[:-1] if _kind(drawn[name].type()) != "other"]
        chosen = drawn.order_by(["digest", *ties]).limit(rows).drop("digest")
        return self.read(chosen).rename_columns(list(columns or self.columns))


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

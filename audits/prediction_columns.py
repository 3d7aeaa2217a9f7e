"""Columns of predictions, gathered batch by batch into codes or numbers; each knows the place of what is wrong in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.group_names import UNKNOWN
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Batch, Source, line_of

if TYPE_CHECKING:
    import pyarrow as pa

_MISSING_NUMBERS = {"", "na", "n/a", "nan", "null", "none", "<na>"}
# "NA" and "None" may well be the name of a group; only what cannot be one counts as missing.
_MISSING_GROUPS = {"", "nan", "null", "<na>"}
_TRUTH = {"true": 1, "false": 0}
_MOST_LISTED = 8
_MOST_CLASSES = 1000
_BINARY = 2


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(repr(shorten(value, 40, placeholder="…")) for value in values[:_MOST_LISTED])
    return shown + (f" and {len(values) - _MOST_LISTED} more" if len(values) > _MOST_LISTED else "")


class _Located:
    """Where each row of a column came from."""

    def __init__(self, name: str, *, placed: bool = True) -> None:
        self.name = name
        self.placed = placed
        self._starts: list[tuple[int, Source, int]] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def _note(self, count: int, file: Source, first_row: int) -> None:
        if not self._starts or self._starts[-1][1] is not file:
            self._starts.append((self._rows, file, first_row))
        self._rows += count

    def error(self, message: str, row: int | None = None) -> PredictionsError:
        """The error about 0-based ``row`` of the column (or about all of it, or where rows have no place)."""
        if row is None or not self._starts or not self.placed:
            file = self._starts[0][1].name if self._starts else None
            return PredictionsError(f"{file}: column {self.name!r} {message}", file=file, column=self.name)
        start, source, first = self._starts[bisect_right(self._starts, row, key=lambda entry: entry[0]) - 1]
        number = row - start + first + 1
        line = line_of(source, number)
        place = f"row {number}" + (f" (line {line})" if line else "")
        text = f"{source.name}: column {self.name!r}, {place}: {message}"
        return PredictionsError(text, file=source.name, column=self.name, row=number, line=line)


class Levels(_Located):
    """A column of few distinct values, as codes into their names in order of appearance."""

    def __init__(self, name: str, *, limit: int | None, placed: bool = True) -> None:
        super().__init__(name, placed=placed)
        self.limit = limit
        self.names: list[str] = []
        self._index: dict[str, int] = {}
        self._chunks: list[npt.NDArray[np.int32]] = []
        self._declared: set[str] = set()

    def add(self, array: pa.Array, batch: Batch) -> None:
        """Take the next batch of rows."""
        import pyarrow as pa

        self._note(len(array), batch.file, batch.first_row)
        try:
            encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            values = encoded.dictionary.to_pylist() if len(encoded.dictionary) <= _MOST_CLASSES else None
        except pa.ArrowNotImplementedError as error:
            raise self.error(f"has type {array.type}, which does not name groups or classes") from error
        except UnicodeDecodeError as error:
            raise self.error("holds text that is not UTF-8") from error
        if values is None:
            raise self._too_many(len(encoded.dictionary), array, len(self) - len(array))
        names = [text_of(value) for value in values]
        if self.name in batch.declared:
            self._declared.update(name for name in names if name is not None)
        codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        used = np.bincount(codes, minlength=len(names) + 1) > 0
        table = np.array(
            [self._code(n) if u else -1 for n, u in zip([*names, None], used, strict=True)], dtype=np.int32
        )
        self._chunks.append(table[codes])
        if len(self.names) > (_MOST_CLASSES if self.limit is None else self.limit):
            raise self._too_many(len(self.names), array, len(self) - len(array))

    def _code(self, name: str | None) -> int:
        if name is None:
            return -1
        if name not in self._index:
            self._index[name] = len(self.names)
            self.names.append(name)
        return self._index[name]

    def _too_many(self, count: int, array: pa.Array, start: int) -> PredictionsError:
        """The error about more distinct values than allowed, at the row of this batch that goes past the limit."""
        limit = _BINARY if self.limit is None else self.limit
        seen: set[str | None] = set() if len(self.names) > limit else set(self.names)
        row = start
        for row, value in enumerate(array.to_pylist(), start):  # noqa: B007 - the row is wanted after the loop
            seen.add(text_of(value))
            if len(seen) > limit:
                break
        if not self.placed:
            return self.error(f"holds more than {limit} distinct values (at least {count})")
        if self.limit is None:
            hint = "a label or prediction must be binary; a probability belongs in the score column"
            return self.error(
                f"this row goes past two distinct values (the column holds at least {count}); {hint}", row
            )
        hint = "bin it (ages into bands, places into regions) or raise max_groups"
        return self.error(
            f"this row goes past {limit} distinct values (the column holds at least {count}); {hint}", row
        )

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """(n,) codes; −1 where the value is missing."""
        return np.concatenate(self._chunks) if self._chunks else np.empty(0, dtype=np.int32)

    @property
    def missing_rows(self) -> int:
        """Rows whose group is missing."""
        return int(self.missing().sum())

    def missing(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the group of a row is missing."""
        unnamed = [index for index, name in enumerate(self.names) if name.strip().lower() in _MISSING_GROUPS]
        return np.isin(self.codes, [-1, *unnamed])

    def declare(self, names: Iterable[str]) -> None:
        """Note groups that the file's author listed, and that must therefore have rows."""
        self._declared.update(names)

    def first_row(self, code: int) -> int:
        """0-based row where ``code`` first stands."""
        return int(np.argmax(self.codes == code))

    def refuse_empty_groups(self) -> None:
        """Raise where no row has a group, or where a declared category has no row."""
        if self.missing_rows == len(self):
            raise self.error("names no group in any row")
        if empty := sorted(self._declared - set(self.names)):
            raise self.error(
                f"declares groups that no row has: {_listed(empty)}; supply their rows or drop the category"
            )

    def as_groups(self) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
        """``(codes, names)`` with the names sorted and missing values in the group ``unknown``."""
        final = [UNKNOWN if name.strip().lower() in _MISSING_GROUPS else name for name in self.names]
        codes = self.codes
        present = set(final) | ({UNKNOWN} if (codes < 0).any() else set())
        names = tuple(sorted(present))
        place = {name: index for index, name in enumerate(names)}
        table = np.array([*(place[name] for name in final), place.get(UNKNOWN, -1)], dtype=np.int32)
        return table[codes], names

    def refuse_blanks(self) -> None:
        """Raise at the first row without a value."""
        blank = np.isin(self.codes, [-1, *(index for index, name in enumerate(self.names) if _is_blank(name))])
        if blank.any():
            raise self.error("is empty; every row needs a value", int(np.argmax(blank)))

    def as_binary(self, classes: Mapping[str, int], *, named: bool) -> npt.NDArray[np.int8]:
        """(n,) zeros and ones by ``classes`` (canonical text to 0 or 1); raises at the first missing or foreign value."""
        self.refuse_blanks()
        foreign = [index for index, name in enumerate(self.names) if class_text(name) not in classes]
        if foreign:
            code = min(foreign, key=self.first_row)
            wanted = "one of " + _listed(sorted(classes)) if named else "0 or 1"
            hint = "" if named else "; name the positive class (positive), or give a probability as the score"
            found = f"; in all it holds {_listed(self.names)}" if len(self.names) > 1 else ""
            row = self.first_row(code)
            raise self.error(f"holds {_listed([self.names[code]])} where {wanted} is expected{hint}{found}", row)
        table = np.array([classes[class_text(name)] for name in self.names], dtype=np.int8)
        return table[self.codes]


def binary_classes(labels: Levels, positive: str | None) -> dict[str, int]:
    """Which canonical text stands for which class: 0 and 1 (or false and true), or by the named positive class.

    Raises
    ------
    PredictionsError
        If ``positive`` is named and the labels never hold it, or hold more than one value beside it.
    """
    if positive is None:
        return {"0.0": 0, "1.0": 1}
    present = sorted({class_text(name) for name in labels.names})
    chosen = class_text(positive)
    if chosen not in present:
        raise labels.error(f"never holds the positive class {positive!r}; it holds {_listed(labels.names)}")
    if len(present) > _BINARY:
        raise labels.error(
            f"holds {len(present)} classes ({_listed(labels.names)}); only binary labels can be measured"
        )
    return {name: int(name == chosen) for name in present}


class Numbers(_Located):
    """A column of numbers."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._chunks: list[npt.NDArray[np.float64]] = []

    def add(self, array: pa.Array, batch: Batch) -> None:
        """Take the next batch of rows; raises at the first that is not a number."""
        import pyarrow as pa

        start = len(self)
        self._note(len(array), batch.file, batch.first_row)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        try:
            numbers = array.cast(pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            numbers = pa.array([self._parse(value, start + row) for row, value in enumerate(array.to_pylist())])
        self._chunks.append(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False))

    def _parse(self, value: Any, row: int) -> float | None:
        try:
            return None if str(value).strip().lower() in _MISSING_NUMBERS else float(value)
        except (TypeError, ValueError) as error:
            raise self.error(f"holds {_listed([str(value)])}, which is not a number", row) from error

    def within(self, low: float, high: float, what: str) -> npt.NDArray[np.float64]:
        """(n,) the numbers; raises at the first that is missing or outside ``[low, high]``."""
        numbers = np.concatenate(self._chunks)
        wrong = ~((numbers >= low) & (numbers <= high))
        if wrong.any():
            row = int(np.argmax(wrong))
            value = float(numbers[row])
            held = "is empty" if isnan(value) else f"holds {value!r}"
            raise self.error(f"{held}; it must be {what}", row)
        return numbers


def text_of(value: Any) -> str | None:
    """The text of a value that names a group or a class; ``None`` where it is missing."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _is_blank(name: str) -> bool:
    return name.strip().lower() in _MISSING_NUMBERS


def class_text(text: str) -> str:
    """One text per value: numbers by their value ("1", "1.0" and "true" are one), all else as it stands."""
    bare = text.strip()
    try:
        return repr(float(_TRUTH.get(bare.lower(), bare)))
    except ValueError:
        return bare

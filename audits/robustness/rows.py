"""The rows that are perturbed: numbers, texts and what else a model reads, by column, and back to what it is asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Values: TypeAlias = "npt.NDArray[Any]"
Changes: TypeAlias = Mapping[str, Values]
"""Column to its new values, for those columns that change."""

NUMBER, TEXT, OTHER = "number", "text", "other"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Rows:
    """Rows as they are in the data.

    Attributes
    ----------
    columns
        Numbers as float64 with NaN where they are missing; texts as objects with ``None``; the rest likewise.
    kinds
        Column to ``number``, ``text`` or ``other`` (truths, dates).
    whole
        Columns of whole numbers: what is done to them is rounded, for the data can hold nothing else.
    """

    columns: Mapping[str, Values]
    kinds: Mapping[str, str]
    whole: frozenset[str]
    types: Mapping[str, Any]

    @classmethod
    def of(cls, table: pa.Table, names: Iterable[str]) -> Self:
        """The columns of a table."""
        import pyarrow as pa

        columns: dict[str, Values] = {}
        kinds, types = {}, {}
        whole = set()
        for name in names:
            column = table[name].combine_chunks()
            kind = types[name] = column.type
            if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
                kinds[name] = NUMBER
                columns[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
                if pa.types.is_integer(kind):
                    whole.add(name)
                continue
            kinds[name] = TEXT if pa.types.is_string(kind) or pa.types.is_large_string(kind) else OTHER
            values = np.empty(len(column), dtype=object)
            values[:] = column.to_pylist()
            columns[name] = values
        return cls(columns=columns, kinds=kinds, whole=frozenset(whole), types=types)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def of_kind(self, kind: str) -> list[str]:
        """The columns of one kind."""
        return [name for name, its in self.kinds.items() if its == kind]

    def batch(self, changes: Changes | None = None, places: npt.NDArray[np.intp] | None = None) -> pa.RecordBatch:
        """What a model is asked: the rows with some columns changed, or only those at ``places``."""
        import pyarrow as pa

        arrays = []
        for name, values in self.columns.items():
            new = values if changes is None else changes.get(name, values)
            arrays.append(self._array(name, new if places is None else new[places]))
        return pa.RecordBatch.from_arrays(arrays, names=list(self.columns))

    def _array(self, name: str, values: Values) -> pa.Array:
        import pyarrow as pa

        if self.kinds[name] != NUMBER:
            return pa.array(values.tolist(), type=self.types[name])
        missing = np.isnan(values)
        if name in self.whole and (np.abs(values[~missing]) < _LARGEST).all():
            return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
        return pa.array(values, mask=missing)


_LARGEST = 2.0**53

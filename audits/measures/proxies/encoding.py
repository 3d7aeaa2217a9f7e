"""Columns of a sample as numbers for a model: numbers as they are, texts as codes of their commonest values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.measures.group_sums import group_name

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_LEVELS = 60
_BINS = 32

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Feature:
    """One feature of n rows.

    Attributes
    ----------
    name
        Of the column.
    values
        (n,) numbers, NaN where missing; codes of levels where it is categorical.
    categorical
        Whether the numbers are codes.
    """

    name: str
    values: Floats
    categorical: bool

    def bins(self) -> Codes:
        """(n,) at most about 32 bins of equal mass, or the codes; what is missing has its own."""
        missing = np.isnan(self.values)
        if self.categorical:
            return np.where(missing, -1, self.values).astype(np.int64) + 1
        if missing.all():
            return np.zeros(len(missing), dtype=np.int64)
        edges = np.unique(np.quantile(self.values[~missing], np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
        return np.where(missing, 0, 1 + np.searchsorted(edges, self.values, side="right")).astype(np.int64)


def feature_of(table: pa.Table, name: str) -> Feature:
    """The column of a sample as a feature."""
    import pyarrow as pa

    column = table[name].combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_temporal(kind):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        kind = column.type
    if (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        if pa.types.is_boolean(kind):
            column = column.cast(pa.int8())
        values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
        return Feature(name=name, values=np.where(np.isfinite(values), values, np.nan), categorical=False)
    return Feature(name=name, values=_coded(column.to_pylist()), categorical=True)


def _coded(values: list[Any]) -> Floats:
    """Codes of the sixty commonest values, one more for all others; NaN where missing."""
    texts = [None if value is None else str(value) for value in values]
    counts: dict[str, int] = {}
    for text in texts:
        if text is not None:
            counts[text] = counts.get(text, 0) + 1
    common = sorted(counts, key=lambda text: (-counts[text], text))[:_MOST_LEVELS]
    place = {text: float(index) for index, text in enumerate(common)}
    return np.array([np.nan if text is None else place.get(text, float(_MOST_LEVELS)) for text in texts])


def groups_of(table: pa.Table, name: str) -> tuple[Codes, tuple[str, ...]]:
    """(n,) group codes of a sensitive column and the sorted names; a missing value is the group ``unknown``."""
    named = [group_name(value) for value in table[name].to_pylist()]
    names = sorted(set(named))
    place = {text: index for index, text in enumerate(names)}
    return np.array([place[text] for text in named], dtype=np.int64), tuple(names)

"""The values that each feature was seen with: what sliders run over, and what is called low or high. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from audits.explain.asking import Column, Columns
from audits.series import Series

_MOST_VALUES = 50
_FEW = 12
FEATURE_RANGES = "feature_ranges"


def by_frequency(values: Column) -> list[Any]:
    """The distinct values of a column that holds no numbers, the most frequent first, without missing ones."""
    counted = Counter(value for value in values.tolist() if value is not None)
    return sorted(counted, key=lambda value: (-counted[value], str(value)))


def typical_of(columns: Columns) -> dict[str, float]:
    """Medians of the numeric features."""
    found = {}
    for name, values in columns.items():
        numbers = _numbers(values)
        if len(numbers):
            found[name] = float(np.median(numbers))
    return found


def ranges_series(columns: Columns) -> Series:
    """One row per feature: ``type`` (``number`` or ``text``), quantiles of numbers, and the values where they are few.

    Limits are the 1 % and 99 % quantiles, not the extremes: those are single people's.
    """
    return Series(
        name=FEATURE_RANGES,
        title="Values of the features",
        columns=("feature", "type", "low", "q05", "median", "q95", "high", "values"),
        rows=tuple((name, *_range(values)) for name, values in columns.items()),
    )


def _range(values: Column) -> tuple[Any, ...]:
    if values.dtype.kind not in "biuf":
        return ("text", None, None, None, None, None, by_frequency(values)[:_MOST_VALUES])
    numbers = _numbers(values)
    if not len(numbers):
        return ("number", None, None, None, None, None, [])
    quantiles = np.quantile(numbers, [0.01, 0.05, 0.5, 0.95, 0.99], method="inverted_cdf").tolist()
    distinct = np.unique(numbers)
    return ("number", *quantiles, distinct.tolist() if len(distinct) <= _FEW else [])


def _numbers(values: Column) -> Column:
    return values[np.isfinite(values)] if values.dtype.kind in "biuf" else values[:0]

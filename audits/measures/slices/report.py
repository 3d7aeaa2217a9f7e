"""Worst slices as measurements and series. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING

from audits.measurement import Measurement
from audits.measures.slices.search import Worst
from audits.series import Series

if TYPE_CHECKING:
    from audits.measures.slices.axes import Axis

LEAST_ROWS, _LEAST_SHARE = 50, 0.005


def least_rows(rows: int, share: float) -> int:
    """Rows that a slice must have: the share asked for (by default half a percent), and never fewer than 50."""
    return max(LEAST_ROWS, ceil((share or _LEAST_SHARE) * rows))


def slice_measurements(found: Sequence[Worst], axes: Sequence[Axis]) -> Iterator[Measurement]:
    """``worst_slice_<metric>``: the slice found, with the interval for the value of the truly worst slice looked at."""
    columns = ", ".join(axis.column for axis in axes)
    for worst in found:
        told = (
            f"the worst of {worst.looked_at:,} slices of at least {worst.least_rows:,} rows over {columns} "
            f"(up to three columns at a time)"
        )
        first = worst.listed[0] if worst.listed else None
        shown = (
            ""
            if first is None or worst.overall is None
            else (
                f"; over everybody {worst.overall:.4f}; the interval is for the truly worst of them, "
                f"this one lies in {first.low:.4f} to {first.high:.4f}"
            )
        )
        yield Measurement(
            metric=f"worst_slice_{worst.metric.name}",
            slice=first.where if first else {},
            value=first.value if first else None,
            low=None if first is None or worst.low is None else min(worst.low, first.value),
            high=None if first is None or worst.high is None else max(worst.high, first.value),
            n=first.n if first else 0,
            method="clopper-pearson-sidak" if worst.metric.rate else "student-sidak",
            confidence=worst.confidence,
            note=told + shown
            if first
            else f"undefined: no slice over {columns} holds {worst.least_rows:,} rows that count",
        )


def slice_series(found: Sequence[Worst]) -> list[Series]:
    """``slices``: the worst first, one series per metric, at the first confidence."""
    if not found:
        return []
    first = [worst for worst in found if worst.confidence == found[0].confidence]
    return [
        Series(
            name="slices",
            title=f"Worst slices by {worst.metric.name.replace('_', ' ')} ({worst.looked_at:,} looked at)",
            columns=("metric", "slice", "n", "value", "low", "high", "overall", "surely_worse"),
            rows=tuple(
                (
                    worst.metric.name,
                    ", ".join(f"{column} = {level}" for column, level in part.where.items()),
                    part.n,
                    part.value,
                    part.low,
                    part.high,
                    worst.overall,
                    worst.overall is not None and _surely(worst, part.low, part.high),
                )
                for part in worst.listed
            ),
        )
        for worst in first
    ]


def _surely(worst: Worst, low: float, high: float) -> bool:
    assert worst.overall is not None
    return high < worst.overall if worst.metric.higher_is_better else low > worst.overall

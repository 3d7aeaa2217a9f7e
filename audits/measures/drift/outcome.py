"""What is concluded of all columns together: which drifted, which surely did, and which may have. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audits.intervals import critical_value
from audits.measures.drift.column_drift import ColumnDrift
from audits.measures.drift.significance import corrected

DRIFTED, STABLE, FAILED = "drifted", "stable", "not compared"


@dataclass(frozen=True, slots=True)
class Floors:
    """How large a change must be to matter, besides being no chance: one of the two suffices."""

    psi: float
    wasserstein: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is concluded of one column.

    Attributes
    ----------
    state
        ``drifted``, ``stable`` or ``not compared``.
    p_value
        Corrected for the number of columns.
    surely, possibly
        Whether the intervals of its effect sizes, which hold for all columns at once, lie above a floor, or reach one.
    """

    column: ColumnDrift
    state: str
    p_value: float | None
    surely: bool
    possibly: bool


def judge(columns: Sequence[ColumnDrift], floors: Floors, *, confidence: float, correction: str) -> list[Verdict]:
    """Judge every column, in the given order.

    Notes
    -----
    A column drifted if its corrected p-value is below ``1 − confidence`` **and** an effect size reaches its floor: with
    enough rows everything is significant, with few nothing is small. One that could not be compared counts as drifted.
    """
    tested = [column for column in columns if column.p_value is not None]
    p_values = dict(
        zip(
            (column.name for column in tested),
            corrected([column.p_value for column in tested if column.p_value is not None], correction),
            strict=True,
        )
    )
    level = confidence ** (1 / max(len(tested), 1))
    return [_judge(column, p_values.get(column.name), floors, confidence, level) for column in columns]


def _judge(column: ColumnDrift, p_value: float | None, floors: Floors, confidence: float, level: float) -> Verdict:
    if column.failure or p_value is None:
        return Verdict(column, FAILED, None, surely=True, possibly=True)
    sizes = [(column.psi_limits(critical_value(level)), floors.psi)]
    if column.functions is not None:
        moved = column.moved_limits(level)
        if moved is None:
            return Verdict(column, DRIFTED, p_value, surely=True, possibly=True)
        sizes.append((moved, floors.wasserstein))
    large = any(size.value >= floor for size, floor in sizes)
    drifted = p_value < 1 - confidence and large
    return Verdict(
        column,
        DRIFTED if drifted else STABLE,
        p_value,
        surely=drifted and any(size.low >= floor for size, floor in sizes),
        possibly=drifted or any(size.high >= floor for size, floor in sizes),
    )

"""Who changes sides between champion and challenger: shares with intervals, differences between groups, tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audits.intervals import critical_value, wilson
from audits.max_t import Bootstrap
from audits.measurement import Measurement
from audits.measures.comparison.joint import Counts, JointTable
from audits.rates import Rate
from audits.series import Series
from audits.simultaneous import MOST_COMPARED, Family, largest_difference
from audits.tensor import CountTensor

# A table of flips is counted as a tensor of four cells is: kept negative, to positive, to negative, kept positive.
_ALL = frozenset({"tn", "fp", "fn", "tp"})
FLIPS = (
    Rate("flip_rate", frozenset({"fp", "fn"}), _ALL),
    Rate("flip_to_negative_rate", frozenset({"fn"}), _ALL),
    Rate("flip_to_positive_rate", frozenset({"fp"}), _ALL),
)
"""Shares of all decisions: those that change at all, from positive to negative, and from negative to positive."""

DIFFERENCE = "_difference"
_BETWEEN = 2
_COLUMNS = (
    "group", "rows", "to_negative", "to_positive", "to_negative_label_1", "to_negative_label_0", "to_positive_label_1",
    "to_positive_label_0", "flip_rate", "low", "high", "champion_selected", "challenger_selected",
)  # fmt: skip


def flips_of(counts: Counts) -> Counts:
    """(4,) kept negative, to positive, to negative, kept positive; from (2, 2, 2) counts."""
    decided = counts.sum(axis=0)
    flips: Counts = np.array([decided[0, 0], decided[1, 0], decided[0, 1], decided[1, 1]])
    return flips


def measure_flips(table: JointTable, *, confidences: Sequence[float]) -> Iterator[Measurement]:
    """The three shares of every group, each with Wilson's interval for that group alone."""
    tensor = _tensor(table)
    for confidence in confidences:
        z = critical_value(confidence)
        for rate in FLIPS:
            part, of, rows = rate.sums(tensor)
            lows, highs = wilson(part, of, z)
            for index, slice_ in enumerate(table.slices):
                lost, gained = int(tensor.counts[index, 2]), int(tensor.counts[index, 1])
                yield Measurement(
                    metric=rate.name,
                    slice=slice_,
                    value=float(part[index] / of[index]),
                    low=float(lows[index]),
                    high=float(highs[index]),
                    n=int(rows[index]),
                    method="wilson",
                    confidence=confidence,
                    note=f"{lost:,} from positive to negative, {gained:,} from negative to positive",
                )


def measure_differences(
    table: JointTable, *, confidences: Sequence[float], minimum_groups: Sequence[float], seed: int
) -> Iterator[Measurement]:
    """The largest difference of each share between two groups, with an interval that holds for all pairs at once."""
    tensor = _tensor(table)
    for minimum in minimum_groups:
        eligible = [index for index, n in enumerate(table.sizes) if n / tensor.total >= minimum]
        bootstrap = Bootstrap(tensor, eligible, seed=seed) if len(eligible) <= MOST_COMPARED else None
        for confidence in confidences:
            for rate in FLIPS:
                yield _difference(table, tensor, rate, eligible, bootstrap, minimum=minimum, confidence=confidence)


def _difference(
    table: JointTable,
    tensor: CountTensor,
    rate: Rate,
    eligible: Sequence[int],
    bootstrap: Bootstrap | None,
    *,
    minimum: float,
    confidence: float,
) -> Measurement:
    place = {
        "metric": rate.name + DIFFERENCE,
        "over": table.columns,
        "minimum_group": minimum,
        "confidence": confidence,
        "n": sum(table.sizes[index] for index in eligible),
    }
    if bootstrap is None:
        note = f"{len(eligible)} groups cannot be compared with one another (at most {MOST_COMPARED})"
        return Measurement(value=None, method="newcombe", note=note, **place)  # type: ignore[arg-type]
    if len(eligible) < _BETWEEN:
        return Measurement(value=None, method="newcombe", note="fewer than two groups to compare", **place)  # type: ignore[arg-type]
    critical = bootstrap.critical([rate], [eligible], confidence, relative=False)
    part, of, _ = rate.sums(tensor)
    chosen = list(eligible)
    found = largest_difference([Family(part[chosen] / of[chosen], part[chosen], of[chosen])], critical.z)
    assert found is not None
    names = [", ".join(f"{c}={g}" for c, g in table.slices[chosen[i]].items()) for i in (found.first, found.second)]
    left_out = len(table.slices) - len(chosen)
    said = f"; {left_out} smaller groups left out" if left_out else ""
    return Measurement(
        value=found.value,
        low=found.low,
        high=found.high,
        method=f"newcombe{critical.suffix}",
        note=f"most for {names[0]}, least for {names[1]}{said}",
        **place,  # type: ignore[arg-type]
    )


def _tensor(table: JointTable) -> CountTensor:
    return CountTensor(
        columns=("group",),
        levels=(tuple(map(str, range(len(table.slices)))),),
        keys=np.arange(len(table.slices), dtype=np.int64)[:, None],
        counts=np.array([flips_of(counts) for counts in table.counts]),
    )


def flip_series(table: JointTable, *, confidence: float) -> Series:
    """Counts of flips by group and label, and the share of each group's decisions that changed."""
    z, rows = critical_value(confidence), []
    for slice_, counts, n in zip(table.slices, table.counts, table.sizes, strict=True):
        _, gained, lost, _ = (int(count) for count in flips_of(counts))
        low, high = wilson(gained + lost, n, z)
        rows.append(
            (
                " × ".join(slice_.values()) or "everyone", n, lost, gained, int(counts[1, 0, 1]), int(counts[0, 0, 1]),
                int(counts[1, 1, 0]), int(counts[0, 1, 0]), (gained + lost) / n, float(low), float(high),
                int(counts[:, :, 1].sum()), int(counts[:, 1].sum()),
            )
        )  # fmt: skip
    over = " × ".join(table.columns)
    return Series(
        name="flips",
        title=f"Who changes sides, by {over}" if over else "Who changes sides",
        columns=_COLUMNS,
        rows=tuple(rows),
    )

"""The scores of groups as measurements and series: means, distances, calibration within groups. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.measures.group_calibration import group_calibration_errors
from audits.measures.group_scores import Distributions, label_surplus, largest_distance, mean_limits, score_means
from audits.measures.pairs import Extreme, largest_gap
from audits.measures.score_report import calibration_series, distribution_series
from audits.score_table import ScoreTable
from audits.series import Series

_MOST_DRAWN = 24
_TOO_FEW = "undefined: fewer than two groups can be compared"


def group_score_measurements(
    table: ScoreTable, confidences: Sequence[float], minimum_groups: Sequence[float], *, seed: int
) -> list[Measurement]:
    """``score_mean`` and ``expected_calibration_error`` per group, ``score_distance`` and ``calibration_difference`` over them.

    Parameters
    ----------
    table
        Scores by the groups of one set of columns.
    minimum_groups
        Shares of rows under which a group is left out of the two that compare groups.
    """
    return [
        *_per_group(table, confidences, seed=seed),
        *(m for minimum in minimum_groups for m in _over_groups(table, confidences, minimum, seed=seed)),
    ]


def _per_group(table: ScoreTable, confidences: Sequence[float], *, seed: int) -> Iterator[Measurement]:
    slices = table.slices()
    groups = [table.bins(i) for i in range(len(slices))]
    means = score_means(groups)
    method = "student-t" if table.mass is None else "student-t-kish"
    for confidence in confidences:
        low, high = mean_limits(means, critical_value(confidence))
        for i, where in enumerate(slices):
            certain = bool(means.error[i] > 0 and np.isfinite(means.error[i]))
            yield Measurement(
                metric="score_mean",
                slice=where,
                value=float(means.value[i]),
                low=min(float(low[i]), float(means.value[i])),
                high=max(float(high[i]), float(means.value[i])),
                n=int(means.rows[i]),
                method=method if certain else "wilson",
                confidence=confidence,
            )
    yield from group_calibration_errors(groups, slices, confidences, seed=seed)


def _over_groups(
    table: ScoreTable, confidences: Sequence[float], minimum: float, *, seed: int
) -> Iterator[Measurement]:
    groups = [table.bins(i) for i in range(len(table.keys))]
    rows = np.array([bins.counts.sum() for bins in groups])
    members = np.flatnonzero(rows / rows.sum() >= minimum)
    names = [" × ".join(where.values()) for where in table.slices()]
    surplus = label_surplus(groups).take(members)
    distance = largest_distance(Distributions.of_table(table, members.tolist()), confidences, seed=seed)
    for index, confidence in enumerate(confidences):
        gap = largest_gap(surplus.value, surplus.difference_limits, confidence)
        far = distance[index] if distance else None
        for metric, found, method, note in (
            ("score_distance", far, "norm-bootstrap", "mean change of score that would make the distributions one"),
            ("calibration_difference", gap, "welch-sidak", "mean of label minus score"),
        ):
            yield Measurement(
                metric=metric,
                value=found.value if found else None,
                low=found.low if found else None,
                high=min(found.high, 2.0) if found else None,
                n=int(rows[members].sum()),
                method=method if table.mass is None else f"{method}-kish",
                confidence=confidence,
                over=table.columns,
                minimum_group=minimum,
                note=_note(found, note, [names[i] for i in members], surplus.value.tolist(), metric),
            )


def _note(found: Extreme | None, note: str, names: Sequence[str], surplus: Sequence[float], metric: str) -> str:
    if found is None:
        return _TOO_FEW
    one, two = found.smallest, found.largest
    if metric == "score_distance":
        return f"{note}: farthest apart {names[two]} and {names[one]}"
    return f"{note}: lowest {names[one]} ({surplus[one]:+.4f}), highest {names[two]} ({surplus[two]:+.4f})"


def group_score_series(table: ScoreTable, confidence: float) -> list[Series]:
    """``calibration`` and ``score_distribution`` of each group; none where there are more than twenty-four."""
    slices = table.slices()
    if len(slices) > _MOST_DRAWN:
        return []
    groups = [(table.bins(i), where) for i, where in enumerate(slices)]
    return [
        *(calibration_series(bins, confidence, where=where) for bins, where in groups),
        *(distribution_series(bins, where=where) for bins, where in groups),
    ]

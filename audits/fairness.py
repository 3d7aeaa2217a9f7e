"""How a model treats groups: rates per group and intersection, ratios and differences over them, with intervals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from audits.aggregates import AGGREGATES, Grouping, held_back_aggregates, measure_aggregates
from audits.auc import area_of
from audits.counted import Counted
from audits.held_back import known_cells, shown
from audits.intervals import critical_value
from audits.measurement import Measurement
from audits.performance import auc_measurement, cell_counts, count_measurements
from audits.rates import (
    FALSE_NEGATIVE_RATE,
    FALSE_POSITIVE_RATE,
    GROUP_RATES,
    PRECISION,
    TRUE_POSITIVE_RATE,
    interval_method,
)

__all__ = ["AGGREGATES", "measure_areas", "measure_fairness"]

_UNDEFINED = {
    TRUE_POSITIVE_RATE.name: "undefined: the group has no positive row",
    FALSE_NEGATIVE_RATE.name: "undefined: the group has no positive row",
    FALSE_POSITIVE_RATE.name: "undefined: the group has no negative row",
    PRECISION.name: "undefined: the group has no row that was predicted positive",
}


def measure_fairness(
    counted: Counted,
    *,
    over: Sequence[Sequence[str]],
    confidences: Sequence[float],
    minimum_groups: Sequence[float],
    seed: int = 0,
    step: Callable[[float], None] = lambda _: None,
) -> list[Measurement]:
    """Rates per group and aggregates over groups.

    Parameters
    ----------
    counted
        What was counted over all the columns named in ``over``.
    over
        The sets of columns to group by: one column for an attribute, several for their intersection.
    confidences
        Nominal coverages; each measurement is made once for each.
    minimum_groups
        Shares of rows under which a group is left out of the aggregates, as comparator too; each aggregate is made once for
        each. The group's own rates are always shown.
    seed
        Of the bootstrap that tells how far apart groups can be by chance.
    step
        Called with the share of the work done.

    Returns
    -------
    list of Measurement
        Overall rates (empty slice), then per set of columns its groups' rates and the aggregates over them. What rests on
        cells that were held back is undefined and says so.
    """
    measurements: list[Measurement] = []
    for done, columns in enumerate([(), *map(tuple, over)]):
        margin = counted.tensor.margin(columns)
        points = {rate.name: rate.point(margin) for rate in GROUP_RATES}
        grouping = Grouping(tensor=margin, slices=margin.slices(), points=points)
        for confidence in confidences:
            measurements += _group_rates(counted, grouping, confidence, minimum_groups)
        measurements += measure_areas(counted, columns, confidences=confidences)
        if columns and counted.suppressed:
            measurements += held_back_aggregates(
                grouping, confidences=confidences, minimum_groups=minimum_groups, why=counted.held_back
            )
        elif columns:
            measurements += measure_aggregates(
                grouping, confidences=confidences, minimum_groups=minimum_groups, seed=seed
            )
        step((done + 1) / (len(over) + 1))
    return measurements


def _group_rates(
    counted: Counted, grouping: Grouping, confidence: float, minimum_groups: Sequence[float]
) -> Iterator[Measurement]:
    known = known_cells(counted, grouping.tensor)
    for index, found in enumerate(_by_group(grouping, confidence, minimum_groups)):
        for measurement in found:
            yield shown(measurement, known[index], counted.held_back)


def _by_group(grouping: Grouping, confidence: float, minimum_groups: Sequence[float]) -> Iterator[list[Measurement]]:
    tensor, counts = grouping.tensor, cell_counts(grouping.tensor)
    z, method = critical_value(confidence), interval_method(grouping.tensor)
    limits = {rate.name: (rate.interval(tensor, z), rate.sums(tensor)[2]) for rate in GROUP_RATES}
    for index, where in enumerate(grouping.slices):
        note = _left_out_note(grouping.sizes[index] / tensor.total, minimum_groups)
        found = [*count_measurements(counts[index], where, confidence)]
        for rate in GROUP_RATES:
            (low, high), rows = limits[rate.name]
            value = float(grouping.points[rate.name][index])
            measurement = Measurement(
                metric=rate.name,
                slice=where,
                value=value,
                low=float(low[index]),
                high=float(high[index]),
                n=int(rows[index]),
                method=method,
                confidence=confidence,
                counts=counts[index],
                note=note,
            )
            if np.isnan(value):
                measurement = replace(measurement, value=None, low=None, high=None, note=_UNDEFINED[rate.name])
            found.append(measurement)
        yield found


def _left_out_note(share: float, minimum_groups: Sequence[float]) -> str:
    over = [minimum for minimum in minimum_groups if share < minimum]
    return (
        f"{share:.2%} of rows: left out of ratios and differences with a minimum group of {min(over):.2%}"
        if over
        else ""
    )


def measure_areas(counted: Counted, columns: Sequence[str], *, confidences: Sequence[float]) -> Iterator[Measurement]:
    """ROC AUC of each group of a set of columns that has both classes, from its scores; null where one is absent."""
    if counted.scores is None:
        return
    scores = counted.scores.margin(columns)
    for index, where in enumerate(scores.slices()):
        bins = scores.bins(index)
        n = int(bins.counts.sum())
        if not bins.counts.sum(axis=0).all():
            for confidence in confidences:
                yield _undefined_area(where, n, confidence)
            continue
        area = area_of(bins)
        for confidence in confidences:
            yield auc_measurement(area, where, n, confidence)


def _undefined_area(where: dict[str, str], n: int, confidence: float) -> Measurement:
    return Measurement(
        metric="roc_auc_score",
        slice=where,
        value=None,
        n=n,
        method="delong-logit",
        confidence=confidence,
        note="undefined: the group has rows of one class only",
    )

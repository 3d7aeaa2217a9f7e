"""How a model treats groups: rates per group and intersection, ratios and differences over them, with intervals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audits.auc import roc_auc
from audits.intervals import Floats, critical_value
from audits.measurement import Measurement
from audits.performance import auc_measurement, cell_counts, count_measurements
from audits.predictions import Predictions
from audits.rates import (
    ACCURACY,
    FALSE_NEGATIVE_RATE,
    FALSE_POSITIVE_RATE,
    GROUP_RATES,
    SELECTION_RATE,
    TRUE_POSITIVE_RATE,
    Rate,
    group_points,
    interval_method,
)
from audits.simultaneous import Extreme, Family, largest_difference, smallest_ratio
from audits.tensor import CountTensor

_MOST_NAMED = 10
_UNDEFINED = {
    TRUE_POSITIVE_RATE.name: "undefined: the group has no positive row",
    FALSE_NEGATIVE_RATE.name: "undefined: the group has no positive row",
    FALSE_POSITIVE_RATE.name: "undefined: the group has no negative row",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aggregate:
    """A ratio or difference over groups: its name, the rates it ranges over, and how the extreme is found."""

    metric: str
    rates: tuple[Rate, ...]
    method: str
    extreme: Callable[[list[Family], float], Extreme | None]


def _ratio(families: list[Family], confidence: float) -> Extreme | None:
    return smallest_ratio(families[0], confidence)


AGGREGATES = (
    _Aggregate(metric="demographic_parity_ratio", rates=(SELECTION_RATE,), method="koopman-sidak", extreme=_ratio),
    *(
        _Aggregate(metric=metric, rates=rates, method="newcombe-sidak", extreme=largest_difference)
        for metric, rates in (
            ("demographic_parity_difference", (SELECTION_RATE,)),
            ("equalized_odds_difference", (TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE)),
            ("equal_opportunity_difference", (TRUE_POSITIVE_RATE,)),
            ("true_positive_rate_difference", (TRUE_POSITIVE_RATE,)),
            ("false_positive_rate_difference", (FALSE_POSITIVE_RATE,)),
            ("accuracy_score_difference", (ACCURACY,)),
        )
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grouping:
    """The groups of one set of columns, with the point values that fairlearn gives for them."""

    tensor: CountTensor
    slices: list[dict[str, str]]
    points: dict[str, Floats]

    @property
    def sizes(self) -> list[int]:
        return [int(n) for n in self.tensor.counts.sum(axis=1)]

    def name(self, index: int) -> str:
        return ", ".join(f"{column}={group}" for column, group in self.slices[index].items())


def measure_fairness(
    predictions: Predictions,
    tensor: CountTensor,
    *,
    over: Sequence[Sequence[str]],
    confidences: Sequence[float],
    minimum_groups: Sequence[float],
    step: Callable[[float], None] = lambda _: None,
) -> list[Measurement]:
    """Rates per group and aggregates over groups.

    Parameters
    ----------
    predictions
        The rows; read only for ``roc_auc_score`` per group, where there is a score column.
    tensor
        Their count tensor over all the columns named in ``over``.
    over
        The sets of columns to group by: one column for an attribute, several for their intersection.
    confidences
        Nominal coverages; each measurement is made once for each.
    minimum_groups
        Shares of rows under which a group is left out of the aggregates, as comparator too; each aggregate is made once for
        each. The group's own rates are always shown.
    step
        Called with the share of the work done.

    Returns
    -------
    list of Measurement
        Overall rates (empty slice), then per set of columns its groups' rates and the aggregates over them.
    """
    measurements: list[Measurement] = []
    for done, columns in enumerate([(), *map(tuple, over)]):
        margin = tensor.margin(columns)
        grouping = _Grouping(tensor=margin, slices=margin.slices(), points=group_points(margin))
        for confidence in confidences:
            measurements += _group_rates(grouping, confidence, minimum_groups)
        if predictions.score is not None:
            measurements += _areas(predictions, predictions.score, grouping, confidences)
        if columns:
            measurements += _aggregates(grouping, confidences, minimum_groups)
        step((done + 1) / (len(over) + 1))
    return measurements


def _group_rates(grouping: _Grouping, confidence: float, minimum_groups: Sequence[float]) -> Iterator[Measurement]:
    tensor, counts = grouping.tensor, cell_counts(grouping.tensor)
    z = critical_value(confidence)
    limits = {rate.name: (rate.interval(tensor, z), rate.sums(tensor)[2]) for rate in GROUP_RATES}
    for index, where in enumerate(grouping.slices):
        yield from count_measurements(counts[index], where, confidence)
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
                method=interval_method(tensor),
                confidence=confidence,
                counts=counts[index],
                note=_left_out_note(grouping.sizes[index] / tensor.total, minimum_groups),
            )
            if np.isnan(value):
                measurement = replace(measurement, value=None, low=None, high=None, note=_UNDEFINED[rate.name])
            yield measurement


def _left_out_note(share: float, minimum_groups: Sequence[float]) -> str:
    over = [minimum for minimum in minimum_groups if share < minimum]
    return (
        f"{share:.2%} of rows: left out of ratios and differences with a minimum group of {min(over):.2%}"
        if over
        else ""
    )


def _aggregates(
    grouping: _Grouping, confidences: Sequence[float], minimum_groups: Sequence[float]
) -> Iterator[Measurement]:
    total = grouping.tensor.total
    for minimum in minimum_groups:
        eligible = [index for index, n in enumerate(grouping.sizes) if n / total >= minimum]
        for confidence in confidences:
            for aggregate in AGGREGATES:
                yield _aggregate(aggregate, grouping, eligible, minimum=minimum, confidence=confidence)


def _aggregate(
    aggregate: _Aggregate, grouping: _Grouping, eligible: list[int], *, minimum: float, confidence: float
) -> Measurement:
    members, families, undefined = [], [], []
    for rate in aggregate.rates:
        defined = [index for index in eligible if not np.isnan(grouping.points[rate.name][index])]
        undefined += [f"{grouping.name(i)} ({rate.name} undefined)" for i in eligible if i not in set(defined)]
        part, of, _ = rate.sums(grouping.tensor)
        members.append(defined)
        families.append(Family(grouping.points[rate.name][defined], part[defined], of[defined]))
    extreme = aggregate.extreme(families, confidence)
    notes = [_extreme_note(aggregate, grouping, members, families, extreme)]
    if small := [index for index in range(len(grouping.sizes)) if index not in set(eligible)]:
        notes.append(f"left out below {minimum:.2%} of rows: {_some([_sized(grouping, index) for index in small])}")
    if undefined:
        notes.append(f"left out: {_some(undefined)}")
    return Measurement(
        metric=aggregate.metric,
        value=extreme.value if extreme else None,
        low=extreme.low if extreme else None,
        high=extreme.high if extreme else None,
        n=sum(grouping.sizes[index] for index in eligible),
        method=aggregate.method if grouping.tensor.mass is None else aggregate.method + "-kish",
        confidence=confidence,
        over=grouping.tensor.columns,
        minimum_group=minimum,
        note="; ".join(notes),
    )


def _extreme_note(
    aggregate: _Aggregate,
    grouping: _Grouping,
    members: list[list[int]],
    families: list[Family],
    extreme: Extreme | None,
) -> str:
    if extreme is None:
        if any(len(defined) < 2 for defined in members):  # noqa: PLR2004 - a comparison takes two
            return "undefined: fewer than two groups can be compared"
        return "undefined: no group was ever selected"
    rate, family, defined = aggregate.rates[extreme.family], families[extreme.family], members[extreme.family]
    low, high = (
        f"{grouping.name(defined[at])} ({float(family.rate[at]):.4f}, n {grouping.sizes[defined[at]]})"
        for at in (extreme.second, extreme.first)
    )
    return f"{rate.name}: lowest {low}, highest {high}"


def _sized(grouping: _Grouping, index: int) -> str:
    return f"{grouping.name(index)} (n {grouping.sizes[index]})"


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more


def _areas(
    predictions: Predictions, score: Floats, grouping: _Grouping, confidences: Sequence[float]
) -> Iterator[Measurement]:
    """ROC AUC of each group that has both classes; null where one is absent."""
    columns = grouping.tensor.columns
    place = np.zeros(len(predictions), dtype=np.int64)
    for column in columns:
        codes, names = predictions.sensitive[column]
        place = place * len(names) + codes
    _, index = np.unique(place, return_inverse=True)
    order = np.argsort(index, kind="stable")
    ends = np.cumsum(np.bincount(index))
    for where, rows in zip(grouping.slices, np.split(order, ends[:-1]), strict=True):
        label = predictions.label[rows]
        if label.min() == label.max():
            for confidence in confidences:
                yield _undefined_area(where, len(rows), confidence)
            continue
        area = roc_auc(label, score[rows], None if predictions.weight is None else predictions.weight[rows])
        for confidence in confidences:
            yield auc_measurement(area, where, len(rows), confidence)


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

"""Ratios and differences over groups, each with an interval that holds for all pairs at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from audits.intervals import Floats
from audits.max_t import Bootstrap
from audits.measurement import Measurement
from audits.rates import ACCURACY, FALSE_POSITIVE_RATE, PRECISION, SELECTION_RATE, TRUE_POSITIVE_RATE, Rate
from audits.simultaneous import Extreme, Family, largest_difference, refuse_many, smallest_ratio
from audits.tensor import CountTensor

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A ratio or difference over groups: its name, the rates it ranges over, and how the extreme is found."""

    metric: str
    rates: tuple[Rate, ...]
    ratio: bool = False

    @property
    def method(self) -> str:
        """Name of the interval of a pair."""
        return "koopman" if self.ratio else "newcombe"

    @property
    def extreme(self) -> Callable[[Sequence[Family], float], Extreme | None]:
        """What finds the extreme among pairs."""
        return smallest_ratio if self.ratio else largest_difference


AGGREGATES = (
    Aggregate(metric="demographic_parity_ratio", rates=(SELECTION_RATE,), ratio=True),
    Aggregate(metric="demographic_parity_difference", rates=(SELECTION_RATE,)),
    Aggregate(metric="equalized_odds_difference", rates=(TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE)),
    Aggregate(metric="equalized_odds_ratio", rates=(TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE), ratio=True),
    Aggregate(metric="equal_opportunity_difference", rates=(TRUE_POSITIVE_RATE,)),
    Aggregate(metric="true_positive_rate_difference", rates=(TRUE_POSITIVE_RATE,)),
    Aggregate(metric="false_positive_rate_difference", rates=(FALSE_POSITIVE_RATE,)),
    Aggregate(metric="predictive_parity_difference", rates=(PRECISION,)),
    Aggregate(metric="accuracy_score_difference", rates=(ACCURACY,)),
)


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The groups of one set of columns, with their rates.

    Attributes
    ----------
    tensor
        Counts over those columns, G groups.
    points
        Rate to its (G,) values; NaN where undefined.
    """

    tensor: CountTensor
    slices: list[dict[str, str]]
    points: dict[str, Floats]

    @cached_property
    def sizes(self) -> list[int]:
        """Rows per group."""
        return [int(n) for n in self.tensor.counts.sum(axis=1)]

    def name(self, index: int) -> str:
        """The group for people: ``race=black, sex=f``."""
        return ", ".join(f"{column}={group}" for column, group in self.slices[index].items())


def measure_aggregates(
    grouping: Grouping, *, confidences: Sequence[float], minimum_groups: Sequence[float], seed: int
) -> Iterator[Measurement]:
    """Every aggregate, for each minimum group and confidence.

    Raises
    ------
    InvalidInput
        If there are more groups than can be compared each with each.
    """
    total = grouping.tensor.total
    for minimum in minimum_groups:
        eligible = [index for index, n in enumerate(grouping.sizes) if n / total >= minimum]
        refuse_many(len(eligible))
        bootstrap = Bootstrap(grouping.tensor, eligible, seed=seed)
        for confidence in confidences:
            for aggregate in AGGREGATES:
                yield _measure(aggregate, grouping, eligible, bootstrap, minimum=minimum, confidence=confidence)


def held_back_aggregates(
    grouping: Grouping, *, confidences: Sequence[float], minimum_groups: Sequence[float], why: str
) -> Iterator[Measurement]:
    """Every aggregate as undefined, where small groups were held back: the most extreme may be among them."""
    for minimum in minimum_groups:
        for confidence in confidences:
            for aggregate in AGGREGATES:
                yield Measurement(
                    metric=aggregate.metric,
                    value=None,
                    n=0,
                    method=aggregate.method,
                    confidence=confidence,
                    over=grouping.tensor.columns,
                    minimum_group=minimum,
                    note=why,
                )


def _measure(
    aggregate: Aggregate,
    grouping: Grouping,
    eligible: list[int],
    bootstrap: Bootstrap,
    *,
    minimum: float,
    confidence: float,
) -> Measurement:
    members, families, undefined = [], [], []
    for rate in aggregate.rates:
        defined = [index for index in eligible if not np.isnan(grouping.points[rate.name][index])]
        undefined += [f"{grouping.name(i)} ({rate.name} undefined)" for i in eligible if i not in set(defined)]
        part, of, _ = rate.sums(grouping.tensor)
        members.append(defined)
        families.append(Family(grouping.points[rate.name][defined], part[defined], of[defined]))
    critical = bootstrap.critical(aggregate.rates, members, confidence, relative=aggregate.ratio)
    extreme = aggregate.extreme(families, critical.z)
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
        method=aggregate.method + critical.suffix + ("" if grouping.tensor.mass is None else "-kish"),
        confidence=confidence,
        over=grouping.tensor.columns,
        minimum_group=minimum,
        note="; ".join(notes),
    )


def _extreme_note(
    aggregate: Aggregate,
    grouping: Grouping,
    members: list[list[int]],
    families: list[Family],
    extreme: Extreme | None,
) -> str:
    if extreme is None:
        if any(len(defined) < 2 for defined in members):  # noqa: PLR2004 - a comparison takes two
            return "undefined: fewer than two groups can be compared"
        never = next(r for r, f in zip(aggregate.rates, families, strict=True) if not f.rate.max() > 0)
        who = "" if never is SELECTION_RATE else f" among those that {never.name} is about"
        return f"undefined: no group was ever selected{who}"
    rate, family, defined = aggregate.rates[extreme.family], families[extreme.family], members[extreme.family]
    low, high = (
        f"{grouping.name(defined[at])} ({float(family.rate[at]):.4f}, n {grouping.sizes[defined[at]]})"
        for at in (extreme.second, extreme.first)
    )
    return f"{rate.name}: lowest {low}, highest {high}"


def _sized(grouping: Grouping, index: int) -> str:
    return f"{grouping.name(index)} (n {grouping.sizes[index]})"


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more

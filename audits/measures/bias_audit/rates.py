"""Rates and impact ratios of a table of categories, with intervals that the law does not ask for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, critical_value, koopman_ratio, wilson
from audits.measures.bias_audit.categories import Table
from audits.measures.pairs import ordered_pairs, pair_critical_value
from registry.errors import InvalidInput


@dataclass(frozen=True, eq=False, kw_only=True)
class Rates:
    """Of C categories: the rate, its limits, the impact ratio and its limits, and which are in the ratios.

    ``ratio``, ``ratio_low`` and ``ratio_high`` are NaN for categories left out.
    """

    rate: Floats
    low: Floats
    high: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    included: npt.NDArray[np.bool_]
    comparator: int


def impact(table: Table, *, exclude_below: float, confidence: float) -> Rates:
    """Rates, and each category's rate divided by the highest one.

    Parameters
    ----------
    exclude_below
        Categories of a smaller share of everybody assessed are left out of the ratios, as comparator too.
    confidence
        Coverage: of each rate by itself, and of all ratios of the table together.

    Raises
    ------
    InvalidInput
        If fewer than two categories stay, or none of those was ever selected.

    Notes
    -----
    6 RCNY § 5-300, "impact ratio": (1) selection rate for a category / selection rate of the most selected category, or
    (2) scoring rate for a category / scoring rate for the highest scoring category. Rates: Wilson. The ratio to the highest
    category is the smallest of the ratios to all others (and 1), so with Koopman limits ``[L, U]`` of all pairs holding
    together (Šidák) it lies in ``[min L, min U]``, whichever category is the highest in truth.
    """
    included = table.assessed >= exclude_below * table.total
    rate = table.favoured / table.assessed
    low, high = wilson(table.favoured, table.assessed, critical_value(confidence))
    members = np.flatnonzero(included)
    if len(members) < 2:  # noqa: PLR2004 - a comparison takes two
        raise InvalidInput(
            f"only {len(members)} category is left at {exclude_below:.2%} of the data: there is nothing to compare",
            field="exclude_below",
        )
    best = int(members[np.argmax(rate[members])])
    if not rate[best] > 0:
        raise InvalidInput("nobody of the categories compared was selected: no ratio is defined", field="selected")
    ratio, ratio_low, ratio_high = (np.full(len(rate), np.nan) for _ in range(3))
    ratio[members] = rate[members] / rate[best]
    x, n = table.favoured[members], table.assessed[members]
    one, two = ordered_pairs(len(members))
    lower, upper = koopman_ratio(x[one], n[one], x[two], n[two], pair_critical_value(len(members), confidence))
    for place, member in enumerate(members):
        mine = one == place
        ratio_low[member] = min(float(lower[mine].min()), float(ratio[member]))
        ratio_high[member] = max(min(float(upper[mine].min()), 1.0), float(ratio[member]))
    return Rates(
        rate=rate,
        low=low,
        high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        included=included,
        comparator=best,
    )

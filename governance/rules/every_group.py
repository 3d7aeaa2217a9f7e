"""Every group of some columns, once their counts add up to the whole: an absent group is no group that passes. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from audits.measurement import Measurement

_COUNT = "count"


def groups_counted(
    found: Iterable[Measurement], columns: Sequence[str]
) -> tuple[dict[tuple[str, ...], float], str, str]:
    """The groups of ``columns`` with their counts.

    Returns
    -------
    sizes, status, problem
        Names in the order of ``columns`` to counts. Where they were counted twice with different results, or do not add up
        to the whole, no groups, with the status (``error`` or ``missing``) and a sentence; otherwise both are empty.
    """
    sizes: dict[tuple[str, ...], set[float]] = {}
    whole: set[float] = set()
    for measurement in found:
        if measurement.metric != _COUNT or measurement.over or measurement.value is None:
            continue
        if set(measurement.slice) == set(columns):
            names = tuple(measurement.slice[column] for column in columns)
            sizes.setdefault(names, set()).add(measurement.value)
        elif not measurement.slice:
            whole.add(measurement.value)
    if any(len(values) > 1 for values in (whole, *sizes.values())):
        return {}, "error", "its groups were counted twice with different results"
    counted = math.fsum(value for values in sizes.values() for value in values)
    if not whole or not math.isclose(counted, whole.pop(), rel_tol=1e-9):
        return {}, "missing", "the counts of its groups do not add up to the whole"
    return {names: next(iter(values)) for names, values in sizes.items()}, "", ""

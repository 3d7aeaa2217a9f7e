"""How alike two models are, from the same bytes to not at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOT_REPRODUCED = "not-reproduced"
METRIC_EQUIVALENT = "metric-equivalent"
PREDICTION_IDENTICAL = "prediction-identical"
BIT_IDENTICAL = "bit-identical"

GRADES = (NOT_REPRODUCED, METRIC_EQUIVALENT, PREDICTION_IDENTICAL, BIT_IDENTICAL)
"""From the least: a grade's place here is the value of the measurement ``reproduction``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A metric of both models over the same rows.

    Attributes
    ----------
    metric, group
        Its name, and the group as ``column: name``; empty for everybody.
    submitted, rebuilt
        The values; None where undefined, which counts as different unless both are.
    """

    metric: str
    group: str
    submitted: float | None
    rebuilt: float | None

    @property
    def difference(self) -> float | None:
        """How far the rebuilt model's value lies from the submitted one's; None where one alone is undefined."""
        if self.submitted is None or self.rebuilt is None:
            return 0.0 if self.submitted is self.rebuilt else None
        return abs(self.rebuilt - self.submitted)


def grade_of(
    *,
    largest_score_difference: float,
    decisions_differing: int,
    metrics: Sequence[Compared],
    score: float,
    metric: float,
) -> str:
    """Grade two models whose bytes differ, by what they answered to the same rows.

    Parameters
    ----------
    score, metric
        Tolerances: of every score, and of every metric.
    """
    if largest_score_difference <= score and decisions_differing == 0:
        return PREDICTION_IDENTICAL
    distances = [item.difference for item in metrics]
    if distances and all(distance is not None and distance <= metric for distance in distances):
        return METRIC_EQUIVALENT
    return NOT_REPRODUCED

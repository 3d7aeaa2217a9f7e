"""The atom that rules read: one metric on one slice, with its interval and sample size. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured quantity.

    Attributes
    ----------
    metric
        fairlearn's or scikit-learn's name, such as ``selection_rate`` or ``roc_auc_score``.
    slice
        ``{column: group}``; empty for the overall value and for aggregates over groups.
    value, low, high
        Point value and interval in the metric's own unit; ``None`` where undefined (``note`` says why).
    n
        Rows (or weighted cases' rows) the value rests on: the denominator's sample size.
    method
        How the interval was made: ``wilson``, ``delong-logit``, ``koopman-maxt`` ...; ``exact count`` for counts.
    confidence
        Nominal coverage of the interval; simultaneous over all comparisons for aggregates.
    over
        The sensitive columns that an aggregate (a ratio or difference over groups) ranges over.
    minimum_group
        Share of rows under which a group was left out of that aggregate, as comparator too.
    counts
        ``tp``, ``fp``, ``tn``, ``fn`` of the slice where the metric is a rate of a group.
    note
        One sentence for people: why undefined, which groups were compared, what was left out.
    """

    metric: str
    slice: Mapping[str, str] = field(default_factory=dict)
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    method: str
    confidence: float = 0.95
    over: tuple[str, ...] = ()
    minimum_group: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object printed by ``countersign evaluate --json`` and stored as evidence; counts stand beside."""
        return {
            "metric": self.metric,
            "slice": dict(self.slice),
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "method": self.method,
            "confidence": self.confidence,
            "over": list(self.over),
            "minimum_group": self.minimum_group,
            "note": self.note,
            **self.counts,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """Inverse of :meth:`as_json`."""
        return cls(
            metric=data["metric"],
            slice=dict(data["slice"]),
            value=data["value"],
            low=data["low"],
            high=data["high"],
            n=data["n"],
            method=data["method"],
            confidence=data["confidence"],
            over=tuple(data["over"]),
            minimum_group=data["minimum_group"],
            counts={name: data[name] for name in ("tp", "fp", "tn", "fn") if name in data},
            note=data["note"],
        )

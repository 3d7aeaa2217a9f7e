"""The check ``performance``: a metric over everybody, held against bounds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import PERFORMANCE, parse_bounds
from governance.rules.rule import Detail, Need, common_fields

PLANNED_CONFIDENCE = 0.95
"""Measured with this where a rule names none: evaluations always make intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRule(MeasuredRule):
    """``{check: performance, metric: roc_auc_score, at_least: 0.75, confidence: 0.95}``."""

    check: ClassVar[str] = "performance"

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=data["metric"],
            bounds=parse_bounds(data, PERFORMANCE[data["metric"]], path),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        return f"The {self._words} must be {self.bounds.words()}{with_confidence(self.confidence)}."

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The metrics at the rule's confidence."""
        return Need(kind=self.check, parameters={"confidences": (self.confidence or PLANNED_CONFIDENCE,)})

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value over everybody."""
        return [self.look_at_overall(facts)]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        return f"The {self._words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        return ""

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        if PERFORMANCE[self.metric].needs_score:
            return "Name the column of scores as schema.score in the manifest, and submit again."
        return "Add test predictions to the manifest's artifacts, and submit again."

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Submit a version whose value clears the threshold."

    @property
    def _words(self) -> str:
        return PERFORMANCE[self.metric].words

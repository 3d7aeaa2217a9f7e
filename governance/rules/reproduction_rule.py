"""The check ``reproduction``: whether the model can be built again from what the manifest says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import REBUILD, TEST
from audits.measures.reproduction.grades import GRADES
from governance.rules.bounds import Bounds
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import Metric, parse_bounds
from governance.rules.model_needs import model_columns, model_need
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Detail, Need, common_fields
from registry.errors import InvalidInput
from registry.execution import MODEL

GRADE, DECISIONS = "reproduction", "decision_difference"

REPRODUCTION: Mapping[str, Metric] = {
    "score_difference": Metric("largest difference of a score", highest=float("inf"), lower_is_better=True),
    DECISIONS: Metric("share of decisions that differ", lower_is_better=True),
    "metric_difference": Metric("largest difference of a metric", highest=float("inf"), lower_is_better=True),
}
"""Differences of the rebuilt model from the submitted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeBounds(Bounds):
    """The least grade, by its place in the order; it is written as its name."""

    def words(self) -> str:
        """``at least metric-equivalent``."""
        return f"at least {_grade(self.at_least or 0)}"


def _grade(value: float) -> str:
    return GRADES[min(max(int(value), 0), len(GRADES) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRule(MeasuredRule):
    """``{check: reproduction, at_least: metric-equivalent}``, or a difference that is at most so large.

    Attributes
    ----------
    score_tolerance, metric_tolerance
        What counts as the same; None leaves it to the evaluation.
    """

    check: ClassVar[str] = GRADE

    score_tolerance: float | None = None
    metric_tolerance: float | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping.

        Raises
        ------
        InvalidInput
            If both forms are mixed, or an interval is asked of what has none.
        """
        metric = data.get("metric", GRADE)
        if "at_least" in data and ("metric" in data or "at_most" in data):
            message = f"{path}.at_least names a grade, and stands without metric and at_most"
            raise InvalidInput(message, field=f"{path}.at_least")
        if "confidence" in data and metric != DECISIONS:
            message = f"{path}.confidence belongs to {DECISIONS}; nothing else has an interval"
            raise InvalidInput(message, field=f"{path}.confidence")
        if metric == GRADE:
            bounds: Bounds = GradeBounds(at_least=float(GRADES.index(data["at_least"])), whole=True)
        else:
            bounds = parse_bounds(data, REPRODUCTION[metric], path)
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=bounds,
            score_tolerance=data.get("score_tolerance"),
            metric_tolerance=data.get("metric_tolerance"),
        )

    def told(self) -> Mapping[str, Any]:
        """The tolerances that the policy states."""
        stated = {"score_tolerance": self.score_tolerance, "metric_tolerance": self.metric_tolerance}
        return {name: value for name, value in stated.items() if value is not None}

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The rebuild, where the manifest says how."""
        if not schema.get("execution", {}).get("rebuild"):
            return None
        columns = {name: value for name, value in model_columns(schema).items() if name != "key"}
        confidences = (self.confidence or PLANNED_CONFIDENCE,)
        return model_need(self.check, {"confidences": confidences}, roles=(MODEL, TEST, REBUILD), fixed=columns)

    def statement(self) -> str:
        """The rule as one sentence."""
        if self.metric == GRADE:
            return f"The model, built again from what the manifest says, must be {self.bounds.words()}."
        return (
            f"The {self._words} between the submitted model and one built again must be {self.bounds.words()}"
            f"{with_confidence(self.confidence) if self.metric == DECISIONS else ''}."
        )

    @property
    def _words(self) -> str:
        return REPRODUCTION[self.metric].words

    def look(self, facts: Facts) -> list[Look]:
        """Compare the grade, or the difference."""
        return [self.look_at_overall(facts)]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        if self.metric != GRADE:
            return f"The {self._words} between the submitted and the rebuilt model"
        return "The rebuilt model" if detail.value is not None else "Whether the model can be built again"

    def label(self, detail: Detail) -> str:
        """The quantity in a list; there is only one."""
        return ""

    def _value(self, detail: Detail, *, n: int | None = None) -> str:
        if self.metric != GRADE or detail.value is None:
            # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
            return MeasuredRule._value(self, detail, n=n)
        why = f" ({detail.note})" if detail.note and n is not None else ""
        return f"{_grade(detail.value)}{why}"

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        return (
            "Name the training script, what it reads and where it writes the model under execution.rebuild in the manifest, "
            "and the seed under training.seed, and submit again."
        )

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            "Look in the evidence whether the script failed, packages differ, or the seed is another than the model was "
            "trained with; state the right one, or submit the model that the script makes."
        )

"""The check ``performance``: a metric over everybody, of every class or of the worst slice, held against bounds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import PER_CLASS, PERFORMANCE, WORST_SLICE, parse_bounds
from governance.rules.prediction_needs import PLANNED_CONFIDENCE, prediction_need
from governance.rules.rule import Detail, Need, common_fields
from governance.rules.selection import Columns, columns_of, parse_columns
from registry.errors import InvalidInput

_CLASS = "class"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRule(MeasuredRule):
    """``{check: performance, metric: roc_auc_score, at_least: 0.75, confidence: 0.95}``.

    Attributes
    ----------
    classes
        Of a model of many classes: those whose own metric is asked for, or ``all``; None asks for the overall value.
    slices
        For the worst slice: the columns among which it is searched; those of the manifest where there are none.
    """

    check: ClassVar[str] = "performance"

    classes: Columns | None = None
    slices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric = data["metric"]
        if "classes" in data and metric not in PER_CLASS:
            raise InvalidInput(
                f"{path}.classes belongs to {', '.join(PER_CLASS)}; {metric} is not measured by class",
                field=f"{path}.classes",
            )
        if "slices" in data and not metric.startswith(WORST_SLICE):
            raise InvalidInput(
                f"{path}.slices belongs to metrics of the worst slice; {metric} is one value over everybody",
                field=f"{path}.slices",
            )
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=parse_bounds(data, PERFORMANCE[metric], path),
            classes=parse_columns(data.get("classes")),
            slices=tuple(data.get("slices", ())),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        of = "" if self.classes is None else f" of {self._classes_words()}"
        searched = f", searched among {wording.listed(self.slices)}," if self.slices else ""
        return f"The {self._words}{of}{searched} must be {self.bounds.words()}{with_confidence(self.confidence)}."

    def _classes_words(self) -> str:
        if isinstance(self.classes, str) or self.classes is None:
            return "every class"
        return wording.listed(f"class {name}" for name in self.classes)

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The metrics at the rule's confidence."""
        parameters: dict[str, tuple[Any, ...]] = {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}
        if self._is_worst:
            columns = self.slices or tuple(schema.get("slices") or schema.get("sensitive") or ())
            parameters |= {"slices": columns} if columns else {}
        return prediction_need(self.check, schema, parameters)

    def look(self, facts: Facts) -> list[Look]:
        """Compare the value over everybody, of every class, or of the worst slice."""
        if self._is_worst:
            return self._look_at_worst(facts)
        if self.classes is None:
            return [self.look_at_overall(facts)]
        measured = {
            m.slice[_CLASS]
            for m in facts.measurements[self.key]
            if m.metric == self.metric and set(m.slice) == {_CLASS}
        }
        names = columns_of(self.classes, measured, ())
        if not names:
            return [self.unknown("it was not measured by class", self.how_to_measure())]
        return [self.look_at_place(facts, {_CLASS: name}) for name in names]

    def _look_at_worst(self, facts: Facts) -> list[Look]:
        """Compare the slice that was found at the rule's confidence: at another, another may be the worst."""
        found = [
            m
            for m in facts.measurements[self.key]
            if m.metric == self.metric and self.confidence in (None, m.confidence)
        ]
        if not found:
            return [self.unknown("no slice was searched as the policy asks", self.how_to_measure())]
        places = {tuple(sorted(m.slice.items())): m.slice for m in found}
        absent = self.unknown("no slice was searched", self.how_to_measure())
        return [
            self.compare([m for m in found if m.slice == places[place]], absent=absent, slice_=places[place])
            for place in sorted(places)
        ]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        label = self.label(detail)
        joint = ", " if self._is_worst else " of "
        return f"The {self._words}{joint}{label}{',' if self._is_worst else ''}" if label else f"The {self._words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        return wording.listed(f"{column} {group}" for column, group in detail.slice.items())

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        metric = PERFORMANCE[self.metric]
        if metric.task:
            return f"Say task: {metric.task} under schema in the manifest, and submit again."
        if self.classes is not None:
            return "Say task: multiclass under schema in the manifest, and submit again."
        if self._is_worst:
            return "Name columns of the test predictions under schema.slices in the manifest, and submit again."
        if metric.needs_score:
            return "Name the column of scores as schema.score in the manifest, and submit again."
        return "Add test predictions to the manifest's artifacts, and submit again."

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Submit a version whose value clears the threshold."

    @property
    def _is_worst(self) -> bool:
        return self.metric.startswith(WORST_SLICE)

    @property
    def _words(self) -> str:
        return PERFORMANCE[self.metric].words

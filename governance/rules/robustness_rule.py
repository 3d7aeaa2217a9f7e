"""The check ``robustness``: what slips in the inputs do to decisions, and whether the model keeps its promises. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, measured_fields
from governance.rules.metrics import Metric
from governance.rules.model_needs import model_columns, model_need
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Need, common_fields
from governance.rules.stress_rule import StressRule, parse_place

PERTURBATION, FEATURE, EXPECTATION = "perturbation", "feature", "expectation"
VIOLATIONS = "expectation_violations"


def _lower(words: str, *, lowest: float = 0.0, highest: float = 1.0) -> Metric:
    return Metric(words, lowest=lowest, highest=highest, lower_is_better=True)


ROBUSTNESS: Mapping[str, Metric] = {
    "decision_flip_rate": _lower("share of decisions that flip"),
    "worst_slice_flip_rate": _lower("share of decisions that flip in the worst slice"),
    "score_shift": _lower("mean shift of the score", highest=math.inf),
    "error_rate": _lower("share of rows that the model refuses"),
    "accuracy_drop": _lower("loss of accuracy", lowest=-1.0),
    "roc_auc_drop": _lower("loss of ROC AUC", lowest=-1.0),
    VIOLATIONS: _lower("share of rows that break an expectation"),
}
"""Measured for every perturbation, or every expectation."""

_USUAL = {"noise": (1, 5, 10), "missing": (5, 20), "out_of_range": (1, 10), "units": (1000,)}
_LIST = {"noise": "noise", "missing": "missing", "out-of-range": "out_of_range", "unit": "units"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessRule(StressRule):
    """``{check: robustness, metric: decision_flip_rate, perturbation: noise-5, at_most: 0.02, confidence: 0.95}``.

    Attributes
    ----------
    requires
        Expectations that the manifest must declare.
    """

    check: ClassVar[str] = "robustness"
    metrics: ClassVar[Mapping[str, Metric]] = ROBUSTNESS
    keys: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(ROBUSTNESS, (PERTURBATION, FEATURE)),
        "worst_slice_flip_rate": (PERTURBATION,),
        VIOLATIONS: (EXPECTATION, "requires"),
    }

    requires: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        given = {key: data[key] for key in (PERTURBATION, FEATURE, EXPECTATION, "requires") if key in data}
        fields = parse_place(cls, data, given, path)
        requires = tuple(given.pop("requires", ()))
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            **fields | {"at": tuple(given.items())},
            requires=requires,
        )

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """All perturbations that are usual and those that the rule names, and the expectations of the manifest."""
        lists: dict[str, tuple[Any, ...]] = {"confidences": (self.confidence or PLANNED_CONFIDENCE,), **_USUAL}
        name, _, strength = dict(self.at).get(PERTURBATION, "").rpartition("-")
        if name in _LIST:
            lists[_LIST[name]] = (*lists[_LIST[name]], int(strength))
        lists = {key: tuple(dict.fromkeys(values)) for key, values in lists.items()}
        promised = schema.get("execution", {}).get("expectations")
        fixed = {**model_columns(schema), **({"declared_expectations": promised} if promised else {})}
        return model_need(self.check, lists, fixed=fixed)

    def look(self, facts: Facts) -> list[Look]:
        """Compare every place that the rule names, and miss every expectation that it requires and nobody declared."""
        looks = StressRule.look(self, facts)
        if self.metric != VIOLATIONS:
            return looks
        declared = {m.slice.get(EXPECTATION) for m in facts.measurements[self.key] if self.matches(m)}
        absent = [self._undeclared(name) for name in self.requires if name not in declared]
        # Where nothing is declared at all, those that are required are named rather than that there is none.
        return absent if absent and not declared else [*looks, *absent]

    def _undeclared(self, name: str) -> Look:
        return self.unknown(f"the manifest does not declare {name}", self.how_to_measure(), slice={EXPECTATION: name})

    def statement(self) -> str:
        """The rule as one sentence."""
        required = f"; the manifest must declare {wording.listed(self.requires)}" if self.requires else ""
        return f"The {self.quantity}{self.at_words()} must be {self.bounds.words()}{self.sure_words()}{required}."

    def absent(self) -> str:
        """What is said where nothing was measured that the rule names."""
        if self.metric != VIOLATIONS:
            return f"{self.place_words(dict(self.at))} was not measured" if self.at else "nothing was perturbed"
        name = dict(self.at).get(EXPECTATION)
        return f"the manifest does not declare {name}" if name else "the manifest declares no expectation"

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned, or did not measure this."""
        if self.metric == VIOLATIONS:
            return "Declare it under execution.expectations in the manifest, and submit again."
        return "Add an artifact with the role test-data and a model that can be run, and submit again."

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        if self.metric == VIOLATIONS:
            return "Train the model so that it keeps what is promised, for instance with monotonic constraints, and submit it."
        return "Train on inputs with such slips, or check inputs before the model is asked, and submit a new version."

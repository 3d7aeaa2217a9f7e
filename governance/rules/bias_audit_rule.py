"""The check ``bias-audit``: rates and impact ratios by sex, race or ethnicity, and where they cross. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.rules import wording
from governance.rules.data_metrics import BIAS_AUDIT
from governance.rules.data_rule import DataRule
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look
from governance.rules.metrics import Metric
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Detail
from registry.errors import InvalidInput
from registry.manifest import PREDICTIONS

CATEGORIES = ("sex", "race")
IMPACT_RATIO = "impact_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasAuditRule(DataRule):
    """``{check: bias-audit, metric: impact_ratio, sex: sex, race: race, at_least: 0.8}``.

    Attributes
    ----------
    sex, race
        The columns that hold the categories; where both are given, they are crossed as well.
    exclude_below
        Share of the data under which a category is left out of the ratios, as comparator too.
    """

    check: ClassVar[str] = "bias-audit"
    metrics: ClassVar[Mapping[str, Metric]] = BIAS_AUDIT
    evaluates: ClassVar[str] = "bias audit"
    usual: ClassVar[tuple[str, ...]] = (PREDICTIONS,)

    sex: str = ""
    race: str = ""
    exclude_below: float = 0.0

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The columns of categories.

        Raises
        ------
        InvalidInput
            If there is none, or one is named twice.
        """
        named = {name: data.get(name, "") for name in CATEGORIES}
        if not any(named.values()):
            raise InvalidInput(f"{path} needs sex, race, or both", field=path)
        if named["sex"] == named["race"]:
            raise InvalidInput(f"{path}.race names the same column as sex", field=f"{path}.race")
        return {**named, "exclude_below": data.get("exclude_below", 0.0)}

    @property
    def _columns(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.sex, self.race)))

    @property
    def _tables(self) -> list[tuple[str, ...]]:
        """Each column by itself, and both together."""
        single: list[tuple[str, ...]] = [(column,) for column in self._columns]
        return [*single, self._columns] if len(single) > 1 else single

    @property
    def about(self) -> tuple[str, ...]:
        """The columns of categories: each choice of them is an audit of its own."""
        return self._columns

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The columns of categories, and those of the manifest that say who was selected and with which score."""
        named = {name: column for name, column in (("sex", self.sex), ("race", self.race)) if column}
        for name, column in (("selected", "prediction"), ("positive", "positive")):
            if schema.get(column):
                named[name] = schema[column]
        if self.metric == "scoring_rate" and schema.get("score"):
            named["score"] = schema["score"]
        return {"confidences": (self.confidence or PLANNED_CONFIDENCE,)}, named

    def told(self) -> Mapping[str, Any]:
        """What is left out of the ratios."""
        return {"exclude_below": self.exclude_below} if self.metric == IMPACT_RATIO else {}

    def statement(self) -> str:
        """The rule as one sentence."""
        tables = wording.listed(f"by {wording.columns_words(table)}" for table in self._tables)
        lowest = "lowest " if self.metric == IMPACT_RATIO else ""
        every = "of every category " if BIAS_AUDIT[self.metric].per else ""
        share = wording.percent(self.exclude_below)
        small = f"; categories under {share} of the data are left out" if self.exclude_below else ""
        return (
            f"The {lowest}{self.quantity} {every}{tables} in {self.data_words} must be {self.bounds.words()}"
            f"{self._with_confidence()}{small}."
        )

    def look(self, facts: Facts) -> list[Look]:
        """Compare every table's lowest ratio or number of unknowns, or the rate of every category of it."""
        if not BIAS_AUDIT[self.metric].per:
            return [self._look_at_table(facts, table) for table in self._tables]
        looks: list[Look] = []
        for table in self._tables:
            found = self.look_at_places(facts, _of(table))
            looks += found or [self._absent(table)]
        return looks

    def _look_at_table(self, facts: Facts, table: tuple[str, ...]) -> Look:
        excluded = self.exclude_below if self.metric == IMPACT_RATIO else None
        candidates = [
            m
            for m in facts.measurements[self.key]
            if m.metric == self.metric
            and not m.slice
            and set(m.over) == set(table)
            and excluded in (None, m.minimum_group)
        ]
        return self.compare(candidates, absent=self._absent(table), over=table)

    def _absent(self, table: tuple[str, ...]) -> Look:
        return self.unknown("it was not measured", "Measure again under this policy.", over=table)

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        if detail.slice:
            return f"The {self.quantity} of {self.label(detail)} in {self.data_words}"
        lowest = "lowest " if self.metric == IMPACT_RATIO else ""
        return f"The {lowest}{self.quantity} by {self.label(detail)} in {self.data_words}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        if detail.slice:
            return wording.listed(f"{column} {group}" for column, group in detail.slice.items())
        return wording.columns_words(detail.over)

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            "Find in the audit which categories lie apart, lessen the gap where the law allows it, and submit a new "
            "version. Four fifths is a statistical screen, not a limit set by law."
        )


def _of(table: tuple[str, ...]) -> Callable[[Mapping[str, str]], bool]:
    """Whether a slice is a category of ``table``."""
    return lambda place: set(place) == set(table)

"""The check ``representation``: whether data hold enough of every group. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from audits.group_names import UNKNOWN
from governance.rules import wording
from governance.rules.data_metrics import REPRESENTATION
from governance.rules.data_rule import DataRule
from governance.rules.facts import Facts
from governance.rules.fairness_rule import parse_over
from governance.rules.measured_rule import Look
from governance.rules.metrics import Metric
from governance.rules.prediction_needs import PLANNED_CONFIDENCE
from governance.rules.rule import Detail, Need
from registry.errors import InvalidInput

COUNT, RATIO = "group_count", "population_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepresentationRule(DataRule):
    """``{check: representation, metric: group_share, over: [race, [race, sex]], at_least: 0.01, confidence: 0.95}``.

    Attributes
    ----------
    over
        The sets of columns of whose groups there must be enough; every group of each must clear.
    """

    check: ClassVar[str] = "representation"
    metrics: ClassVar[Mapping[str, Metric]] = REPRESENTATION
    evaluates: ClassVar[str] = "representation"

    over: tuple[tuple[str, ...], ...]

    @classmethod
    def parse_more(cls, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The sets of columns.

        Raises
        ------
        InvalidInput
            If a set is named twice, if a ratio is asked of groups where columns cross, of which manifests state no
            population, or a confidence of rows, which are counted.
        """
        over = parse_over(data["over"], f"{path}.over")
        crossed = next((index for index, columns in enumerate(over) if len(columns) > 1), None)
        if data["metric"] == RATIO and crossed is not None:
            place = f"{path}.over[{crossed}]"
            raise InvalidInput(
                f"{place}: {RATIO} is of single columns; manifests give no population where columns cross", field=place
            )
        if data["metric"] == COUNT and "confidence" in data:
            place = f"{path}.confidence"
            raise InvalidInput(f"{place} has no effect on {COUNT}: rows are counted, not estimated", field=place)
        return {"over": over}

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The groups of those columns that the manifest declares."""
        return DataRule.needs(self, schema, has_champion=has_champion) if self._declared(schema) else None

    def _declared(self, schema: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
        sensitive = set(schema.get("sensitive") or ())
        return tuple(columns for columns in self.over if sensitive.issuperset(columns))

    def parameters(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, tuple[Any, ...]], Mapping[str, Any]]:
        """The sets of columns, the confidence, and the population that the manifest states."""
        lists = {"over": self._declared(schema), "confidences": (self.confidence or PLANNED_CONFIDENCE,)}
        population = schema.get("population") or {}
        return lists, {"population": population} if population else {}

    def statement(self) -> str:
        """The rule as one sentence."""
        by = wording.listed(f"by {wording.columns_words(columns)}" for columns in self.over)
        return (
            f"The {self.quantity} of every group {by} in {self.data_words} must be {self.bounds.words()}"
            f"{self._with_confidence()}."
        )

    def look(self, facts: Facts) -> list[Look]:
        """Compare every group of every set of columns."""
        return [look for columns in self.over for look in self._look_at_set(columns, facts)]

    def _look_at_set(self, columns: tuple[str, ...], facts: Facts) -> list[Look]:
        """Compare every group, and make sure that it is every group: their rows must add up to those of the whole.

        Otherwise a group whose measurement is absent would be a group that passes.
        """
        sizes: dict[tuple[str, ...], set[float | None]] = {}
        whole: set[float | None] = set()
        for found in facts.measurements[self.key]:
            if found.metric == COUNT and not found.slice:
                whole.add(found.value)
            elif found.metric == COUNT and set(found.slice) == set(columns):
                sizes.setdefault(tuple(found.slice[column] for column in columns), set()).add(found.value)
        if not sizes:
            names = wording.listed(columns)
            note = f"the groups of {names} were not counted"
            fix = f"Declare {names} under schema.sensitive in the manifest, have the column in {self.data_words}, "
            return [self.unknown(note, f"{fix}and submit again.", over=columns)]
        again = "Measure again under this policy."
        if any(len(values) > 1 for values in (whole, *sizes.values())):
            note = "its groups were counted twice with different results"
            return [Look(Detail(metric=self.metric, over=columns, status="error", note=note), again)]
        counts = [value for values in sizes.values() for value in values if value is not None]
        total = next(iter(whole), None)
        if total is None or len(counts) < len(sizes) or not math.isclose(math.fsum(counts), total, rel_tol=1e-9):
            return [self.unknown("the rows of its groups are not known to add up to the whole", again, over=columns)]
        asked = [self._look_at_group(dict(zip(columns, name, strict=True)), facts) for name in sorted(sizes)]
        looks = [look for look in asked if look is not None]
        if not looks:
            return [self.unknown("no row names its group", f"Fill in {wording.listed(columns)}.", over=columns)]
        return looks

    def _look_at_group(self, group: Mapping[str, str], facts: Facts) -> Look | None:
        """The look at one group. Of rows that name none there cannot be too few, and no population has them."""
        if UNKNOWN not in group.values():
            return self.look_at_place(facts, group)
        if self.metric == RATIO or self.bounds.at_most is None:
            return None
        return replace(self, bounds=replace(self.bounds, at_least=None)).look_at_place(facts, group)

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        return f"The {self.quantity} of {self.label(detail)} in {self.data_words}"

    def label(self, detail: Detail) -> str:
        """The group; where it is not known, the columns."""
        if detail.slice:
            return wording.listed(f"{column} {group}" for column, group in detail.slice.items())
        return f"groups by {wording.columns_words(detail.over)}"

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        columns = wording.listed(dict.fromkeys(column for columns in self.over for column in columns))
        declare = f"Declare {columns} under schema.sensitive in the manifest. "
        return f"{declare}{DataRule.how_to_measure(self)}"

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Find in the evidence of which groups there are too few, gather more of them, and submit again."

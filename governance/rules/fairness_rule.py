"""The check ``fairness``: an aggregate over the groups of some columns, or a rate of every group. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from audits.measurement import Measurement
from governance.rules import wording
from governance.rules.every_group import groups_counted
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import AGGREGATES, FAIRNESS, INEQUALITY, REPRESENTATION, parse_bounds
from governance.rules.prediction_needs import PLANNED_CONFIDENCE, prediction_need
from governance.rules.rule import Detail, Need, common_fields
from registry.errors import InvalidInput

_CLASS = "class"
_REMEDIED = "remedied_demographic_parity_ratio"
_REMEDIED_METRICS = ("demographic_parity_ratio", "demographic_parity_difference", "selection_rate")
_OF_THE_DATA = ("representation_share", REPRESENTATION)
_SHARES_ADD_UP = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessRule(MeasuredRule):
    """``{check: fairness, metric: demographic_parity_ratio, over: [race, [race, sex]], at_least: 0.8, ...}``.

    Attributes
    ----------
    over
        The sets of columns whose groups are compared, each by itself; all must clear.
    minimum_group
        Share of rows under which a group is left out of an aggregate. Rates of groups leave no group out.
    population
        Column to group to its share of the population that the data should represent; without it the manifest's.
    """

    check: ClassVar[str] = "fairness"

    over: tuple[tuple[str, ...], ...]
    minimum_group: float = 0.0
    population: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric = data["metric"]
        if "minimum_group" in data and (metric not in AGGREGATES or metric in INEQUALITY):
            of_whom = "is about everybody" if metric in INEQUALITY else "is asked of every group"
            raise InvalidInput(
                f"{path}.minimum_group belongs to ratios and differences over groups; {metric} {of_whom}",
                field=f"{path}.minimum_group",
            )
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=parse_bounds(data, FAIRNESS[metric], path),
            over=parse_over(data["over"], f"{path}.over"),
            minimum_group=data.get("minimum_group", 0.0),
            population=_parse_population(data, path),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        by = wording.listed(f"by {wording.columns_words(columns)}" for columns in self.over)
        of_every_group = "" if self.metric in AGGREGATES else "of every group "
        small = (
            f"; groups under {wording.percent(self.minimum_group)} of rows are left out" if self.minimum_group else ""
        )
        return (
            f"The {self._words} {of_every_group}{by} must be {self.bounds.words()}"
            f"{with_confidence(self.confidence)}{small}."
        )

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The groups of those columns that the manifest declares."""
        declared = set(schema.get("sensitive") or ())
        over = tuple(columns for columns in self.over if declared.issuperset(columns))
        if not over:
            return None
        population = schema.get("population") or {}
        return prediction_need(
            self.check,
            schema,
            {
                "confidences": (self.confidence or PLANNED_CONFIDENCE,),
                "minimum_groups": (self.minimum_group,),
                "over": over,
            },
            fixed={"population": population} if self.metric == REPRESENTATION and population else {},
        )

    def told(self) -> Mapping[str, Any]:
        """The population: one evaluation holds the data against one."""
        return {"population": self.population} if self.population else {}

    def look(self, facts: Facts) -> list[Look]:
        """Compare every set of columns, or every group of it."""
        found = facts.measurements[self.key]
        known = {column for measurement in found for column in (*measurement.slice, *measurement.over)}
        looks: list[Look] = []
        for columns in self.over:
            undeclared = [column for column in columns if column not in known]
            if undeclared:
                looks.append(self._undeclared(columns, undeclared))
            elif self.metric in AGGREGATES:
                looks.append(self._look_at_aggregate(columns, found))
            else:
                looks.extend(self._look_at_groups(columns, facts))
        return looks

    def _undeclared(self, columns: tuple[str, ...], undeclared: list[str]) -> Look:
        names = wording.listed(undeclared)
        return Look(
            Detail(
                metric=self.metric,
                over=columns,
                status="missing",
                note=f"the manifest does not declare {names} under schema.sensitive",
            ),
            f"Declare {names} under schema.sensitive in the manifest, have the column in the test predictions, "
            "and submit again.",
        )

    def _not_measured(self, columns: tuple[str, ...], note: str, *, status: str = "missing") -> Look:
        return Look(
            Detail(metric=self.metric, over=columns, status=status, note=note), "Measure again under this policy."
        )

    def _look_at_aggregate(self, columns: tuple[str, ...], found: tuple[Measurement, ...]) -> Look:
        candidates = [
            measurement
            for measurement in found
            if measurement.metric == self.metric
            and not measurement.slice
            and set(measurement.over) == set(columns)
            and measurement.minimum_group == self.minimum_group
        ]
        share = wording.percent(self.minimum_group)
        absent = self._not_measured(columns, f"it was not measured with a minimum group of {share}")
        return self.compare(candidates, absent=absent, over=columns)

    def _look_at_groups(self, columns: tuple[str, ...], facts: Facts) -> list[Look]:
        """Compare every group, and make sure that it is every group: their counts must add up to the whole.

        Otherwise a group whose measurement is absent would be a group that passes.
        """
        sizes, status, problem = groups_counted(facts.measurements[self.key], columns)
        if status:
            return [self._not_measured(columns, problem, status=status)]
        looks: list[Look] = []
        for names in sorted({*sizes, *self._absent_groups(columns)}):
            looks.extend(self._look_at_group(dict(zip(columns, names, strict=True)), facts))
        return looks

    def _absent_groups(self, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Groups of the population, which must be looked at though the data hold nobody of them."""
        return [(group,) for group in self.population.get(columns[0], ())] if len(columns) == 1 else []

    def _look_at_group(self, group: dict[str, str], facts: Facts) -> list[Look]:
        """Compare the value of one group, or of each class of it where the model has many."""
        classes = {
            m.slice[_CLASS]
            for m in facts.measurements[self.key]
            if self.matches(m) and _CLASS not in group and set(m.slice) == {*group, _CLASS}
        }
        if not classes:
            return [self.look_at_place(facts, group)]
        return [self.look_at_place(facts, {**group, _CLASS: name}) for name in sorted(classes)]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        if detail.slice:
            return f"The {self._words} of {self.label(detail)}"
        return f"The {self._words} by {self.label(detail)}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        if detail.slice:
            return wording.listed(f"{column} {group}" for column, group in detail.slice.items())
        return wording.columns_words(detail.over)

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        columns = wording.listed(dict.fromkeys(column for columns in self.over for column in columns))
        return f"Declare {columns} under schema.sensitive in the manifest, and submit with test predictions."

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        if self.metric in _OF_THE_DATA:
            return "Find in the evidence which groups the data lack, gather more of them, and submit again."
        return (
            "Find in the evidence which groups lie apart, lessen the gap (by reweighing, a fairness constraint or "
            "group thresholds, where the law allows them), and submit a new version."
        )

    def mend(self, detail: Detail, facts: Facts) -> str:
        """The fix, with what thresholds per group would do where that was worked out."""
        suggestion = ""
        if self.metric in _REMEDIED_METRICS:
            suggestion = _remedy(detail, facts.measurements[self.key], self.minimum_group)
        return f"{self.how_to_mend()}{suggestion}"

    @property
    def _words(self) -> str:
        return FAIRNESS[self.metric].words


def _remedy(detail: Detail, found: Iterable[Measurement], minimum_group: float) -> str:
    """What was worked out for the columns of ``detail``, as a further sentence; empty where nothing was."""
    columns = set(detail.over or detail.slice)
    notes = [
        m.note.strip(". ")
        for m in found
        if (m.metric, m.minimum_group) == (_REMEDIED, minimum_group)
        and not m.slice
        and set(m.over) == columns
        and m.value is not None
        and m.note.strip()
    ]
    return f" For example, {min(notes)}; check that the law allows group thresholds." if notes else ""


def _parse_population(data: Mapping[str, Any], path: str) -> dict[str, dict[str, float]]:
    """Read ``population``.

    Raises
    ------
    InvalidInput
        If the metric is another one, a column is not among ``over``, or shares do not add up to 1.
    """
    population: dict[str, dict[str, float]] = data.get("population", {})
    place = f"{path}.population"
    if population and data["metric"] != REPRESENTATION:
        raise InvalidInput(f"{place} belongs to {REPRESENTATION}", field=place)
    for column, shares in population.items():
        if column not in data["over"]:
            raise InvalidInput(f"{place}.{column} is not among the rule's over", field=f"{place}.{column}")
        if not math.isclose(math.fsum(shares.values()), 1.0, abs_tol=_SHARES_ADD_UP):
            raise InvalidInput(f"{place}.{column}: the shares must add up to 1", field=f"{place}.{column}")
    return population


def parse_over(items: list[str | list[str]], path: str) -> tuple[tuple[str, ...], ...]:
    """The sets of columns that ``over`` names; raises :class:`InvalidInput` where one is named twice."""
    over = tuple((item,) if isinstance(item, str) else tuple(item) for item in items)
    seen: set[frozenset[str]] = set()
    for index, columns in enumerate(over):
        if frozenset(columns) in seen:
            raise InvalidInput(
                f"{path}[{index}] names {wording.columns_words(columns)} a second time", field=f"{path}[{index}]"
            )
        seen.add(frozenset(columns))
    return over

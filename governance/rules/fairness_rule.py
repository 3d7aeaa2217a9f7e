"""The check ``fairness``: an aggregate over the groups of some columns, or a rate of every group. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.measurement import Measurement
from governance.rules import wording
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import AGGREGATES, FAIRNESS, parse_bounds
from governance.rules.performance_rule import PLANNED_CONFIDENCE
from governance.rules.rule import Detail, Need, common_fields
from registry.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessRule(MeasuredRule):
    """``{check: fairness, metric: demographic_parity_ratio, over: [race, [race, sex]], at_least: 0.8, ...}``.

    Attributes
    ----------
    over
        The sets of columns whose groups are compared, each by itself; all must clear.
    minimum_group
        Share of rows under which a group is left out of an aggregate. Rates of groups leave no group out.
    """

    check: ClassVar[str] = "fairness"

    over: tuple[tuple[str, ...], ...]
    minimum_group: float = 0.0

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric = data["metric"]
        if "minimum_group" in data and metric not in AGGREGATES:
            raise InvalidInput(
                f"{path}.minimum_group belongs to ratios and differences over groups; {metric} is asked of every group",
                field=f"{path}.minimum_group",
            )
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=parse_bounds(data, FAIRNESS[metric], path),
            over=_parse_over(data["over"], f"{path}.over"),
            minimum_group=data.get("minimum_group", 0.0),
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
        return Need(
            kind=self.check,
            parameters={
                "confidences": (self.confidence or PLANNED_CONFIDENCE,),
                "minimum_groups": (self.minimum_group,),
                "over": over,
            },
        )

    def look(self, facts: Facts) -> list[Look]:
        """Compare every set of columns, or every group of it."""
        found = facts.measurements[self.check]
        known = {column for measurement in found for column in (*measurement.slice, *measurement.over)}
        looks: list[Look] = []
        for columns in self.over:
            undeclared = [column for column in columns if column not in known]
            if undeclared:
                looks.append(self._undeclared(columns, undeclared))
            elif self.metric in AGGREGATES:
                looks.append(self._look_at_aggregate(columns, found))
            else:
                looks.extend(self._look_at_groups(columns, found))
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

    def _look_at_groups(self, columns: tuple[str, ...], found: tuple[Measurement, ...]) -> list[Look]:
        """Compare every group, and make sure that it is every group: their counts must add up to the whole.

        Otherwise a group whose measurement is absent would be a group that passes.
        """
        sizes: dict[tuple[str, ...], set[float]] = {}
        whole: set[float] = set()
        for measurement in found:
            if measurement.metric != "count" or measurement.over or measurement.value is None:
                continue
            if set(measurement.slice) == set(columns):
                names = tuple(measurement.slice[column] for column in columns)
                sizes.setdefault(names, set()).add(measurement.value)
            elif not measurement.slice:
                whole.add(measurement.value)
        if any(len(values) > 1 for values in (whole, *sizes.values())):
            note = "its groups were counted twice with different results"
            return [self._not_measured(columns, note, status="error")]
        counted = math.fsum(value for values in sizes.values() for value in values)
        if not whole or not math.isclose(counted, whole.pop(), rel_tol=1e-9):
            return [self._not_measured(columns, "the counts of its groups do not add up to the whole")]
        looks = []
        for names in sorted(sizes):
            slice_ = dict(zip(columns, names, strict=True))
            candidates = [m for m in found if m.metric == self.metric and m.slice == slice_ and not m.over]
            absent = Look(
                Detail(metric=self.metric, slice=slice_, status="missing", note="it was not measured"),
                "Measure again under this policy.",
            )
            looks.append(self.compare(candidates, absent=absent, slice_=slice_))
        return looks

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
        return (
            "Find in the evidence which groups lie apart, lessen the gap (by reweighing, a fairness constraint or "
            "group thresholds, where the law allows them), and submit a new version."
        )

    @property
    def _words(self) -> str:
        return FAIRNESS[self.metric].words


def _parse_over(items: list[str | list[str]], path: str) -> tuple[tuple[str, ...], ...]:
    over = tuple((item,) if isinstance(item, str) else tuple(item) for item in items)
    seen: set[frozenset[str]] = set()
    for index, columns in enumerate(over):
        if frozenset(columns) in seen:
            raise InvalidInput(
                f"{path}[{index}] names {wording.columns_words(columns)} a second time", field=f"{path}[{index}]"
            )
        seen.add(frozenset(columns))
    return over

"""The check ``comparison`` on changed sides: how many decisions differ from the champion's, and whose. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from governance.rules import wording
from governance.rules.against_champion import AgainstChampion
from governance.rules.facts import Facts
from governance.rules.fairness_rule import parse_over
from governance.rules.measured_rule import Look, measured_fields, with_confidence
from governance.rules.metrics import FLIPS, parse_bounds
from governance.rules.rule import Detail, common_fields
from registry.errors import InvalidInput

_DIFFERENCE = "_difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipsRule(AgainstChampion):
    """``{check: comparison, metric: flip_rate, against: champion, at_most: 0.05, by: [race], confidence: 0.95}``.

    Attributes
    ----------
    over
        For differences between groups: the sets of columns whose groups are compared, each by itself.
    """

    over: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        metric, between = data["metric"], data["metric"].endswith(_DIFFERENCE)
        wanted, unwanted = ("over", "by") if between else ("by", "over")
        if unwanted in data:
            why = (
                "compares groups with one another: name them with over"
                if between
                else "is a share of decisions: use by"
            )
            raise InvalidInput(f"{path}.{unwanted}: {metric} {why}", field=f"{path}.{unwanted}")
        if between and "over" not in data:
            raise InvalidInput(f"{path}.over is missing: {metric} needs the groups to compare", field=f"{path}.over")
        if "minimum_group" in data and wanted not in data:
            place = f"{path}.minimum_group"
            raise InvalidInput(f"{place} belongs to by: without it everybody is looked at, at once", field=place)
        sets = parse_over(data.get(wanted, []), f"{path}.{wanted}")
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=metric,
            bounds=parse_bounds(data, FLIPS[metric], path),
            by=() if between else sets,
            over=sets if between else (),
            minimum_group=data.get("minimum_group", 0.0),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        over = f" by {wording.listed(wording.columns_words(columns) for columns in self.over)}" if self.over else ""
        end = f"{self.groups_words()}{with_confidence(self.confidence)}{self.small_words()}"
        return f"The {self._words}{over} must be {self.bounds.words()}{end}."

    def _asked_sets(self) -> tuple[tuple[str, ...], ...]:
        return self.over or self.by

    def look(self, facts: Facts) -> list[Look]:
        """Compare the share over everybody, every group's, or the difference over every set of columns."""
        if not self.over:
            return AgainstChampion.look(self, facts)
        return [self._look_at_difference(columns, facts) for columns in self.over]

    def _look_at_difference(self, columns: tuple[str, ...], facts: Facts) -> Look:
        if not self._is_known(columns, facts):
            return self.undeclared(columns)
        candidates = [
            m
            for m in facts.measurements[self.key]
            if m.metric == self.metric
            and not m.slice
            and set(m.over) == set(columns)
            and m.minimum_group == self.minimum_group
        ]
        note = f"it was not measured with a minimum group of {wording.percent(self.minimum_group)}"
        absent = self.unknown(note, "Measure again under this policy.", over=columns)
        return self.compare(candidates, absent=absent, over=columns)

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        champion = facts.champion.version if facts.champion else ""
        return f"The {self._words}{self.whom(detail)}, against champion {champion},"

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return (
            "Find in the evidence who changes sides and why; submit a version that decides more like the champion, or raise "
            "the bound, with a reason, in the next version of the policy."
        )

    @property
    def _words(self) -> str:
        return FLIPS[self.metric].words

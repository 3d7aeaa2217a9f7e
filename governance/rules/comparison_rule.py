"""The check ``comparison``: no worse than the version in use now, by at most a margin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from governance.rules import wording
from governance.rules.against_champion import AgainstChampion
from governance.rules.bounds import Bounds
from governance.rules.facts import Facts
from governance.rules.fairness_rule import parse_over
from governance.rules.flips_rule import FlipsRule
from governance.rules.measured_rule import measured_fields, with_confidence
from governance.rules.metrics import BENEFIT, COMPARISON, FLIPS
from governance.rules.rule import Detail, Rule, common_fields
from registry.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRule(AgainstChampion):
    """``{check: comparison, metric: roc_auc_score, against: champion, margin: 0.02, confidence: 0.95}``.

    The measured value is the difference challenger − champion. It must be at least −margin, or at most margin where a
    lower value is the better one; with ``by`` that of every group.
    """

    margin: float

    @classmethod
    def form(cls, data: Mapping[str, Any]) -> type[Rule]:
        """For metrics of changed sides, a rule with a bound; else this one, with a margin."""
        return FlipsRule if data["metric"] in FLIPS else cls

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        margin = data["margin"]
        lower_is_better = COMPARISON[data["metric"]].lower_is_better
        if "minimum_group" in data and "by" not in data:
            place = f"{path}.minimum_group"
            raise InvalidInput(f"{place} belongs to by: without it everybody is looked at, at once", field=place)
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=data["metric"],
            margin=margin,
            # 0.0 - 0 rather than -0.0, which canonical JSON and sentences would show.
            bounds=Bounds(at_most=margin) if lower_is_better else Bounds(at_least=0.0 - margin),
            by=parse_over(data.get("by", []), f"{path}.by"),
            minimum_group=data.get("minimum_group", 0.0),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        worse = "higher" if COMPARISON[self.metric].lower_is_better else "lower"
        allowed = f"at most {wording.threshold(self.margin)} {worse} than" if self.margin else f"no {worse} than"
        end = f"{self.groups_words()}{with_confidence(self.confidence)}{self.small_words()}"
        return f"The {self._words} must be {allowed} the champion's{end}."

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return f"{self.bounds.words()} against the champion"

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        champion = facts.champion.version if facts.champion else ""
        return f"The difference in {self._words} from champion {champion}{self.whom(detail)}"

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        if self.metric == BENEFIT:
            return "Register the use case with amounts, which say what each outcome of a decision is worth."
        return AgainstChampion.how_to_measure(self)

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Submit a version that is no worse than the champion by more than the margin."

    @property
    def _words(self) -> str:
        return COMPARISON[self.metric].words

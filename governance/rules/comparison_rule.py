"""The check ``comparison``: no worse than the version in use now, by at most a margin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from audits.data_roles import CHAMPION
from governance.rules import wording
from governance.rules.bounds import Bounds
from governance.rules.facts import Facts
from governance.rules.measured_rule import Look, MeasuredRule, measured_fields, with_confidence
from governance.rules.metrics import COMPARISON
from governance.rules.prediction_needs import PLANNED_CONFIDENCE, prediction_need
from governance.rules.rule import Detail, EvidenceTerms, Judgement, Need, common_fields
from registry.manifest import PREDICTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRule(MeasuredRule):
    """``{check: comparison, metric: roc_auc_score, against: champion, margin: 0.02, confidence: 0.95}``.

    The measured value is the difference challenger − champion. It must be at least −margin, or at most margin where a
    lower value is the better one.
    """

    check: ClassVar[str] = "comparison"

    margin: float

    @classmethod
    def parse(cls, data: Mapping[str, Any], path: str) -> Self:
        """Make the rule from its YAML mapping."""
        margin = data["margin"]
        lower_is_better = COMPARISON[data["metric"]].lower_is_better
        return cls(
            **common_fields(data),
            **measured_fields(data, path),
            metric=data["metric"],
            margin=margin,
            # 0.0 - 0 rather than -0.0, which canonical JSON and sentences would show.
            bounds=Bounds(at_most=margin) if lower_is_better else Bounds(at_least=0.0 - margin),
        )

    def statement(self) -> str:
        """The rule as one sentence."""
        worse = "higher" if COMPARISON[self.metric].lower_is_better else "lower"
        allowed = f"at most {wording.threshold(self.margin)} {worse} than" if self.margin else f"no {worse} than"
        return f"The {self._words} must be {allowed} the champion's{with_confidence(self.confidence)}."

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """The comparison with the champion, if there is one."""
        if not has_champion:
            return None
        return prediction_need(
            self.check,
            schema,
            {"confidences": (self.confidence or PLANNED_CONFIDENCE,)},
            roles=(PREDICTIONS, f"{CHAMPION}{PREDICTIONS}"),
        )

    def expected(self) -> str:
        """What the rule asks, in a few words."""
        return f"{self.bounds.words()} against the champion"

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule; that there is no other champion is a known fact, and passes."""
        environment = facts.subject.environment
        if facts.champion is None:
            observed = f"no champion in {environment} yet, nothing to compare with"
            return Judgement(status="pass", observed=observed, sentence=f"There is {observed}.")
        if facts.champion.manifest_sha256 == facts.subject.manifest_sha256:
            observed = f"this version is itself the champion in {environment}"
            return Judgement(status="pass", observed=observed, sentence=f"There is nothing to compare: {observed}.")
        # Named by the class: a dataclass with slots is made twice, and bare super() would look at the first.
        return MeasuredRule.judge(self, facts, terms)

    def look(self, facts: Facts) -> list[Look]:
        """Compare the difference from the champion."""
        return [self.look_at_overall(facts)]

    def phrase(self, detail: Detail, facts: Facts) -> str:
        """The quantity as the beginning of a sentence."""
        champion = facts.champion.version if facts.champion else ""
        return f"The difference in {self._words} from champion {champion}"

    def label(self, detail: Detail) -> str:
        """The quantity in a list."""
        return ""

    def how_to_measure(self) -> str:
        """The fix when the evaluation was never planned."""
        return "Measure the version against the champion on the same test rows."

    def how_to_mend(self) -> str:
        """The fix when the value violates the bounds."""
        return "Submit a version that is no worse than the champion by more than the margin."

    @property
    def _words(self) -> str:
        return COMPARISON[self.metric].words

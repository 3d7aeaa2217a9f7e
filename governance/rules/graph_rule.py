"""What rules over the lineage share: when it cannot be judged, and how many answers become one. Pure.

Lineage is what those who make the data state of it. It has no trust grade, and what the policy asks of evidence does not
apply to it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.rules import wording
from governance.rules.facts import Facts, Subject
from governance.rules.lineage_facts import LINEAGE, Feature, LineageFacts
from governance.rules.paths import is_explained
from governance.rules.rule import Detail, EvidenceTerms, Judgement, Need, Rule, worst

_TOLD = 2
"""So many answers that do not pass are told whole; of others the sentence tells the names, the details all."""
_NAMED = 3
_TELLING = ("error", "fail", "missing")
"""What was shown to be wrong is told before what is not known."""

STATE_IT = (
    "State it: as features of the manifest, in feature definitions, as SQL, or by the events of the job that makes it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came out for one feature or dataset: a status, the sentence that tells why, and the fix."""

    about: str
    status: str
    sentence: str = ""
    fix: str = ""
    kind: str = "feature"

    def detail(self, check: str) -> Detail:
        """The answer as a line of the verdict."""
        return Detail(metric=check, slice={self.kind: self.about}, status=self.status, note=self.sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRule(Rule):
    """A rule that asks of every feature, or of every dataset, where it comes from."""

    reads: ClassVar[frozenset[str]] = frozenset({LINEAGE})

    @abstractmethod
    def answers(self, facts: Facts, lineage: LineageFacts) -> list[Answer]:
        """What came out for everything that the rule asks about, at least one."""

    @abstractmethod
    def shown(self, facts: Facts, passing: int) -> str:
        """The sentence where all pass."""

    def needs(self, schema: Mapping[str, Any], *, has_champion: bool) -> Need | None:
        """Nothing: lineage is stated, not measured."""
        return None

    def judge(self, facts: Facts, terms: EvidenceTerms) -> Judgement:
        """Apply the rule. A lineage that was not gathered, or not whole, never passes."""
        lineage = facts.lineage
        if lineage is None:
            return Judgement(
                status="missing",
                observed="lineage not gathered",
                sentence=f"The lineage of {subject_name(facts.subject)} was not gathered, so this cannot be judged.",
                fix="Have the version judged again.",
            )
        answers = self.answers(facts, lineage)
        if lineage.graph.truncated:
            answers = [*answers, _truncated(facts.subject)]
        return self._joined(facts, answers)

    def _joined(self, facts: Facts, answers: Sequence[Answer]) -> Judgement:
        status = worst(answer.status for answer in answers)
        details = tuple(answer.detail(self.check) for answer in answers)
        passing = sum(answer.status == "pass" for answer in answers)
        observed = f"{passing} of {len(answers)} shown"
        if status == "pass":
            return Judgement(status=status, observed=observed, sentence=self.shown(facts, passing), details=details)
        telling = sorted(
            (answer for answer in answers if answer.status != "pass"),
            key=lambda answer: _TELLING.index(answer.status),
        )
        told, left = telling[:_TOLD], telling[_TOLD:]
        return Judgement(
            status=status,
            observed=f"{observed}; not {_names(telling)}",
            sentence=" ".join([*(answer.sentence for answer in told), *_also(left)]),
            fix=" ".join(dict.fromkeys(answer.fix for answer in told if answer.fix)),
            details=details,
        )


def _also(left: Sequence[Answer]) -> Iterable[str]:
    if left:
        yield f"Nor is it shown for {_names(left)}."


def _names(answers: Sequence[Answer]) -> str:
    names = list(dict.fromkeys(answer.about for answer in answers))
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return wording.listed([*names[:_NAMED], *more])


def _truncated(subject: Subject) -> Answer:
    return Answer(
        about="the rest",
        kind="lineage",
        status="missing",
        sentence=f"The lineage of {subject_name(subject)} is larger than what was gathered, so the rest is not known.",
        fix="Have whoever runs the service raise the limit on gathered lineage.",
    )


def subject_name(subject: Subject) -> str:
    """The version that is judged: ``mortgage-approval@2``."""
    return f"{subject.model}@{subject.version}"


def feature_name(feature: Feature, subject: Subject) -> str:
    """A feature at the beginning of a sentence."""
    return f"Feature {feature.name} of {subject_name(subject)}"


def unknown_feature(lineage: LineageFacts, feature: Feature, subject: Subject) -> Answer | None:
    """The answer for a feature of which nobody states what it is made from; None where somebody does."""
    if feature.node is not None and is_explained(lineage.graph, feature.node):
        return None
    return Answer(
        about=feature.name,
        status="missing",
        sentence=f"Nobody states what feature {feature.name} of {subject_name(subject)} is made from.",
        fix=STATE_IT,
    )


def no_features(subject: Subject) -> Answer:
    """The answer for a version whose manifest names no features."""
    return Answer(
        about="features",
        kind="lineage",
        status="missing",
        sentence=f"The manifest of {subject_name(subject)} names no features.",
        fix="Name them under schema.features in the manifest, and submit again.",
    )


def joined(about: str, problems: Sequence[Answer], *, kind: str = "feature") -> Answer:
    """One answer for all that was found about one thing; it passes where nothing was."""
    if not problems:
        return Answer(about=about, status="pass", kind=kind)
    telling = sorted(problems, key=lambda answer: _TELLING.index(answer.status))[:_TOLD]
    return Answer(
        about=about,
        kind=kind,
        status=worst(problem.status for problem in problems),
        sentence=" ".join(dict.fromkeys(problem.sentence for problem in telling)),
        fix=" ".join(dict.fromkeys(problem.fix for problem in telling if problem.fix)),
    )

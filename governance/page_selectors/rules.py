"""Rules of a verdict in the order in which a reader wants them: what stops the version first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audits.rule_view import RuleView, rule_view
from governance.models import Verdict


def stops(rule: Mapping[str, Any]) -> bool:
    """Whether the rule, as judged, keeps the version from being reviewed."""
    if rule["status"] == "inconclusive":
        return bool(rule["on_inconclusive"] != "review")
    return rule["status"] in ("fail", "missing", "error")


@dataclass(frozen=True, slots=True)
class RulesShown:
    """The rules of one verdict: those that stop it, those people must accept, those still open, those met."""

    stopping: list[RuleView] = field(default_factory=list)
    undecided: list[RuleView] = field(default_factory=list)
    pending: list[RuleView] = field(default_factory=list)
    met: list[RuleView] = field(default_factory=list)

    @property
    def everything(self) -> Sequence[RuleView]:
        """All rules, the stopping ones first."""
        return [*self.stopping, *self.undecided, *self.pending, *self.met]

    @property
    def attention(self) -> Sequence[RuleView]:
        """Rules that a reader must look at."""
        return [*self.stopping, *self.undecided, *self.pending]


def rules_of(verdict: Verdict | None) -> RulesShown:
    """The verdict's rules, sorted into their groups."""
    shown = RulesShown()
    for rule in verdict.document["rules"] if verdict else ():
        if stops(rule):
            group = shown.stopping
        elif rule["status"] == "inconclusive":
            group = shown.undecided
        elif rule["status"] in ("pass", "excepted"):
            group = shown.met
        else:
            group = shown.pending
        group.append(rule_view(rule))
    return shown

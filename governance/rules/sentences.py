"""The rules and stages of a policy as sentences, for the pages where people read it. Pure."""

from __future__ import annotations

from governance.rules import wording
from governance.rules.measured_rule import MeasuredRule
from governance.rules.policy_document import Stage
from governance.rules.rule import Rule


def rule_sentence(rule: Rule) -> str:
    """The rule, and what happens when the data cannot tell."""
    if not isinstance(rule, MeasuredRule) or rule.confidence is None:
        return rule.statement()
    if rule.on_inconclusive == "review":
        consequence = "If the data cannot tell, those who sign must accept it by name."
    else:
        consequence = "If the data cannot tell, it blocks."
    return f"{rule.statement()} {consequence}"


def stage_sentence(stage: Stage) -> str:
    """The stage: who signs, independent of whom, by when, and for how long."""
    role = stage.role.replace("-", " ")
    text = f"One {role} must sign" if stage.quorum == 1 else f"{stage.quorum} different {role}s must sign"
    if stage.independent_of:
        roles = " or ".join(role.replace("-", " ") for role in stage.independent_of)
        text += f", who {'is' if stage.quorum == 1 else 'are'} not also {roles} of the version"
    if stage.due_days is not None:
        text += f", within {_days(stage.due_days)}"
    if stage.valid_days is not None:
        text += f"; a signature holds for {_days(stage.valid_days)}"
    return f"{text}."


def _days(days: int) -> str:
    return "one day" if days == 1 else f"{wording.count(days)} days"

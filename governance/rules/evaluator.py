"""Judges facts by a policy: bytes and facts in, verdict bytes out, the same ones whenever it is done again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.rules.facts import Facts, parse_facts
from governance.rules.policy_document import PolicyDocument, parse_policy
from governance.rules.rule import Rule
from registry.canonical import canonical_json
from registry.errors import InvalidInput


def evaluate(policy: bytes, facts: Mapping[str, Any]) -> bytes:
    """Apply every rule of ``policy`` to ``facts``.

    Parameters
    ----------
    policy
        The YAML bytes exactly as registered.
    facts
        Plain JSON, as ``docs/policy.md`` describes it.

    Returns
    -------
    bytes
        The verdict as canonical JSON: ``policy``, ``subject``, ``outcome`` (``clear``, ``review``, ``pending`` or
        ``blocked``) and ``rules`` in the policy's order. It holds no time of its own.

    Raises
    ------
    InvalidInput
        If the policy or the facts are malformed, or the policy does not govern the subject. Nothing is judged then.
    """
    return canonical_json(verdict_on(parse_policy(policy), parse_facts(facts)))


def verdict_on(policy: PolicyDocument, facts: Facts) -> dict[str, Any]:
    """Judge parsed facts by a parsed policy; :func:`evaluate` without the bytes."""
    subject = facts.subject
    if subject.environment != policy.applies_to.environment or subject.risk_tier not in policy.applies_to.risk_tier:
        raise InvalidInput(
            f"policy {policy.id} governs {', '.join(policy.applies_to.risk_tier)} risk on the way to "
            f"{policy.applies_to.environment}; the subject is {subject.risk_tier} risk on the way to "
            f"{subject.environment}",
            field="subject",
        )
    rules = [_apply(rule, policy, facts) for rule in policy.rules]
    return {
        "policy": {"id": policy.id, "version": policy.version, "sha256": policy.sha256},
        "subject": {
            "model": subject.model,
            "version": subject.version,
            "manifest_sha256": subject.manifest_sha256,
            "risk_tier": subject.risk_tier,
            "environment": subject.environment,
        },
        "outcome": outcome_of(rules),
        "rules": rules,
    }


def outcome_of(rules: list[dict[str, Any]]) -> str:
    """What the rules of a verdict come to together; one that blocks is enough, and so is an unknown status."""
    statuses = {rule["status"] for rule in rules}
    undecided = {rule["on_inconclusive"] for rule in rules if rule["status"] == "inconclusive"}
    if not rules or not statuses <= {"pass", "excepted", "pending", "inconclusive"} or undecided - {"review"}:
        return "blocked"
    if "pending" in statuses:
        return "pending"
    return "review" if undecided else "clear"


def _apply(rule: Rule, policy: PolicyDocument, facts: Facts) -> dict[str, Any]:
    judgement = rule.judge(facts, policy.evidence)
    status, sentence, fix = judgement.status, judgement.sentence, judgement.fix
    # The one that holds longest; by name among equals, so that the order of the facts does not matter.
    waivers = [waiver for waiver in facts.exceptions if waiver.rule == rule.id and waiver.until > facts.as_of]
    if status != "pass" and waivers:
        waiver = max(waivers, key=lambda waiver: (waiver.until, waiver.id))
        sentence += f" Exception {waiver.id} waives this rule until {waiver.until:%Y-%m-%d %H:%M} UTC."
        status = "excepted"
    # Named only where the check does not name it already: verdicts from before there were keys keep their bytes.
    read = {"evaluation": rule.key} if rule.key not in ("", rule.check) else {}
    return {
        **read,
        "id": rule.id,
        "title": rule.title or rule.statement(),
        "check": rule.check,
        "status": status,
        "on_inconclusive": rule.on_inconclusive,
        "observed": judgement.observed,
        "expected": rule.expected(),
        "n": judgement.n,
        "sentence": sentence,
        "fix": fix,
        "evidence": list(judgement.evidence),
        "details": [detail.as_json() for detail in judgement.details],
    }

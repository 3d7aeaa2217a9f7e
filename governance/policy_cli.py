"""``countersign policy``: checks a policy, and judges facts by it, with no server and no database."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audits.wording import STATUS_MARKS
from governance.rules.evaluator import evaluate
from governance.rules.policy_document import PolicyDocument, parse_policy
from governance.rules.sentences import rule_sentence, stage_sentence
from registry.canonical import parse_json
from registry.errors import CountersignError, InvalidInput

CLEAR, NOT_CLEAR, BAD_INPUT = 0, 1, 2

_OUTCOMES = {
    "clear": "clear: every rule passes",
    "review": "review: nothing blocks, and those who sign must accept by name what the data cannot tell",
    "pending": "pending: not everything is measured yet",
    "blocked": "blocked",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``policy check`` or ``policy simulate``; ``argv`` is what follows the word ``policy``.

    Returns
    -------
    int
        0 if the policy is valid, or the verdict ``clear`` or ``review``; 1 if the verdict is ``blocked`` or ``pending``; 2 if
        the input cannot be read or is not valid.
    """
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else BAD_INPUT
    try:
        code: int = arguments.run(arguments)
    except CountersignError as error:
        listed = error.details.get("errors")
        problems = [item["message"] for item in listed] if isinstance(listed, list) else [error.message]
        sys.stderr.writelines(f"countersign policy: {problem}\n" for problem in problems)
        return BAD_INPUT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="countersign policy", description="Check policies, and judge facts offline.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="validate a policy and print it as sentences")
    check.add_argument("policy", metavar="POLICY.yaml", type=Path)
    check.set_defaults(run=_check)
    simulate = commands.add_parser("simulate", help="judge facts by a policy")
    simulate.add_argument("policy", metavar="POLICY.yaml", type=Path)
    simulate.add_argument("facts", metavar="FACTS.json", type=Path)
    simulate.add_argument("--json", action="store_true", help="print the verdict as canonical JSON")
    simulate.set_defaults(run=_simulate)
    return parser


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error


def _check(arguments: argparse.Namespace) -> int:
    policy = parse_policy(_read(arguments.policy))
    sys.stdout.write("\n".join(_policy_lines(policy)) + "\n")
    return CLEAR


def _simulate(arguments: argparse.Namespace) -> int:
    policy, facts = _read(arguments.policy), parse_json(_read(arguments.facts), what=str(arguments.facts))
    if not isinstance(facts, Mapping):
        raise InvalidInput(f"{arguments.facts} must hold an object")
    content = evaluate(policy, facts)
    verdict = parse_json(content)
    if arguments.json:
        sys.stdout.buffer.write(content + b"\n")
    else:
        sys.stdout.write("\n".join(_verdict_lines(verdict)) + "\n")
    return CLEAR if verdict["outcome"] in ("clear", "review") else NOT_CLEAR


def _policy_lines(policy: PolicyDocument) -> list[str]:
    tiers, age = ", ".join(policy.applies_to.risk_tier), policy.evidence.max_age_days
    lines = [
        f"{policy.id} version {policy.version}: valid",
        f"sha256:{policy.sha256}",
        f"Governs {tiers} risk on the way to {policy.applies_to.environment}.",
        f"Evidence must be at least {policy.evidence.minimum_trust}"
        + (f", and at most {age} days old." if age else ", of any age."),
        "",
        "Rules",
    ]
    for rule in policy.rules:
        lines += [f"  {rule.id}", f"    {rule_sentence(rule)}"]
    lines += ["", "Sign-off, in this order"]
    for stage in policy.sign_off:
        lines += [f"  {stage.stage}", f"    {stage_sentence(stage)}"]
    return lines


def _verdict_lines(verdict: Mapping[str, Any]) -> list[str]:
    subject, policy = verdict["subject"], verdict["policy"]
    lines = [
        f"{subject['model']} {subject['version']} → {subject['environment']}: {_OUTCOMES[verdict['outcome']]}",
        f"judged by {policy['id']} version {policy['version']}",
        "",
    ]
    for rule in verdict["rules"]:
        lines += [f"{STATUS_MARKS[rule['status']]} {rule['status']:<13}{rule['id']}", f"    {rule['sentence']}"]
        if rule["fix"] and rule["status"] != "excepted":
            lines.append(f"    fix: {rule['fix']}")
    return lines

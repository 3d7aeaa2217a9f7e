"""Verdicts in history come out byte for byte the same: digests of verdicts that the rules gave before there were checks of data."""

import pytest

from governance.rules.evaluator import evaluate
from registry.canonical import sha256_hex
from tests.governance.rules_factory import (
    auc,
    auc_rule,
    card_rule,
    champion_rule,
    difference,
    everybody,
    facts,
    group,
    impact,
    impact_rule,
    policy,
    rate_rule,
)

POLICY = policy(
    auc_rule(),
    auc_rule(metric="log_loss", at_least=0, at_most=0.4),
    impact_rule(over=["race", "sex", ["race", "sex"]], minimum_group=0.02, on_inconclusive="review"),
    rate_rule(),
    champion_rule(),
    card_rule(),
)
WITH_GAPS = facts(
    auc(),
    impact(0.9, 0.85, 0.95, minimum_group=0.02),
    impact(0.7, 0.6, 0.78, over=["sex"], minimum_group=0.02),
    impact(0.8, 0.7, 0.9, over=["race", "sex"], minimum_group=0.02),
    everybody(1000),
    group("black", 200, 0.75, 0.6, 0.86),
    group("white", 800, 0.9, 0.88, 0.92),
    difference(-0.01, -0.03, 0.01),
)
BEFORE = {
    "with gaps": (WITH_GAPS, "68d88aba3310be75bd44804a8403099c2b7f83991e31b5a8978123ad3240c891"),
    "nothing measured": (facts(), "6e5607e43872af7b8f8fba6936dd3b0ca6b04b570f4b31bcfacc1e6d16bd8c39"),
    "no champion": (
        facts(auc(0.7, 0.6, 0.8), champion=None),
        "6fe99e7a3907495c18753be63c401542b7af1f12e786bc70b160f780227abf9b",
    ),
}


@pytest.mark.parametrize("case", BEFORE)
def test_a_verdict_from_before_keeps_its_bytes(case):
    known, digest = BEFORE[case]
    assert sha256_hex(evaluate(POLICY, known)) == digest

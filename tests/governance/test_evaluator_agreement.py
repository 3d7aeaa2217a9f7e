"""Two evaluators that share no line agree: on cases that hypothesis shrinks, and on many more.

``COUNTERSIGN_POLICY_CASES=100000`` runs the number that ``docs/trust.md`` asks for.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.rules.evaluator import verdict_on
from governance.rules.facts import parse_facts
from governance.rules.policy_document import parse_policy
from tests.governance.random_cases import random_facts, random_policy
from tests.governance.random_lineage import random_lineage, random_lineage_rule
from tests.governance.reference_evaluator import reference
from tests.governance.rules_factory import facts, policy_mapping

CASES = int(os.environ.get("COUNTERSIGN_POLICY_CASES", "1500"))


def ours(policy, known):
    document = parse_policy(json.dumps(policy).encode())
    made = verdict_on(document, parse_facts(known))
    return made["outcome"], [rule["status"] for rule in made["rules"]]


# Facts hold something of every kind of check: the smallest case is large by nature.
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(st.randoms(use_true_random=False))
def test_both_evaluators_agree_on_cases_that_shrink(rng):
    policy, known = random_policy(rng), random_facts(rng)
    assert ours(policy, known) == reference(policy, known)


def test_both_evaluators_agree_on_many_cases_of_every_status_and_outcome():
    outcomes, statuses = Counter(), Counter()
    for seed in range(CASES):
        rng = Random(seed)
        policy, known = random_policy(rng), random_facts(rng)
        outcome, of_rules = ours(policy, known)
        assert (outcome, of_rules) == reference(policy, known), f"seed {seed}"
        outcomes[outcome] += 1
        statuses.update(of_rules)
    # The agreement means something only if the cases go everywhere.
    assert set(outcomes) == {"clear", "review", "pending", "blocked"}
    assert set(statuses) == {"pass", "fail", "inconclusive", "missing", "pending", "excepted", "error"}
    assert min(outcomes.values()) >= CASES // 200
    assert min(statuses.values()) >= CASES // 100


def test_both_evaluators_agree_on_many_rules_over_lineage():
    statuses = Counter()
    for seed in range(CASES):
        rng = Random(seed)
        policy = policy_mapping(*(random_lineage_rule(rng) for _ in range(4)))
        known = facts(lineage=random_lineage(rng))
        _, of_rules = ours(policy, known)
        assert of_rules == reference(policy, known)[1], f"seed {seed}"
        statuses.update((rule["check"], status) for rule, status in zip(policy["rules"], of_rules, strict=True))
    for check in ("lineage", "terms", "prohibited-features", "pii"):
        for status in ("pass", "fail", "missing"):
            assert statuses[check, status] >= CASES // 100, (check, status, statuses)

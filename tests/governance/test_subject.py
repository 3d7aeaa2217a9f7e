"""What people sign: every part of it changes its digest, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.subject import make_subject
from registry.canonical import canonical_json, parse_json, sha256_hex

A, B, C = "a" * 64, "b" * 64, "c" * 64
PARTS = {
    "model": "mortgage-approval",
    "version": "1",
    "environment": "production",
    "manifest_sha256": A,
    "artifacts": [("model.skops", "model", A), ("predictions.csv", "test-predictions", B)],
    "evidence": {"performance": A, "fairness": B},
    "verdict_sha256": C,
    "policy": {"id": "consumer-credit", "version": 1, "sha256": A},
    "card_sha256": B,
    "champion_sha256": None,
}
CHANGES = {
    "model": "other",
    "version": "2",
    "environment": "staging",
    "manifest_sha256": B,
    "artifacts": [("model.skops", "model", C), ("predictions.csv", "test-predictions", B)],
    "evidence": {"performance": A, "fairness": C},
    "verdict_sha256": A,
    "policy": {"id": "consumer-credit", "version": 2, "sha256": A},
    "card_sha256": C,
    "champion_sha256": A,
}


def test_the_subject_is_canonical_and_its_digest_covers_all_of_it():
    subject = make_subject(**PARTS)
    assert subject.sha256 == sha256_hex(subject.content)
    assert canonical_json(parse_json(subject.content)) == subject.content


@pytest.mark.parametrize("part", CHANGES)
def test_each_part_counts(part):
    assert make_subject(**{**PARTS, part: CHANGES[part]}).sha256 != make_subject(**PARTS).sha256


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("artifacts", PARTS["artifacts"][:1]),
        ("artifacts", [("model.skops", "weights", A), PARTS["artifacts"][1]]),
        ("artifacts", [("renamed", "model", A), PARTS["artifacts"][1]]),
        ("evidence", {"performance": A}),
        ("evidence", {"performance": B, "fairness": A}),
        ("policy", {"id": "consumer-credit", "version": 1, "sha256": B}),
    ],
)
def test_parts_of_parts_count(part, change):
    assert make_subject(**{**PARTS, part: change}).sha256 != make_subject(**PARTS).sha256


@given(st.permutations(PARTS["artifacts"]), st.permutations(list(PARTS["evidence"].items())))
def test_the_order_in_which_things_are_read_does_not_count(artifacts, evidence):
    assert make_subject(**{**PARTS, "artifacts": artifacts, "evidence": dict(evidence)}) == make_subject(**PARTS)

"""Sections of the model card that must be written."""

from __future__ import annotations

import pytest

from tests.governance.rules_factory import card_rule, facts, judged


def test_a_card_with_all_sections_passes():
    rule = judged(card_rule(), facts())
    assert rule["status"] == "pass"
    assert rule["observed"] == "2 of 2 sections written"
    assert rule["sentence"] == "The model card states intended use and limitations."


@pytest.mark.parametrize("text", [None, "", "  \n\t"])
def test_a_blank_section_is_missing(text):
    written = {"intended_use": "Decides on mortgages."} | ({} if text is None else {"limitations": text})
    rule = judged(card_rule("intended_use", "limitations", "owner"), facts(documentation=written))
    assert rule["status"] == "missing"
    assert rule["sentence"] == (
        "The model card does not state limitations and owner; the policy requires intended use, limitations and owner."
    )
    assert rule["fix"] == "Write these sections of the model card: limitations, owner."
    assert rule["n"] is None


def test_the_trust_of_measurements_is_none_of_its_business():
    assert judged(card_rule(), facts(), evidence={"minimum_trust": "recomputed", "max_age_days": 1})["status"] == "pass"

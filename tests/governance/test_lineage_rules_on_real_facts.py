"""Rules over the lineage judge what the service gathers of a submitted version, down to a scan of its training data."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.lineage_facts import lineage_facts
from registry import ledger
from registry.lineage.names import dataset_place
from registry.services.classifications import classify_column, end_classification, record_scan
from tests.governance.rules_factory import facts, judged

pytestmark = pytest.mark.django_db

IN_FEATURES = {"check": "pii", "classes": ["identifier"], "in": "features"}
IN_TRAINING = {"check": "pii", "classes": ["identifier"], "in": "training-data"}


@pytest.fixture
def version(world, brisk):
    """A version with the features income and ratio, trained on hmda-boston@1990, that tony owns."""
    from registry.services.datasets import register_dataset

    register_dataset(actor=world.tony, slug="hmda-boston", name="Home mortgages", source="HMDA")
    return world.submit(measured=False)


def judge(rule, version):
    return judged(rule, facts(lineage=lineage_facts(version, timezone.now())))


def test_what_a_scan_finds_in_the_training_data_reaches_the_rules_and_dismissing_it_too(version, world):
    assert judge(IN_TRAINING, version)["status"] == "pass"
    (found,) = record_scan(
        actor=ledger.SYSTEM, place=dataset_place("hmda-boston"), found={"income": ["phone"]}, evidence="a" * 64
    )
    rule = judge(IN_TRAINING, version)
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "mortgage-approval@2026.11.2 was trained on hmda-boston, which holds hmda-boston.income (identifier, scan: phone)."
    )
    assert judge(IN_FEATURES, version)["status"] == "fail"
    end_classification(actor=world.tony, classification=found, reason="These are amounts.")
    assert judge(IN_TRAINING, version)["status"] == "pass"


def test_a_feature_made_from_a_column_that_its_owner_classified_is_named_with_its_way(version, world):
    (scanned,) = record_scan(
        actor=ledger.SYSTEM, place=dataset_place("hmda-boston"), found={"ratio": ["email"]}, evidence="b" * 64
    )
    classify_column(actor=world.tony, column=scanned.column, label="identifier", detail="e-mail")
    rule = judge(IN_FEATURES, version)
    assert rule["status"] == "fail"
    assert "hmda-boston.ratio (identifier, declared: e-mail)" in rule["sentence"]
    assert {detail["slice"]["feature"]: detail["status"] for detail in rule["details"]}["ratio"] == "fail"


def test_a_dataset_without_a_datasheet_passes_nothing(version):
    for rule in ({"check": "terms"}, {"check": "lineage", "every": "feature", "reaches": "source"}):
        judged_rule = judge(rule, version)
        assert judged_rule["status"] == "missing"
        assert "hmda-boston has no datasheet" in judged_rule["sentence"]

"""Whatever the model depends on may be used for its purpose, there, and now."""

from __future__ import annotations

import pytest

from tests.governance.lineage_factory import edge, lineage, terms, trained
from tests.governance.rules_factory import facts, judged

WAY = (edge("hmda:income", "staging:income"), edge("staging:income", "model:income"), trained("credit-2026"))


def judge(*edges, rule=None, **changes):
    """The terms of hmda, which is upstream of the feature, changed; staging is registered by nobody."""
    more = {name: changes.pop(name) for name in ("purpose", "regions", "features", "model") if name in changes}
    known = lineage(*(edges or WAY), datasets=[terms("hmda", **changes), terms("credit-2026")], **more)
    return judged({"check": "terms", "unregistered": "allow", **(rule or {})}, facts(lineage=known))


def test_terms_that_permit_pass():
    rule = judge()
    assert rule["status"] == "pass"
    assert rule["sentence"] == "mortgage-approval@2026.11.2 depends on 2 datasets, whose terms permit it."
    assert {detail["slice"]["dataset"] for detail in rule["details"]} == {"hmda", "credit-2026"}


def test_a_withdrawn_dataset_fails_with_the_path_and_the_reason():
    rule = judge(withdrawn_at="2026-11-20T09:30:00Z", withdrawn_reason="The bank ended\n the contract.")
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature income of mortgage-approval@2026.11.2 is made from hmda, by staging.income; hmda was withdrawn on "
        "2026-11-20 (The bank ended the contract)."
    )
    assert rule["fix"] == "Make the model without hmda, or have its owner restore it."


def test_what_the_model_was_trained_on_counts_as_well():
    known = lineage(*WAY, datasets=[terms("hmda"), terms("credit-2026", purposes=["marketing", "research"])])
    rule = judged({"check": "terms", "unregistered": "allow"}, facts(lineage=known))
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "mortgage-approval@2026.11.2 was trained on credit-2026; credit-2026 may be used for marketing and research, not for "
        "mortgage-underwriting."
    )


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"licence_until": "2026-11-21"}, "pass", ""),
        ({"licence_until": "2026-11-20"}, "fail", "the licence data agreement of hmda ran out after 2026-11-20."),
        ({"retention_until": "2026-11-21"}, "pass", ""),
        ({"retention_until": "2026-11-20"}, "fail", "hmda was to be kept until 2026-11-20 and no longer."),
        ({"purposes": []}, "fail", "hmda may be used for nothing, not for mortgage-underwriting."),
        ({"purposes": ["mortgage-underwriting"]}, "pass", ""),
        ({"purposes": ["x"], "purpose": ""}, "missing", "nobody says for which purpose the model is used."),
        ({"purposes": ["*"], "purpose": ""}, "pass", ""),
        ({"regions": ["US", "CA"]}, "pass", ""),
        ({"datasheet": None}, "missing", "hmda has no datasheet, so its terms are not known."),
    ],
)
def test_each_term_is_judged(changes, status, says):
    rule = judge(**changes)
    assert rule["status"] == status
    assert rule["sentence"].endswith(says)


def test_regions_must_cover_all_where_the_model_is_used():
    def in_regions(allowed, used):
        known = lineage(*WAY, datasets=[terms("hmda", regions=allowed), terms("credit-2026")], regions=used)
        return judged({"check": "terms", "unregistered": "allow"}, facts(lineage=known))

    assert in_regions(["US"], ["US"])["status"] == "pass"
    assert in_regions([], ["US", "DE"])["status"] == "pass"
    rule = in_regions(["US"], ["DE", "US", "FR"])
    assert rule["status"] == "fail"
    assert rule["sentence"].endswith("hmda may be used in US, not in DE and FR.")
    assert in_regions(["US"], [])["status"] == "missing"


@pytest.mark.parametrize(
    ("asked", "changes", "status"),
    [
        ({"fresh": True}, {"fresh_until": "2026-11-21"}, "pass"),
        ({"fresh": True}, {"fresh_until": "2026-11-20"}, "fail"),
        ({"fresh": True}, {"fresh_until": None}, "missing"),
        ({}, {"fresh_until": "2020-01-01"}, "pass"),
        ({"lawful_basis": True}, {"lawful_basis": " "}, "missing"),
        ({"lawful_basis": True}, {}, "pass"),
        ({}, {"lawful_basis": ""}, "pass"),
    ],
)
def test_freshness_and_lawful_basis_are_judged_where_asked_for(asked, changes, status):
    assert judge(rule=asked, **changes)["status"] == status


def test_the_last_day_ends_in_utc():
    known = facts(
        lineage=lineage(*WAY, datasets=[terms("hmda", licence_until="2026-11-21"), terms("credit-2026")]),
        as_of="2026-11-22T01:30:00+02:00",
    )
    rule = {"check": "terms", "unregistered": "allow"}
    assert judged(rule, known)["status"] == "pass"
    known["as_of"] = "2026-11-21T23:30:00-02:00"
    assert judged(rule, known)["status"] == "fail"


def test_a_place_that_nobody_registered_is_missing_unless_allowed():
    rule = judge(rule={"unregistered": "missing"})
    assert rule["status"] == "missing"
    assert rule["sentence"] == (
        "Feature income of mortgage-approval@2026.11.2 is made from staging; nobody registered staging as a dataset, so its "
        "terms are not known."
    )


def test_what_was_shown_to_be_wrong_is_told_before_what_is_not_known():
    rule = judge(rule={"unregistered": "missing"}, withdrawn_at="2026-11-20T00:00:00Z")
    assert rule["status"] == "missing"
    assert "withdrawn on 2026-11-20" in rule["sentence"].split(". ")[0]


def test_a_feature_without_lineage_and_an_unknown_training_are_missing():
    assert judge(features=("income", "age"))["status"] == "missing"
    rule = judge(*WAY[:2])
    assert rule["status"] == "missing"
    assert rule["sentence"] == "Nobody states what mortgage-approval@2026.11.2 was trained on."
    assert judge(model=None)["status"] == "missing"


def test_a_model_that_depends_on_no_registered_dataset_is_missing():
    rule = judge(edge("raw:income", "model:income"), trained("raw"))
    assert rule["status"] == "missing"
    assert "depends on no registered dataset" in rule["sentence"]

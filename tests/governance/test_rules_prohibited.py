"""No feature is made from a column that must not be used for the purpose."""

from __future__ import annotations

import pytest

from tests.governance.lineage_factory import edge, lineage, terms
from tests.governance.rules_factory import facts, judged

NAMED = {"columns": ["sex"]}


def judge(*edges, rule=None, prohibited=None, features=("risk",), **changes):
    sheet = terms("crm", prohibited=prohibited or {}, **{k: changes.pop(k) for k in ("datasheet",) if k in changes})
    known = lineage(*edges, datasets=[sheet], features=features, **changes)
    return judged({"check": "prohibited-features", **(rule or {})}, facts(lineage=known))


def test_a_feature_from_what_a_datasheet_prohibits_for_the_purpose_fails_with_the_path():
    rule = judge(
        edge("crm:sex", "staging:code"), edge("staging:code", "model:risk"),
        prohibited={"mortgage-underwriting": ["sex"]},
    )  # fmt: skip
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature risk of mortgage-approval@2026.11.2 is made from crm.sex, by staging.code; the datasheet of crm "
        "prohibits sex for mortgage-underwriting."
    )
    assert rule["fix"] == "Make the model without it."


@pytest.mark.parametrize(
    ("prohibited", "purpose", "status"),
    [
        ({"insurance-pricing": ["sex"]}, "mortgage-underwriting", "pass"),
        ({"*": ["sex"]}, "mortgage-underwriting", "fail"),
        ({"*": ["SEX"]}, "mortgage-underwriting", "fail"),
        ({"*": ["age"]}, "mortgage-underwriting", "pass"),
        ({"insurance-pricing": ["sex"]}, "", "fail"),
    ],
)
def test_what_is_prohibited_depends_on_the_purpose(prohibited, purpose, status):
    assert judge(edge("crm:Sex", "model:risk"), prohibited=prohibited, purpose=purpose)["status"] == status


def test_a_column_by_name_counts_in_any_place_and_in_any_case():
    assert judge(edge("raw:SEX", "model:risk"), rule=NAMED)["status"] == "fail"
    assert judge(edge("raw:age", "model:risk"), rule=NAMED)["status"] == "pass"
    assert judge(edge("raw:SEX", "model:risk"))["status"] == "pass"


def test_influence_counts():
    rule = judge(edge("crm:age", "model:risk"), edge("crm:sex", "model:risk", manner="indirect"), rule=NAMED)
    assert rule["status"] == "fail"
    assert "is influenced by crm.sex; this policy prohibits sex." in rule["sentence"]


def test_a_feature_that_is_itself_such_a_column_fails():
    rule = judge(edge("crm:s", "model:sex"), rule=NAMED, features=("sex",))
    assert rule["status"] == "fail"
    assert rule["sentence"] == (
        "Feature sex of mortgage-approval@2026.11.2 is itself such a column; this policy prohibits sex."
    )


def test_a_whole_dataset_brings_all_of_its_known_columns():
    rule = judge(edge("crm", "model:risk"), edge("raw:sex", "crm:sex"), prohibited={"*": ["sex"]})
    assert rule["status"] == "fail"
    assert "is made from crm.sex, in the last step known of the whole only; the datasheet" in rule["sentence"]


@pytest.mark.parametrize(
    ("prohibited", "rule", "status"),
    [({"*": ["sex"]}, {}, "missing"), ({}, NAMED, "missing"), ({}, {}, "pass")],
)
def test_a_whole_dataset_of_unknown_columns_cannot_be_judged(prohibited, rule, status):
    found = judge(edge("crm", "model:risk"), prohibited=prohibited, rule=rule)
    assert found["status"] == status
    if status == "missing":
        assert "not all columns of crm are known" in found["sentence"]


def test_a_dataset_without_datasheet_could_prohibit_anything():
    rule = judge(edge("crm:age", "model:risk"), datasheet=None)
    assert rule["status"] == "missing"
    assert rule["sentence"].endswith("is made from crm; crm has no datasheet that could prohibit columns.")


def test_a_feature_without_lineage_is_missing_even_if_another_fails():
    rule = judge(edge("raw:sex", "model:risk"), features=("risk", "age"), rule=NAMED)
    assert rule["status"] == "missing"
    assert rule["sentence"].startswith("Feature risk of mortgage-approval@2026.11.2 is made from raw.sex")
    assert judged({"check": "prohibited-features"}, facts())["status"] == "missing"

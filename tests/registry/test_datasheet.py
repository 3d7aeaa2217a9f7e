"""A datasheet is checked strictly: each wrong field is named, and what is kept has one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.datasheet import check_datasheet, last_day
from registry.datasheet_differences import Difference, differences
from registry.errors import InvalidInput

WHOLE = {
    "description": "  2,380 applications.\r\nOne row each. ",
    "collection": {"method": "Reports of lenders", "period": {"from": "1990-01-01", "until": "1990-12-31"}},
    "lawful_basis": "legal-obligation",
    "licence": {"name": "Public domain", "url": "https://fed.example/licence", "until": "2030-06-30"},
    "purposes": ["mortgage-underwriting", "churn", "churn"],
    "prohibited": [{"purpose": "insurance-pricing", "columns": ["sex", "age"], "reason": "Test-Achats"}],
    "retention": {"days": 3650},
    "regions": ["US", "EU"],
    "update_rhythm": "never",
    "freshness_days": 30,
    "is_source": True,
    "columns": {"income": {"type": "decimal", "description": "a year"}, "race": {}},
    "biases": "",
    "contact": None,
}


def test_what_is_kept_is_stripped_ordered_and_without_what_is_empty():
    kept = check_datasheet(WHOLE)
    assert kept["description"] == "2,380 applications.\nOne row each."
    assert (kept["purposes"], kept["regions"]) == (["churn", "mortgage-underwriting"], ["EU", "US"])
    assert kept["prohibited"] == [{"purpose": "insurance-pricing", "columns": ["age", "sex"], "reason": "Test-Achats"}]
    assert kept["columns"] == {"income": {"type": "decimal", "description": "a year"}, "race": {}}
    assert not {"biases", "contact"} & set(kept)
    assert check_datasheet(kept) == kept


def test_an_empty_datasheet_permits_nothing():
    assert check_datasheet({"is_source": False, "purposes": []}) == {}


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"licens": {}}, "licens", "known here: description"),
        ({"licence": {"url": "https://fed.example"}}, "licence.name", "names the licence"),
        ({"licence": {"name": "x", "url": "javascript:alert(1)"}}, "licence.url", "https://"),
        ({"licence": {"name": "x", "until": "2026-13-01"}}, "licence.until", "2026-12-31"),
        ({"licence": {"name": "x", "until": "20261201"}}, "licence.until", "2026-12-31"),
        ({"licence": {"name": "x", "days": 1}}, "licence.days", "known here: name, url, until"),
        ({"purposes": "*"}, "purposes", "list"),
        ({"purposes": ["Mortgage underwriting"]}, "purposes[0]", "small letters"),
        ({"purposes": ["*", ""]}, "purposes[1]", "purpose of a use case"),
        ({"prohibited": [{"purpose": "*", "columns": [], "reason": "r"}]}, "prohibited[0].columns", "at least one"),
        ({"prohibited": [{"purpose": "*", "columns": ["sex"]}]}, "prohibited[0].reason", "says why"),
        ({"prohibited": [{"columns": ["sex"], "reason": "r"}]}, "prohibited[0].purpose", "a purpose"),
        ({"prohibited": [{"purpose": "*", "columns": ["a\nb"], "reason": "r"}]}, "prohibited[0].columns[0]", "one line"),
        ({"retention": {"until": "2030-01-01", "days": 3}}, "retention.days", "exclude each other"),
        ({"retention": {"days": 0}}, "retention.days", "whole number of days"),
        ({"retention": {"days": True}}, "retention.days", "whole number of days"),
        ({"retention": {"days": 9}}, "collection.period.until", "last day of the data"),
        ({"freshness_days": 9}, "collection.period.until", "last day of the data"),
        ({"freshness_days": "9"}, "freshness_days", "whole number"),
        ({"regions": ["Europe"]}, "regions[0]", "capitals"),
        ({"is_source": "yes"}, "is_source", "true or false"),
        ({"lawful_basis": "Art. 6"}, "lawful_basis", "small letters"),
        ({"update_rhythm": "daily\nor so"}, "update_rhythm", "one line"),
        ({"description": "a\x00b"}, "description", "cannot be shown"),
        ({"description": "x" * 20_001}, "description", "at most 20000"),
        ({"description": 7}, "description", "is a text"),
        ({"columns": ["income"]}, "columns", "mapping"),
        ({"columns": {"": {}}}, "columns.", "1 to 500"),
        ({"columns": {"a": {"pii": True}}}, "columns.a.pii", "known here: type, description"),
        ({"columns": {"a": "text"}}, "columns.a", "mapping"),
        ({"collection": {"period": {"from": "2026-02-01", "until": "2026-01-01"}}}, "collection.period.until", "not before"),
        ([], "datasheet", "mapping"),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(wrong, field, words):
    with pytest.raises(InvalidInput, match=r".") as refused:
        check_datasheet(wrong)
    assert refused.value.field == field
    assert words in refused.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["*", "2026-01-01", "churn"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(WHOLE)) | st.text(max_size=4), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), JSON, max_size=4))
def test_whatever_comes_is_kept_in_one_form_or_refused(document):
    try:
        kept = check_datasheet(document)
    except InvalidInput:
        return
    assert check_datasheet(kept) == kept


def test_spans_end_on_a_day():
    from datetime import date

    assert last_day(date(1990, 12, 31), 365) == "1991-12-31"
    assert last_day(None, None) is None
    assert last_day(date(9999, 1, 1), 36_525) == "9999-12-31"
    with pytest.raises(InvalidInput, match="nobody said"):
        last_day(None, 3)


def test_differences_name_each_field_once():
    old = check_datasheet(WHOLE)
    new = {**old, "purposes": ["churn"], "biases": "Few of some groups.", "columns": {"income": {"type": "float"}}}
    new["prohibited"] = [{"purpose": "*", "columns": ["race"], "reason": "ECOA"}]
    assert differences(old, new) == [
        Difference("biases", "Known biases", "", "Few of some groups."),
        Difference("purposes", "Permitted purposes", "churn, mortgage-underwriting", "churn"),
        Difference("prohibited.*", "Prohibited for *", "", "race: ECOA"),
        Difference("prohibited.insurance-pricing", "Prohibited for insurance-pricing", "age, sex: Test-Achats", ""),
        Difference("columns.income", "Column income", "decimal · a year", "float"),
        Difference("columns.race", "Column race", "race", ""),
    ]
    assert differences(old, old) == []

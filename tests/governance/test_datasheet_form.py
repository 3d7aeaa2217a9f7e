"""The form of a datasheet holds all that the datasheet does, and gives it back as it was."""

import pytest
from hypothesis import given, settings

from governance.datasheet_form import FIELDS, field_of_error, form_of, sheet_of_form
from registry.datasheet import KEYS, check_datasheet
from tests.registry.test_croissant import SHEETS


@settings(deadline=None)
@given(SHEETS)
def test_what_is_edited_and_left_alone_is_the_same(sheet):
    kept = check_datasheet(sheet)
    assert check_datasheet(sheet_of_form(form_of(kept))) == kept


def test_every_key_has_a_field():
    assert {field.name.partition(".")[0] for field in FIELDS} == set(KEYS)


def test_rows_are_read_as_people_write_them():
    texts = {
        "columns": "income | decimal | a year, before tax | net\r\n\n age\nrace||self-described\na\\|b",
        "prohibited": "insurance-pricing | sex, age | Test-Achats\n* | race | ECOA",
        "purposes": "churn,, mortgage-underwriting ",
        "freshness_days": " 30 ",
        "is_source": "on",
    }
    assert sheet_of_form(texts) == {
        "columns": {
            "income": {"type": "decimal", "description": "a year, before tax | net"},
            "age": {"type": "", "description": ""},
            "race": {"type": "", "description": "self-described"},
            "a|b": {"type": "", "description": ""},
        },
        "prohibited": [
            {"purpose": "insurance-pricing", "columns": ["sex", "age"], "reason": "Test-Achats"},
            {"purpose": "*", "columns": ["race"], "reason": "ECOA"},
        ],
        "purposes": ["churn", "mortgage-underwriting"],
        "freshness_days": 30,
        "is_source": True,
    }


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("licence.until", "licence.until"), ("prohibited[3].columns[0]", "prohibited"), ("columns.income.type", "columns"),
        ("purposes[0]", "purposes"), ("collection.period.until", "collection.period.until"), ("nothing", ""), (None, ""),
    ],
)  # fmt: skip
def test_an_error_stands_at_its_field(path, field):
    assert field_of_error(path) == field

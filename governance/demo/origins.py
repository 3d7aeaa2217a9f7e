"""Where the demo's data come from: four datasets with their terms, and what the job that joined them tells of it.

The study behind ``loanapp`` took the register that lenders must keep of home loans, asked them for what stood in the
files of the applications, and added unemployment by industry. The addresses of the tables are made up.
"""

from __future__ import annotations

from typing import Any

from governance.demo.mortgage import FEATURES

PURPOSE = "mortgage-underwriting"
PRODUCER = "https://countersign.example/demo"
_FACETS = "https://openlineage.io/spec/facets"

REGISTER = {"namespace": "postgres://warehouse.example:5432", "name": "lending.hmda.register"}
FILES = {"namespace": "postgres://warehouse.example:5432", "name": "lending.survey.loan_files"}
LABOUR = {"namespace": "s3://public-statistics", "name": "labour/unemployment_by_industry"}

_PERIOD = {"method": "survey", "period": {"from": "1990-01-01", "until": "1990-12-31"}}
_PROHIBITED = [
    {
        "purpose": PURPOSE,
        "columns": ["race", "sex", "applicant_race", "applicant_sex"],
        "reason": "Fair-lending law: nobody is refused credit for these.",
    }
]

SHEETS: dict[str, tuple[str, dict[str, str] | None, dict[str, Any]]] = {
    "hmda-register": (
        "Home Mortgage Disclosure Act register",
        REGISTER,
        {
            "description": "One row per application for a home loan, as lenders must register it.",
            "collection": {**_PERIOD, "method": "register kept by law"},
            "lawful_basis": "legal-obligation",
            "licence": {"name": "Public register"},
            "purposes": [PURPOSE, "fair-lending-research"],
            "prohibited": _PROHIBITED,
            "regions": ["US"],
            "is_source": True,
        },
    ),
    "loan-files": (
        "Application files of the surveyed lenders",
        FILES,
        {
            "description": "What the lenders' files say of each application: obligations, credit history, property.",
            "collection": _PERIOD,
            "lawful_basis": "contract",
            "licence": {"name": "Agreement with the surveyed lenders"},
            "terms_of_use": "For the decision on home loans and for research on it; no marketing.",
            "purposes": [PURPOSE, "fair-lending-research"],
            "retention": {"until": "2040-12-31"},
            "regions": ["US"],
            "is_source": True,
        },
    ),
    "unemployment": (
        "Unemployment by industry",
        LABOUR,
        {
            "description": "Published rates; nothing about single people.",
            "lawful_basis": "no-personal-data",
            "licence": {"name": "Public statistics"},
            "purposes": ["*"],
            "is_source": True,
        },
    ),
    "hmda-boston": (
        "Mortgage applications, Boston",
        None,
        {
            "description": "1,989 applications in the Boston area, joined from register, files and statistics.",
            "collection": _PERIOD,
            "lawful_basis": "contract",
            "licence": {"name": "For study and teaching"},
            "purposes": [PURPOSE, "fair-lending-research"],
            "prohibited": _PROHIBITED,
            "regions": ["US"],
            "biases": "Decisions of lenders in 1990, with whatever prejudice was in them.",
        },
    ),
}
"""Slug to name, address and datasheet, sources first."""

_FROM_REGISTER = {
    "loanamt": "loan_amount", "appinc": "applicant_income", "race": "applicant_race", "sex": "applicant_sex",
    "approve": "action_taken",
}  # fmt: skip
_DERIVED = {"loanprc": [(REGISTER, "loan_amount"), (FILES, "price")]}
_TAGS = {"applicant_race": "special_category", "applicant_sex": "sensitive"}


def _step(source: dict[str, str], field: str, subtype: str = "IDENTITY") -> dict[str, Any]:
    return {**source, "field": field, "transformations": [{"type": "DIRECT", "subtype": subtype, "masking": False}]}


def _inputs(column: str) -> list[dict[str, Any]]:
    if column in _DERIVED:
        return [_step(source, field, "TRANSFORMATION") for source, field in _DERIVED[column]]
    if column in _FROM_REGISTER:
        return [_step(REGISTER, _FROM_REGISTER[column])]
    return [_step(LABOUR, "rate")] if column == "unem" else [_step(FILES, column)]


def event() -> dict[str, Any]:
    """What the job that joined the data tells, as an OpenLineage run event."""
    columns = [*FEATURES, "race", "sex", "approve"]
    lineage = {
        "_producer": PRODUCER,
        "_schemaURL": f"{_FACETS}/1-2-0/ColumnLineageDatasetFacet.json",
        "fields": {column: {"inputFields": _inputs(column)} for column in columns},
    }
    tags = {
        "_producer": PRODUCER,
        "_schemaURL": f"{_FACETS}/1-0-0/TagsDatasetFacet.json",
        "tags": [{"key": tag, "value": "true", "field": field} for field, tag in _TAGS.items()],
    }
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-01T04:00:00Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0193a1de-7c00-7000-8000-000000000001"},
        "job": {"namespace": "lending-etl", "name": "join_applications"},
        "inputs": [{**REGISTER, "facets": {"tags": tags}}, FILES, LABOUR],
        "outputs": [{"namespace": "countersign:datasets", "name": "hmda-boston", "facets": {"columnLineage": lineage}}],
    }

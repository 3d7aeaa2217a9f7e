"""Card and PDF tell where the features come from, as the reader may see it, and round trips keep it."""

import io
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from audits.audit_pdf import audit_pdf
from audits.dossier import Dossier
from audits.lineage_origins import lineage_report
from audits.model_card import card_html, card_json
from registry.canonical import parse_json
from registry.terms import Terms
from tests.audits.dossier_factory import promoted


def facts(*, layers: int = 1) -> dict:
    """A feature ``income`` that comes from a register, by as many tables as told."""
    names = ["register", *(f"step_{number}" for number in range(1, layers))]
    places = [
        {"namespace": "countersign:datasets", "name": name, "kind": "dataset", "dataset": name, "model": None, "version": None}
        for name in names
    ] + [
        {
            "namespace": "countersign:models", "name": "m@1", "kind": "model", "dataset": None, "model": "m", "version": "1",
        }
    ]  # fmt: skip
    nodes = [{"place": index, "role": "column", "column": "income"} for index in range(len(places))]
    edges = [
        {
            "source": index, "target": index + 1, "level": "column", "manner": "direct", "subtype": "IDENTITY",
            "masking": False, "treatment": None, "job": "etl nightly", "by": "openlineage", "seen": "2026-11-01T00:00:00Z",
        }
        for index in range(len(places) - 1)
    ]  # fmt: skip
    return {
        "purpose": "credit",
        "regions": [],
        "graph": {"places": places, "nodes": nodes, "edges": edges, "truncated": False},
        "features": [{"name": "income", "node": len(nodes) - 1}, {"name": "mood", "node": None}],
        "model": None,
        "classes": [{"node": 0, "class": "sensitive", "source": "declared", "detail": "money"}],
        "datasets": {
            name: Terms(
                slug=name,
                name=name.title(),
                owner="Tony",
                datasheet="0" * 64,
                licence="x",
                purposes=("credit",),
                is_source=True,
            ).as_json()
            for name in names
        },
    }


def dossier(**how) -> Dossier:
    return replace(promoted(), origins=lineage_report(facts(**how), on=date(2026, 11, 21)))


def test_a_dossier_with_origins_comes_back_from_its_json():
    made = dossier()
    again = Dossier.from_json(parse_json(made.canonical()))
    assert again.canonical() == made.canonical()
    assert again.origins.features[0].sources[0].label == "register.income"
    assert again.origins.classes == made.origins.classes


def test_the_card_tells_sources_classes_and_what_is_not_known():
    origins = parse_json(card_json(dossier()))["origins"]
    by_name = {item["name"]: item for item in origins["features"]}
    assert by_name["income"]["sources"] == ["register.income"]
    assert by_name["income"]["classes"][0]["class"] == "sensitive"
    assert by_name["mood"]["sources"] == []
    page = card_html(dossier())
    assert "Where the features come from" in page
    assert "register.income" in page
    assert "<svg" in page


def test_a_dossier_without_origins_says_nothing_of_them():
    assert parse_json(card_json(promoted()))["origins"] is None
    assert "Where the features come from" not in card_html(promoted())


@pytest.mark.parametrize(("layers", "lies"), [(1, False), (6, True)])
def test_a_broad_picture_gets_a_page_that_lies_on_its_side(layers, lies):
    made = dossier(layers=layers)
    pages = PdfReader(io.BytesIO(audit_pdf(made, made.canonical()))).pages
    assert any(page.mediabox.width > page.mediabox.height for page in pages) == lies
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert "Where the features come from" in text
    assert "1 of 2 features have a known source" in text

"""The lineage's picture: what it marks, that it reads in grey, that nothing people wrote gets out of hand."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.lineage_marks import TermsState, terms_state
from audits.lineage_picture import Links, lineage_picture, lineage_table
from audits.svg import for_paper
from registry.lineage.graph import Graph, GraphEdge, GraphNode, GraphPlace
from registry.terms import Terms
from tests.audits.lineage_graphs import graph_of, graphs, warehouse

SVG = "{http://www.w3.org/2000/svg}"
HMDA = GraphPlace(namespace="countersign:datasets", name="hmda", kind="dataset", dataset="hmda")
MODEL = GraphPlace(namespace="countersign:models", name="m@1", kind="model", model="m", version="1")
HIDDEN = GraphPlace(namespace="", name="", hidden=True)
MORTGAGE = graph_of(
    [
        (
            "customers.email",
            "applicants.domain",
            {"treatment": {"method": "hash"}, "job": "etl stage", "by": "openlineage"},
        ),
        ("customers.birth_date", "applicants.age", {"seen": "2026-11-20T10:00:00+00:00"}),
        ("secret", "applicants", {"level": "dataset"}),
        ("rates.status", "applicants", {"manner": "indirect", "subtype": "FILTER"}),
        ("applicants.domain", "m.domain"),
        ("hmda.ratio", "m.ratio"),
        ("hmda", "m", {"level": "training"}),
    ],
    places={"hmda": HMDA, "m": MODEL, "secret": HIDDEN},
)
EMAIL = MORTGAGE.find("postgres://warehouse:5432", "customers", "email")
DOMAIN = MORTGAGE.find("countersign:models", "m@1", "domain")


def drawn(graph=MORTGAGE, **options):
    return ET.fromstring(lineage_picture(graph, **options))


def texts(root) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def boxes(root) -> dict[str, str]:
    """Name of every box to its classes."""
    found = (item for item in root.iter(f"{SVG}g") if "lg-box" in item.get("class", "").split())
    return {item.get("data-name"): item.get("class") for item in found}


def numbered(place: str) -> int:
    return next(number for number, item in enumerate(MORTGAGE.places) if item.name == place)


def test_every_place_has_a_box_with_its_kind_and_columns_stay_shut():
    root = drawn()
    assert boxes(root) == {
        "customers": "lg-box table", "applicants": "lg-box table", "rates": "lg-box table", "hmda": "lg-box dataset",
        "m@1": "lg-box model", "something you may not see": "lg-box hidden",
    }  # fmt: skip
    assert "email" not in texts(root)


def test_an_open_place_lists_its_columns():
    shown = texts(drawn(open_places=[numbered("customers")]))
    assert shown.index("birth_date") < shown.index("email")
    assert "domain" not in shown


def test_classes_are_letters_with_words_at_the_column_or_at_the_shut_place():
    classes = {EMAIL: ["special-category", "identifier"], DOMAIN: ["pseudonym"]}
    shut = texts(drawn(classes=classes))
    assert "ID identifier · SC special category" in shut
    assert "PS pseudonym" in shut
    opened = texts(drawn(classes=classes, open_places=[numbered("customers")]))
    assert opened[opened.index("email") + 1] == "ID SC"


def test_what_a_box_has_no_room_for_stands_in_its_title():
    said = "not permitted for a-purpose-of-which-the-name-is-long"
    root = drawn(terms={"hmda": TermsState("fail", said)})
    assert not any(said in text for text in texts(root))
    assert any(said in (title.text or "") for title in root.iter(f"{SVG}title"))


@pytest.mark.parametrize(
    ("status", "words", "shown"),
    [
        ("pass", "may be used", "✓ may be used"),
        ("fail", "withdrawn", "✕ withdrawn"),
        ("missing", "no datasheet", "○ no datasheet"),
    ],
)
def test_terms_are_a_shape_with_words(status, words, shown):
    assert shown in texts(drawn(terms={"hmda": TermsState(status, words)}))


def test_how_an_edge_is_known_is_the_way_its_line_is_drawn():
    def dashes(root):
        groups = [item for item in root.iter(f"{SVG}g") if "lg-line" in item.get("class", "").split()]
        return {item.get("class").split()[1]: item.find(f"{SVG}path") for item in groups}

    found = dashes(drawn())
    assert {style: path.get("stroke-dasharray") for style, path in found.items()} == {
        "column": None, "dataset": "7 4", "indirect": "1.5 3.5", "training": None,
    }  # fmt: skip
    # A double line: two beginnings and the head of the arrow, against one and the head.
    assert found["training"].get("d").count("M") == 3
    assert found["column"].get("d").count("M") == 2
    said = texts(drawn())
    assert {
        "from a column",
        "from the whole, no column known",
        "only decides (filter, join, sort)",
        "trained on",
    } < set(said)


def test_what_may_not_be_seen_is_hatched_and_has_no_name():
    whole = lineage_picture(MORTGAGE)
    box = next(item for item in ET.fromstring(whole).iter(f"{SVG}g") if "hidden" in item.get("class", "").split())
    assert box.find(f"{SVG}path").get("d").count("M") > 5
    assert [text.text for text in box.iter(f"{SVG}text")] == ["something you may not see"]


def test_the_highlighted_way_stands_out_with_its_columns_and_the_rest_is_muted():
    way = MORTGAGE.path(DOMAIN, EMAIL)
    root = drawn(highlight=way, focus=DOMAIN)
    assert {name for name, classes in boxes(root).items() if "muted" in classes} == {
        "rates", "hmda", "something you may not see",
    }  # fmt: skip
    assert "focus" in boxes(root)["m@1"]
    assert {"email", "domain", "+ 1 more"} < set(texts(root))
    strong = [item for item in root.iter(f"{SVG}g") if "strong" in item.get("class", "")]
    assert len(strong) == 2


def test_names_lead_where_the_caller_says_and_the_picture_is_then_no_image():
    links = Links(places={numbered("hmda"): "/lineage/place/7"}, toggles={numbered("hmda"): "?open=7"})
    root = drawn(links=links)
    assert [(link.get("href"), link.get("aria-label")) for link in root.iter(f"{SVG}a")] == [
        ("/lineage/place/7", "registered dataset hmda in countersign:datasets, 1 column"),
        ("?open=7", "Open the columns of hmda"),
    ]
    assert root.get("role") == "group"
    assert drawn().get("role") == "img"


def test_it_has_a_title_and_a_description_and_says_when_there_is_more():
    root = drawn(replace(MORTGAGE, truncated=True), title="Lineage of m")
    assert root.find(f"{SVG}title").text == "Lineage of m"
    assert root.find(f"{SVG}desc").text.startswith("6 places and 7 edges between them")
    assert root.find(f"{SVG}desc").text.endswith("There is more than is shown.")


HOSTILE = '"/><script>alert(1)</script><!-- & \u202e 种族 ]]>'


@given(st.text(min_size=1, max_size=60))
def test_whatever_people_call_things_stays_text(name):
    places = (GraphPlace(namespace=name, name=name), replace(HMDA, name=name, dataset=name))
    nodes = (GraphNode(place=0, column=name), GraphNode(place=1, column=name))
    edge = GraphEdge(source=0, target=1, job=name, subtype=name, treatment={"method": name})
    graph = Graph(places, nodes, (edge,))
    root = drawn(graph, open_places=[0, 1], title=name, terms={name: TermsState("fail", name)}, classes={0: [name]})
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "g",
        "title",
        "desc",
        "text",
        "path",
        "rect",
    }


@pytest.mark.parametrize("for_print", [False, True])
def test_nothing_in_it_that_a_content_security_policy_forbids(for_print):
    graph = graph_of([(f"{HOSTILE}.a".replace(".", "·", 0), "b.c")])
    svg = lineage_picture(graph, title=HOSTILE, for_print=for_print)
    assert "<script" not in svg
    assert not re.search(r"""\s(style|on\w+)\s*=""", re.sub(r">[^<]*<", "><", svg).replace("aria-label", ""))
    assert "\u202e" not in svg


def test_long_names_are_cut_and_stand_whole_in_the_title():
    name = "warehouse.reporting.a_table_with_a_name_that_nobody_wants_to_read_twice"
    root = drawn(
        Graph((GraphPlace(namespace="n" * 90, name=name),), (GraphNode(place=0, column="c" * 90),)), open_places=[0]
    )
    assert all(len(text) < 40 for text in texts(root))
    assert next(text for text in texts(root) if text.startswith("…")).endswith("read_twice")
    assert any(name in (title.text or "") for title in root.iter(f"{SVG}title"))


@given(graphs())
def test_the_same_graph_gives_the_same_picture_in_ink_that_follows_the_text(graph):
    svg = lineage_picture(graph)
    assert svg == lineage_picture(graph)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg))
    assert colours <= {"none", "currentColor"}


def test_on_paper_five_hundred_places_fit_a_page_without_ids_or_links():
    svg = lineage_picture(warehouse(500, 3000), for_print=True, links=Links(places={0: "/lineage/place/1"}))
    root = ET.fromstring(svg)
    *_, width, height = (float(part) for part in root.get("viewBox").split())
    # The smallest letters, of 10.5 px, keep 6 pt on the 252 mm (714 pt) of an A4 page across.
    assert width <= 714 / 6 * 10.5
    assert height <= width
    assert len(list(root.iter(f"{SVG}rect"))) <= 40
    assert " id=" not in svg
    assert "<a " not in svg
    assert root.get("width") is None


def test_it_becomes_ink_on_paper_as_other_pictures_do():
    svg = for_paper(lineage_picture(MORTGAGE, for_print=True), ink="#16202c", font="Serif")
    assert "currentColor" not in svg
    ET.fromstring(svg)


def test_weasyprint_sets_it():
    from weasyprint import HTML

    svg = for_paper(lineage_picture(MORTGAGE, for_print=True), ink="#16202c", font="'DejaVu Sans'")
    assert HTML(string=f"<figure>{svg}</figure>").write_pdf().startswith(b"%PDF")


def test_the_table_says_what_the_lines_show():
    rows = [[text for _, text in row] for row in lineage_table(MORTGAGE).rows]
    assert rows == [
        ["applicants", "rates.status", "only decides (filter, join, sort), filter", "–", "–"],
        ["applicants", "something you may not see", "from the whole, no column known", "–", "–"],
        ["applicants.age", "customers.birth_date", "from a column", "–", "2026-11-20 10:00:00Z"],
        ["applicants.domain", "customers.email", "from a column, hash", "etl stage · openlineage", "–"],
        ["m@1", "hmda", "trained on", "–", "–"],
        ["m@1.domain", "applicants.domain", "from a column", "–", "–"],
        ["m@1.ratio", "hmda.ratio", "from a column", "–", "–"],
    ]


SHEET = Terms(slug="hmda", name="HMDA", datasheet="0" * 64, purposes=("mortgage-underwriting",))


@pytest.mark.parametrize(
    ("terms", "status", "words"),
    [
        (None, "missing", "not registered"),
        (replace(SHEET, datasheet=None), "missing", "no datasheet"),
        (replace(SHEET, withdrawn_at="2026-11-03T08:00:00Z", datasheet=None), "fail", "withdrawn 3 Nov 2026"),
        (replace(SHEET, licence_until="2026-11-20"), "fail", "licence ended 20 Nov 2026"),
        (replace(SHEET, licence_until="2026-11-21"), "pass", "permitted for mortgage-underwriting"),
        (replace(SHEET, retention_until="2026-11-01"), "fail", "to be deleted since 1 Nov 2026"),
        (replace(SHEET, purposes=("marketing",)), "fail", "not permitted for mortgage-underwriting"),
        (replace(SHEET, purposes=()), "fail", "no purpose is permitted"),
        (replace(SHEET, purposes=("*",)), "pass", "permitted for mortgage-underwriting"),
    ],
)  # fmt: skip
def test_terms_in_a_few_words(terms, status, words):
    state = terms_state(terms, on=date(2026, 11, 21), purpose="mortgage-underwriting")
    assert (state.status, state.words) == (status, words)

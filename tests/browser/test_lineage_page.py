"""The lineage in a browser: without JavaScript and with it, by keyboard, by day, by night, on a phone; nothing axe-core objects to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry.lineage.names import JobName, PlaceName, dataset_place, model_place
from registry.lineage.statement import StatedEdge, Statement
from tests.browser.test_every_page import violations

AT = datetime(2026, 11, 10, tzinfo=UTC)
WAREHOUSE = "postgres://warehouse:5432"


@pytest.fixture
def drawn(world, brisk):
    """Addresses of a model version whose feature is made from a classified column, and of a hub of many places."""
    from registry.models import Classification, LineageColumn, Place
    from registry.services.lineage import apply_statements

    world.submit("1")
    customers, applicants = PlaceName(WAREHOUSE, "prod.customers"), PlaceName(WAREHOUSE, "prod.applicants")
    hub, model = PlaceName(WAREHOUSE, "mart.hub"), model_place("mortgage-approval", "1")
    hmda = dataset_place("hmda-boston")

    def say(place, *edges):
        apply_statements(
            [Statement(job=JobName("airflow", f"make {place.name}"), place=place, at=AT, by="openlineage", edges=edges)]
        )

    say(applicants, StatedEdge(source=customers, source_column="birth_date", target_column="age"))
    say(
        model,
        StatedEdge(source=applicants, source_column="age", target_column="income"),
        StatedEdge(source=hmda, source_column="ratio", target_column="ratio"),
        StatedEdge(source=hmda, level="training"),
    )
    say(
        hub,
        *(
            StatedEdge(source=PlaceName("lake://raw", f"part_{n:03}"), source_column="c", target_column="x")
            for n in range(90)
        ),
    )
    column = LineageColumn.objects.get(place__name="prod.customers", name="birth_date")
    Classification.objects.create(column=column, label="quasi-identifier", source="declared", by=world.grace, since=AT)
    at = {place.name: f"/lineage/place/{place.pk}" for place in Place.objects.all()}
    return {
        "model": at["mortgage-approval@1"],
        "column": f"/lineage/column/{column.pk}",
        "hub": at["mart.hub"],
        "version": "/models/mortgage-approval/versions/1/lineage",
        "search": "/lineage?q=prod",
    }


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    ],
    ids=["light", "dark", "phone"],
)
def test_every_page_of_the_lineage_is_accessible_and_fits(visit, world, drawn, options):
    page, faults = visit(world.grace, **options), {}
    chosen = [
        f"{drawn['version']}?feature=income",
        f"{drawn['hub']}?everything=1&find=part_01",
        f"{drawn['model']}?at=2026-11-10",
    ]
    for address in [*drawn.values(), *chosen]:
        assert page.goto(address).status == 200, address
        for summary in page.locator("main summary").all():
            summary.click()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if found := violations(page) + ([f"{wide} px too wide"] if wide > 0 else []):
            faults[address] = found
    assert faults == {}


def test_opening_a_place_changes_the_picture_alone_and_keeps_the_keyboard_there(visit, world, drawn):
    page = visit(world.grace)
    page.goto(drawn["model"])
    page.evaluate("window.same = true")
    sign = page.get_by_label("Open the columns of prod.customers")
    sign.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Close the columns of prod.customers").wait_for()
    assert page.locator("#picture text", has_text="birth_date").count() == 1
    assert page.evaluate("window.same"), "the page was not loaded anew"
    assert "open=" in page.url
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Close the columns of prod.customers"
    page.go_back()
    page.get_by_label("Open the columns of prod.customers").wait_for()


def test_choosing_a_column_shows_its_ways_and_the_form_keeps_the_choice(visit, world, drawn):
    page = visit(world.grace)
    page.goto(drawn["column"])
    page.get_by_label("Open the columns of prod.applicants").click()
    page.locator("#picture a[aria-label='age']").click()
    page.get_by_text("The ways of prod.applicants.age.").wait_for()
    assert page.locator(".lg-line.strong").count() == 1
    page.get_by_label("How far").select_option("2")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("The ways of prod.applicants.age.").wait_for()
    assert "way=" in page.url
    assert "steps=2" in page.url


def test_typing_finds_a_place_and_scrolls_to_it(visit, world, drawn):
    page = visit(world.grace)
    page.goto(f"{drawn['hub']}?everything=1")
    page.get_by_label("Find in the picture").fill("part_077")
    found = page.locator(".lg-box.found")
    assert found.count() == 1
    frame, box = page.locator(".lg-scroll").bounding_box(), found.bounding_box()
    assert frame["y"] <= box["y"] <= frame["y"] + frame["height"]
    page.get_by_label("Find in the picture").fill("")
    assert page.locator(".lg-box.found").count() == 0


def test_without_javascript_every_choice_is_a_link_or_a_form(visit, world, drawn):
    page = visit(world.grace)
    state = page.context.storage_state()
    bare = page.context.browser.new_context(java_script_enabled=False, base_url=page.url, storage_state=state)
    page = bare.new_page()
    page.goto(drawn["hub"])
    page.get_by_role("link", name="show all").click()
    assert page.locator(".lg-box").count() == 91
    page.get_by_label("Find in the picture").fill("part_077")
    page.get_by_role("button", name="Show").click()
    assert page.locator(".lg-box.found").count() == 1
    page.get_by_role("link", name="part_077", exact=True).first.click()
    page.goto(drawn["model"])
    page.get_by_label("Open the columns of prod.customers").click()
    assert page.locator("#picture text", has_text="birth_date").count() == 1
    bare.close()


def test_on_paper_the_picture_is_as_wide_as_the_page(visit, world, drawn):
    page = visit(world.grace)
    page.goto(drawn["model"])
    page.emulate_media(media="print")
    width = page.evaluate("document.querySelector('.lineage-picture').getBoundingClientRect().width")
    assert width <= page.evaluate("document.querySelector('main').clientWidth")

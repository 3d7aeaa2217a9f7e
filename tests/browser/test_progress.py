"""A page that waits for a measurement brings itself up to date."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.scenario import run_tasks


def test_progress_moves_and_ends_in_the_verdict(world, visit):
    version = world.submit("1", measured=False)
    page = visit(world.ada)
    page.goto("/models/mortgage-approval/versions/1")
    expect(page.locator("#progress")).to_contain_text("queued")
    version.evaluations.filter(kind="fairness").update(status="running", progress=0.42, progress_note="counting groups")
    expect(page.locator("#progress")).to_contain_text("42 % counting groups")
    version.evaluations.update(status="queued", progress=0)
    run_tasks()
    expect(page.get_by_role("heading", name="Every rule is met")).to_be_visible()
    expect(page.locator("#progress")).to_have_count(0)
    expect(page.locator("figure svg").first).to_be_visible()


def test_without_javascript_a_link_loads_it_again(world, visit):
    world.submit("1", measured=False)
    page = visit(world.ada, java_script_enabled=False)
    page.goto("/models/mortgage-approval/versions/1")
    run_tasks()
    page.get_by_role("link", name="Load this page again").click()
    expect(page.get_by_role("heading", name="Every rule is met")).to_be_visible()


def test_the_dossier_appears_when_it_is_made(world, visit):
    world.submit("1")
    page = visit(world.barbara)
    page.goto("/models/mortgage-approval/versions/1")
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.locator("#dossier")).to_contain_text("Making the documents")
    run_tasks()
    with page.expect_download() as download:
        page.get_by_role("link", name="dossier.pdf").click()
    assert download.value.suggested_filename == "dossier.pdf"

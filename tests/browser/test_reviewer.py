"""The reviewer's way in a browser: from the inbox to the signature, by mouse, by keyboard, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.scenario import predictions_csv

PASSWORD = "tony-passphrase-1"


@pytest.fixture
def review(world):
    return world.assess(world.submit("1")).review


def finish(page):
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign and approve").click()
    expect(page.get_by_role("status").first).to_contain_text("Signed and sealed")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_decision_is_two_clicks_from_the_inbox(world, visit, review, scripts):
    page = visit(world.tony, java_script_enabled=scripts)
    page.get_by_role("link", name="mortgage-approval 1").click()
    statement = page.get_by_text("I, Tony Hoare, as model owner, have reviewed mortgage-approval@1")
    expect(statement).to_be_in_viewport()
    page.get_by_role("button", name="Sign…").click()
    expect(page.get_by_text("I, Tony Hoare, as model owner, have reviewed")).to_be_visible()
    finish(page)
    assert review.sign_offs.get().person == world.tony


def test_all_of_it_goes_by_keyboard(world, visit, review):
    page = visit(world.tony)

    def tab_to(words: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if words in page.evaluate("document.activeElement.innerText + (document.activeElement.name || '')"):
                return
        raise AssertionError(f"Tab never reaches {words}")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to("mortgage-approval 1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/reviews/"))
    tab_to("Sign…")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/sign"))
    tab_to("password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Signed and sealed")


def test_keys_open_help_search_and_places(world, visit, review):
    page = visit(world.tony)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/models")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("gi?")
    expect(page.get_by_role("searchbox")).to_have_value("gi?")


def test_what_blocks_is_seen_without_scrolling(world, visit):
    world.submit("1", predictions=predictions_csv(ratio=0.6))
    page = visit(world.ada)
    page.get_by_role("link", name="mortgage-approval 1").click()
    expect(page.get_by_role("heading", name="What blocks")).to_be_in_viewport()
    expect(page.get_by_role("heading", name=re.compile("The impact ratio by race must be"))).to_be_in_viewport()
    expect(page.get_by_text("submit a new version.")).to_be_in_viewport()


def test_a_digest_is_copied_by_a_click(world, visit, review):
    page = visit(world.tony, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"/reviews/{review.pk}")
    page.locator(".signing [data-copy]").click()
    expect(page.locator(".signing [data-copy]")).to_have_class(re.compile("copied"))
    assert page.evaluate("navigator.clipboard.readText()") == f"sha256:{review.subject_sha256}"


def test_a_wrong_password_keeps_what_was_typed(world, visit, review):
    page = visit(world.tony)
    page.goto(f"/reviews/{review.pk}")
    page.get_by_role("button", name="Request changes…").click()
    page.get_by_label("Why, so that the submitter").fill("Name the second reader.")
    page.get_by_label("Your password").fill("wrong")
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        page.get_by_role("button", name="Sign and request changes").click()
    assert answered.value.status == 422
    expect(page.get_by_role("alert")).to_contain_text("The password is wrong. Nothing was signed.")
    expect(page.get_by_label("Why, so that the submitter")).to_have_value("Name the second reader.")
    expect(page.get_by_label("Your password")).to_have_value("")

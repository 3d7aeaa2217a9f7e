"""Asking what if in a browser: sliders and numbers in step, the answer when it is there, by keyboard too."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.audits.what_if_cases import measured_ranges, run_instead_of_the_sandbox, submit_with_test_data
from tests.scenario import run_tasks


def test_a_row_is_changed_with_a_slider_and_asked_again(world, visit, monkeypatch):
    run_instead_of_the_sandbox(monkeypatch)
    measured_ranges(world, submit_with_test_data(world))
    page = visit(world.grace)
    page.goto("/models/mortgage-approval/versions/1/explanation")
    number = page.get_by_role("textbox", name="Yearly income")
    slider = page.get_by_role("slider", name="Yearly income")
    expect(number).to_have_value("30")
    number.fill("21")
    expect(slider).to_have_value("21")
    slider.focus()
    slider.press("ArrowLeft")
    expect(number).to_have_value("20")
    page.get_by_role("button", name="Put the values back").click()
    expect(slider).to_have_value("30")
    number.fill("20")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#asked")).to_contain_text("queued")
    run_tasks()
    expect(page.get_by_text("The score is")).to_be_visible()
    page.get_by_role("slider", name="Yearly income").fill("60")
    page.get_by_role("slider", name="Debt ratio").fill("0.02")
    page.get_by_role("button", name="Ask the model").click()
    run_tasks()
    expect(page.get_by_text("The decision turns from")).to_be_visible()
    page.get_by_role("link", name="Delete now").click()
    page.get_by_role("button", name="Delete question and answer").click()
    expect(page.get_by_text("The question and its answer are deleted.")).to_be_visible()

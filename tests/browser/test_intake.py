"""The intake in a browser: it saves itself, tells what is to do, never overwrites another window, and works without script."""

from __future__ import annotations

from playwright.sync_api import expect

from registry.models import Intake, UseCase
from tests.registry.intake_cases import OVERDRAFT


def begin(page) -> None:
    page.goto("/use-cases")
    page.get_by_role("button", name="Describe a use case").click()
    page.get_by_role("status").wait_for()
    page.wait_for_load_state()


def saved(page) -> None:
    expect(page.get_by_role("status")).to_contain_text("Saved", timeout=20_000)


def test_it_saves_itself_and_is_there_on_coming_back(world, visit):
    page = visit(world.ada)
    begin(page)
    expect(page.locator("[data-open=business]")).to_have_text("5 to do")
    page.get_by_label("Name", exact=True).fill("Overdraft limits")
    page.get_by_label("Short name").fill("overdraft-limits")
    saved(page)
    expect(page.locator("[data-open=business]")).to_have_text("3 to do")
    expect(page.get_by_role("status")).to_contain_text("s ago")
    assert Intake.objects.get().answers["slug"] == "overdraft-limits"
    page.goto("/")
    page.goto("/use-cases")
    page.get_by_role("link", name="Overdraft limits").click()
    expect(page.get_by_label("Short name")).to_have_value("overdraft-limits")


def test_what_is_typed_just_before_leaving_is_saved(world, visit):
    page = visit(world.ada)
    begin(page)
    page.get_by_label("Name", exact=True).fill("Left in haste")
    page.get_by_role("link", name="Use cases").first.click()
    page.get_by_role("heading", name="Yours to finish").wait_for()
    for _ in range(40):
        if Intake.objects.get().answers.get("name"):
            break
        page.wait_for_timeout(100)
    assert Intake.objects.get().answers["name"] == "Left in haste"


def test_none_of_these_and_the_others_exclude_each_other(world, visit):
    page = visit(world.ada)
    begin(page)
    asked = page.get_by_role("group", name="Is it used on applicants")
    asked.get_by_label("None of these").check()
    asked.get_by_label("Recruit or select").check()
    expect(asked.get_by_label("None of these")).not_to_be_checked()
    saved(page)
    assert Intake.objects.get().answers["risk"]["employment"] == ["recruitment"]


def test_two_windows_never_overwrite_each_other(world, visit):
    page = visit(world.ada)
    begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_label("Business problem").fill("From the first window.")
    saved(page)
    other.get_by_label("Business problem").fill("From the second window.")
    expect(other.get_by_role("status")).to_contain_text("another window of yours, has saved since", timeout=20_000)
    assert Intake.objects.get().answers["problem"] == "From the first window."
    other.get_by_role("button", name="Compare both").click()
    expect(other.get_by_role("cell", name="From the first window.")).to_be_visible()
    expect(other.get_by_role("cell", name="From the second window.")).to_be_visible()
    other.get_by_role("button", name="Save mine over it").click()
    expect(other.get_by_text("Saved. You can leave and come back.")).to_be_visible()
    assert Intake.objects.get().answers["problem"] == "From the second window."


def test_sending_while_it_saves_itself_is_no_conflict(world, visit):
    page = visit(world.ada)
    begin(page)

    def slowly(route):
        page.wait_for_timeout(500)
        route.continue_()

    page.route(
        "**/intakes/*", lambda route: slowly(route) if route.request.headers.get("x-autosave") else route.continue_()
    )
    with page.expect_request(lambda request: request.headers.get("x-autosave") == "1"):
        page.get_by_label("Name", exact=True).fill("Overdraft")
    page.get_by_role("button", name="Check and submit").click()
    expect(page.get_by_role("heading", name="answers are still to give")).to_be_visible()
    assert Intake.objects.get().answers["name"] == "Overdraft"


def test_while_the_service_is_away_it_says_so_and_tries_again(world, visit):
    page = visit(world.ada)
    away = False

    def answer_as_a_proxy(route):
        if away and route.request.method == "POST":
            route.fulfill(status=200, content_type="text/html", body="<h1>Back soon</h1>")
        else:
            route.continue_()

    # Set before the first look at the page: a route that begins while pages change may let one request by.
    page.route("**/intakes/*", answer_as_a_proxy)
    begin(page)
    expect(page.get_by_role("status")).to_contain_text("Saves itself")
    away = True
    page.get_by_label("Name", exact=True).fill("Overdraft")
    expect(page.get_by_role("status")).to_contain_text("does not answer", timeout=20_000)
    away = False
    expect(page.get_by_role("status")).to_contain_text("Saved", timeout=20_000)
    assert Intake.objects.get().answers["name"] == "Overdraft"


def test_who_was_signed_out_is_told_and_goes_on_after_signing_in(world, visit):
    page = visit(world.ada)
    begin(page)
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Name", exact=True).fill("Overdraft")
    expect(page.get_by_role("status")).to_contain_text("you are signed out", timeout=20_000)
    page.context.add_cookies(cookies)
    saved(page)
    assert Intake.objects.get().answers["name"] == "Overdraft"


def test_a_use_case_is_described_checked_and_registered_without_javascript(world, visit):
    page = visit(world.edsger, java_script_enabled=False)
    begin(page)
    page.get_by_role("button", name="Check and submit").click()
    page.get_by_role("link", name="Short name: not answered yet").click()
    for key, value in OVERDRAFT.items():
        if isinstance(value, str) and key not in {"deployment", "labelled_enough"}:
            page.locator(f"[name={key}]").fill(value)
    page.get_by_role("group", name="Deployment").get_by_label("A service").check()
    page.get_by_role("group", name="Is there enough").get_by_label("Yes").check()
    for key, text in OVERDRAFT["kpis"][0].items():
        page.locator(f"#kpi-0-{key}").fill(text)
    for name, answer in OVERDRAFT["risk"].items():
        if name == "people":
            page.locator("[name='risk.people']").fill(answer)
        for option in answer if isinstance(answer, list) else [answer] if name != "people" else []:
            page.locator(f"[name='risk.{name}'][value='{option}']").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-open=business]")).to_have_text("complete")
    page.get_by_role("button", name="Check and submit").click()
    page.get_by_role("button", name="Register Overdraft limits").click()
    expect(page.get_by_text("Overdraft limits is registered.")).to_be_visible()
    assert UseCase.objects.get(slug="overdraft-limits").risk_tier == "high"


def test_the_list_is_a_key_away(world, visit):
    page = visit(world.ada)
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Use cases", exact=True)).to_be_visible()

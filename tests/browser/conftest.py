"""A headless Chromium for all browser tests, and people who sign in with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """One browser for the session. Playwright's loop runs in this thread; Django is told that this is meant."""
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, live_server, transactional_db) -> Callable:
    """``visit(person)`` is a page of a browser in which that person has signed in; nothing may fail in its console."""
    contexts, complaints = [], []

    def note(message):
        # A refusal (4xx) is an answer, which the tests read; everything else in the console is a fault.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            complaints.append(message.text)

    def open_page(person=None, **options):
        context = chromium.new_context(
            base_url=live_server.url, **({"viewport": {"width": 1280, "height": 900}} | options)
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if person is not None:
            page.goto("/sign-in")
            page.get_by_label("User name").fill(person.username)
            page.get_by_label("Password").fill(f"{person.username}-passphrase-1")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Inbox").wait_for()
            page.wait_for_load_state()  # keys are heard only once the script has run
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []

"""The page on how a version decides, and asking it what if in a browser."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client

from audits.models import JobStatus, WhatIf
from tests.audits.what_if_cases import (
    DICTIONARY,
    ROW,
    measured_ranges,
    run_instead_of_the_sandbox,
    submit_with_test_data,
)
from tests.scenario import run_tasks, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]

AT = "/models/mortgage-approval/versions/1"
PAGE = f"{AT}/explanation"
TYPED = {"f0": "20", "f1": "0.5", "f2": "b", "k0": ""}


@pytest.fixture
def version(world):
    return submit_with_test_data(world)


@pytest.fixture
def model(monkeypatch):
    return run_instead_of_the_sandbox(monkeypatch)


def browser(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response) -> str:
    """What a reader reads."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(plain.replace("&#x27;", "'").replace("&gt;", ">").split())


def asked(world, version, typed=TYPED, person=None, **more):
    """Ask through the form, and let a worker answer."""
    client = browser(person or world.ada)
    response = client.post(f"{PAGE}/ask", {**typed, **more})
    assert response.status_code == 302, response.content
    run_tasks()
    return client, response["Location"]


def test_without_an_explanation_the_page_says_why_and_what_to_do(world, version):
    response = browser(world.ada).get(PAGE)
    assert response.status_code == 200
    assert "No explanation was measured." in text_of(response)
    assert "check explanation" in text_of(response)
    assert PAGE in browser(world.ada).get(AT).content.decode()


def test_what_is_in_the_way_is_said_with_what_to_do(world):
    world.submit("1", measured=False)
    said = text_of(browser(world.ada).get(PAGE))
    assert "The version has no rows to compare with: add an artifact" in said
    assert "Ask the model" not in said


def test_where_the_sandbox_does_not_work_the_page_says_so(world, version, monkeypatch):
    from audits.sandbox.errors import SandboxUnavailable

    def refuse():
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr("governance.page_selectors.explanation.require_sandbox", refuse)
    said = text_of(browser(world.ada).get(PAGE))
    assert "Models are not run on this server: bubblewrap is not installed." in said
    assert "Ask the model" not in said


def test_the_form_speaks_of_features_as_people_do(world, version):
    page = browser(world.grace).get(PAGE).content.decode()
    assert "Yearly income" in page
    assert "thousand dollars" in page
    assert 'name="k0"' in page
    assert "Sensitive: no counterfactual changes it." in page


def test_limits_and_what_is_usual_come_from_the_explanation(world, version, model):
    measured_ranges(world, version)
    page = browser(world.ada).get(PAGE).content.decode()
    assert 'data-low="1" data-high="60" data-step="1"' in page
    assert 'name="f0" value="30"' in page
    assert "usually 3 to 57, median 30" in page
    assert re.search(r"<option selected>[ab]</option>", page)
    assert '<option value="">not given</option>' in page
    refused = browser(world.ada).post(f"{PAGE}/ask", {**TYPED, "f0": "much"})
    assert (refused.status_code, "much is not a number." in text_of(refused)) == (422, True)
    asked(world, version)
    result = WhatIf.objects.get().result
    assert (result["seed"], result["background_rows"]) == (5, 40)


def test_a_dictionary_that_cannot_be_read_is_told(world, model):
    submit_with_test_data(world, dictionary=DICTIONARY.replace(b"adverse_high", b"adverse_hihg"))
    said = text_of(browser(world.ada).get(PAGE))
    assert "The feature dictionary cannot be read" in said
    assert "adverse_hihg is not known here" in said


def test_a_row_is_asked_and_answered_in_words_and_pictures(world, version, model):
    client, address = asked(world, version)
    page = client.get(address)
    said = text_of(page)
    assert "The score is 0.000 . The decision is 0 ." in said.replace("0.000.", "0.000 .")
    assert "That is the adverse decision." in said
    assert "The debts are high for the income" in said
    assert "Debt ratio 0.5 → 0" in said
    assert "threshold 0.5" in said
    assert page.content.decode().count('class="chart ex-picture"') == 2
    assert 'style="' not in page.content.decode()


def test_then_values_are_changed_and_compared_with_the_row_as_it_was(world, version, model):
    client, _address = asked(world, version)
    first = WhatIf.objects.get()
    _, second = asked(world, version, {**TYPED, "f0": "55", "f1": "0.1"}, base=str(first.pk))
    newest = WhatIf.objects.order_by("-created_at")[0]
    assert newest.row == ROW
    assert newest.change == {"income": 55, "ratio": 0.1}
    said = text_of(client.get(second))
    assert "The score goes from 0.000 to 0.750. The decision turns from 0 to 1 ." in said
    assert "Yearly income 20 → 55 thousand dollars" in said
    assert "was 20." in said


def test_a_row_of_the_test_data_by_its_key_fills_the_form(world, version, model):
    client, address = asked(world, version, {**TYPED, "k0": "20"})
    page = client.get(address).content.decode()
    assert re.search(r'id="f1" name="f1" value="0.2"', page)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"f0": "20", "f1": "0.5"}, "The form has no field for race."),
        ({**TYPED, "f2": "x" * 501}, "row.race has at most 500 characters"),
    ],
)
def test_what_cannot_be_asked_stands_at_its_field_and_what_was_typed_stays(world, version, typed, message):
    response = browser(world.ada).post(f"{PAGE}/ask", typed)
    assert response.status_code == 422
    assert message in text_of(response)
    assert 'name="f1" value="0.5"' in response.content.decode()
    assert not WhatIf.objects.exists()


def test_while_it_is_answered_there_is_progress_and_a_way_to_cancel(world, version):
    client = browser(world.ada)
    address = client.post(f"{PAGE}/ask", TYPED)["Location"]
    assert "hx-get" in client.get(address).content.decode()
    tamper(WhatIf.objects.get(), status=JobStatus.RUNNING, progress=0.4, progress_note="explaining")
    assert "40 % explaining" in text_of(client.get(f"{address}/progress"))
    assert "Cancel your question" in text_of(client.get(f"{address}/delete"))
    assert client.post(f"{address}/delete")["Location"] == PAGE
    assert not WhatIf.objects.exists()


def test_an_error_is_said_in_words(world, version, monkeypatch):
    client = browser(world.ada)
    address = client.post(f"{PAGE}/ask", TYPED)["Location"]
    tamper(WhatIf.objects.get(), status=JobStatus.ERROR, error={"message": "the model took more than 600 s"})
    assert client.get(f"{address}/progress")["HX-Refresh"] == "true"
    assert "The model gave no answer. the model took more than 600 s" in text_of(client.get(address))


def test_nobody_else_reads_it(world, version, model):
    _, address = asked(world, version)
    for person, status in ((world.grace, 404), (world.edsger, 404), (world.mallory, 404)):
        for path in (address, f"{address}/progress", f"{address}/delete"):
            assert browser(person).get(path).status_code == status
        assert browser(person).post(f"{address}/delete").status_code == 404
    assert browser(world.ada).get(address.replace(str(WhatIf.objects.get().pk), str(uuid4()))).status_code == 404
    assert browser(world.mallory).get(PAGE).status_code == 404
    assert "Your questions" not in text_of(browser(world.grace).get(PAGE))
    assert "Your questions" in text_of(browser(world.ada).get(PAGE))


def test_whose_duty_it_is_not_may_read_and_not_ask(world, version):
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role

    assign_role(actor=SYSTEM, person=world.mallory, role=Role.DATA_OWNER, on=world.use_case)
    assert "can ask it about a row" in text_of(browser(world.mallory).get(PAGE))
    assert browser(world.mallory).post(f"{PAGE}/ask", TYPED).status_code == 403


def test_what_people_wrote_is_text_everywhere(world, model):
    nasty = '<script>alert(1)</script>"&'
    submit_with_test_data(world, dictionary=DICTIONARY.replace(b"Yearly income", nasty.replace('"', "'").encode()))
    client, address = asked(world, None, {**TYPED, "f2": nasty})
    page = client.get(address).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page

"""Pages of use cases: describing one, submitting it, its risk, and who may see and answer what."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from registry.ledger import SYSTEM
from registry.models import Intake, UseCase
from registry.roles import Role
from registry.services.intake import save_intake, start_intake, submit_intake
from registry.services.people import assign_role
from registry.services.risk import assess_use_case, propose_override
from tests.registry.intake_cases import CREDIT, OVERDRAFT, QUIET

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def form_of(answers, **more) -> dict:
    """What a browser would send of a whole form filled like this."""
    sent = {key: value for key, value in answers.items() if key not in {"kpis", "risk"}}
    for index, kpi in enumerate(answers.get("kpis", [])):
        sent |= {f"kpi-{index}-{key}": text for key, text in kpi.items()}
    sent |= risk_form(answers.get("risk", {}))
    return sent | {key: str(value) for key, value in more.items()}


def risk_form(answers) -> dict:
    return {f"risk.{name}": answer for name, answer in answers.items()}


@pytest.fixture
def draft(world):
    return start_intake(actor=world.ada, answers=OVERDRAFT)


@pytest.fixture
def overdraft(world, draft):
    """Registered by edsger from ada's intake; tony owns it, edsger is its compliance officer."""
    made = submit_intake(actor=world.edsger, intake=draft.pk, revision=0)
    assign_role(actor=SYSTEM, person=world.edsger, role=Role.COMPLIANCE_OFFICER, on=made)
    return made


def at(name, *args):
    return reverse(name, args=args)


def test_describing_begins_with_an_empty_form_that_names_what_is_to_do(world, client):
    client.force_login(world.ada)
    answer = client.post(at("start-intake"))
    intake = Intake.objects.get()
    assert answer["Location"] == at("intake", intake.pk)
    body = client.get(answer["Location"]).content.decode()
    assert "5 to do" in body
    assert 'value="ada"' in body
    assert body.count('type="radio"') > 30


def test_what_was_typed_is_there_again(world, client, draft):
    client.force_login(world.ada)
    body = client.get(at("intake", draft.pk)).content.decode()
    for words in ("Limits are set by hand, unevenly.", 'value="default rate"', 'value="120 000"', 'value="2022-01-01"'):
        assert words in body
    assert re.search(r'name="risk.services" value="credit" checked', body)
    assert re.search(r'name="deployment" value="service" checked', body)
    assert not re.search(r"\d to do", body)


def test_saving_without_script_comes_back_to_the_form(world, client):
    client.force_login(world.ada)
    intake = start_intake(actor=world.ada)
    answer = client.post(at("intake", intake.pk), form_of(OVERDRAFT, revision=0, step="save"), follow=True)
    assert "Saved. You can leave and come back." in answer.content.decode()
    intake.refresh_from_db()
    assert {key: intake.answers[key] for key in OVERDRAFT if key != "risk"} == {
        key: value for key, value in OVERDRAFT.items() if key != "risk"
    }
    assert {key: value for key, value in intake.answers["risk"].items() if value} == OVERDRAFT["risk"]


def test_saving_by_itself_tells_the_next_revision_and_what_is_to_do(world, client):
    client.force_login(world.ada)
    intake = start_intake(actor=world.ada)
    sent = form_of({"name": "Overdraft", "owner": "ada"}, revision=0)
    answer = client.post(at("intake", intake.pk), sent, headers={"X-Autosave": "1"})
    assert answer.status_code == 200
    assert answer.json()["revision"] == 1
    assert answer.json()["open"]["business"] == 4
    assert answer.json()["words"]["owner"] == "complete"


def test_saving_by_itself_over_another_window_is_refused(world, client, draft):
    client.force_login(world.ada)
    save_intake(actor=world.edsger, intake=draft.pk, revision=0, changes={"problem": "Edsger's words."})
    answer = client.post(at("intake", draft.pk), form_of(OVERDRAFT, revision=0), headers={"X-Autosave": "1"})
    assert answer.status_code == 409
    assert "another window" in answer.json()["message"]


def test_two_windows_are_shown_side_by_side_and_either_can_be_kept(world, client, draft):
    client.force_login(world.ada)
    save_intake(
        actor=world.edsger, intake=draft.pk, revision=0, changes={"problem": "Edsger's words.", "risk": {"people": "7"}}
    )
    mine = form_of(OVERDRAFT | {"problem": "Ada's <b>words</b>."}, revision=0, step="save")
    answer = client.post(at("intake", draft.pk), mine)
    body = answer.content.decode()
    assert answer.status_code == 409
    for words in ("Edsger&#x27;s words.", "Ada&#x27;s &lt;b&gt;words&lt;/b&gt;.", "250000", "People affected"):
        assert words in body
    assert "Objective" not in body
    assert Intake.objects.get().answers["problem"] == "Edsger's words."
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', body)
    assert ("revision", "1") in hidden
    client.post(at("intake", draft.pk), mine | {"revision": "1"})
    assert Intake.objects.get().answers["problem"] == "Ada's <b>words</b>."


def test_a_text_that_is_too_long_is_said_and_nothing_typed_is_lost(world, client, draft):
    client.force_login(world.ada)
    answer = client.post(at("intake", draft.pk), form_of(OVERDRAFT | {"name": "x" * 300}, revision=0, step="save"))
    assert answer.status_code == 422
    assert "x" * 300 in answer.content.decode()
    assert "at most 200 characters" in answer.content.decode()


def test_a_form_damaged_on_its_way_is_refused(world, client, draft):
    client.force_login(world.ada)
    for revision in ("", "-1", "one", "9" * 30):
        assert client.post(at("intake", draft.pk), form_of(OVERDRAFT, revision=revision)).status_code == 422


def test_before_submitting_every_missing_field_is_a_link(world, client, draft):
    save_intake(actor=world.ada, intake=draft.pk, revision=0, changes={"problem": "", "kpis": [{"name": "speed"}]})
    client.force_login(world.ada)
    body = client.get(at("submit-intake", draft.pk)).content.decode()
    assert "2 answers are still to give" in body
    for field in ("problem", "kpis"):
        assert f'href="{at("intake", draft.pk)}#{field}"' in body
    form = client.get(at("intake", draft.pk)).content.decode()
    assert 'id="problem"' in form
    assert 'id="kpis"' in form


def test_whoever_may_not_submit_is_told_whom_to_ask(world, client, draft):
    client.force_login(world.ada)
    body = client.get(at("submit-intake", draft.pk)).content.decode()
    assert "Edsger Dijkstra" in body
    assert ">Register " not in body
    assert client.post(at("submit-intake", draft.pk), {"revision": "0"}).status_code == 403
    client.force_login(world.edsger)
    assert "Written by others" in client.get(at("use-cases")).content.decode()


def test_submitting_shows_tier_and_policy_first_and_then_registers(world, client, draft):
    client.force_login(world.edsger)
    body = client.get(at("submit-intake", draft.pk)).content.decode()
    assert "<strong>high</strong>" in body
    assert "Score the creditworthiness of people" in body
    assert "consumer-credit v1" in body
    answer = client.post(at("submit-intake", draft.pk), {"revision": "0"}, follow=True)
    assert "Overdraft limits is registered" in answer.content.decode()
    assert UseCase.objects.get(slug="overdraft-limits").owner == world.tony
    client.force_login(world.tony)
    assert client.get(at("intake", draft.pk)).status_code == 404
    assert "default rate" in client.get(at("use-case", "overdraft-limits")).content.decode()


def test_a_forbidden_practice_says_so_and_cannot_be_submitted(world, client, draft):
    save_intake(actor=world.ada, intake=draft.pk, revision=0, changes={"risk": {"prohibited": ["face-scraping"]}})
    client.force_login(world.edsger)
    body = client.get(at("submit-intake", draft.pk)).content.decode()
    assert "No use case can be registered for this" in body
    assert "Article 5(1)" in body
    assert client.post(at("submit-intake", draft.pk), {"revision": "1"}).status_code == 422
    assert not UseCase.objects.filter(slug="overdraft-limits").exists()


def test_an_unknown_owner_is_said_on_the_page(world, client, draft):
    save_intake(actor=world.ada, intake=draft.pk, revision=0, changes={"owner": "nobody"})
    client.force_login(world.edsger)
    answer = client.post(at("submit-intake", draft.pk), {"revision": "1"})
    assert answer.status_code == 422
    assert "there is no active person" in answer.content.decode()


def test_discarding_asks_first(world, client, draft):
    client.force_login(world.ada)
    assert "Discard it" in client.get(at("discard-intake", draft.pk)).content.decode()
    assert client.get(at("intake", draft.pk)).status_code == 200
    client.post(at("discard-intake", draft.pk))
    assert client.get(at("intake", draft.pk)).status_code == 404


@pytest.mark.parametrize("page", ["intake", "submit-intake", "discard-intake"])
@pytest.mark.parametrize("who", ["grace", "mallory", "root"])
def test_intakes_of_others_are_not_there(world, client, draft, page, who):
    if who == "root":
        world.mallory.is_superuser = world.mallory.is_staff = True
        world.mallory.save()
    client.force_login(world.mallory if who == "root" else getattr(world, who))
    assert client.get(at(page, draft.pk)).status_code == 404
    assert client.post(at(page, draft.pk), form_of(OVERDRAFT, revision=0)).status_code == 404


def test_the_list_shows_what_one_may_see_and_filters_it(world, client, overdraft):
    client.force_login(world.tony)
    everything = client.get(at("use-cases")).content.decode()
    assert "Overdraft limits" in everything
    assert "Mortgage underwriting" in everything
    found = client.get(at("use-cases"), {"q": "overd"}).content.decode()
    assert "Mortgage underwriting" not in found
    assert "No use case matches." in client.get(at("use-cases"), {"tier": "low"}).content.decode()
    client.force_login(world.mallory)
    assert "No use cases yet." in client.get(at("use-cases")).content.decode()


def test_the_page_says_why_the_tier_is_what_it_is(world, client, overdraft):
    client.force_login(world.tony)
    body = client.get(at("use-case", "overdraft-limits")).content.decode()
    for words in (
        "Risk tier: high", "Score the creditworthiness of people", "5 Essential private and public services", "Assessment 1",
        "consumer-credit v1", "2.8", "120,000", "A service that other systems call", "EU, US-NY", "credit-scoring",
    ):  # fmt: skip
        assert words in body, words


def test_a_use_case_that_nobody_assessed_says_so(world, client):
    client.force_login(world.tony)
    body = client.get(at("use-case", "mortgage-underwriting")).content.decode()
    assert "nobody has answered the risk questionnaire yet" in body
    assert "Propose another tier" not in body


def test_the_page_names_the_data_that_its_models_depend_on(world, client):
    from registry.models import Dataset

    world.submit("1", measured=False)
    client.force_login(world.tony)
    assert "hmda-boston" in client.get(at("use-case", "mortgage-underwriting")).content.decode()
    Dataset.objects.update(visibility="restricted")
    assert "hmda-boston" in client.get(at("use-case", "mortgage-underwriting")).content.decode()


def test_an_assessment_shows_every_answer(world, client, overdraft):
    client.force_login(world.tony)
    body = client.get(at("risk-assessment", "overdraft-limits", 1)).content.decode()
    for words in (
        "Assessment 1: high",
        "250,000 people a year",
        "No, it does more",
        "It suggests, and a person decides each case",
    ):
        assert words in body
    assert client.get(at("risk-assessment", "overdraft-limits", 2)).status_code == 404


def test_answering_anew_names_what_is_missing_and_keeps_what_was_ticked(world, client, overdraft):
    client.force_login(world.tony)
    form = client.get(at("assess-risk", "overdraft-limits")).content.decode()
    assert re.search(r'name="risk.services" value="credit" checked', form)
    sent = risk_form(CREDIT | {"severity": "", "people": "plenty"})
    answer = client.post(at("assess-risk", "overdraft-limits"), sent)
    body = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#risk.severity"' in body
    assert 'value="plenty"' in body
    assert re.search(r'name="risk.money" value="household" checked', body)
    assert overdraft.risk_assessments.count() == 1


def test_a_lower_tier_waits_for_the_compliance_officer_on_the_page(world, client, overdraft):
    client.force_login(world.tony)
    answer = client.post(at("assess-risk", "overdraft-limits"), risk_form(QUIET), follow=True)
    body = answer.content.decode()
    assert "high stays in force until a compliance officer confirms that" in body
    assert "It waits for another" in body
    assert 'value="confirm"' not in body
    client.force_login(world.edsger)
    assert "Confirm low" in client.get(at("use-case", "overdraft-limits")).content.decode()
    sent = {"answer": "confirm", "reason": "Only a table is left of it."}
    body = client.post(at("answer-override", "overdraft-limits"), sent, follow=True).content.decode()
    assert "Confirmed: the risk tier is low." in body
    assert "No policy covers the tier low yet" in body
    assert "Only a table is left of it." in body


def test_without_a_reason_nothing_is_proposed_or_answered(world, client, overdraft):
    client.force_login(world.tony)
    answer = client.post(at("propose-override", "overdraft-limits"), {"tier": "limited", "reason": " "})
    assert answer.status_code == 422
    assert "say why" in answer.content.decode()
    propose_override(actor=world.tony, use_case=overdraft, tier="limited", reason="A clerk decides.")
    client.force_login(world.edsger)
    assert client.post(at("answer-override", "overdraft-limits"), {"answer": "confirm"}).status_code == 422
    overdraft.refresh_from_db()
    assert overdraft.risk_tier == "high"


def test_who_proposed_does_not_answer(world, client, overdraft):
    propose_override(actor=world.edsger, use_case=overdraft, tier="limited", reason="A clerk decides.")
    client.force_login(world.edsger)
    body = client.get(at("use-case", "overdraft-limits")).content.decode()
    assert "a second person answers" in body
    sent = {"answer": "confirm", "reason": "Mine."}
    assert client.post(at("answer-override", "overdraft-limits"), sent).status_code == 403


@pytest.mark.parametrize("who", ["ada", "grace", "barbara"])
def test_others_with_a_role_read_the_risk_and_change_nothing(world, client, who):
    assess_use_case(actor=world.tony, use_case=world.use_case, answers=CREDIT)
    client.force_login(getattr(world, who))
    assert client.get(at("use-case", "mortgage-underwriting")).status_code == 200
    assert client.get(at("risk-assessment", "mortgage-underwriting", 1)).status_code == 200
    assert client.get(at("assess-risk", "mortgage-underwriting")).status_code == 403
    for page in ("assess-risk", "propose-override", "answer-override"):
        sent = {"tier": "low", "reason": "Because.", "answer": "confirm"} | risk_form(QUIET)
        assert client.post(at(page, "mortgage-underwriting"), sent).status_code == 403, page


def test_who_holds_no_role_finds_no_risk(world, client, overdraft):
    client.force_login(world.mallory)
    for page in ("use-case", "assess-risk"):
        assert client.get(at(page, "overdraft-limits")).status_code == 404
    assert client.get(at("risk-assessment", "overdraft-limits", 1)).status_code == 404
    for page in ("assess-risk", "propose-override", "answer-override"):
        assert client.post(at(page, "overdraft-limits")).status_code == 404


def test_what_people_wrote_is_escaped(world, client, draft):
    evil = "<script>alert(1)</script>"
    save_intake(
        actor=world.ada, intake=draft.pk, revision=0,
        changes={"name": evil, "objective": evil, "problem": evil, "kpis": [dict.fromkeys(("name", "baseline", "target", "unit"), evil)]},
    )  # fmt: skip
    made = submit_intake(actor=world.edsger, intake=draft.pk, revision=1)
    propose_override(actor=world.tony, use_case=made, tier="low", reason=evil)
    client.force_login(world.tony)
    for page in (at("use-case", made.slug), at("use-cases"), at("risk-assessment", made.slug, 1)):
        assert evil not in client.get(page).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list(world, client, draft, django_assert_max_num_queries):
    from registry.services.use_cases import create_use_case

    for number in range(12):
        create_use_case(
            actor=world.edsger, slug=f"case-{number}", name=f"Case {number}", objective="o", kpis=[], affected_people="p",
            risk_tier="low", owner=world.tony,
        )  # fmt: skip
    client.force_login(world.tony)
    client.get(at("use-cases"))
    with django_assert_max_num_queries(16):
        client.get(at("use-cases"))

"""Asking a version about one row: the answer against a linear model's closed forms, and who sees it, for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from audits.models import JobStatus, WhatIf
from audits.services.what_ifs import (
    answer_what_if,
    ask_what_if,
    delete_expired_what_ifs,
    delete_what_if,
    get_what_if,
    reclaim_what_ifs,
    what_ifs_for,
)
from registry import ledger
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.roles import Role
from registry.services.people import assign_role, remove_role
from tests.audits.what_if_cases import ROW, contribution, run_instead_of_the_sandbox, submit_with_test_data
from tests.scenario import caller, run_tasks, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.fixture
def version(world):
    return submit_with_test_data(world)


@pytest.fixture
def model(monkeypatch):
    return run_instead_of_the_sandbox(monkeypatch)


def answered(what_if) -> WhatIf:
    answer_what_if(what_if_id=what_if.pk)
    what_if.refresh_from_db()
    assert what_if.status == JobStatus.SUCCEEDED, what_if.error
    return what_if


def test_of_a_row_it_tells_score_decision_contributions_and_reasons(world, version, model):
    result = answered(ask_what_if(actor=world.grace, version=version, row=ROW, change={"income": 50})).result
    asked, changed = result["asked"], result["changed"]
    assert (asked["score"], asked["decision"], asked["adverse"]) == (pytest.approx(0.0), "0", True)
    assert changed["score"] == pytest.approx(0.3)
    for feature, value in (("income", 20), ("ratio", 0.5)):
        assert asked["contributions"][feature] == pytest.approx(contribution(feature, value))
    assert asked["contributions"]["race"] == pytest.approx(0.0, abs=1e-12)
    assert sum(asked["contributions"].values()) + result["base"] == pytest.approx(asked["score"])
    assert result["difference"]["contributions"]["income"] == pytest.approx(0.3)
    assert result["difference"]["score"] == pytest.approx(0.3)
    # The ratio takes away 0.2, the income 0.1: both against the median of what is usual.
    assert [reason["text"] for reason in asked["reasons"]] == ["The debts are high for the income", "The income is low"]
    assert result["additivity_error"] < 1e-9
    assert (result["background"], result["background_rows"]) == ("test-data", 60)


def test_the_nearest_counterfactual_is_the_closed_forms(world, version, model):
    found = answered(ask_what_if(actor=world.grace, version=version, row=ROW)).result["counterfactuals"]["found"]
    first = found[0]
    # 0.5 more is needed: more than income (60 at most gives 0.4) or ratio (0 gives 0.5) alone, up to rounding at 0.
    changes = {item["feature"]: item["after"] for item in first["changes"]}
    assert "race" not in changes
    assert first["decision"] == "1"
    after = {**ROW, **changes}
    assert 0.5 + (after["income"] - 40) / 100 - (after["ratio"] - 0.2) == pytest.approx(first["score"])
    assert all(item["score"] >= 0.5 for item in found)
    assert all(step["after"] >= 20 for item in found for step in item["changes"] if step["feature"] == "income")


def test_a_row_of_the_test_data_is_found_by_its_key(world, version, model):
    result = answered(ask_what_if(actor=world.ada, version=version, key={"application": 20})).result
    assert result["asked"]["row"] == {"income": 20, "ratio": 0.2, "race": "a"}
    unknown = ask_what_if(actor=world.ada, version=version, key={"application": "999"})
    answer_what_if(what_if_id=unknown.pk)
    unknown.refresh_from_db()
    assert unknown.status == JobStatus.ERROR
    assert "no row with application '999'" in unknown.error["message"]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({}, "give either row"),
        ({"row": ROW, "key": {"application": 1}}, "give either row"),
        ({"row": {**ROW, "age": 3}}, "the model reads no 'age'"),
        ({"row": {"income": 3}}, "row lacks 'ratio', 'race'"),
        ({"row": {**ROW, "income": [1]}}, "row.income must be a number"),
        ({"row": {**ROW, "race": "a" * 501}}, "at most 500 characters"),
        ({"row": {**ROW, "income": float("inf")}}, "row.income must be a number"),
        ({"row": ROW, "change": {"agee": 3}}, "the model reads no 'agee'"),
        ({"row": ROW, "change": []}, "change must be an object"),
        ({"row": "income"}, "row must be an object"),
        ({"key": {"id": 3}}, "the key of a row is 'application'"),
        ({"key": {"application": 1.5}}, "key.application must be a text or a whole number"),
    ],
)
def test_what_cannot_be_asked_is_said(world, version, question, message):
    with pytest.raises(InvalidInput, match=message):
        ask_what_if(actor=world.ada, version=version, **question)
    assert not WhatIf.objects.exists()


def test_a_text_where_the_data_hold_numbers_is_an_error_in_words(world, version, model):
    asked = ask_what_if(actor=world.ada, version=version, row={**ROW, "income": "much"})
    answer_what_if(what_if_id=asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.error["message"]) == (JobStatus.ERROR, "income is a number, not 'much'")


def test_without_data_or_a_sandbox_nothing_is_answered(world, version, monkeypatch):
    from audits.sandbox.errors import SandboxUnavailable

    bare = world.submit("2", measured=False)
    with pytest.raises(InvalidInput, match="no data with the role test-data"):
        ask_what_if(actor=world.ada, version=bare, row={"income": 1, "ratio": 2})

    def refuse(source, **options):
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr("audits.scoring.opening.open_model", refuse)
    asked = ask_what_if(actor=world.ada, version=version, row=ROW)
    answer_what_if(what_if_id=asked.pk)
    asked.refresh_from_db()
    assert (asked.status, asked.result) == (JobStatus.ERROR, None)
    assert asked.error["message"] == "bubblewrap is not installed"


def test_in_the_sandbox_the_answer_is_the_submitted_models_own(world):
    import numpy as np
    import skops.io
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(3)
    rows = np.column_stack([random.uniform(1, 60, 200), random.uniform(0, 0.6, 200)])
    fitted = LogisticRegression(C=100).fit(rows, rows[:, 0] / 60 - rows[:, 1] > random.normal(0.2, 0.1, 200))
    version = submit_with_test_data(world, model=skops.io.dumps(fitted), features="income, ratio", dictionary=None)
    row = {"income": 12, "ratio": 0.4}
    result = answered(ask_what_if(actor=world.ada, version=version, row=row)).result
    assert result["asked"]["score"] == pytest.approx(fitted.predict_proba([[12, 0.4]])[0, 1], abs=1e-12)
    assert sum(result["asked"]["contributions"].values()) + result["base"] == pytest.approx(result["asked"]["score"])
    assert result["model"] == {"format": "skops", "sandboxed": True}
    for found in result["counterfactuals"]["found"]:
        after = {**row, **{step["feature"]: step["after"] for step in found["changes"]}}
        assert fitted.predict_proba([[after["income"], after["ratio"]]])[0, 1] == pytest.approx(found["score"])
        assert found["score"] >= 0.5
    assert result["counterfactuals"]["found"]


def test_it_takes_a_duty_on_the_model_to_ask(world, version):
    for person in (world.ada, world.grace, world.edsger, world.tony, world.barbara):
        ask_what_if(actor=person, version=version, row=ROW)
    assign_role(actor=ledger.SYSTEM, person=world.mallory, role=Role.DATA_OWNER, on=world.use_case)
    with pytest.raises(NotAllowed, match="only developers"):
        ask_what_if(actor=world.mallory, version=version, row=ROW)


def test_nobody_else_sees_it_and_losing_the_role_hides_it(world, version):
    asked = ask_what_if(actor=world.grace, version=version, row=ROW)
    assert list(what_ifs_for(world.grace)) == [asked]
    for person in (world.ada, world.tony, world.edsger, world.barbara, world.mallory):
        assert not what_ifs_for(person).exists()
        with pytest.raises(NotFound):
            get_what_if(person, asked.pk)
        with pytest.raises(NotFound):
            delete_what_if(actor=person, what_if=asked)
    remove_role(actor=ledger.SYSTEM, person=world.grace, role=Role.VALIDATOR, on=world.use_case)
    with pytest.raises(NotFound):
        get_what_if(world.grace, asked.pk)


def test_three_at_a_time(world, version, model):
    first, _, _ = [ask_what_if(actor=world.ada, version=version, row=ROW) for _ in range(3)]
    with pytest.raises(Conflict, match="3 questions that are not answered yet"):
        ask_what_if(actor=world.ada, version=version, row=ROW)
    ask_what_if(actor=world.grace, version=version, row=ROW)
    answered(first)
    ask_what_if(actor=world.ada, version=version, row=ROW)


def test_it_expires(world, version, settings):
    settings.COUNTERSIGN_WHAT_IF_HOURS = 1
    old, new = (ask_what_if(actor=world.ada, version=version, row=ROW) for _ in range(2))
    assert old.expires_at - old.created_at < timedelta(hours=1, seconds=9)
    tamper(old, expires_at=timezone.now())
    with pytest.raises(NotFound):
        get_what_if(world.ada, old.pk)
    assert delete_expired_what_ifs() == 1
    assert list(WhatIf.objects.all()) == [new]


def test_the_ledger_says_that_somebody_asked_and_not_what(world, version, model):
    secret = {**ROW, "race": "a-very-rare-group"}
    asked = answered(ask_what_if(actor=world.ada, version=version, row=secret, change={"income": 123456789}))
    delete_what_if(actor=world.ada, what_if=asked)
    assert not WhatIf.objects.exists()
    entries = list(reversed(ledger.entries(object_type="what_if")))
    assert [(entry.action, entry.actor_name) for entry in entries] == [
        ("what_if.asked", "Ada Lovelace"),
        ("what_if.deleted", "Ada Lovelace"),
    ]
    everything = b"".join(ledger.export_lines()).decode()
    assert "a-very-rare-group" not in everything
    assert "123456789" not in everything


def test_what_was_deleted_while_a_worker_was_at_it_is_not_written_again(world, version, monkeypatch):
    model = run_instead_of_the_sandbox(monkeypatch)
    asked = ask_what_if(actor=world.ada, version=version, row=ROW)
    known = model.function

    def meanwhile(columns):
        WhatIf.objects.all().delete()
        return known(columns)

    model.function = meanwhile
    answer_what_if(what_if_id=asked.pk)
    assert not WhatIf.objects.exists()


def test_a_dead_workers_question_is_taken_back(world, version, model):
    asked = ask_what_if(actor=world.ada, version=version, row=ROW)
    tamper(asked, status=JobStatus.RUNNING, attempt=1, lease_until=timezone.now() - timedelta(minutes=1))
    assert [job.pk for job in reclaim_what_ifs()] == [asked.pk]
    run_tasks()
    asked.refresh_from_db()
    assert (asked.status, asked.attempt) == (JobStatus.SUCCEEDED, 2)


def test_over_the_api(world, version, model):
    calls = caller(world.grace)
    at = "/versions/mortgage-approval/1/what-ifs"
    body = {"row": ROW, "change": {"income": 50}, "counterfactual": False}
    accepted = calls.post(at, body, key="k")
    assert accepted.status_code == 202
    assert calls.post(at, body, key="k").json() == accepted.json()
    assert "income" not in accepted.content.decode()
    address = accepted.json()["url"].removeprefix("/api/v1")
    assert calls.get(address).json()["status"] == "queued"
    run_tasks()
    told = calls.get(address).json()
    assert (told["status"], told["row"], told["result"]["counterfactuals"]) == ("succeeded", ROW, None)
    assert [item["id"] for item in calls.get(at).json()["results"]] == [told["id"]]
    assert caller(world.ada).get(address).status_code == 404
    assert caller(world.ada).call("DELETE", address).status_code == 404
    assert calls.get(address.replace("/1/", "/2/")).status_code == 404
    refused = calls.post(at, {"row": {"income": 1}})
    assert (refused.status_code, refused.json()["field"]) == (422, "row.ratio")
    assert calls.call("DELETE", address).status_code == 204
    assert calls.get(address).status_code == 404

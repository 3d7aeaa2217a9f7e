"""``Idempotency-Key``: one act and one answer, however often the same request is sent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.models import GateDecision
from registry.models import IdempotentRequest, ModelVersion, UseCase
from tests.scenario import at_once, caller, manifest_yaml, predictions_csv, tamper

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


def question(name="1"):
    return {"subject": {"model": "mortgage-approval", "version": name}}


GATE = "/gates/production/decisions"


@pytest.fixture
def version(world):
    return world.submit("1", measured=False)


def test_the_same_request_acts_once_and_gets_the_same_answer(world, version):
    calls = caller(world.ada)
    first, second = (calls.post(GATE, question(), key="k-1") for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert GateDecision.objects.count() == 1


def test_the_order_of_keys_and_blanks_are_the_same_request(world, version):
    calls = caller(world.ada)
    first = calls.post(GATE, b'{"subject": {"model": "mortgage-approval", "version": "1"}, "context": {}}', key="k")
    second = calls.post(GATE, b'{"context":{},"subject":{"version":"1","model":"mortgage-approval"}}', key="k")
    assert first.json() == second.json()


def test_without_a_key_or_with_another_it_is_another_act(world, version):
    calls = caller(world.ada)
    for key in (None, None, "a", "b"):
        assert calls.post(GATE, question(), key=key).status_code == 200
    assert GateDecision.objects.count() == 4


def test_another_payload_or_address_under_a_known_key_is_refused(world, version):
    calls = caller(world.ada)
    calls.post(GATE, question(), key="k")
    for address, body in ((GATE, question("2")), ("/gates/staging/decisions", question()), ("/promotions", {})):
        response = calls.post(address, body, key="k")
        assert (response.status_code, response.json()["field"]) == (422, "Idempotency-Key")
    assert GateDecision.objects.count() == 1


def test_keys_of_two_people_are_two_keys(world, version):
    answers = [caller(person).post(GATE, question(), key="k").json()["id"] for person in (world.ada, world.grace)]
    assert len(set(answers)) == 2


def test_an_error_is_not_kept_and_the_key_may_be_tried_again(world):
    calls = caller(world.ada)
    assert calls.post(GATE, question(), key="k").status_code == 404
    assert not IdempotentRequest.objects.exists()
    world.submit("1", measured=False)
    assert calls.post(GATE, question(), key="k").status_code == 200


def test_a_crash_leaves_neither_act_nor_answer(world, version, monkeypatch):
    from governance.services import gate

    calls = caller(world.ada)
    monkeypatch.setattr(gate.ledger, "record", lambda **entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        calls.post(GATE, question(), key="k")
    monkeypatch.undo()
    assert not GateDecision.objects.exists()
    assert calls.post(GATE, question(), key="k").status_code == 200
    assert GateDecision.objects.count() == 1


def in_flight(world, **changes):
    """The row of a request that another process is working on."""
    caller(world.ada).post(GATE, question(), key="k")
    row = IdempotentRequest.objects.get()
    GateDecision.objects.all().delete()
    tamper(row, status=None, body=None, **changes)


def test_a_request_in_flight_is_409(world, version):
    in_flight(world)
    response = caller(world.ada).post(GATE, question(), key="k")
    assert (response.status_code, response.json()["code"]) == (409, "in-flight")
    assert not GateDecision.objects.exists()


def test_a_request_abandoned_by_a_dead_process_can_be_taken_up(world, version):
    in_flight(world, created_at=timezone.now() - timedelta(minutes=6))
    assert caller(world.ada).post(GATE, question(), key="k").status_code == 200
    assert caller(world.ada).post(GATE, question(), key="k")["Idempotent-Replayed"] == "true"
    assert GateDecision.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
def test_keys_have_a_form(world, version, key):
    assert caller(world.ada).post(GATE, question(), key=key).status_code == 422


def test_a_submission_sent_again_is_one_version(world):
    files = {"model.skops": world.upload(b"model"), "predictions.csv": world.upload(predictions_csv())}
    body = {"manifest": manifest_yaml("1").decode(), "files": files}
    calls = caller(world.ada)
    answers = [calls.post("/versions", body, key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert ModelVersion.objects.count() == 1


def test_the_record_of_a_request_does_not_give_a_password_away(world):
    """What is kept of a signing request is no digest that one could try passwords against."""
    from registry.canonical import canonical_json, sha256_hex

    review = world.assess(world.submit("1")).review
    path = f"/reviews/{review.pk}/sign-offs"
    body = {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": "tony-passphrase-1"}
    assert caller(world.tony).post(path, body, key="k").status_code == 201
    bare = sha256_hex(f"POST /api/v1{path}\n".encode() + canonical_json(body))
    assert IdempotentRequest.objects.get().payload_sha256 != bare
    assert b"passphrase" not in bytes(IdempotentRequest.objects.get().body)


def test_the_same_request_from_many_at_once_acts_once(shared_world):
    world = shared_world
    world.submit("1", measured=False)
    calls = caller(world.ada)
    answers = at_once(*[lambda: calls.post(GATE, question(), key="k")] * 5)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert GateDecision.objects.count() == 1
    assert calls.post(GATE, question(), key="k").json()["id"] == str(GateDecision.objects.get().pk)


def test_an_abandoned_request_is_taken_up_by_one_of_many(shared_world):
    world = shared_world
    world.submit("1", measured=False)
    in_flight(world, created_at=timezone.now() - timedelta(minutes=6))
    calls = caller(world.ada)
    answers = at_once(*[lambda: calls.post(GATE, question(), key="k")] * 4)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert GateDecision.objects.count() == 1


def test_one_use_case_registered_twice_at_once_is_one(shared_world):
    world = shared_world
    body = {
        "slug": "cards", "name": "Cards", "objective": "o", "kpis": [], "affected_people": "p", "risk_tier": "low",
        "owner": "tony",
    }  # fmt: skip
    calls = caller(world.edsger)
    answers = at_once(*(lambda key=key: calls.post("/use-cases", body, key=key) for key in ("a", "b", "c")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert UseCase.objects.filter(slug="cards").count() == 1

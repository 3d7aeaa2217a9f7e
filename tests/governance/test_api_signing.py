"""Signing by API: a token is not a person; the password is, and failures count."""

import pytest

from governance.models import SignOff
from governance.services.gate import decide
from governance.services.submissions import revise_model_card
from tests.scenario import CARD, caller, ledger_actions

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.fixture
def version(world):
    return world.submit("1")


def sign(world, version, who="tony", *, key=None, **changes):
    person = getattr(world, who)
    review = version.reviews.order_by("-opened_at").first()
    body = {
        "meaning": "approve", "subject_sha256": f"sha256:{review.subject_sha256}", "password": f"{who}-passphrase-1",
        **changes,
    }  # fmt: skip
    return caller(person, "sign", "read").post(f"/reviews/{review.pk}/sign-offs", body, key=key)


def test_all_sign_with_their_passwords_and_the_gate_opens(world, version):
    answers = [sign(world, version, who) for who in ("tony", "grace", "edsger")]
    assert [answer.status_code for answer in answers] == [201] * 3
    review = answers[-1].json()
    assert (review["state"], [stage["state"] for stage in review["stages"]]) == ("approved", ["signed"] * 3)
    assert [item["person"] for item in review["sign_offs"]] == ["tony", "grace", "edsger"]
    assert {item["state"] for item in review["sign_offs"]} == {"live"}
    assert decide(actor=world.ada, version=version, environment="production").result == "allow"


@pytest.mark.parametrize("password", ["", " ", "wrong", "tony-passphrase-1 ", "grace-passphrase-1"])
@pytest.mark.parametrize("key", [None, "k"])
def test_a_wrong_password_signs_nothing(world, version, password, key):
    response = sign(world, version, password=password, key=key)
    assert response.status_code in {403, 422}
    assert response.json().get("field", "password") == "password"
    assert not SignOff.objects.exists()
    assert "sign_off.recorded" not in ledger_actions()
    assert sign(world, version, key=key).status_code == 201


@pytest.mark.parametrize("with_key", [False, True])
def test_wrong_passwords_are_counted_and_lock_the_account_out(world, version, settings, with_key):
    for attempt in range(settings.AXES_FAILURE_LIMIT):
        response = sign(world, version, password="wrong", key=f"k-{attempt}" if with_key else None)
        assert response.status_code in {403, 429}
        assert response["Content-Type"] == "application/problem+json"
    locked = sign(world, version)
    assert locked.status_code in {403, 429}
    assert locked["Content-Type"] == "application/problem+json"
    assert not SignOff.objects.exists()


def test_another_subject_than_shown_is_409(world, version):
    response = sign(world, version, subject_sha256="0" * 64)
    assert (response.status_code, response.json()["field"]) == (409, "subject_sha256")
    old = version.reviews.get().subject_sha256
    revise_model_card(actor=world.ada, version=version, sections={**CARD, "owner": "Somebody else"})
    assert sign(world, version, subject_sha256=old).status_code == 409
    assert not SignOff.objects.exists()


def test_somebody_elses_password_is_not_ones_own(world, version):
    response = sign(world, version, "grace", password="tony-passphrase-1")
    assert response.status_code == 403
    assert not SignOff.objects.exists()


def test_a_service_account_has_no_password_to_sign_with(world, version):
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.people import assign_role, create_person

    bot = create_person(actor=SYSTEM, username="bot", is_service=True)
    assign_role(actor=SYSTEM, person=bot, role=Role.DEVELOPER, on=world.use_case)
    review = version.reviews.get()
    body = {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": "!"}
    assert caller(bot).post(f"/reviews/{review.pk}/sign-offs", body).status_code == 403


def test_a_token_without_the_scope_signs_nothing(world, version):
    review = version.reviews.get()
    body = {"meaning": "approve", "subject_sha256": review.subject_sha256, "password": "tony-passphrase-1"}
    calls = caller(world.tony, "read", "submit", "gate", "promote", "policy", "manage")
    assert calls.post(f"/reviews/{review.pk}/sign-offs", body).status_code == 403
    assert not SignOff.objects.exists()


def test_a_signing_sent_twice_is_one_signature(world, version):
    answers = [sign(world, version, key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert SignOff.objects.count() == 1
    # The password is proved each time, also for an answer that is only repeated.
    assert sign(world, version, key="k", password="wrong").status_code == 403


def test_reject_and_request_changes_by_api(world, version):
    assert sign(world, version, meaning="reject").json()["field"] == "comment"
    assert sign(world, version, meaning="shrug", comment="x").status_code == 422
    assert sign(world, version, meaning="reject", comment="No.").json()["state"] == "rejected"
    assert sign(world, version, "grace").status_code == 409


def test_a_stale_review_found_while_signing_is_reopened_even_though_nothing_is_signed(world, version):
    from tests.scenario import tamper

    world.approve(version)
    review = version.reviews.get()
    tamper(version.files.get(role="model"), path="elsewhere.skops")
    response = sign(world, version, subject_sha256=review.subject_sha256)
    assert response.status_code == 409
    review.refresh_from_db()
    assert review.state == "open"

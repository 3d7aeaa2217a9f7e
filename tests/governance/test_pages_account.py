"""Signing in and out, tokens and passwords."""

from __future__ import annotations

import pytest
from django.urls import reverse

from governance.models import ApiToken
from governance.services.tokens import find_token, issue_token
from registry.models.ledger import LedgerEntry

pytestmark = pytest.mark.django_db

ADA = "ada-passphrase-1"


def sign_in(client, username="ada", password=ADA, **more):
    return client.post("/sign-in", {"username": username, "password": password, **more})


def test_signing_in_leads_to_where_one_was_going(world, client):
    going = client.get("/models")
    assert going["Location"] == "/sign-in?next=/models"
    assert client.get(going["Location"]).status_code == 200
    assert sign_in(client, next="/models")["Location"] == "/models"
    assert client.get("/models").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(world, client, elsewhere):
    assert sign_in(client, next=elsewhere)["Location"] == "/"


def test_a_wrong_password_says_so_without_saying_which_is_wrong(world, client):
    known, unknown = sign_in(client, password="x"), sign_in(client, username="nobody", password="x")
    assert known.status_code == unknown.status_code == 200
    for answer in (known, unknown):
        assert "User name and password do not match." in answer.content.decode()


def test_guessing_locks_the_account(world, client, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        locked = sign_in(client, password="guess")
    assert locked.status_code == 429
    assert "This account is resting" in locked.content.decode()
    assert sign_in(client).status_code == 429
    assert sign_in(client, username="grace", password="grace-passphrase-1").status_code == 302


def test_signing_out_is_a_post(world, client):
    client.force_login(world.ada)
    assert client.get("/sign-out").status_code == 405
    client.post("/sign-out")
    assert client.get("/").status_code == 302


def test_service_accounts_have_no_way_in(world, client):
    from registry.ledger import SYSTEM
    from registry.services.people import create_person

    create_person(actor=SYSTEM, username="ci", is_service=True)
    for password in ("", "!", "ci"):
        assert sign_in(client, username="ci", password=password).status_code == 200


class TestTokens:
    said = {"name": "nightly", "days": "30", "scopes": ["submit", "gate"], "password": ADA}

    def test_the_secret_is_shown_once(self, world, client):
        client.force_login(world.ada)
        answer = client.post("/account/tokens", self.said)
        secret = answer.context["secret"]
        assert secret in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert find_token(secret).person == world.ada
        assert find_token(secret).scopes == ["gate", "submit"]
        assert secret not in client.get("/account").content.decode()

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"password": "x"}, "The password is wrong. No token was issued."),
            ({"days": "0"}, "a token lives 1 to 366 days"),
            ({"days": "many"}, "for how many days"),
            ({"scopes": []}, "none given"),
            ({"scopes": ["root"]}, "unknown scopes root"),
            ({"name": "  "}, "needs a name"),
        ],
    )
    def test_nothing_is_issued_where_something_is_wrong(self, world, client, wrong, why):
        client.force_login(world.ada)
        refused = client.post("/account/tokens", self.said | wrong)
        assert refused.status_code == 422
        assert why in refused.content.decode()
        assert not ApiToken.objects.exists()

    def test_one_revokes_one_s_own_only(self, world, client):
        mine, secret = issue_token(
            actor=world.ada, person=world.ada, issued_by=world.ada, name="n", scopes=["read"], days=3
        )
        url = reverse("end-token", args=[mine.pk])
        client.force_login(world.mallory)
        assert client.post(url).status_code == 404
        client.force_login(world.ada)
        client.post(url)
        assert find_token(secret) is None
        assert "revoked" in client.get("/account").content.decode()
        assert client.post(url).status_code == 409


class TestPasswords:
    said = {"old_password": ADA, "new_password1": "a-much-better-phrase", "new_password2": "a-much-better-phrase"}

    def test_a_new_password_is_written_to_the_ledger_and_ends_other_sessions(self, world, client):
        from django.test import Client

        other = Client()
        other.force_login(world.ada)
        client.force_login(world.ada)
        done = client.post("/account/password", self.said, follow=True)
        assert "Your password is changed." in done.content.decode()
        assert other.get("/").status_code == 302
        entry = LedgerEntry.objects.get(action="password.changed")
        assert entry.actor_name == "Ada Lovelace"
        assert b"phrase" not in bytes(entry.body)

    @pytest.mark.parametrize(
        "wrong",
        [{"old_password": "x"}, {"new_password2": "other"}, {"new_password1": "short", "new_password2": "short"}],
    )
    def test_a_bad_one_is_refused(self, world, client, wrong):
        client.force_login(world.ada)
        refused = client.post("/account/password", self.said | wrong)
        assert refused.status_code == 422
        assert 'class="errors"' in refused.content.decode()
        world.ada.refresh_from_db()
        assert world.ada.check_password(ADA)


def test_the_account_page_lists_roles_and_duties(world, client):
    world.submit("1", measured=False)
    client.force_login(world.edsger)
    body = client.get("/account").content.decode()
    assert "compliance officer" in body
    assert "may register policies" in body

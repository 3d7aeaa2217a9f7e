"""Bearer tokens: shown once, hashed at rest, scoped, ended by time, revocation, or the end of an account."""

import pytest
from django.utils import timezone

from governance.models import ApiToken
from governance.scopes import Scope, parse_scopes
from governance.services.tokens import find_token, issue_token, revoke_token
from registry.errors import Conflict, InvalidInput
from registry.ledger import SYSTEM
from tests.scenario import Caller, caller, ledger_actions, tamper

pytestmark = pytest.mark.django_db


def issue(person, **changes):
    return issue_token(
        **{"actor": SYSTEM, "person": person, "issued_by": person, "name": "ci", "scopes": ["read"], **changes}
    )


def test_the_secret_is_nowhere_in_the_database(ada):
    from registry import ledger

    token, secret = issue(ada)
    assert secret.startswith("cs_")
    assert len(secret) >= 43
    stored = repr([ApiToken.objects.values().get(), *(bytes(entry.body) for entry in ledger.entries())])
    assert secret not in stored
    assert secret[10:] not in stored
    assert secret.startswith(token.prefix)


def test_two_tokens_are_two_secrets(ada):
    assert issue(ada)[1] != issue(ada)[1]


def test_a_token_is_found_by_its_whole_secret_only(ada):
    token, secret = issue(ada)
    assert find_token(secret) == token
    for wrong in (
        "",
        "cs_",
        secret[:-1],
        secret + "x",
        secret.upper(),
        secret.removeprefix("cs_"),
        token.secret_sha256,
        "é",
    ):
        assert find_token(wrong) is None


def test_use_is_noted(ada):
    token, secret = issue(ada)
    find_token(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None


@pytest.mark.parametrize("end", ["expired", "revoked", "person inactive", "issuer inactive"])
def test_a_token_that_has_ended_opens_nothing(ada, grace, end):
    token, secret = issue(ada, issued_by=grace)
    assert Caller(secret).get("/models").status_code == 200
    if end == "expired":
        tamper(token, expires_at=timezone.now())
    elif end == "revoked":
        revoke_token(actor=SYSTEM, token=token)
        with pytest.raises(Conflict):
            revoke_token(actor=SYSTEM, token=token)
        assert ledger_actions(object_type="token") == ["token.issued", "token.revoked"]
    else:
        tamper(ada if end == "person inactive" else grace, is_active=False)
    response = Caller(secret).get("/models")
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"days": 367},
        {"days": -1},
        {"name": " "},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": ["read", "*"]},
    ],
)
def test_tokens_have_an_end_a_name_and_known_scopes(ada, wrong):
    with pytest.raises(InvalidInput) as refused:
        issue(ada, **wrong)
    assert refused.value.field in wrong
    assert not ApiToken.objects.exists()


def test_scopes_are_a_set():
    assert parse_scopes(["submit", "read", "read"]) == ["read", "submit"]


def test_a_token_does_not_sign_in_to_pages(ada, client):
    _, secret = issue(ada, scopes=list(Scope))
    response = client.get("/", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 302


def test_a_bearer_token_needs_no_csrf_token_and_a_session_does(world):
    from django.test import Client

    body = {"subject": {"model": "none", "version": "1"}}
    assert caller(world.ada).post("/gates/production/decisions", body).status_code == 404
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.ada, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/api/v1/models").status_code == 200
    refused = browser.post("/api/v1/gates/production/decisions", body, content_type="application/json")
    assert refused.status_code == 403


def test_a_token_of_nobodys_role_sees_nothing_whatever_its_scopes(world):
    world.submit("1", measured=False)
    assert caller(world.mallory).get("/models").json()["results"] == []

"""Who sees which page: what one's roles do not show is not there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models.ledger import LedgerEntry

pytestmark = pytest.mark.django_db

ON_THE_MODEL = ("ada", "grace", "edsger", "tony", "barbara")


@pytest.fixture
def submitted(world):
    version = world.submit("1")
    return version, world.assess(version).review


def pages_of(version, review):
    at = [version.model.name, version.name]
    return {
        "use-case": reverse("use-case", args=["mortgage-underwriting"]),
        "model": reverse("model", args=at[:1]),
        "version": reverse("version", args=at),
        "version by digest": reverse("version", args=[at[0], f"sha256:{version.sha256}"]),
        "review": reverse("review", args=[review.pk]),
    }


COMMON = ("inbox", "models", "policies", "ledger", "account")


@pytest.mark.parametrize("who", ON_THE_MODEL)
def test_everybody_with_a_role_sees_the_model_and_its_version(world, client, submitted, who):
    client.force_login(getattr(world, who))
    for name, url in pages_of(*submitted).items():
        assert client.get(url).status_code == 200, name
    for name in COMMON:
        assert client.get(reverse(name)).status_code == 200, name


def test_who_holds_no_role_finds_nothing_there(world, client, submitted):
    client.force_login(world.mallory)
    version, review = submitted
    at = [version.model.name, version.name]
    hidden = pages_of(version, review) | {
        "rollback": reverse("rollback", args=at[:1]),
        "progress": reverse("version-progress", args=at),
        "promote": reverse("promote", args=at),
        "card": reverse("card", args=at),
        "dossier progress": reverse("dossier-progress", args=at),
        "sign": reverse("sign", args=[review.pk]) + "?meaning=approve",
        "adopt": reverse("adopt-policy", args=[review.pk]),
        "ledger entry": reverse("ledger-entry", args=[LedgerEntry.objects.filter(model_name=at[0]).first().seq]),
    }
    for name, url in hidden.items():
        answer = client.get(url)
        assert answer.status_code == 404, name
        assert b"may not see it" in answer.content
        assert version.model.use_case.name.encode() not in answer.content
    for name in COMMON:
        assert version.model.name.encode() not in client.get(reverse(name)).content, name


def test_a_superuser_sees_no_more_than_their_roles_show(world, client, submitted):
    world.mallory.is_superuser = world.mallory.is_staff = True
    world.mallory.save()
    client.force_login(world.mallory)
    for name, url in pages_of(*submitted).items():
        assert client.get(url).status_code == 404, name


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_reads_or_writes_without_signing_in(client, submitted, method):
    for url in [*pages_of(*submitted).values(), *(reverse(name) for name in COMMON)]:
        answer = getattr(client, method)(url)
        assert answer.status_code == 302, url
        assert answer["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("who", ["grace", "edsger", "barbara"])
def test_only_authors_are_let_near_the_card(world, client, submitted, who):
    client.force_login(getattr(world, who))
    url = reverse("card", args=[submitted[0].model.name, submitted[0].name])
    assert client.get(url).status_code == 403
    assert client.post(url, {"intended_use": "Mine."}).status_code == 403


@pytest.mark.parametrize("who", ["grace", "barbara"])
def test_validators_and_auditors_promote_nothing(world, client, submitted, who):
    version, _ = submitted
    world.approve(version)
    client.force_login(getattr(world, who))
    url = reverse("promote", args=[version.model.name, version.name])
    assert client.post(url, {"environment": "production"}).status_code == 403
    assert not version.promotions.exists()


def test_reading_writes_nothing(world, client, submitted):
    client.force_login(world.grace)
    client.get("/")  # the session's own bookkeeping
    entries = LedgerEntry.objects.count()
    with CaptureQueriesContext(connection) as queries:
        for url in [*pages_of(*submitted).values(), *(reverse(name) for name in COMMON)]:
            client.get(url)
    writing = [query["sql"] for query in queries if query["sql"].lstrip().split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert writing == []
    assert LedgerEntry.objects.count() == entries


def test_an_unknown_environment_is_not_there(world, client, submitted):
    client.force_login(world.ada)
    at = [submitted[0].model.name, submitted[0].name]
    assert client.get(reverse("version", args=at) + "?environment=moon").status_code == 404


def test_pages_forbid_foreign_and_inline_code(world, client, submitted):
    client.force_login(world.ada)
    for url in pages_of(*submitted).values():
        answer = client.get(url)
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        body = answer.content.decode()
        assert " style=" not in body
        assert "<style" not in body
        assert " onclick=" not in body
        assert "http://" not in body.replace("http://127.0.0.1", "").replace("http://www.w3.org/", "")


def test_pages_keep_to_their_weight(world, client, submitted):
    client.force_login(world.grace)
    import re

    for url in pages_of(*submitted).values():
        body = client.get(url).content.decode()
        assert len(re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)) < 150_000, url


@pytest.mark.parametrize("url", ["/models?q=%00", "/models/%00", "/ledger?action=%00", "/?box=%00"])
def test_nul_is_refused_before_a_database_sees_it(world, client, url):
    client.force_login(world.ada)
    assert client.get(url).status_code == 400
    refused = client.post("/account/tokens", {"name": "a\x00b", "days": "3", "scopes": ["read"]})
    assert refused.status_code == 400
    assert "could not be understood" in refused.content.decode()


def test_pages_are_kept_out_of_caches(world, client):
    client.force_login(world.ada)
    for url in ("/", "/models", "/policies/new"):
        assert "no-store" in client.get(url)["Cache-Control"]

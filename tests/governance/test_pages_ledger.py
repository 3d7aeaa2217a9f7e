"""The ledger's pages: search, one entry, and recomputing all of it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import ledger_triggers
from registry.checkpoints import make_checkpoint
from registry.models.ledger import LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(world):
    world.submit("1")
    make_checkpoint()
    return world


def seqs(body: str) -> set[int]:
    return {entry.seq for entry in LedgerEntry.objects.all() if f'href="/ledger/{entry.seq}"' in body}


def test_auditors_see_everything_others_their_models(told, client):
    client.force_login(told.barbara)
    assert seqs(client.get("/ledger").content.decode()) == set(LedgerEntry.objects.values_list("seq", flat=True))
    client.force_login(told.ada)
    mine = set(LedgerEntry.objects.filter(model_name="mortgage-approval").values_list("seq", flat=True))
    assert seqs(client.get("/ledger").content.decode()) == mine
    foreign = LedgerEntry.objects.filter(action="policy.registered").first().seq
    assert client.get(f"/ledger/{foreign}").status_code == 404
    client.force_login(told.barbara)
    assert client.get(f"/ledger/{foreign}").status_code == 200
    assert client.get("/ledger/99999").status_code == 404


@pytest.mark.parametrize(
    ("asked", "actions"),
    [
        ({"action": "policy.registered"}, {"policy.registered"}),
        ({"q": "policy.reg"}, {"policy.registered"}),
        ({"q": "nothing like it"}, set()),
        ({"before": "2"}, None),
        ({"before": "99999999999999999999"}, None),
        ({"before": "x"}, None),
    ],
)
def test_search(told, client, asked, actions):
    client.force_login(told.barbara)
    answer = client.get("/ledger", asked)
    assert answer.status_code == 200
    if actions is not None:
        shown = seqs(answer.content.decode())
        assert set(LedgerEntry.objects.filter(seq__in=shown).values_list("action", flat=True)) == actions


def test_pages_go_back_to_the_beginning(told, client, monkeypatch):
    monkeypatch.setattr("governance.views.ledger._PER_PAGE", 5)
    client.force_login(told.barbara)
    url, seen = "/ledger", []
    while url:
        answer = client.get(url)
        seen += [entry.seq for entry in answer.context["entries"]]
        url = f"/ledger?before={answer.context['older']}" if answer.context["older"] else ""
    assert seen == list(range(LedgerEntry.objects.count(), 0, -1))


def test_an_entry_shows_the_body_that_was_hashed(told, client):
    client.force_login(told.barbara)
    entry = LedgerEntry.objects.get(seq=3)
    body = client.get("/ledger/3").content.decode()
    assert entry.hash in body
    assert LedgerEntry.objects.get(seq=2).hash in body
    assert "under checkpoint" in body


def test_verifying_says_how_far_it_holds(told, client):
    client.force_login(told.barbara)
    size = LedgerEntry.objects.count()
    assert f"verified to checkpoint {size}" in client.post("/ledger/verify").content.decode()
    assert client.get("/ledger/verify").status_code == 405


def test_verifying_names_the_first_entry_that_is_wrong(told, client):
    with connection.schema_editor() as editor:
        ledger_triggers.remove(editor)
    entry = LedgerEntry.objects.get(seq=7)
    LedgerEntry.objects.filter(seq=7).update(body=bytes(entry.body).replace(b'"at":"2', b'"at":"1'))
    client.force_login(told.barbara)
    body = client.post("/ledger/verify").content.decode()
    assert "the ledger does not hold" in body
    assert "Entry 7: the body does not match its hash" in body
    assert '<a href="/ledger/7">7</a>' in body


def test_only_those_who_read_all_of_it_verify_and_download(told, client):
    client.force_login(told.ada)
    assert client.post("/ledger/verify").status_code == 403
    body = client.get("/ledger").content.decode()
    assert "ledger.jsonl" not in body
    assert "you see the entries of your models" in body
    client.force_login(told.barbara)
    assert "ledger.jsonl" in client.get("/ledger").content.decode()


def test_the_list_asks_the_database_a_fixed_number_of_times(told, client):
    client.force_login(told.barbara)
    client.get("/ledger")
    with CaptureQueriesContext(connection) as queries:
        client.get("/ledger")
    assert len(queries) == 5

"""The ledger in the database: written beside the change, chained, append-only, searchable."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from registry import ledger_format, ledger_triggers
from registry.errors import InvalidInput
from registry.ledger import SYSTEM, entries, export_lines, record
from registry.ledger_actions import Action
from registry.ledger_verification import verify
from registry.models import LedgerEntry


@pytest.fixture
def without_triggers(db):
    """What an administrator with the database's superuser could do."""
    ledger_triggers.remove(connection.schema_editor())


def register(actor, label="mortgage@1", *, model="mortgage", **data):
    with transaction.atomic():
        return record(
            actor=actor,
            action=Action.VERSION_REGISTERED,
            obj_type="version",
            obj_id=7,
            label=label,
            data=data,
            model_name=model,
        )


@pytest.mark.django_db
def test_an_entry_freezes_who_did_what_to_what(ada):
    entry = register(ada, label="mortgage@1 – é", note="first")
    body = bytes(entry.body)
    said = json.loads(body)
    assert said == {
        "action": "version.registered",
        "actor": {"id": str(ada.pk), "name": "Ada Lovelace", "kind": "person"},
        "at": ledger_format.format_time(entry.at),
        "data": {"model": "mortgage", "note": "first"},
        "object": {"type": "version", "id": "7", "label": "mortgage@1 – é"},
        "prev": "0" * 64,
        "seq": 1,
    }
    ada.first_name = "Augusta"
    ada.save()
    kept = LedgerEntry.objects.get(seq=1)
    assert bytes(kept.body) == body
    assert kept.actor_name == "Ada Lovelace"


@pytest.mark.django_db
def test_entries_are_dense_and_each_holds_the_hash_of_the_one_before(ada):
    made = [register(ada), register(SYSTEM), register(ada)]
    assert [entry.seq for entry in made] == [1, 2, 3]
    assert [json.loads(bytes(entry.body))["prev"] for entry in made] == ["0" * 64, made[0].hash, made[1].hash]
    assert json.loads(bytes(made[1].body))["actor"] == {"id": "countersign", "name": "countersign", "kind": "service"}


@pytest.mark.django_db
def test_an_entry_falls_with_its_change(ada):
    def change():
        with transaction.atomic():
            register(ada)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    assert not LedgerEntry.objects.exists()
    assert register(ada).seq == 1


def test_an_entry_outside_a_transaction_is_refused_before_the_database_is_asked():
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record(actor=SYSTEM, action=Action.MODEL_REGISTERED, obj_type="model", obj_id=1, label="m", data={})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"auc": float("nan")}},
        {"data": {"when": object()}},
        {"data": {"count": 2**53}},
        {"data": {"model": "another"}},
        {"label": "nul\x00"},
        {"obj_id": "x" * 256},
        {"obj_type": ""},
        {"model_name": "m" * 256},
    ],
)
def test_what_cannot_be_recorded_faithfully_is_refused(ada, changes):
    said = {"obj_type": "model", "obj_id": 1, "label": "m", "data": {}, "model_name": "mortgage", **changes}
    with pytest.raises(InvalidInput), transaction.atomic():
        record(actor=ada, action=Action.MODEL_REGISTERED, **said)
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db
def test_people_find_entries_by_what_they_remember(ada, grace):
    first = register(ada, "mortgage@1")
    register(grace, "mortgage@2")
    third = register(grace, "cards@1", model="cards")

    def seqs(**wanted):
        return [entry.seq for entry in entries(**wanted)]

    assert seqs() == [3, 2, 1]
    assert seqs(model_name="mortgage") == [2, 1]
    assert seqs(visible_models=["cards"]) == [3]
    assert seqs(visible_models=[]) == []
    assert seqs(model_name="mortgage", visible_models=["cards"]) == []
    assert seqs(q="lovelace") == [1]
    assert seqs(q=" MORTGAGE@ ") == [2, 1]
    assert seqs(q="#3") == [3]
    assert seqs(q=third.hash) == seqs(q=f"sha256:{third.hash}") == [3]
    assert seqs(q="version.registered", upto=2) == [2, 1]
    assert seqs(action="version.promoted") == []
    assert seqs(object_type="version", object_id="7", q="@1") == [3, 1]
    assert seqs(q="9" * 30) == []
    assert seqs(q="nul\x00") == []
    assert seqs(q="100%") == []
    assert first.seq == 1


@pytest.mark.django_db
def test_the_export_is_the_stored_bytes_with_their_hashes(ada):
    made = [register(ada, f"mortgage@{number} – é") for number in range(4)]
    lines = list(export_lines())
    assert lines == [b'{"body":%b,"hash":"%b"}\n' % (bytes(entry.body), entry.hash.encode()) for entry in made]
    assert list(export_lines(upto=2)) == lines[:2]


@pytest.mark.django_db
def test_verifying_recomputes_what_is_there(ada):
    assert verify().ok
    register(ada)
    found = verify()
    assert (found.ok, found.entries, found.anchored, found.first_bad_seq) == (True, 1, 0, None)
    assert "1 of them are after the last checkpoint" in found.reason


TAMPERINGS = {
    "body": ("UPDATE registry_ledgerentry SET body = %s WHERE seq = 3", "does not match its hash"),
    "hash": ("UPDATE registry_ledgerentry SET hash = 'x' WHERE seq = 3", "does not match its hash"),
    "actor": ("UPDATE registry_ledgerentry SET actor_name = 'Mallory' WHERE seq = 3", "columns"),
    "label": ("UPDATE registry_ledgerentry SET label = 'cards@9' WHERE seq = 3", "columns"),
    "action": ("UPDATE registry_ledgerentry SET action = 'gate.decided' WHERE seq = 3", "columns"),
    "model": ("UPDATE registry_ledgerentry SET model_name = 'cards' WHERE seq = 3", "columns"),
    "time": ("UPDATE registry_ledgerentry SET at = '2020-01-01 00:00:00+00:00' WHERE seq = 3", "columns"),
    "deletion": ("DELETE FROM registry_ledgerentry WHERE seq = 3", "is missing"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", TAMPERINGS)
def test_an_administrator_who_goes_round_the_triggers_is_found(ada, kind, without_triggers):
    for number in range(5):
        register(ada, f"mortgage@{number}")
    statement, reason = TAMPERINGS[kind]
    body = bytes(LedgerEntry.objects.get(seq=3).body)
    with connection.cursor() as cursor:
        cursor.execute(statement, [body.replace(b"mortgage@2", b"mortgage@9")] if "%s" in statement else None)
    found = verify()
    assert (found.ok, found.first_bad_seq, found.entries) == (False, 3, 2)
    assert reason in found.reason


@pytest.mark.django_db
def test_a_body_that_is_not_canonical_or_not_an_entry_is_found(ada, without_triggers):
    register(ada)
    entry = register(ada)
    good = bytes(entry.body)
    for body in (good.replace(b'"seq":2', b'"seq": 2'), good.replace(b'"seq":2', b'"seq":3'), b"[]", b"noise"):
        LedgerEntry.objects.filter(seq=2).update(body=body, hash=ledger_format.entry_hash(body))
        found = verify()
        assert (found.ok, found.first_bad_seq) == (False, 2), body


def test_a_body_needs_its_place_in_the_chain_and_a_time_zone():
    from datetime import UTC, datetime

    said = {"action": "model.registered", "actor": {}, "subject": {}, "data": {}}
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    for seq, prev in ((0, ledger_format.GENESIS), (2, ledger_format.GENESIS), (1, "a" * 64), (2, "A" * 64)):
        with pytest.raises(InvalidInput):
            ledger_format.entry_body(seq=seq, prev=prev, at=moment, **said)
    with pytest.raises(InvalidInput, match="time zone"):
        ledger_format.entry_body(seq=2, prev="a" * 64, at=moment.replace(tzinfo=None), **said)

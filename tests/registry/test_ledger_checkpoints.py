"""Checkpoints: signed over the whole ledger, published outside the database, never over a second history."""

from __future__ import annotations

import json
import stat
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction

import countersign_verify
from registry import keys, ledger_triggers, merkle, signed_note
from registry.checkpoint_sink import FileSink
from registry.checkpoints import latest_checkpoint, make_checkpoint, sink
from registry.errors import IntegrityFailure, InvalidInput
from registry.ledger import SYSTEM, record
from registry.ledger_actions import Action
from registry.ledger_verification import verify
from registry.models import Checkpoint, LedgerEntry
from registry.signing_key import signing_key, verification_pem

pytestmark = pytest.mark.django_db


def write(count=1):
    with transaction.atomic():
        for number in range(count):
            record(actor=SYSTEM, action=Action.GATE_DECIDED, obj_type="gate", obj_id=number, label="gate", data={})


def erase(*, entries_after=None, checkpoints=False):
    """Restore an old backup, as an administrator does: with the triggers out of the way."""
    editor = connection.schema_editor()
    ledger_triggers.remove(editor)
    if entries_after is not None:
        LedgerEntry.objects.filter(seq__gt=entries_after).delete()
        Checkpoint.objects.filter(size__gt=entries_after).delete()
    if checkpoints:
        Checkpoint.objects.all().delete()
    ledger_triggers.install(editor)


def leaves():
    return [merkle.leaf_hash(bytes(entry.body)) for entry in LedgerEntry.objects.order_by("seq")]


def test_a_checkpoint_covers_every_entry_and_its_own_signing(settings, ada):
    write(3)
    made = make_checkpoint(actor=ada)
    last = LedgerEntry.objects.get(seq=4)
    assert (last.action, last.actor_name) == ("checkpoint.signed", "Ada Lovelace")
    assert json.loads(bytes(last.body))["data"] == {"key": keys.key_id(signing_key().public_key()), "previous": 0}
    opened = signed_note.open_checkpoint(made.note.encode(), keys.load_public_key(verification_pem()))
    assert opened == signed_note.Checkpoint(origin=settings.COUNTERSIGN_ORIGIN, size=4, root=merkle.root(leaves()))
    assert made.root == opened.root.hex()


def test_each_checkpoint_continues_the_one_before():
    heads = []
    for count in (1, 4, 2, 9):
        write(count)
        made = make_checkpoint()
        heads.append((made.size, bytes.fromhex(made.root)))
    everything = leaves()
    assert [size for size, _ in heads] == [2, 7, 10, 20]
    for (old_size, old_root), (new_size, new_root) in pairwise(heads):
        proof = merkle.consistency_proof(everything[:new_size], old_size)
        assert merkle.verify_consistency(
            old_size=old_size, old_root=old_root, new_size=new_size, new_root=new_root, proof=proof
        )
    assert verify().checkpoints == 4
    assert verify().anchored == 20


def test_an_unchanged_ledger_gets_no_second_checkpoint_but_the_lost_file_comes_back(settings):
    write()
    made = make_checkpoint()
    published = Path(settings.COUNTERSIGN_CHECKPOINT_DIR) / "checkpoint-2.txt"
    published.unlink()
    assert make_checkpoint() == made
    assert published.read_text() == made.note
    assert LedgerEntry.objects.count() == 2


def test_the_sink_holds_one_file_per_size_and_the_latest(settings):
    write()
    first = make_checkpoint()
    write()
    second = make_checkpoint()
    names = sorted(path.name for path in Path(settings.COUNTERSIGN_CHECKPOINT_DIR).iterdir())
    assert names == ["checkpoint-2.txt", "checkpoint-4.txt", "latest"]
    assert list(sink().notes()) == [(2, first.note.encode()), (4, second.note.encode())]
    assert (Path(settings.COUNTERSIGN_CHECKPOINT_DIR) / "latest").read_text() == second.note


def test_the_sink_never_takes_a_second_note_for_a_size(tmp_path):
    place = FileSink(tmp_path / "new")
    assert place.largest() == 0
    place.publish(7, b"one")
    place.publish(7, b"one")
    with pytest.raises(IntegrityFailure, match="another checkpoint"):
        place.publish(7, b"two")
    place.publish(3, b"late")
    assert (tmp_path / "new" / "latest").read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "new").iterdir() if path.name.startswith(".")] == []


def test_a_restored_old_backup_is_reported_and_nothing_is_signed():
    write(3)
    make_checkpoint()
    write(3)
    make_checkpoint()
    erase(entries_after=5)
    found = verify()
    assert (found.ok, found.first_bad_seq, found.anchored) == (False, 6, 4)
    assert "old backup" in found.reason
    with pytest.raises(IntegrityFailure, match="old backup"):
        make_checkpoint()
    assert LedgerEntry.objects.count() == 5


def test_a_backup_that_grew_on_into_another_history_is_reported_and_nothing_is_signed():
    write(3)
    make_checkpoint()
    write(3)
    make_checkpoint()
    erase(entries_after=5)
    write(6)
    found = verify()
    assert (found.ok, found.first_bad_seq) == (False, 5)
    assert "entries 5 to 8" in found.reason
    with pytest.raises(IntegrityFailure, match="another history"):
        make_checkpoint()
    assert latest_checkpoint().size == 4


def test_checkpoints_lost_from_the_database_are_still_held_against_it():
    write(3)
    make_checkpoint()
    erase(checkpoints=True)
    write()
    assert verify().anchored == 4
    assert make_checkpoint().root == merkle.root(leaves()).hex()
    assert verify().ok


def test_a_stored_checkpoint_that_was_tampered_with_is_found_and_not_continued():
    write(3)
    made = make_checkpoint()
    ledger_triggers.remove(connection.schema_editor())
    Checkpoint.objects.update(root="0" * 64)
    assert "contradicts" in verify().reason
    write()
    with pytest.raises(IntegrityFailure):
        make_checkpoint()
    Checkpoint.objects.update(root=made.root, frontier=b"\x00" * 32)
    with pytest.raises(IntegrityFailure):
        make_checkpoint()


def test_a_published_note_that_was_tampered_with_is_found(settings):
    write()
    made = make_checkpoint()
    published = Path(settings.COUNTERSIGN_CHECKPOINT_DIR) / "checkpoint-2.txt"
    published.write_text(made.note.replace("\n2\n", "\n1\n"))
    found = verify()
    assert not found.ok
    assert found.reason.startswith("the published checkpoint of 2 entries")


def test_a_checkpoint_is_not_made_inside_a_transaction_that_may_yet_fail():
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(), transaction.atomic():
        make_checkpoint()


def test_the_exported_files_verify_offline_and_a_changed_byte_does_not(tmp_path, capsys):
    write(5)
    call_command("export_ledger", str(tmp_path), stdout=StringIO())
    ledger = tmp_path / "ledger.jsonl"
    offline = ["ledger", str(ledger), "--checkpoint", str(tmp_path / "checkpoint.txt")]
    offline += ["--key", str(tmp_path / "verification.pem")]
    assert countersign_verify.main(offline) == 0
    assert capsys.readouterr().out.startswith("ok: 6 entries, checkpoint of 6 ok")
    ledger.write_bytes(ledger.read_bytes().replace(b'"id":"3"', b'"id":"4"'))
    assert countersign_verify.main(offline) == 1
    assert "first bad entry 4" in capsys.readouterr().err


def test_the_commands_sign_and_verify_and_fail_loudly():
    write(2)
    out = StringIO()
    call_command("make_checkpoint", stdout=out)
    assert out.getvalue() == latest_checkpoint().note
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert out.getvalue().startswith("ok: 3 entries hold")
    erase(entries_after=1)
    with pytest.raises(CommandError, match="first bad entry 2"):
        call_command("verify_ledger", "--json", stdout=StringIO())
    for command in (["make_checkpoint"], ["export_ledger", "unused"]):
        with pytest.raises(CommandError, match="old backup"):
            call_command(*command)


def test_the_signing_key_is_made_once_outside_production_for_its_owner_only(settings):
    settings.PRODUCTION = False
    first = signing_key()
    path = Path(settings.COUNTERSIGN_SIGNING_KEY_FILE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.key_id(keys.load_private_key(path.read_bytes()).public_key()) == keys.key_id(first.public_key())
    assert keys.public_pem(first.public_key()) == verification_pem()
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_production_wants_its_signing_key_there_private_and_right(settings, tmp_path):
    settings.PRODUCTION = True
    settings.COUNTERSIGN_SIGNING_KEY_FILE = None
    with pytest.raises(ImproperlyConfigured, match="names no file"):
        signing_key()
    absent = settings.COUNTERSIGN_SIGNING_KEY_FILE = tmp_path / "absent.pem"
    with pytest.raises(ImproperlyConfigured, match="does not exist"):
        signing_key()
    assert not absent.exists()
    open_to_all = settings.COUNTERSIGN_SIGNING_KEY_FILE = tmp_path / "open.pem"
    open_to_all.write_bytes(keys.generate_private_pem())
    open_to_all.chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        signing_key()
    wrong = settings.COUNTERSIGN_SIGNING_KEY_FILE = tmp_path / "wrong.pem"
    wrong.write_bytes(b"noise")
    wrong.chmod(0o600)
    with pytest.raises(InvalidInput):
        signing_key()

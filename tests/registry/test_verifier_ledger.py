"""The offline verifier against an adversary who holds the exported files: nine kinds of tampering, and noise."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

import countersign_verify
from registry import keys, ledger_format, merkle, signed_note

KEY = keys.load_private_key(keys.generate_private_pem())
MALLORYS_KEY = keys.load_private_key(keys.generate_private_pem())
PEM = keys.public_pem(KEY.public_key())
ORIGIN = "gate.example/countersign"
SIZE = 6


def bodies(count, *, forged_at=None):
    made, prev = [], ledger_format.GENESIS
    for seq in range(1, count + 1):
        body = ledger_format.entry_body(
            seq=seq,
            prev=prev,
            at=datetime(2026, 11, 21, 6, tzinfo=UTC) + timedelta(seconds=seq),
            action="version.promoted" if seq == forged_at else "version.registered",
            actor={"id": "1", "name": "Ada Lovelace", "kind": "person"},
            subject={"type": "version", "id": str(seq), "label": f"mortgage@{seq} – é"},
            data={"n": seq},
        )
        made.append(body)
        prev = ledger_format.entry_hash(body)
    return made


def export(entry_bodies):
    return [ledger_format.export_line(body) for body in entry_bodies]


def checkpoint(entry_bodies, key=KEY, origin=ORIGIN):
    root = merkle.root(merkle.leaf_hash(body) for body in entry_bodies)
    return signed_note.sign_checkpoint(signed_note.Checkpoint(origin=origin, size=len(entry_bodies), root=root), key)


BODIES = bodies(SIZE)
LINES = export(BODIES)
LEDGER = b"".join(LINES)
NOTE = checkpoint(BODIES)


def verify(data, note=NOTE, pem=PEM, **options):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return countersign_verify.verify_ledger(file.name, note, pem, **options)


def test_an_untouched_ledger_verifies_and_says_what_was_verified():
    result = verify(LEDGER)
    assert result.ok
    assert (result.entries, result.anchored, result.origin) == (SIZE, SIZE, ORIGIN)
    assert result.reason.startswith("6 entries, checkpoint of 6 ok")
    assert result.root == merkle.root(merkle.leaf_hash(body) for body in BODIES).hex()


def test_a_byte_changed_at_any_position_is_found_and_its_entry_named():
    owner = [seq for seq, line in enumerate(LINES, start=1) for _ in line]
    for position, seq in enumerate(owner):
        for flip in (0x01, 0x80):
            forged = bytearray(LEDGER)
            forged[position] ^= flip
            result = verify(bytes(forged))
            assert (result.ok, result.first_bad_seq) == (False, seq), (position, result)


def test_a_byte_added_or_taken_at_any_position_is_found_and_its_entry_named():
    owner = [seq for seq, line in enumerate(LINES, start=1) for _ in line]
    for position, seq in enumerate(owner):
        for forged in (LEDGER[:position] + b" " + LEDGER[position:], LEDGER[:position] + LEDGER[position + 1 :]):
            result = verify(forged)
            assert (result.ok, result.first_bad_seq) == (False, seq), (position, result)


@pytest.mark.parametrize("gone", range(SIZE))
def test_a_deleted_entry_is_named(gone):
    result = verify(b"".join(LINES[:gone] + LINES[gone + 1 :]))
    assert (result.ok, result.first_bad_seq, result.entries) == (False, gone + 1, gone)


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in range(SIZE) for b in range(a + 1, SIZE)])
def test_swapped_entries_are_named(first, second):
    lines = list(LINES)
    lines[first], lines[second] = lines[second], lines[first]
    result = verify(b"".join(lines))
    assert (result.ok, result.first_bad_seq) == (False, first + 1)


@pytest.mark.parametrize("twice", range(SIZE))
def test_a_duplicated_entry_is_named(twice):
    result = verify(b"".join(LINES[: twice + 1] + LINES[twice:]))
    assert (result.ok, result.first_bad_seq) == (False, twice + 2)


def test_truncation_at_any_byte_is_found_and_the_first_missing_entry_named():
    for kept in range(len(LEDGER)):
        result = verify(LEDGER[:kept])
        whole = LEDGER[:kept].count(b"\n")
        assert (result.ok, result.first_bad_seq) == (False, whole + 1), kept


@pytest.mark.parametrize("rewritten", range(1, SIZE + 1))
def test_a_rechained_rewrite_is_found_and_narrowed_down_by_earlier_checkpoints(rewritten):
    forged = b"".join(export(bodies(SIZE, forged_at=rewritten)))
    assert (verify(forged).ok, verify(forged).first_bad_seq) == (False, 1)
    every = [checkpoint(BODIES[:size]) for size in range(1, SIZE + 1)]
    result = verify(forged, every)
    assert (result.ok, result.first_bad_seq, result.anchored) == (False, rewritten, rewritten - 1)


def test_a_fork_signed_by_the_log_itself_is_found():
    other = bodies(SIZE, forged_at=4)
    result = verify(LEDGER, [NOTE, checkpoint(other)])
    assert not result.ok
    assert "forked" in result.reason
    assert not verify(LEDGER, checkpoint(other)).ok
    assert not verify(b"".join(export(other)), NOTE).ok


def test_a_swapped_key_is_found():
    mallorys = keys.public_pem(MALLORYS_KEY.public_key())
    forged = bodies(SIZE, forged_at=2)
    assert not verify(LEDGER, pem=mallorys).ok
    assert not verify(b"".join(export(forged)), checkpoint(forged, MALLORYS_KEY)).ok
    result = verify(LEDGER, checkpoint(BODIES, MALLORYS_KEY))
    assert (result.ok, result.reason) == (False, "the checkpoint is not signed by this key")


def test_a_rolled_back_checkpoint_does_not_pass_for_what_follows_it():
    older = checkpoint(BODIES[:4])
    result = verify(LEDGER, older)
    assert (result.ok, result.first_bad_seq, result.entries, result.anchored) == (False, 5, 6, 4)
    assert "not anchored" in result.reason


def test_a_tail_is_accepted_only_by_name_and_still_reported():
    result = verify(LEDGER, checkpoint(BODIES[:4]), allow_tail=True)
    assert (result.ok, result.anchored) == (True, 4)
    assert "2 after it are not anchored" in result.reason
    forged = LINES[:4] + export(bodies(SIZE, forged_at=5))[4:5] + LINES[5:]
    assert verify(b"".join(forged), checkpoint(BODIES[:4]), allow_tail=True).first_bad_seq == 6


def test_the_checkpoint_and_the_key_cannot_change_by_a_byte():
    for position in range(len(NOTE)):
        forged = bytearray(NOTE)
        forged[position] ^= 0x01
        assert not verify(LEDGER, bytes(forged)).ok, position
    for noise in (b"", b"noise", NOTE + b"\n", NOTE[:-1], NOTE * 1000):
        assert not verify(LEDGER, noise).ok
    for pem in (b"", PEM[:-40], PEM.replace(b"PUBLIC", b"PRIVATE")):
        assert not verify(LEDGER, pem=pem).ok
    assert not verify(LEDGER, []).ok


@pytest.mark.parametrize(
    "body",
    [
        BODIES[1].replace(b'"n":2', b'"n":2,"n":2'),
        BODIES[1].replace(b'"n":2', b'"n":NaN'),
        BODIES[1].replace(b'"seq":2', b'"seq":2.0'),
        BODIES[1].replace(b'"seq":2', b'"seq":true'),
        BODIES[1].replace(b'"seq":2', b'"seq":' + b"9" * 5000),
        BODIES[1].replace(b'"n":2', b'"n":' + b"[" * 100_000 + b"]" * 100_000),
        BODIES[1].replace(b'"n":2', b'"n":"\xff"'),
        BODIES[1].replace(b'"seq":2', b'"seq":2,"more":1'),
        b"[]",
        b"null",
        b"",
    ],
)
def test_a_body_that_hashes_well_but_is_no_entry_is_named(body):
    assert body != BODIES[1]
    result = verify(b"".join([LINES[0], ledger_format.export_line(body), *LINES[2:]]))
    assert (result.ok, result.first_bad_seq) == (False, 2)


def test_a_key_of_another_kind_is_refused_even_where_it_signed():
    key = ec.generate_private_key(ec.SECP384R1())
    spki = hashlib.sha256(
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).digest()
    text = NOTE[: NOTE.index(b"\n\n") + 1]
    blob = base64.b64encode(spki[:4] + key.sign(text, ec.ECDSA(hashes.SHA256())))
    note = text + b"\n" + f"— {ORIGIN} ".encode() + blob + b"\n"
    result = verify(LEDGER, note, keys.public_pem(key.public_key()))
    assert (result.ok, result.reason) == (False, "the key is not an ECDSA P-256 key")


def test_a_checkpoint_of_any_length_or_with_another_kind_of_root_is_refused():
    witness = "— other.example AAAAAAAA\n".encode()
    assert verify(LEDGER, NOTE + witness).ok
    assert verify(LEDGER, NOTE + witness * 10_000).reason == "the checkpoint is too long"
    text = f"{ORIGIN}\n{SIZE}\nAAAA\n"
    blob = base64.b64encode(keys.spki_digest(KEY.public_key())[:4] + keys.sign(KEY, text.encode())).decode()
    short = f"{text}\n— {ORIGIN} {blob}\n".encode()
    assert verify(LEDGER, short).reason == "the checkpoint's root is not 32 bytes"


def test_checkpoints_of_different_logs_are_not_mixed():
    result = verify(LEDGER, [NOTE, checkpoint(BODIES[:2], origin="other.example/log")])
    assert (result.ok, result.reason) == (False, "the checkpoints are of different logs")


@given(st.binary(max_size=2_000), st.binary(max_size=300), st.binary(max_size=300))
def test_noise_never_passes_and_never_crashes(data, note, pem):
    assert not verify(data).ok
    assert not verify(LEDGER, note).ok
    assert not verify(LEDGER, pem=pem).ok


@given(st.integers(0, len(LEDGER)), st.integers(0, len(LEDGER)), st.binary(max_size=200))
def test_any_piece_replaced_by_noise_is_found_at_or_before_the_place(start, end, noise):
    start, end = min(start, end), max(start, end)
    forged = LEDGER[:start] + noise + LEDGER[end:]
    result = verify(forged)
    assert result.ok == (forged == LEDGER)
    if not result.ok:
        assert result.first_bad_seq > LEDGER[:start].count(b"\n")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "ledger.jsonl").write_bytes(LEDGER)
    (tmp_path / "checkpoint.txt").write_bytes(NOTE)
    (tmp_path / "key.pem").write_bytes(PEM)
    return tmp_path


def run(files, *extra, ledger="ledger.jsonl"):
    options = ["--checkpoint", str(files / "checkpoint.txt"), "--key", str(files / "key.pem")]
    return countersign_verify.main(["ledger", str(files / ledger), *options, *extra])


def test_the_command_exits_0_when_verified_1_when_not_and_2_when_it_cannot_read(files, capsys):
    assert run(files) == 0
    assert capsys.readouterr().out.startswith("ok: 6 entries, checkpoint of 6 ok")
    (files / "ledger.jsonl").write_bytes(LEDGER.replace(b"mortgage@3", b"mortgage@8"))
    assert run(files) == 1
    assert "first bad entry 3" in capsys.readouterr().err
    assert run(files, ledger="absent.jsonl") == 2
    assert "cannot read" in capsys.readouterr().err
    assert run(files, "--no-such-option") == 2
    assert countersign_verify.main([]) == 2
    assert countersign_verify.main(["--help"]) == 0


def test_the_command_prints_one_json_object(files, capsys):
    assert run(files, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ok"], printed["entries"], printed["first_bad_seq"]) == (True, SIZE, None)
    (files / "ledger.jsonl").write_bytes(b"".join(LINES[1:]))
    assert run(files, "--json") == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ok"], printed["first_bad_seq"]) == (False, 1)


def test_an_endless_checkpoint_or_key_is_refused_and_not_swallowed(files):
    for name in ("checkpoint.txt", "key.pem"):
        kept = (files / name).read_bytes()
        (files / name).write_bytes(kept + b"\n" * 10_000_000)
        assert run(files) == 1
        (files / name).write_bytes(kept)
    assert run(files) == 0


def test_an_unforeseen_fault_is_not_a_pass(files, monkeypatch, capsys):
    def explode(*args, **options):
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(countersign_verify, "verify_ledger", explode)
    assert run(files) == 1
    assert "could not be verified: ZeroDivisionError" in capsys.readouterr().err


def test_the_one_file_runs_alone_and_imports_nothing_of_ours(files):
    source = Path(countersign_verify.__file__).read_text()
    assert not re.search(r"^\s*(from|import) (registry|audits|governance)\b", source, re.MULTILINE)
    alone = files / "countersign_verify.py"
    alone.write_text(source)
    command = [sys.executable, "-I", str(alone), "ledger", "ledger.jsonl", "--checkpoint", "checkpoint.txt"]
    done = subprocess.run([*command, "--key", "key.pem"], cwd=files, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

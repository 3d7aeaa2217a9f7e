"""Checkpoints as signed notes: the exact text, and refusal of everything that is not exactly it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from registry import keys, signed_note
from registry.errors import IntegrityFailure, InvalidInput

KEY = keys.load_private_key(keys.generate_private_pem())
MALLORYS_KEY = keys.load_private_key(keys.generate_private_pem())
PUBLIC = KEY.public_key()
HEAD = signed_note.Checkpoint(origin="gate.example/countersign", size=20852163, root=bytes(range(32)))
NOTE = signed_note.sign_checkpoint(HEAD, KEY)


def test_the_note_is_the_three_lines_a_blank_line_and_one_signature():
    lines = NOTE.decode().split("\n")
    assert lines[:4] == ["gate.example/countersign", "20852163", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith("— gate.example/countersign ")
    assert lines[5:] == [""]


def test_the_signature_is_plain_ecdsa_over_the_text_under_the_hash_of_the_spki():
    blob = base64.b64decode(NOTE.decode().split("\n")[4].split(" ")[2])
    spki = PUBLIC.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert blob[:4] == hashlib.sha256(spki).digest()[:4]
    text = NOTE[: NOTE.index(b"\n\n") + 1]
    PUBLIC.verify(blob[4:], text, ec.ECDSA(hashes.SHA256()))


def test_a_signed_checkpoint_opens_to_what_was_signed():
    assert signed_note.open_checkpoint(NOTE, PUBLIC, origin=HEAD.origin) == HEAD


def test_the_example_of_the_signed_note_specification_parses():
    note = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    text, signatures = signed_note.parse_note(note.encode())
    assert text.endswith("ed è subito sera.\n")
    assert [(name, len(blob)) for name, blob in signatures] == [("quasimodo.example/salvatore", 4 + 64)]


def test_no_byte_of_a_note_changes_unnoticed():
    for position, byte in enumerate(NOTE):
        for flip in (0x01, 0x20, 0x80):
            forged = NOTE[:position] + bytes([byte ^ flip]) + NOTE[position + 1 :]
            with pytest.raises(IntegrityFailure):
                signed_note.open_checkpoint(forged, PUBLIC)


def test_another_key_or_origin_is_refused():
    with pytest.raises(IntegrityFailure, match="not signed by this key"):
        signed_note.open_checkpoint(NOTE, MALLORYS_KEY.public_key())
    with pytest.raises(IntegrityFailure, match="another log"):
        signed_note.open_checkpoint(NOTE, PUBLIC, origin="other.example/log")


def test_a_witness_may_cosign_but_a_wrong_signature_of_ours_spoils_the_note():
    witness = signed_note.sign_checkpoint(HEAD, MALLORYS_KEY).split(b"\n")[4]
    assert signed_note.open_checkpoint(NOTE + witness + b"\n", PUBLIC) == HEAD
    blob = keys.spki_digest(PUBLIC)[:4] + keys.sign(MALLORYS_KEY, HEAD.text().encode())
    forged = f"— {HEAD.origin} {base64.b64encode(blob).decode()}\n".encode()
    with pytest.raises(IntegrityFailure, match="does not verify"):
        signed_note.open_checkpoint(NOTE + forged, PUBLIC)


def signed(text):
    blob = keys.spki_digest(PUBLIC)[:4] + keys.sign(KEY, text.encode())
    return f"{text}\n— {HEAD.origin} {base64.b64encode(blob).decode()}\n".encode()


@pytest.mark.parametrize(
    "text",
    [
        HEAD.text().replace("20852163", "020852163"),
        HEAD.text().replace("20852163", "-1"),
        HEAD.text().replace("20852163", "²"),
        HEAD.text().replace("AAEC", "AAE"),
        HEAD.text().replace("HR4f", "HR4g").replace("Hh8=", "Hh9="),
        HEAD.text() + "an extension nobody audits\n",
        "\n".join(HEAD.text().split("\n")[:2]) + "\n",
        HEAD.text().replace(HEAD.origin, ""),
    ],
)
def test_a_text_that_is_not_exactly_a_checkpoint_is_refused_although_signed(text):
    assert text != HEAD.text()
    with pytest.raises(IntegrityFailure):
        signed_note.open_checkpoint(signed(text), PUBLIC, origin=None)


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (NOTE + b"x" * 70_000, "too long"),
        (NOTE.replace(b"countersign\n2", b"counter\rsign\n2"), "control characters"),
        (NOTE + "— w.example AAAAAAAA\n".encode() * 100, "too many signatures"),
        (NOTE + b"- w.example AAAAAAAA\n", "malformed signature line"),
        (NOTE + "— w.example\n".encode(), "malformed signature line"),
        (NOTE + "— w+w.example AAAAAAAA\n".encode(), "malformed key name"),
        (NOTE + "— w.example AAAAAA==\n".encode(), "a signature is too short"),
        (NOTE + "— w.example AAAAAAA\n".encode(), "malformed base64"),
        (NOTE + "— w.example AAAAAAB=\n".encode(), "canonical"),
        (NOTE[:-1], "newline at the end"),
        (b"\xff" + NOTE, "not UTF-8"),
    ],
)
def test_a_note_that_is_malformed_anywhere_is_refused_for_that(note, reason):
    with pytest.raises(IntegrityFailure, match=reason):
        signed_note.parse_note(note)


def test_a_root_of_another_length_is_refused():
    with pytest.raises(IntegrityFailure, match="not 32 bytes"):
        signed_note.parse_checkpoint_text(f"{HEAD.origin}\n1\nAAAA\n")


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_without_a_crash(noise):
    with pytest.raises(IntegrityFailure):
        signed_note.open_checkpoint(noise, PUBLIC)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "tab\there", "line\nbreak"])
def test_an_origin_that_cannot_name_a_key_is_refused(origin):
    with pytest.raises(InvalidInput):
        signed_note.sign_checkpoint(signed_note.Checkpoint(origin=origin, size=1, root=bytes(32)), KEY)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (10**18, bytes(32)), (1, bytes(31))])
def test_an_impossible_tree_head_is_not_signed(size, root):
    with pytest.raises(InvalidInput):
        signed_note.sign_checkpoint(signed_note.Checkpoint(origin="a", size=size, root=root), KEY)


def pem_of(key):
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()])
def test_only_p256_keys_are_taken(key):
    private, public = pem_of(key)
    with pytest.raises(InvalidInput, match="P-256"):
        keys.load_private_key(private)
    with pytest.raises(InvalidInput, match="P-256"):
        keys.load_public_key(public)


def test_what_is_no_key_is_refused_and_a_key_survives_its_pem():
    for noise in (b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(InvalidInput):
            keys.load_private_key(noise)
        with pytest.raises(InvalidInput):
            keys.load_public_key(noise)
    pem = keys.public_pem(PUBLIC)
    assert keys.public_pem(keys.load_public_key(pem)) == pem
    assert keys.key_id(PUBLIC) == keys.spki_digest(PUBLIC).hex()

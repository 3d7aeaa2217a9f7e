"""Verify a Countersign ledger or attestation offline: this one file, the standard library and ``cryptography``.

It shares no code with the service: everything is recomputed from the published formats (RFC 6962 Merkle tree,
C2SP tlog-checkpoint, DSSE, in-toto Statement v1). Exit codes: 0 verified, 1 not verified, 2 usage or unreadable file.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

VERIFIED, NOT_VERIFIED, UNUSABLE = 0, 1, 2

_LINE_LIMIT = 64 * 1024 * 1024
_NOTE_LIMIT = 64 * 1024
_ENVELOPE_LIMIT = 64 * 1024 * 1024
_HEAD, _MIDDLE, _TAIL = b'{"body":', b',"hash":"', b'"}\n'
_HASH_AT = len(_MIDDLE) + 64 + len(_TAIL)
_HEX = re.compile(rb"[0-9a-f]{64}")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SIGNATURE = re.compile(r"— ([^\s+]+) (\S+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_FIELDS = {"action", "actor", "at", "data", "object", "prev", "seq"}
_RESOURCE = re.compile(r"countersign://[^/]+/models/([^/]+)/environments/([^/]+)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True)
class Result:
    """What was found: ``reason`` says in one sentence what was verified, or the first thing that does not hold.

    For a ledger, ``first_bad_seq`` is the first entry that is wrong, or from which on one may be (``None`` if the
    fault is elsewhere); ``entries`` hold, and ``anchored`` of them are covered by a signed checkpoint with that
    ``origin`` and ``root`` (hexadecimal). For an attestation that verifies, ``statement`` is what it says.
    """

    ok: bool
    reason: str
    first_bad_seq: int | None = None
    entries: int = 0
    anchored: int = 0
    origin: str = ""
    root: str = ""
    statement: dict[str, Any] | None = None


class Refused(Exception):
    """Something does not hold; ``seq`` is the ledger entry at fault, if it is one."""

    def __init__(self, reason: str, seq: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seq = seq


# ── what both kinds rest on ──────────────────────────────────────────────────────────────────────────────────────


def _load_key(pem: bytes) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """The public key and the SHA-256 of its DER form."""
    if len(pem) > _NOTE_LIMIT:
        raise Refused("the key is too long")
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("the key is not a PEM public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Refused("the key is not an ECDSA P-256 key")
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, hashlib.sha256(der).digest()


def _is_signed(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _from_base64(text: object, what: str) -> bytes:
    """Standard base64 in its one canonical spelling, so that no byte of it can change unnoticed."""
    try:
        blob = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError) as error:
        raise Refused(f"{what} is not base64") from error
    if blob is None or base64.b64encode(blob).decode() != text:
        raise Refused(f"{what} is not base64 in its canonical form")
    return blob


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(token: str) -> Any:
    raise ValueError(f"{token} is not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _from_json(data: bytes, what: str, seq: int | None = None) -> Any:
    try:
        return _JSON.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is not strict JSON: {error}", seq) from error


# ── ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _open_checkpoint(note: bytes, key: ec.EllipticCurvePublicKey, spki: bytes) -> tuple[str, int, bytes]:
    """Origin, size and root of a C2SP checkpoint that bears this key's signature; other keys' are ignored."""
    if len(note) > _NOTE_LIMIT:
        raise Refused("the checkpoint is too long")
    try:
        decoded = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("the checkpoint is not UTF-8") from error
    text, blank, tail = decoded.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or not tail.endswith("\n") or len(lines) != 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004
        raise Refused("the checkpoint is not three lines, a blank line and signatures")
    root = _from_base64(lines[2], "the checkpoint's root")
    if len(root) != hashlib.sha256().digest_size:
        raise Refused("the checkpoint's root is not 32 bytes")
    signatures = list(_signatures(tail[:-1].split("\n"), lines[0], spki[:4]))
    if not signatures:
        raise Refused("the checkpoint is not signed by this key")
    if not all(_is_signed(key, signature, f"{text}\n".encode()) for signature in signatures):
        raise Refused("the checkpoint's signature does not verify")
    return lines[0], int(lines[1]), root


def _signatures(lines: list[str], origin: str, key_hash: bytes) -> Iterator[bytes]:
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        if not match:
            raise Refused("the checkpoint has a malformed signature line")
        blob = _from_base64(match.group(2), "the checkpoint's signature")
        if match.group(1) == origin and blob[:4] == key_hash:
            yield blob[4:]


class _Tree:
    """RFC 6962 root over leaves that arrive one by one: a stack of perfect subtrees, the largest at the bottom."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[tuple[int, bytes]] = []

    def add(self, body: bytes) -> None:
        height, node = 0, hashlib.sha256(b"\x00" + body).digest()
        while self._stack and self._stack[-1][0] == height:
            node = hashlib.sha256(b"\x01" + self._stack.pop()[1] + node).digest()
            height += 1
        self._stack.append((height, node))
        self.size += 1

    def root(self) -> bytes:
        if not self._stack:
            return hashlib.sha256().digest()
        node = self._stack[-1][1]
        for _, left in self._stack[-2::-1]:
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


def _check_line(line: bytes, seq: int, prev: str) -> tuple[bytes, str]:
    """The body bytes of line ``seq`` and their hash, if the line is whole and continues ``prev``."""
    body, end = line[len(_HEAD) : -_HASH_AT], line[-_HASH_AT:]
    stated = end[len(_MIDDLE) : -len(_TAIL)]
    framed = line.startswith(_HEAD) and end.startswith(_MIDDLE) and end.endswith(_TAIL)
    if not framed or not _HEX.fullmatch(stated):
        raise Refused(f"entry {seq}: the line is malformed or cut off", seq)
    actual = hashlib.sha256(body).hexdigest()
    if actual != stated.decode("ascii"):
        raise Refused(f"entry {seq}: the body does not match its hash", seq)
    said = _from_json(body, f"entry {seq}: the body", seq)
    if not isinstance(said, dict) or set(said) != _FIELDS:
        raise Refused(f"entry {seq}: the body is not a ledger entry", seq)
    if type(said["seq"]) is not int or said["seq"] != seq:
        raise Refused(f"entry {seq} is missing or out of order: another stands in its place", seq)
    if said["prev"] != prev:
        raise Refused(f"entry {seq} does not continue the entry before it", seq)
    return body, actual


def _open_all(notes: Sequence[bytes], key: ec.EllipticCurvePublicKey, spki: bytes) -> tuple[str, dict[int, bytes]]:
    """The log's name, and the signed root for each signed size."""
    heads: dict[int, bytes] = {}
    opened = [_open_checkpoint(note, key, spki) for note in notes]
    for origin, size, root in opened:
        if origin != opened[0][0]:
            raise Refused("the checkpoints are of different logs")
        if heads.setdefault(size, root) != root:
            raise Refused(f"two checkpoints of {size} entries contradict each other: the log was forked")
    if not opened:
        raise Refused("there is no checkpoint to verify against")
    return opened[0][0], heads


@dataclass
class _Walk:
    """A pass over the lines that remembers how far they hold."""

    entries: int = 0
    anchored: int = 0

    def run(self, file: BinaryIO, heads: dict[int, bytes], *, allow_tail: bool) -> None:
        """Check every line, and the tree at every size that was signed."""
        tree, prev, due = _Tree(), "0" * 64, sorted(heads)
        while True:
            if due and due[0] == tree.size:
                self._check_root(tree, heads[due.pop(0)])
            line = file.readline(_LINE_LIMIT)
            if not line:
                break
            body, prev = _check_line(line, tree.size + 1, prev)
            tree.add(body)
            self.entries = tree.size
        first = self.entries + 1
        if due:
            raise Refused(f"entry {first} is missing: the ledger ends, but the checkpoint covers {due[-1]}", first)
        first = self.anchored + 1
        if first <= self.entries and not allow_tail:
            raise Refused(f"entries {first} to {self.entries} are after the checkpoint and not anchored", first)

    def _check_root(self, tree: _Tree, signed: bytes) -> None:
        if tree.root() != signed:
            first = self.anchored + 1
            raise Refused(
                f"entries {first} to {tree.size} are not those that the checkpoint of {tree.size} was signed over",
                first,
            )
        self.anchored = tree.size


def verify_ledger(
    path: str | Path, checkpoint: bytes | Sequence[bytes], pem: bytes, *, allow_tail: bool = False
) -> Result:
    """Recompute an exported ledger, read as a stream, and compare it with signed checkpoints of one log.

    Several checkpoints narrow down where a rewritten history departs. Entries after the largest one, which nothing
    protects yet, are no pass unless ``allow_tail``. OSError if the file cannot be read: the one thing that is raised.
    """
    walk, origin = _Walk(), ""
    try:
        key, spki = _load_key(pem)
        origin, heads = _open_all([checkpoint] if isinstance(checkpoint, bytes) else checkpoint, key, spki)
        with Path(path).open("rb") as file:
            walk.run(file, heads, allow_tail=allow_tail)
    except Refused as refused:
        return Result(False, refused.reason, refused.seq, walk.entries, walk.anchored, origin)
    tail = walk.entries - walk.anchored
    unanchored = f"; {tail} after it are not anchored" if tail else ""
    reason = f"{walk.entries} entries, checkpoint of {walk.anchored} ok, signed by {spki.hex()}{unanchored}"
    return Result(True, reason, None, walk.entries, walk.anchored, origin, heads[max(heads)].hex())


# ── attestation ──────────────────────────────────────────────────────────────────────────────────────────────────


def _open_envelope(data: bytes, key: ec.EllipticCurvePublicKey, spki: bytes) -> Any:
    if len(data) > _ENVELOPE_LIMIT:
        raise Refused("the attestation is too long")
    envelope = _from_json(data, "the attestation")
    if not isinstance(envelope, dict) or set(envelope) != {"payload", "payloadType", "signatures"}:
        raise Refused("the attestation is not a DSSE envelope")
    kind = envelope["payloadType"]
    if kind != "application/vnd.in-toto+json":
        raise Refused("the attestation's payload is not an in-toto statement")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Refused("the attestation must bear exactly one signature")
    if not isinstance(signatures[0], dict) or set(signatures[0]) != {"keyid", "sig"}:
        raise Refused("the attestation's signature is malformed")
    if signatures[0]["keyid"] != spki.hex():
        raise Refused("the attestation was signed by another key")
    payload = _from_base64(envelope["payload"], "the attestation's payload")
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    if not _is_signed(key, _from_base64(signatures[0]["sig"], "the attestation's signature"), message):
        raise Refused("the attestation's signature does not verify")
    return _from_json(payload, "the attestation's statement")


def _digest(subject: str) -> str:
    match = _DIGEST.fullmatch(subject)
    if not match:
        raise Refused("the subject is not sha256: and 64 hexadecimal digits")
    return match.group(1)


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise Refused("the attestation holds a malformed time")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("the attestation holds an impossible time") from error


def _check_statement(said: Any, digest: str, environment: str) -> None:
    if said["_type"] != "https://in-toto.io/Statement/v1":
        raise Refused("the payload is not an in-toto Statement v1")
    if said["predicateType"] != "https://slsa.dev/verification_summary/v1":
        raise Refused("the statement is not a verification summary")
    if not any(subject["digest"]["sha256"] == digest for subject in said["subject"]):
        raise Refused(f"the attestation does not cover sha256:{digest}")
    resource = _RESOURCE.fullmatch(said["predicate"]["resourceUri"])
    if not resource:
        raise Refused("the attestation names no environment")
    if resource.group(2) != quote(environment, safe=""):
        raise Refused(f"the attestation is for the environment {unquote(resource.group(2))}, not {environment}")


def _check_predicate(predicate: Any, verifier_id: str | None, level: str) -> None:
    if predicate["verificationResult"] != "PASSED":
        raise Refused("the attestation does not say PASSED")
    if not isinstance(predicate["verifiedLevels"], list) or level not in predicate["verifiedLevels"]:
        raise Refused(f"the attestation does not reach the level {level}")
    if verifier_id is not None and predicate["verifier"]["id"] != verifier_id:
        raise Refused("the attestation was issued by another verifier")


def _check_times(predicate: Any, now: datetime, max_age_days: int | None) -> None:
    verified = _moment(predicate["timeVerified"])
    if verified > now + timedelta(minutes=5):
        raise Refused("the attestation's time lies in the future")
    if max_age_days is not None and (now - verified).total_seconds() > max_age_days * 86_400:
        raise Refused(f"the attestation is older than {max_age_days} days")
    until = predicate["countersign_approval"]["validUntil"]
    if until is not None and now >= _moment(until):
        raise Refused(f"the approval ended at {until}")


def verify_attestation(
    data: bytes,
    pem: bytes,
    *,
    subject: str,
    environment: str,
    verifier_id: str | None = None,
    level: str = "COUNTERSIGN_APPROVED",
    max_age_days: int | None = None,
    now: datetime | None = None,
) -> Result:
    """Check that an attestation lets the artifact ``subject`` (``sha256:<hex>``) run in ``environment``.

    ``now`` (with a time zone) defaults to the clock. Revocation is not visible offline: ask the service for that.
    """
    try:
        digest = _digest(subject)
        key, spki = _load_key(pem)
        said = _open_envelope(data, key, spki)
        _check_statement(said, digest, environment)
        _check_predicate(said["predicate"], verifier_id, level)
        _check_times(said["predicate"], now or datetime.now(UTC), max_age_days)
    except Refused as refused:
        return Result(False, refused.reason)
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
        return Result(False, "the attestation's statement is malformed")
    return Result(True, f"sha256:{digest} is approved for {environment}, signed by {spki.hex()}", statement=said)


# ── command line ─────────────────────────────────────────────────────────────────────────────────────────────────


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="countersign_verify", description="Verify Countersign's proofs offline.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    ledger = kinds.add_parser("ledger", help="an exported ledger against a signed checkpoint")
    ledger.add_argument("file", metavar="LEDGER.jsonl")
    ledger.add_argument("--checkpoint", action="append", required=True, help="may be given again, for earlier ones")
    ledger.add_argument("--allow-tail", action="store_true", help="accept entries after the checkpoint")
    attestation = kinds.add_parser("attestation", help="the proof of a promotion")
    attestation.add_argument("file", metavar="FILE")
    attestation.add_argument("--subject", required=True, metavar="sha256:HEX")
    attestation.add_argument("--env", required=True)
    attestation.add_argument("--verifier-id")
    attestation.add_argument("--level", default="COUNTERSIGN_APPROVED")
    attestation.add_argument("--max-age-days", type=int)
    for kind in (ledger, attestation):
        kind.add_argument("--key", required=True, metavar="PEM")
        kind.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


def _read(name: str, limit: int) -> bytes:
    """The file's bytes, at most one more than ``limit``, so that an endless file is refused and not swallowed."""
    with Path(name).open("rb") as file:
        return file.read(limit + 1)


def _verify(options: argparse.Namespace) -> Result:
    pem = _read(options.key, _NOTE_LIMIT)
    if options.kind == "ledger":
        notes = [_read(name, _NOTE_LIMIT) for name in options.checkpoint]
        return verify_ledger(options.file, notes, pem, allow_tail=options.allow_tail)
    return verify_attestation(
        _read(options.file, _ENVELOPE_LIMIT),
        pem,
        subject=options.subject,
        environment=options.env,
        verifier_id=options.verifier_id,
        level=options.level,
        max_age_days=options.max_age_days,
    )


def _report(result: Result, *, as_json: bool) -> int:
    where = f"first bad entry {result.first_bad_seq}: " if result.first_bad_seq else ""
    if as_json:
        print(json.dumps(asdict(result)))
    elif result.ok:
        _say(f"ok: {result.reason}", sys.stdout)
    else:
        _say(f"NOT VERIFIED: {where}{result.reason}", sys.stderr)
    return VERIFIED if result.ok else NOT_VERIFIED


def _say(text: str, stream: TextIO) -> None:
    """Print in ASCII: a name in another script must not stop a verifier under an old locale."""
    print(text.encode("ascii", "backslashreplace").decode(), file=stream)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Whatever goes wrong is not a pass."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    if options.kind == "attestation" and not _DIGEST.fullmatch(options.subject):
        _say("--subject must be sha256: and 64 hexadecimal digits", sys.stderr)
        return UNUSABLE
    try:
        return _report(_verify(options), as_json=options.json)
    except OSError as error:
        _say(f"cannot read {error.filename}: {error.strerror}", sys.stderr)
        return UNUSABLE
    except Exception as error:  # noqa: BLE001 - fail closed: a verifier that crashes must not look like one that passed
        return _report(Result(False, f"could not be verified: {type(error).__name__}: {error}"), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())

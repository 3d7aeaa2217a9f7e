"""Signed tree heads in the C2SP tlog-checkpoint format, signed with ECDSA P-256. Pure.

Sources: https://c2sp.org/signed-note (signature type 0x02, whose key identifier is the first four bytes of the
SHA-256 of the DER SubjectPublicKeyInfo) and https://c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from registry import keys
from registry.errors import IntegrityFailure, InvalidInput

_SIGNATURE_PREFIX = "— "
_NOTE_LIMIT = 64 * 1024
_SIGNATURE_LIMIT = 100
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_KEY_ID_BYTES = 4
_ROOT_BYTES = 32
_BODY_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head: the log's name, the number of leaves, and the Merkle root over them.

    Attributes
    ----------
    origin
        The log's unique name, a URL without scheme; also the name of its key.
    size
        Leaves in the tree.
    root
        32 bytes (RFC 6962).
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The checkpoint as a signed note.

    Raises
    ------
    InvalidInput
        If the origin cannot be a key name (empty, spaces, plus, control characters), or size or root is impossible.
    """
    _require_key_name(checkpoint.origin)
    if not _SIZE.fullmatch(str(checkpoint.size)) or len(checkpoint.root) != _ROOT_BYTES:
        raise InvalidInput("a checkpoint needs a size of at most 18 digits and a root of 32 bytes")
    text = checkpoint.text()
    blob = keys.spki_digest(key.public_key())[:_KEY_ID_BYTES] + keys.sign(key, text.encode())
    return f"{text}\n{_SIGNATURE_PREFIX}{checkpoint.origin} {base64.b64encode(blob).decode()}\n".encode()


def _require_key_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() or not char.isprintable() for char in name):
        raise InvalidInput(f"{name!r} cannot name a log: no spaces, no plus, no control characters", field="origin")


def parse_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a signed note into its text and its signatures, strictly, verifying nothing.

    Returns
    -------
    text, signatures
        The signed text with its final newline, and per signature line the key name and the decoded bytes
        (four of key identifier, then the signature).

    Raises
    ------
    IntegrityFailure
        If the bytes are not a signed note.
    """
    if len(note) > _NOTE_LIMIT:
        raise IntegrityFailure("not a signed note: too long")
    try:
        decoded = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IntegrityFailure("not a signed note: not UTF-8") from error
    if any(char < " " and char != "\n" for char in decoded):
        raise IntegrityFailure("not a signed note: it holds control characters")
    text, blank, tail = decoded.rpartition("\n\n")
    if not blank or not text or not tail.endswith("\n"):
        raise IntegrityFailure("not a signed note: no blank line before the signatures, or no newline at the end")
    lines = tail[:-1].split("\n")
    if len(lines) > _SIGNATURE_LIMIT:
        raise IntegrityFailure("not a signed note: too many signatures")
    return text + "\n", [_parse_signature_line(line) for line in lines]


def _parse_signature_line(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    if not line.startswith(_SIGNATURE_PREFIX) or not space:
        raise IntegrityFailure("not a signed note: malformed signature line")
    try:
        _require_key_name(name)
    except InvalidInput as error:
        raise IntegrityFailure("not a signed note: malformed key name") from error
    blob = _decode_base64(encoded)
    if len(blob) <= _KEY_ID_BYTES:
        raise IntegrityFailure("not a signed note: a signature is too short")
    return name, blob


def _decode_base64(encoded: str) -> bytes:
    """Standard base64 with one spelling only: padding bits must be zero."""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityFailure("not a signed note: malformed base64") from error
    if base64.b64encode(blob).decode() != encoded:
        raise IntegrityFailure("not a signed note: base64 is not in its canonical form")
    return blob


def parse_checkpoint_text(text: str) -> Checkpoint:
    """Read the three lines of a checkpoint; extension lines are refused, since nobody signs for their meaning.

    Raises
    ------
    IntegrityFailure
        If the text is anything else.
    """
    lines = text.split("\n")
    if len(lines) != _BODY_LINES + 1 or lines[-1]:
        raise IntegrityFailure("not a checkpoint: it must have three lines")
    origin, size, encoded = lines[:_BODY_LINES]
    if not origin or not _SIZE.fullmatch(size):
        raise IntegrityFailure("not a checkpoint: malformed origin or size")
    tree_root = _decode_base64(encoded)
    if len(tree_root) != _ROOT_BYTES:
        raise IntegrityFailure("not a checkpoint: the root is not 32 bytes")
    return Checkpoint(origin=origin, size=int(size), root=tree_root)


def open_checkpoint(note: bytes, key: ec.EllipticCurvePublicKey, *, origin: str | None = None) -> Checkpoint:
    """Verify a signed checkpoint and return what it says.

    Signatures by other keys are ignored, as the format asks; one by this key that does not verify refuses the note.

    Raises
    ------
    IntegrityFailure
        If it is malformed, of another origin, not signed by ``key``, or a signature that names ``key`` is wrong.
    """
    text, signatures = parse_note(note)
    checkpoint = parse_checkpoint_text(text)
    if origin is not None and checkpoint.origin != origin:
        raise IntegrityFailure(f"the checkpoint is of another log: {checkpoint.origin}")
    ours = keys.spki_digest(key)[:_KEY_ID_BYTES]
    candidates = [
        blob[_KEY_ID_BYTES:] for name, blob in signatures if name == checkpoint.origin and blob[:_KEY_ID_BYTES] == ours
    ]
    if not candidates:
        raise IntegrityFailure("the checkpoint is not signed by this key")
    if not all(keys.is_signed(key, signature, text.encode()) for signature in candidates):
        raise IntegrityFailure("the checkpoint's signature does not verify")
    return checkpoint

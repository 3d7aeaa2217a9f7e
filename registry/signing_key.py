"""The service's own signing key, from the file that the settings name."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from registry import keys

_OWNER_ONLY = 0o600


def signing_key() -> ec.EllipticCurvePrivateKey:
    """The ECDSA P-256 key that signs checkpoints and attestations.

    Read once per process from the file in the setting ``COUNTERSIGN_SIGNING_KEY_FILE``. Outside production the file
    is made on first use, readable by its owner only.

    Raises
    ------
    ImproperlyConfigured
        If no file is named, or it is absent where it may not be made, or open to others.
    InvalidInput
        If the file is not an ECDSA P-256 private key.
    """
    named = getattr(settings, "COUNTERSIGN_SIGNING_KEY_FILE", None)
    if not named:
        raise ImproperlyConfigured("COUNTERSIGN_SIGNING_KEY_FILE names no file: checkpoints cannot be signed")
    return _load(Path(named), not getattr(settings, "PRODUCTION", True))


def verification_pem() -> bytes:
    """The public half as PEM: what is handed out as ``verification.pem``."""
    return keys.public_pem(signing_key().public_key())


@lru_cache(maxsize=8)
def _load(path: Path, may_create: bool) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        if not may_create:
            raise ImproperlyConfigured(
                f"the signing key {path} does not exist; make one and keep it out of the database"
            )
        _create(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise ImproperlyConfigured(f"the signing key {path} is open to others (mode {mode:o}); run chmod 600 on it")
    return keys.load_private_key(path.read_bytes())


def _create(path: Path) -> None:
    """Make the key in a temporary file and link it into place: whole or absent, and the first of two makers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(keys.generate_private_pem())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()

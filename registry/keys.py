"""ECDSA P-256 keys as PEM, their identifiers, and signatures over opaque bytes. Pure."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registry.errors import InvalidInput

_SCHEME = ec.ECDSA(hashes.SHA256())


def generate_private_pem() -> bytes:
    """A new ECDSA P-256 private key as unencrypted PKCS#8 PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Read an ECDSA P-256 private key from PEM.

    Raises
    ------
    InvalidInput
        If the bytes are not PEM, are encrypted, or hold another kind of key.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("the signing key is not an unencrypted PEM private key", field="key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("the signing key is not an ECDSA P-256 key", field="key")
    return key


def load_public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Read an ECDSA P-256 public key from PEM.

    Raises
    ------
    InvalidInput
        If the bytes are not PEM or hold another kind of key.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("the verification key is not a PEM public key", field="key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("the verification key is not an ECDSA P-256 key", field="key")
    return key


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """The key as SubjectPublicKeyInfo PEM: what verifiers are given as ``verification.pem``."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki_digest(key: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 (32 bytes) of the key's SubjectPublicKeyInfo in DER."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """The key's name in envelopes and exports: :func:`spki_digest` in hexadecimal."""
    return spki_digest(key).hex()


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ECDSA P-256 signature with SHA-256 over ``message``, DER-encoded."""
    return key.sign(message, _SCHEME)


def is_signed(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` (DER) is the key's over ``message``. False on a malformed signature; never raises."""
    try:
        key.verify(signature, message, _SCHEME)
    except InvalidSignature:
        return False
    return True

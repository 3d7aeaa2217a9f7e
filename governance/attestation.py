"""The signed proof of a promotion: an in-toto Statement in a DSSE envelope, made and checked as bytes. Pure.

Sources: in-toto Attestation Framework (Statement v1), SLSA Verification Summary v1, DSSE v1.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric import ec

from registry import keys
from registry.canonical import canonical_json, is_sha256, parse_json, strip_algorithm
from registry.errors import CountersignError, IntegrityFailure, InvalidInput

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
APPROVED = "COUNTERSIGN_APPROVED"
EXTENSION = "countersign_approval"
"""Our own part of the predicate: ``<vendor>_<field>``, as SLSA asks of extensions."""

_CLOCK_SKEW = timedelta(minutes=5)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_RESOURCE = re.compile(r"countersign://(?P<host>[^/]+)/models/(?P<model>[^/]+)/environments/(?P<environment>[^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What was approved, and where it may run."""

    host: str
    model: str
    environment: str

    def uri(self) -> str:
        """``countersign://<host>/models/<model>/environments/<environment>``, each part percent-encoded."""
        model, environment = quote(self.model, safe=""), quote(self.environment, safe="")
        return f"countersign://{quote(self.host, safe=':[]')}/models/{model}/environments/{environment}"

    @classmethod
    def from_uri(cls, uri: object) -> Resource:
        """Inverse of :meth:`uri`; anything that :meth:`uri` would not have written is an IntegrityFailure."""
        match = _RESOURCE.fullmatch(uri) if isinstance(uri, str) else None
        if match:
            resource = cls(**{name: unquote(part) for name, part in match.groupdict().items()})
            if resource.uri() == uri:
                return resource
        raise IntegrityFailure("the attestation's resourceUri names no model and environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a statement says.

    Attributes
    ----------
    resource
        The model and the environment that it was approved for.
    subjects
        ``(name, sha256)`` of each artifact and of the manifest; digests are 64 hexadecimal digits.
    verifier_id, verifier_version
        Who judged: a URI, and the version of Countersign.
    verified_at
        When it was promoted, with a time zone.
    policy_uri, policy_sha256
        The policy version that was met.
    inputs
        ``(uri, sha256)`` of each piece of evidence, verdict and document that the decision rests on.
    levels
        What was reached, in our own words.
    valid_until
        When the approval ends; ``None`` if it does not end by itself.
    details
        More for the extension field: reviewers, review, version ... Plain JSON.
    """

    resource: Resource
    subjects: Sequence[tuple[str, str]]
    verifier_id: str
    verifier_version: str
    verified_at: datetime
    policy_uri: str
    policy_sha256: str
    inputs: Sequence[tuple[str, str]] = ()
    levels: Sequence[str] = (APPROVED,)
    valid_until: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def statement(approval: Approval) -> bytes:
    """The in-toto Statement v1 as canonical JSON: the payload that is signed and stored as it is.

    Raises
    ------
    InvalidInput
        If there is no subject, a digest is malformed, a name stands twice, or a level claims to be SLSA's.
    """
    names = [name for name, _ in approval.subjects]
    if not names or not all(names) or len(set(names)) != len(names):
        raise InvalidInput("an attestation needs at least one subject, each with its own name", field="subjects")
    digests = [digest for _, digest in (*approval.subjects, *approval.inputs)]
    if not all(is_sha256(digest) for digest in (*digests, approval.policy_sha256)):
        raise InvalidInput("an attestation's digests are 64 hexadecimal digits", field="subjects")
    if not approval.levels or any(level.upper().startswith("SLSA_") for level in approval.levels):
        raise InvalidInput("levels are Countersign's own; SLSA's are not ours to give", field="levels")
    if {"environment", "model", "validUntil"} & set(approval.details):
        raise InvalidInput("model, environment and validUntil are stated by the attestation itself", field="details")
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in approval.subjects],
            "predicateType": PREDICATE_TYPE,
            "predicate": _predicate(approval),
        }
    )


def _predicate(approval: Approval) -> dict[str, Any]:
    extension = {
        **approval.details,
        "model": approval.resource.model,
        "environment": approval.resource.environment,
        "validUntil": _write_time(approval.valid_until) if approval.valid_until else None,
    }
    return {
        "verifier": {"id": approval.verifier_id, "version": {"countersign": approval.verifier_version}},
        "timeVerified": _write_time(approval.verified_at),
        "resourceUri": approval.resource.uri(),
        "policy": {"uri": approval.policy_uri, "digest": {"sha256": approval.policy_sha256}},
        "inputAttestations": [{"uri": uri, "digest": {"sha256": digest}} for uri, digest in approval.inputs],
        "verificationResult": "PASSED",
        "verifiedLevels": list(approval.levels),
        EXTENSION: extension,
    }


def envelope(payload: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The payload in a signed DSSE envelope, as canonical JSON. Store and hand out these very bytes."""
    signature = keys.sign(key, pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return canonical_json(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": keys.key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
        }
    )


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: ``DSSEv1 <length> <type> <length> <payload>``, lengths in bytes."""
    encoded = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def open_envelope(data: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """The payload of an envelope that ``key``, and no one else, signed.

    Raises
    ------
    IntegrityFailure
        If it is malformed, of another payload type, has no signature, more than one, or one that does not verify.
    """
    document = _parse(data, "the attestation")
    if not isinstance(document, dict) or set(document) != {"payload", "payloadType", "signatures"}:
        raise IntegrityFailure("the attestation is not a DSSE envelope with payload, payloadType and signatures")
    if document["payloadType"] != PAYLOAD_TYPE:
        raise IntegrityFailure("the attestation's payload is not an in-toto statement")
    signatures = document["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise IntegrityFailure("the attestation must bear exactly one signature")
    (signature,) = signatures
    if not isinstance(signature, dict) or set(signature) != {"keyid", "sig"}:
        raise IntegrityFailure("the attestation's signature is malformed")
    if signature["keyid"] != keys.key_id(key):
        raise IntegrityFailure("the attestation was signed by another key")
    payload = _decode_base64(document["payload"])
    signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    if not keys.is_signed(key, _decode_base64(signature["sig"]), signed):
        raise IntegrityFailure("the attestation's signature does not verify")
    return payload


def verify(
    data: bytes,
    key: ec.EllipticCurvePublicKey,
    *,
    subject: str,
    environment: str,
    now: datetime,
    model: str | None = None,
    verifier_id: str | None = None,
    level: str = APPROVED,
    max_age: timedelta | None = None,
) -> dict[str, Any]:
    """Check that an envelope allows ``subject`` to run in ``environment`` now, and return its statement.

    Parameters
    ----------
    data
        The envelope's bytes.
    key
        The verification key that the deployer trusts.
    subject
        ``sha256:<hex>`` or ``<hex>`` of the artifact or manifest to be deployed.
    environment
        Where it is to run.
    now
        The moment to judge at, with a time zone.
    model, verifier_id
        If given, the model and verifier that must be named.
    level
        The level that must have been reached.
    max_age
        If given, how old the decision may be.

    Raises
    ------
    IntegrityFailure
        Saying the first thing that does not hold.
    InvalidInput
        If ``subject`` is not a digest.
    """
    digest = strip_algorithm(subject)
    said = _parse(open_envelope(data, key), "the attestation's statement")
    try:
        _check_statement(said, digest=digest, environment=environment, model=model)
        _check_predicate(said["predicate"], verifier_id=verifier_id, level=level)
        _check_times(said["predicate"], now=now, max_age=max_age)
    except (KeyError, TypeError, AttributeError) as error:
        raise IntegrityFailure("the attestation's statement is malformed") from error
    return dict(said)


def _check_statement(said: Any, *, digest: str, environment: str, model: str | None) -> None:
    if said["_type"] != STATEMENT_TYPE or said["predicateType"] != PREDICATE_TYPE:
        raise IntegrityFailure("the attestation is not an in-toto verification summary")
    if not any(subject["digest"]["sha256"] == digest for subject in said["subject"]):
        raise IntegrityFailure(f"the attestation does not cover sha256:{digest}")
    resource = Resource.from_uri(said["predicate"]["resourceUri"])
    if resource.environment != environment:
        raise IntegrityFailure(f"the attestation is for the environment {resource.environment}, not {environment}")
    if model is not None and resource.model != model:
        raise IntegrityFailure(f"the attestation is for the model {resource.model}, not {model}")


def _check_predicate(predicate: Any, *, verifier_id: str | None, level: str) -> None:
    if predicate["verificationResult"] != "PASSED":
        raise IntegrityFailure("the attestation does not say PASSED")
    if not isinstance(predicate["verifiedLevels"], list) or level not in predicate["verifiedLevels"]:
        raise IntegrityFailure(f"the attestation does not reach the level {level}")
    if verifier_id is not None and predicate["verifier"]["id"] != verifier_id:
        raise IntegrityFailure("the attestation was issued by another verifier")


def _check_times(predicate: Any, *, now: datetime, max_age: timedelta | None) -> None:
    verified_at = _read_time(predicate["timeVerified"])
    if verified_at > now + _CLOCK_SKEW:
        raise IntegrityFailure("the attestation's time lies in the future")
    if max_age is not None and now - verified_at > max_age:
        raise IntegrityFailure(f"the attestation is older than {max_age.days} days")
    until = predicate[EXTENSION]["validUntil"]
    if until is not None and now >= _read_time(until):
        raise IntegrityFailure(f"the approval ended at {until}")


def _write_time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise InvalidInput("an attestation's times need a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_time(text: object) -> datetime:
    try:
        if isinstance(text, str) and _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError as error:
        raise IntegrityFailure("the attestation holds an impossible time") from error
    raise IntegrityFailure("the attestation holds a malformed time")


def _parse(data: bytes, what: str) -> Any:
    try:
        return parse_json(data, what=what)
    except CountersignError as error:
        raise IntegrityFailure(str(error)) from error


def _decode_base64(text: object) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        blob = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError) as error:
        raise IntegrityFailure("the attestation holds malformed base64") from error
    if base64.b64encode(blob).decode() != text:
        raise IntegrityFailure("the attestation holds malformed base64")
    return blob

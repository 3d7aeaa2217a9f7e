"""The attestation: accepted by others' tools, and refused by ours and the offline verifier for every other purpose."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

import countersign_verify
from governance import attestation
from registry import keys
from registry.errors import IntegrityFailure, InvalidInput

KEY = keys.load_private_key(keys.generate_private_pem())
MALLORYS_KEY = keys.load_private_key(keys.generate_private_pem())
PUBLIC = KEY.public_key()
PEM = keys.public_pem(PUBLIC)
MODEL, MANIFEST, OTHER = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
VERIFIER = "https://gate.example/countersign"


def approval(**changes):
    facts = {
        "resource": attestation.Resource(host="gate.example", model="mortgage-approval", environment="production"),
        "subjects": [("model.skops", MODEL), ("manifest", MANIFEST)],
        "verifier_id": VERIFIER,
        "verifier_version": "0.1.0",
        "verified_at": datetime(2026, 11, 21, 6, 0, 0, 123456, tzinfo=UTC),
        "policy_uri": "https://gate.example/policies/consumer-credit/4",
        "policy_sha256": "d" * 64,
        "inputs": [("https://gate.example/evidence/fairness", "e" * 64)],
        "valid_until": datetime(2027, 11, 21, tzinfo=UTC),
        "details": {"version": "2026.11.2", "signers": ["Grace Hopper", "Edsger Dijkstra"]},
    }
    return attestation.Approval(**{**facts, **changes})


PAYLOAD = attestation.statement(approval())
ENVELOPE = attestation.envelope(PAYLOAD, KEY)


def accepted(data, *, key=PUBLIC, subject=f"sha256:{MODEL}", environment="production", now=NOW, **expected):
    """Whether both verifiers accept; they must agree, and refuse with a reason."""
    days = expected.pop("max_age_days", None)
    offline = countersign_verify.verify_attestation(
        data, keys.public_pem(key), subject=subject, environment=environment, now=now, max_age_days=days, **expected
    )
    max_age = None if days is None else timedelta(days=days)
    refusal = ""
    try:
        attestation.verify(data, key, subject=subject, environment=environment, now=now, max_age=max_age, **expected)
    except IntegrityFailure as failure:
        refusal = str(failure) or "without a reason"
    assert offline.ok == (not refusal), (offline.reason, refusal)
    return offline.ok


def resigned(**changes):
    """A statement with other contents, rightly signed by our key."""
    said = json.loads(PAYLOAD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = said
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return attestation.envelope(json.dumps(said).encode(), KEY)


def test_the_statement_says_what_the_verification_summary_asks_for():
    assert json.loads(PAYLOAD) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "model.skops", "digest": {"sha256": MODEL}},
            {"name": "manifest", "digest": {"sha256": MANIFEST}},
        ],
        "predicateType": "https://slsa.dev/verification_summary/v1",
        "predicate": {
            "verifier": {"id": VERIFIER, "version": {"countersign": "0.1.0"}},
            "timeVerified": "2026-11-21T06:00:00Z",
            "resourceUri": "countersign://gate.example/models/mortgage-approval/environments/production",
            "policy": {
                "uri": "https://gate.example/policies/consumer-credit/4",
                "digest": {"sha256": "d" * 64},
            },
            "inputAttestations": [{"uri": "https://gate.example/evidence/fairness", "digest": {"sha256": "e" * 64}}],
            "verificationResult": "PASSED",
            "verifiedLevels": ["COUNTERSIGN_APPROVED"],
            "countersign_approval": {
                "model": "mortgage-approval",
                "environment": "production",
                "version": "2026.11.2",
                "signers": ["Grace Hopper", "Edsger Dijkstra"],
                "validUntil": "2027-11-21T00:00:00Z",
            },
        },
    }


def test_in_totos_own_library_takes_it_for_a_valid_statement():
    parsed = json_format.Parse(PAYLOAD, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    summary = json.loads(PAYLOAD)["predicate"]
    # The library's schema has one string here; the specification, and everyone who writes it, a list of strings.
    assert summary.pop("verifiedLevels") == ["COUNTERSIGN_APPROVED"]
    predicate = json_format.ParseDict(summary, vsa_pb2.VerificationSummary(), ignore_unknown_fields=True)
    assert predicate.verifier.id == VERIFIER
    assert predicate.time_verified.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert dict(predicate.policy.digest) == {"sha256": "d" * 64}


def test_securesystemslib_verifies_the_envelope_and_agrees_on_what_is_signed():
    envelope = Envelope.from_dict(json.loads(ENVELOPE))
    assert envelope.payload == PAYLOAD
    assert envelope.pae() == attestation.pre_authentication_encoding(attestation.PAYLOAD_TYPE, PAYLOAD)
    ours = SSlibKey.from_crypto(PUBLIC, keyid=keys.key_id(PUBLIC))
    assert list(envelope.verify([ours], 1)) == [keys.key_id(PUBLIC)]
    theirs = SSlibKey.from_crypto(MALLORYS_KEY.public_key(), keyid=keys.key_id(PUBLIC))
    with pytest.raises(VerificationError):
        envelope.verify([theirs], 1)


@given(st.text(max_size=40), st.binary(max_size=200))
def test_the_pre_authentication_encoding_is_securesystemslibs(payload_type, payload):
    expected = Envelope(payload, payload_type, {}).pae()
    assert attestation.pre_authentication_encoding(payload_type, payload) == expected


def test_the_example_of_the_dsse_specification():
    # https://github.com/secure-systems-lab/dsse, protocol.md
    encoded = attestation.pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize("subject", [MODEL, f"sha256:{MODEL}", f"sha256:{MANIFEST}"])
def test_each_artifact_and_the_manifest_may_run(subject):
    assert accepted(ENVELOPE, subject=subject, verifier_id=VERIFIER, max_age_days=1)
    said = attestation.verify(ENVELOPE, PUBLIC, subject=subject, environment="production", now=NOW)
    assert said == json.loads(PAYLOAD)


@pytest.mark.parametrize("environment", ["staging", "Production", "production/", "production%2F", "", "*"])
def test_another_environment_is_refused(environment):
    assert not accepted(ENVELOPE, environment=environment)


def test_an_environment_of_any_name_is_told_from_every_other():
    resource = attestation.Resource(host="h:8000", model="a/b", environment="eu/production é")
    envelope = attestation.envelope(attestation.statement(approval(resource=resource)), KEY)
    assert accepted(envelope, environment="eu/production é")
    assert not accepted(envelope, environment="production é")
    assert attestation.Resource.from_uri(resource.uri()) == resource


def test_another_digest_key_verifier_model_or_level_is_refused():
    assert not accepted(ENVELOPE, subject=OTHER)
    assert not accepted(ENVELOPE, key=MALLORYS_KEY.public_key())
    assert not accepted(attestation.envelope(PAYLOAD, MALLORYS_KEY))
    assert not accepted(ENVELOPE, verifier_id="https://mallory.example")
    assert not accepted(ENVELOPE, level="COUNTERSIGN_REVALIDATED")
    with pytest.raises(IntegrityFailure, match="for the model mortgage-approval"):
        attestation.verify(ENVELOPE, PUBLIC, subject=MODEL, environment="production", now=NOW, model="other")


def test_an_approval_ends_when_it_says_and_not_before():
    end = datetime(2027, 11, 21, tzinfo=UTC)
    assert accepted(ENVELOPE, now=end - timedelta(seconds=1))
    assert not accepted(ENVELOPE, now=end)
    endless = attestation.envelope(attestation.statement(approval(valid_until=None)), KEY)
    assert accepted(endless, now=end)


def test_an_attestation_that_is_too_old_or_of_the_future_is_refused():
    assert accepted(ENVELOPE, now=NOW + timedelta(days=29), max_age_days=30)
    assert not accepted(ENVELOPE, now=NOW + timedelta(days=31), max_age_days=30)
    assert accepted(ENVELOPE, now=NOW - timedelta(hours=1))
    assert not accepted(ENVELOPE, now=NOW - timedelta(hours=2))


def test_max_age_is_judged_to_the_second():
    born = datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert accepted(ENVELOPE, now=born + timedelta(days=1), max_age_days=1)
    assert not accepted(ENVELOPE, now=born + timedelta(days=1, seconds=1), max_age_days=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"predicate__verificationResult": "FAILED"},
        {"predicate__verificationResult": None},
        {"predicate__verifiedLevels": []},
        {"predicate__verifiedLevels": "COUNTERSIGN_APPROVED"},
        {"predicate__verifiedLevels": None},
        {"predicate__resourceUri": "production"},
        {"predicate__resourceUri": 7},
        {"predicate__resourceUri": "countersign://h/models/m/environments/production/x"},
        {"predicate__timeVerified": "yesterday"},
        {"predicate__timeVerified": "2026-11-21"},
        {"predicate__timeVerified": "2026-11-21T06:00:00"},
        {"predicate__timeVerified": "2026-11-21T06:00:00+00:00"},
        {"predicate__timeVerified": "2026-13-01T00:00:00Z"},
        {"predicate__timeVerified": None},
        {"predicate__countersign_approval": None},
        {"predicate__countersign_approval__validUntil": "never"},
        {"predicate__countersign_approval__validUntil": 0},
        {"predicate": []},
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"subject": []},
        {"subject": [{"name": "x"}]},
        {"subject": "sha256"},
    ],
)
def test_a_statement_that_says_something_else_is_refused_although_signed(changes):
    assert accepted(resigned())
    assert not accepted(resigned(**changes))


def test_no_byte_of_the_payload_changes_unnoticed():
    said = json.loads(ENVELOPE)
    for position in range(len(PAYLOAD)):
        forged = bytearray(PAYLOAD)
        forged[position] ^= 1 << position % 8
        said["payload"] = base64.b64encode(forged).decode()
        assert not accepted(json.dumps(said).encode()), position


def test_no_byte_of_the_envelope_changes_unnoticed():
    for position in range(len(ENVELOPE)):
        forged = bytearray(ENVELOPE)
        forged[position] ^= 0x01
        assert not accepted(bytes(forged)), position


def outer(**changes):
    said = {**json.loads(ENVELOPE), **changes}
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


SIGNATURE = json.loads(ENVELOPE)["signatures"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"payloadType": "application/json"},
        {"payloadType": None},
        {"payloadType": 1},
        {"payload": None},
        {"payload": 1},
        {"payload": "%%%"},
        {"payload": json.loads(ENVELOPE)["payload"] + "\n"},
        {"signatures": []},
        {"signatures": None},
        {"signatures": {}},
        {"signatures": [SIGNATURE, SIGNATURE]},
        {"signatures": [SIGNATURE, {"keyid": "mallory", "sig": "AAAA"}]},
        {"signatures": ["AAAA"]},
        {"signatures": [{"keyid": SIGNATURE["keyid"]}]},
        {"signatures": [{"sig": SIGNATURE["sig"]}]},
        {"signatures": [{**SIGNATURE, "sig": ""}]},
        {"signatures": [{**SIGNATURE, "sig": 5}]},
        {"signatures": [{**SIGNATURE, "cert": "mine"}]},
        {"extra": True},
    ],
)
def test_an_envelope_that_is_not_exactly_ours_is_refused(changes):
    assert accepted(outer())
    assert not accepted(outer(**changes))


def test_a_statement_that_was_signed_as_another_type_is_refused():
    kind = "application/json"
    signature = keys.sign(KEY, attestation.pre_authentication_encoding(kind, PAYLOAD))
    signed = {"keyid": keys.key_id(PUBLIC), "sig": base64.b64encode(signature).decode()}
    assert not accepted(outer(payloadType=kind, signatures=[signed]))


def test_an_endless_attestation_and_a_subject_that_is_no_digest_are_refused_with_their_reason(monkeypatch):
    judge = countersign_verify.verify_attestation
    vague = judge(ENVELOPE, PEM, subject="latest", environment="production", now=NOW)
    assert (vague.ok, vague.reason) == (False, "the subject is not sha256: and 64 hexadecimal digits")
    monkeypatch.setattr(countersign_verify, "_ENVELOPE_LIMIT", len(ENVELOPE) - 1)
    endless = judge(ENVELOPE, PEM, subject=MODEL, environment="production", now=NOW)
    assert (endless.ok, endless.reason) == (False, "the attestation is too long")


@given(st.binary(max_size=300))
def test_noise_is_refused_without_a_crash(noise):
    assert not accepted(noise)
    assert not accepted(attestation.envelope(noise, KEY))


def test_a_key_that_stands_twice_is_refused():
    assert not accepted(ENVELOPE[:-1] + b',"payloadType":"application/vnd.in-toto+json"}')
    twice = PAYLOAD.replace(
        b'"verificationResult":"PASSED"', b'"verificationResult":"FAILED","verificationResult":"PASSED"'
    )
    assert twice != PAYLOAD
    assert not accepted(attestation.envelope(twice, KEY))


@pytest.mark.parametrize(
    "changes",
    [
        {"subjects": []},
        {"subjects": [("model", "sha256:" + MODEL)]},
        {"subjects": [("model", MODEL), ("model", OTHER)]},
        {"subjects": [("", MODEL)]},
        {"policy_sha256": "d" * 63},
        {"inputs": [("uri", "E" * 64)]},
        {"levels": []},
        {"levels": ["SLSA_BUILD_LEVEL_3"]},
        {"levels": ["COUNTERSIGN_APPROVED", "slsa_build_level_3"]},
        {"details": {"validUntil": "2099-01-01T00:00:00Z"}},
        {"details": {"auc": float("nan")}},
        {"verified_at": datetime(2026, 11, 21, 6)},  # noqa: DTZ001 - that is the point
    ],
)
def test_what_may_not_be_attested_is_not_written(changes):
    with pytest.raises(InvalidInput):
        attestation.statement(approval(**changes))


def test_the_same_approval_gives_the_same_bytes():
    assert attestation.statement(approval()) == PAYLOAD


@pytest.fixture
def files(tmp_path):
    (tmp_path / "attestation.dsse.json").write_bytes(
        attestation.envelope(attestation.statement(approval(verified_at=datetime.now(UTC), valid_until=None)), KEY)
    )
    (tmp_path / "verification.pem").write_bytes(PEM)
    return tmp_path


def run(files, *extra, subject=f"sha256:{MODEL}", env="production"):
    common = ["--key", str(files / "verification.pem"), "--subject", subject, "--env", env]
    return countersign_verify.main(["attestation", str(files / "attestation.dsse.json"), *common, *extra])


def test_the_command_exits_0_when_verified_1_when_not_and_2_when_misused(files, capsys):
    assert run(files, "--max-age-days", "1", "--verifier-id", VERIFIER) == 0
    assert capsys.readouterr().out.startswith(f"ok: sha256:{MODEL} is approved for production")
    assert run(files, env="staging") == 1
    assert "for the environment production, not staging" in capsys.readouterr().err
    assert run(files, subject=f"sha256:{OTHER}") == 1
    assert run(files, "--verifier-id", "https://mallory.example") == 1
    assert run(files, "--level", "COUNTERSIGN_OTHER") == 1
    assert run(files, subject="latest") == 2
    (files / "verification.pem").unlink()
    assert run(files) == 2


def test_the_command_speaks_under_an_old_locale(files):
    envelope = attestation.envelope(
        attestation.statement(
            approval(
                resource=attestation.Resource(host="h", model="m", environment="生产"),
                verified_at=datetime.now(UTC),
                valid_until=None,
            )
        ),
        KEY,
    )
    (files / "attestation.dsse.json").write_bytes(envelope)
    command = [sys.executable, countersign_verify.__file__, "attestation", str(files / "attestation.dsse.json")]
    command += ["--key", str(files / "verification.pem"), "--subject", MODEL, "--env", "生产"]
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u751f\\u4ea7" in done.stdout


def test_the_offline_verifier_judges_by_the_clock_unless_told(monkeypatch):
    moments = SimpleNamespace(now=lambda zone: datetime(2030, 1, 1, tzinfo=zone), fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(countersign_verify, "datetime", moments)
    late = countersign_verify.verify_attestation(ENVELOPE, PEM, subject=MODEL, environment="production")
    assert (late.ok, late.reason) == (False, "the approval ended at 2027-11-21T00:00:00Z")

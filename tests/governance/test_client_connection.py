"""How the client reaches the server: what it refuses to send where, and how patiently it asks."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl

import pytest

from governance import client
from tests.governance.client_stage import TOKEN, Answer, Clock, Stage, decision

GATE = "/api/v1/gates/production/decisions"
CHECK = ["gate", "check", "mortgage-approval@2026.11.1", "--env", "production"]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(client, "time", clock)
    return clock


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("COUNTERSIGN_URL", stage.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    yield stage
    stage.close()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_asked_again_with_the_same_key(stage, clock, status):
    stage.answers("POST", GATE, Answer(b"busy", status), Answer(b"busy", status), Answer(decision("allow")))
    assert client.main(CHECK) == 0
    assert len(stage.asked) == 3
    assert len({asked.headers["Idempotency-Key"] for asked in stage.asked}) == 1
    assert len({asked.body for asked in stage.asked}) == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_key(stage, clock):
    whole = Answer(decision("allow"))
    stage.answers("POST", GATE, Answer(whole.content[:40], announced=len(whole.content)), whole)
    assert client.main(CHECK) == 0
    assert len({asked.headers["Idempotency-Key"] for asked in stage.asked}) == 1


def test_retry_after_is_obeyed_and_capped(stage, clock):
    busy = [Answer(b"", 429, {"Retry-After": seconds}) for seconds in ("7", "86400", "Wed, 21 Oct 2026 07:28:00 GMT")]
    stage.answers("POST", GATE, *busy, Answer(decision("allow")))
    assert client.main(CHECK) == 0
    assert clock.naps == [7.0, 60.0, 2.0]


def test_an_answer_still_in_flight_is_waited_for(stage, clock):
    stage.answers("POST", GATE, Answer({"code": "idempotency-in-flight"}, 409), Answer(decision("allow")))
    assert client.main(CHECK) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_a_lasting_failure_is_not_asked_again(stage, clock, status):
    stage.answers("POST", GATE, Answer({"detail": "no"}, status), Answer(decision("allow")))
    assert client.main(CHECK) != 0
    assert len(stage.asked) == 1


def test_the_problem_is_told_with_its_field(stage, capsys):
    problem = {
        "title": "Invalid",
        "detail": "unknown model",
        "field": "subject.model",
        "errors": [{"field": "a", "message": "b"}],
    }
    stage.answers("POST", GATE, Answer(problem, 422))
    assert client.main(CHECK) == 2
    told = capsys.readouterr().err
    assert "unknown model (subject.model)" in told
    assert "  a: b" in told


@pytest.mark.parametrize("absent", ["COUNTERSIGN_URL", "COUNTERSIGN_TOKEN"])
def test_a_missing_setting_is_named(stage, monkeypatch, capsys, absent):
    monkeypatch.delenv(absent)
    assert client.main(CHECK) == 2
    assert f"{absent} is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "countersign.example.org",
        "ftp://countersign.example.org",
        "file:///etc/passwd",
        "https://ada:secret@countersign.example.org",
        "https://countersign.example.org/?x=1",
        "https://[::1",
        "http://countersign.example.org",
        "http://10.0.0.7:8000",
        "http://localhost.example.org",
    ],
)
def test_an_unfit_address_is_refused_before_anything_is_sent(stage, monkeypatch, url):
    monkeypatch.setenv("COUNTERSIGN_URL", url)
    assert client.main(CHECK) == 2


def test_clear_text_to_another_host_needs_consent_and_says_so(stage, monkeypatch, capsys):
    monkeypatch.setenv("COUNTERSIGN_URL", "http://countersign.example.org")
    client.main(CHECK)
    assert "COUNTERSIGN_ALLOW_HTTP=1" in capsys.readouterr().err
    monkeypatch.setenv("COUNTERSIGN_ALLOW_HTTP", "1")
    client.Server(client.os.environ)
    assert "in clear text" in capsys.readouterr().err


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "tökén"])
def test_an_unfit_token_is_refused(stage, monkeypatch, token):
    monkeypatch.setenv("COUNTERSIGN_TOKEN", token)
    assert client.main(CHECK) == 2
    assert stage.asked == []


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_an_unfit_timeout_is_refused(stage, monkeypatch, timeout):
    monkeypatch.setenv("COUNTERSIGN_TIMEOUT", timeout)
    assert client.main(CHECK) == 2
    assert stage.asked == []


def test_a_proxy_is_not_asked_about_this_machine(stage, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    stage.answers("POST", GATE, Answer(decision("allow")))
    assert client.main(CHECK) == 0


def certificate_for_loopback(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")]),
    )
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1)
    )
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    pem, key_pem = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return pem, key_pem


def test_a_certificate_must_be_trusted(stage, monkeypatch, tmp_path, clock, capsys):
    pem, key = certificate_for_loopback(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    stage.server.handle_error = lambda *_: None  # the refused handshake is the server's error too
    stage.server.socket = context.wrap_socket(stage.server.socket, server_side=True)
    stage.answers("POST", GATE, Answer(decision("allow")))
    monkeypatch.setenv("COUNTERSIGN_URL", stage.url.replace("http:", "https:"))
    assert client.main(CHECK) == 4
    assert "certificate that is not trusted" in capsys.readouterr().err
    assert (stage.asked, clock.naps) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert client.main(CHECK) == 0

"""The main job, as a user walks it: a real server, the real client, signatures with passwords, proofs checked offline."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenario import POLICY, manifest_yaml, predictions_csv

pytestmark = pytest.mark.journey

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    name: text for name, text in os.environ.items() if not name.startswith(("COUNTERSIGN_", "DATABASE_", "DJANGO_"))
}
PASSWORD = "{}-signs-at-dawn"
SEVEN = {
    "model-card.html", "model-card.json", "dossier.pdf", "attestation.dsse.json", "ledger.jsonl", "checkpoint.txt",
    "verification.pem",
}  # fmt: skip

OPERATOR = """
import io, json, os
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
django.setup()
from django.core.management import call_command

def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()

run("migrate", "-v", "0")
duties = ["registry.create_use_case", "governance.register_policy", "registry.view_whole_ledger"]
tokens = {}
for name, duty in (("ada", []), ("tony", []), ("grace", []), ("edsger", duties)):
    os.environ["COUNTERSIGN_PASSWORD"] = name + "-signs-at-dawn"
    run("create_person", name, "--first-name", name.title(), *(part for item in duty for part in ("--duty", item)))
    scopes = ("read", "gate", "manage", "policy", "sign", "promote")
    tokens[name] = run("issue_token", name, "--name", "own", *(part for item in scopes for part in ("--scope", item)))
run("create_person", "bot", "--service")
scopes = ("read", "submit", "gate", "promote")
tokens["bot"] = run("issue_token", "bot", "--responsible", "ada", "--name", "ci",
                    *(part for item in scopes for part in ("--scope", item)))
print(json.dumps(tokens))
"""


def python(*arguments, cwd, **environment):
    """A Python of its own, finished; never more than two minutes."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env={**ENVIRONMENT, **environment}, cwd=cwd, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip


@dataclass
class Service:
    """A running server, the tokens of its people, and a client fetched from it."""

    url: str
    tokens: dict[str, str]
    folder: Path

    def call(self, who: str, method: str, path: str, body=None, media_type="application/json"):
        """One request below /api/v1 as ``who``; the parsed answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": media_type}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def client(self, *arguments, who: str = "bot", cwd: Path | None = None, **environment):
        """``countersign ...`` as a CI job runs it: one file, this Python, no install."""
        return python(
            "-I", self.folder / "countersign.pyz", *arguments, cwd=cwd or self.folder,
            **{"COUNTERSIGN_URL": self.url, "COUNTERSIGN_TOKEN": self.tokens.get(who, who), **environment},
        )  # fmt: skip

    def sign(self, who: str) -> None:
        """``who`` reads the open review and approves it with their password."""
        (review,) = [item for item in self.reviews(who) if item["state"] == "open"]
        answer = {
            "meaning": "approve", "subject_sha256": review["subject_sha256"], "password": PASSWORD.format(who),
        }  # fmt: skip
        self.call(who, "POST", f"/reviews/{review['id']}/sign-offs", answer)

    def reviews(self, who: str):
        """What ``who`` sees of reviews."""
        return self.call(who, "GET", "/reviews")["results"]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {"COUNTERSIGN_DATA_DIR": str(folder / "data"), "COUNTERSIGN_URL": url, "PYTHONPATH": str(ROOT)}
    prepared = python("-c", OPERATOR, cwd=folder, **settings)
    assert prepared.returncode == 0, prepared.stderr
    log = (folder / "server.log").open("wb")
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
    server = subprocess.Popen(command, env={**ENVIRONMENT, **settings}, cwd=folder, stdout=log, stderr=log)
    try:
        await_server(url, server, folder)
        made = Service(url, json.loads(prepared.stdout), folder)
        for name in ("countersign.pyz", "countersign_verify.py"):
            with urllib.request.urlopen(f"{url}/{name}", timeout=30) as answer:
                (folder / name).write_bytes(answer.read())
        yield made
    finally:
        server.kill()
        server.wait()
        log.close()


def await_server(url, server, folder) -> None:
    for _ in range(300):
        assert server.poll() is None, (folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def version_folder(service: Service, name: str, predictions: bytes) -> Path:
    folder = service.folder / f"version-{name}"
    folder.mkdir()
    (folder / "manifest.yaml").write_bytes(manifest_yaml(name))
    (folder / "model.skops").write_bytes(f"model {name}".encode())
    (folder / "predictions.csv").write_bytes(predictions)
    return folder


def test_the_main_job(service):
    prepare(service)
    deny_what_is_unfair(service)
    wait_for_people_then_allow(service)
    promote_and_verify(service)


def prepare(service: Service) -> None:
    """Use case, roles and policy, by API."""
    service.call("edsger", "POST", "/use-cases", {
        "slug": "mortgage-underwriting", "name": "Mortgage underwriting", "objective": "Decide consistently.",
        "kpis": ["default rate under 2 %"], "affected_people": "Applicants", "risk_tier": "high", "owner": "tony",
    })  # fmt: skip
    for who, role in (
        ("bot", "developer"),
        ("grace", "validator"),
        ("edsger", "compliance-officer"),
        ("ada", "auditor"),
    ):
        service.call("tony", "POST", "/use-cases/mortgage-underwriting/roles", {"username": who, "role": role})
    service.call("edsger", "POST", "/policies", POLICY, "application/yaml")


def deny_what_is_unfair(service: Service) -> None:
    folder = version_folder(service, "1", predictions_csv(ratio=0.6))
    submitted = service.client("submit", "manifest.yaml", cwd=folder)
    assert submitted.returncode == 0, submitted.stderr
    assert "mortgage-approval@1 registered" in submitted.stdout
    again = service.client("submit", "manifest.yaml", cwd=folder)
    assert (again.returncode, "already registered" in again.stdout) == (0, True)

    denied = service.client("gate", "check", "mortgage-approval@1", "--env", "production", "--wait", "100s")
    assert denied.returncode == 1, denied.stderr
    assert "impact-ratio" in denied.stdout
    refused = service.client("promote", "mortgage-approval@1", "--env", "production")
    assert refused.returncode == 1
    assert service.client("gate", "check", "mortgage-approval@1", "--env", "nowhere").returncode == 1
    assert service.client("gate", "check", "mortgage-approval@1", "--env", "production", who="cs_wrong").returncode == 4
    assert service.client("gate", "check", "mortgage-approval").returncode == 2
    lost = service.client(
        "gate", "check", "mortgage-approval@1", "--env", "production", COUNTERSIGN_URL="http://127.0.0.1:9"
    )
    assert lost.returncode == 4

    (folder / "model.skops").write_bytes(b"another model")
    conflict = service.client("submit", "manifest.yaml", cwd=folder)
    assert conflict.returncode == 1
    assert "another manifest" in conflict.stderr


def wait_for_people_then_allow(service: Service) -> None:
    folder = version_folder(service, "2", predictions_csv(seed=2))
    assert service.client("submit", "manifest.yaml", cwd=folder).returncode == 0
    ask = ("gate", "check", "mortgage-approval@2", "--env", "production")
    for _ in range(100):
        asked = service.client(*ask, "--format", "json")
        assert asked.returncode == 3, asked.stdout + asked.stderr
        if json.loads(asked.stdout)["waiting_for"] == ["sign-off"]:
            break
        time.sleep(0.3)
    else:
        raise AssertionError("the evaluations did not finish")
    for who in ("tony", "grace", "edsger"):
        assert service.client(*ask).returncode == 3
        assert service.client("promote", "mortgage-approval@2", "--env", "production").returncode == 1
        service.sign(who)
    assert service.client(*ask).returncode == 0


def promote_and_verify(service: Service) -> None:
    for _ in range(2):
        promoted = service.client("promote", "mortgage-approval@2", "--env", "production")
        assert promoted.returncode == 0, promoted.stderr
    assert service.client("rollback", "mortgage-approval", "--env", "production").returncode == 1

    out = service.folder / "out"
    exported = service.client("export", "mortgage-approval@2", "-o", out, "--wait", "100s", who="edsger")
    assert exported.returncode == 0, exported.stderr
    assert {path.name for path in out.iterdir()} >= SEVEN
    assert (out / "dossier.pdf").read_bytes().startswith(b"%PDF-")
    verify_attestation(service, out)
    verify_ledger(service, out)


def offline(service: Service, *arguments):
    """The verifier that was fetched, without the server's packages on the path."""
    return python("-I", service.folder / "countersign_verify.py", *arguments, cwd=service.folder)


def verify_attestation(service: Service, out: Path) -> None:
    digest = service.call("bot", "GET", "/versions/mortgage-approval/2")["sha256"]
    proof = ("attestation", out / "attestation.dsse.json", "--key", out / "verification.pem")
    good = offline(service, *proof, "--subject", f"sha256:{digest}", "--env", "production")
    assert good.returncode == 0, good.stderr
    other = service.call("bot", "GET", "/versions/mortgage-approval/1")["sha256"]
    for wrong in (
        ("--subject", f"sha256:{digest}", "--env", "staging"),
        ("--subject", f"sha256:{other}", "--env", "production"),
    ):
        assert offline(service, *proof, *wrong).returncode == 1


def verify_ledger(service: Service, out: Path) -> None:
    ledger, lines = out / "ledger.jsonl", (out / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    question = ("--checkpoint", out / "checkpoint.txt", "--key", out / "verification.pem")
    good = offline(service, "ledger", ledger, *question)
    assert good.returncode == 0, good.stderr
    for name in (
        b"version.registered",
        b"evaluation.succeeded",
        b"gate.decided",
        b"sign_off.recorded",
        b"version.promoted",
    ):
        assert any(b'"action":"' + name + b'"' in line for line in lines), name
    changed = service.folder / "changed.jsonl"
    for seq in (1, len(lines) // 2, len(lines)):
        line = bytearray(lines[seq - 1])
        line[len(line) // 2] ^= 1
        changed.write_bytes(b"".join([*lines[: seq - 1], bytes(line), *lines[seq:]]))
        bad = offline(service, "ledger", changed, *question)
        assert bad.returncode == 1
        assert f"first bad entry {seq}:" in bad.stderr

"""What machines fetch without signing in: probes, metrics, client and verifier."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.template.loader import render_to_string

import countersign_verify
from audits.model_execution import try_model_execution
from audits.sandbox.probe import Probe
from governance.page_selectors.evidence import EvidencePart
from governance.templatetags.sandbox import why_not_run
from registry.signing_key import verification_pem
from tests.scenario import predictions_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.mark.parametrize("address", ["/health/live", "/health/ready"])
def test_probes_answer_without_signing_in(client, address):
    response = client.get(address)
    assert (response.status_code, response.json()["status"]) == (200, "ok")
    assert client.post(address).status_code == 405


def test_not_ready_while_migrations_are_missing(client):
    recorded = MigrationRecorder(connection).migration_qs.filter(app="governance").order_by("id")
    recorded.filter(pk=recorded.last().pk).delete()
    response = client.get("/health/ready")
    assert (response.status_code, "migrate" in response.json()["status"]) == (503, True)
    assert client.get("/health/live").status_code == 200


def test_metrics_count_and_name_nobody(world, client):
    version = world.submit("1")
    world.submit("2", predictions=predictions_csv(ratio=0.6))
    world.approve(version)
    text = client.get("/metrics").content.decode()
    assert 'countersign_evaluations{status="succeeded"} 4.0' in text
    assert 'countersign_reviews{state="approved"} 1.0' in text
    assert "countersign_ledger_entries" in text
    for name in ("mortgage", "ada", "Lovelace", version.sha256[:12]):
        assert name not in text


def test_the_client_is_one_file_that_runs(client, tmp_path):
    data = client.get("/countersign.pyz").content
    assert zipfile.ZipFile(io.BytesIO(data[data.index(b"PK") :])).testzip() is None
    path = tmp_path / "countersign.pyz"
    path.write_bytes(data)
    ran = subprocess.run([sys.executable, "-I", str(path), "--help"], capture_output=True, text=True, check=False)
    assert (ran.returncode, "submit" in ran.stdout) == (0, True)


def test_the_verifier_is_the_file_of_the_repository(client):
    assert client.get("/countersign_verify.py").content == Path(countersign_verify.__file__).read_bytes()


def test_the_verification_key_is_public_and_the_signing_key_is_not(client):
    pem = client.get("/api/v1/keys/verification.pem").content
    assert pem == verification_pem()
    assert b"PUBLIC KEY" in pem
    assert b"PRIVATE" not in pem


def test_readiness_says_whether_models_can_be_run_and_does_not_fail_for_it(client, monkeypatch):
    """Nobody has tried at first; then a worker did."""
    assert client.get("/health/ready").json()["model_execution"]["works"] is None
    found = Probe(works=False, reason="bubblewrap is not installed (Debian: bubblewrap)")
    monkeypatch.setattr("audits.model_execution.probe", lambda fresh: found)
    try_model_execution()
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["model_execution"]) == (
        200,
        {"works": False, "reason": "bubblewrap is not installed (Debian: bubblewrap)"},
    )


def test_a_check_that_runs_models_says_where_none_can_be_run(monkeypatch):
    def part(key):
        return EvidencePart(key, key, [], None, [])

    assert why_not_run(part("rescoring")) == ""
    found = Probe(works=False, reason="no bubblewrap")
    monkeypatch.setattr("audits.model_execution.probe", lambda fresh: found)
    try_model_execution()
    assert (why_not_run(part("rescoring")), why_not_run(part("fairness"))) == ("no bubblewrap", "")
    page = SimpleNamespace(parts=[part("rescoring"), part("fairness")])
    shown = render_to_string("version/_evidence.html", {"page": page})
    assert shown.count("Models cannot be run here.") == 1
    assert "no bubblewrap" in shown

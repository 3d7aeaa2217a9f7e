"""What machines fetch without signing in: probes, metrics, client and verifier."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

import countersign_verify
from registry.signing_key import verification_pem
from tests.scenario import predictions_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("brisk")]


@pytest.mark.parametrize("address", ["/health/live", "/health/ready"])
def test_probes_answer_without_signing_in(client, address):
    response = client.get(address)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
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

"""Promoting, rolling back, and carrying the dossier home whole."""

from __future__ import annotations

import hashlib

import pytest

from governance import client
from tests.governance.client_stage import RULES, TOKEN, Answer, Clock, Stage

PROMOTE = ["promote", "mortgage-approval@2026.11.2", "--env", "production"]
ROLLBACK = ["rollback", "mortgage-approval", "--env", "production"]
ORDER = "/api/v1/versions/mortgage-approval/2026.11.2/dossier"
FILES = {"model-card.html": b"<h1>card</h1>", "dossier.pdf": b"%PDF" * 400_000, "evidence-1.json": b"{}"}


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    monkeypatch.setattr(client, "time", Clock())
    monkeypatch.setenv("COUNTERSIGN_URL", stage.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    yield stage
    stage.close()


def test_a_promotion_says_where_its_proof_is(stage, capsys):
    proof = {"id": "1", "attestation_url": "/api/v1/promotions/1/attestation", "attestation_sha256": "a" * 64}
    stage.answers("POST", "/api/v1/promotions", Answer(proof, 201))
    assert client.main(PROMOTE) == 0
    assert stage.asked[0].json == {"model": "mortgage-approval", "version": "2026.11.2", "environment": "production"}
    assert "Idempotency-Key" in stage.asked[0].headers
    assert f"attestation sha256:{'a' * 64}" in capsys.readouterr().out


def test_a_promotion_without_proof_is_no_success(stage):
    stage.answers("POST", "/api/v1/promotions", Answer({"id": "1", "attestation_url": None}, 201))
    assert client.main(PROMOTE) == 4


@pytest.mark.parametrize("command", [PROMOTE, ROLLBACK])
def test_a_refusal_gives_its_reasons(stage, capsys, command):
    problem = {"detail": "the gate denies", "rules": [RULES[1]], "reasons": ["validation has not signed"]}
    for path in ("/api/v1/promotions", "/api/v1/rollbacks"):
        stage.answers("POST", path, Answer(problem, 409))
    assert client.main(command) == 1
    told = capsys.readouterr().err
    for words in ("the gate denies", "impact-ratio", RULES[1]["fix"], "validation has not signed"):
        assert words in told


def test_a_rollback_says_what_runs_now(stage, capsys):
    stage.answers("POST", "/api/v1/rollbacks", Answer({"id": "2", "version": "2026.10.4"}, 201))
    assert client.main(ROLLBACK) == 0
    assert "mortgage-approval@2026.10.4" in capsys.readouterr().out


def dossier(stage, *, status="succeeded", **changes):
    files = [
        {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "url": f"/files/{name}"}
        for name, content in FILES.items()
    ]
    for name, content in FILES.items():
        stage.answers("GET", f"/files/{name}", Answer(content))
    stage.answers("POST", ORDER, Answer({"id": 7, "status": "queued", "progress": 0}, 202))
    waiting = [Answer({"status": "queued", "progress": 0}), Answer({"status": "running", "progress": 0.5})]
    stage.answers("GET", "/api/v1/dossiers/7", *waiting, Answer({"status": status, "files": files, **changes}))
    return files


def export(folder):
    return client.main(["export", "mortgage-approval@2026.11.2", "-o", str(folder)])


def test_every_file_of_the_dossier_comes_home(stage, tmp_path):
    dossier(stage)
    assert export(tmp_path / "a" / "b") == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "a" / "b").iterdir()} == FILES
    assert stage.asked[0].json == {"environment": "production"}


def test_a_download_that_breaks_is_begun_again(stage, tmp_path):
    dossier(stage)
    whole = FILES["dossier.pdf"]
    stage.answers("GET", "/files/dossier.pdf", Answer(whole[:1000], announced=len(whole)), Answer(whole))
    assert export(tmp_path) == 0
    assert (tmp_path / "dossier.pdf").read_bytes() == whole


def test_a_file_with_another_digest_is_never_left_behind(stage, tmp_path, capsys):
    dossier(stage)
    stage.answers("GET", "/files/dossier.pdf", Answer(b"%PDF but another"))
    assert export(tmp_path) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-card.html"]
    assert "dossier.pdf has digest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", ".bashrc", "a/b", "", "MODEL-card.html", "x\n", 5, None, ["a"]]
)
def test_a_file_name_cannot_leave_the_folder_or_hide(stage, tmp_path, name):
    files = dossier(stage)
    dossier(stage, files=[files[0], {**files[1], "name": name}])
    assert export(tmp_path) == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/x", "https://elsewhere.example.org/x", "file:///etc/passwd", "//elsewhere/x", None]
)
def test_the_token_goes_to_no_other_address(stage, tmp_path, url):
    files = dossier(stage)
    dossier(stage, files=[{**files[0], "url": url}])
    assert export(tmp_path) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_dossier_that_could_not_be_made_is_an_error(stage, tmp_path, capsys):
    dossier(stage, status="error", error="no font")
    assert export(tmp_path) == 4
    assert "no font" in capsys.readouterr().err


def test_a_dossier_without_files_is_an_error(stage, tmp_path):
    dossier(stage, files=[])
    assert export(tmp_path) == 4


def test_a_dossier_that_takes_too_long_is_pending(stage, tmp_path):
    stage.answers("POST", ORDER, Answer({"id": 7}, 202))
    stage.answers("GET", "/api/v1/dossiers/7", Answer({"status": "running"}))
    assert client.main(["export", "mortgage-approval@2026.11.2", "-o", str(tmp_path), "--wait", "5s"]) == 3

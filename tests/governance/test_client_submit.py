"""Submitting: what the server lacks is uploaded, once, and nothing that lies outside the manifest's folder."""

from __future__ import annotations

import hashlib
import json

import pytest

from governance import client
from tests.governance.client_stage import TOKEN, Answer, Clock, Stage

MANIFEST = "model: mortgage-approval\nversion: 2026.11.1\n# größer\n"
FILES = {"model.skops": b"weights", "data/predictions.parquet": b"PAR1" * 500_000, "again.skops": b"weights"}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    monkeypatch.setattr(client, "time", Clock())
    monkeypatch.setenv("COUNTERSIGN_URL", stage.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    yield stage
    stage.close()


@pytest.fixture
def manifest(stage, tmp_path):
    """A manifest with its files, and a server that knows the protocol and lacks everything."""
    for name, content in FILES.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path = tmp_path / "model" / "countersign.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    listed(stage, *FILES)
    stage.answers("POST", "/api/v1/artifacts/missing", lambda asked: Answer({"missing": asked.json["sha256"]}))

    def store(asked):
        return Answer({}, 201 if asked.path.endswith(sha(asked.body)) else 422)

    for content in FILES.values():
        stage.answers("PUT", f"/api/v1/artifacts/{sha(content)}", store)
    registered(stage, 201, created=True)
    return path


def listed(stage, *names):
    files = [{"path": name, "role": "model"} for name in names]
    stage.answers(
        "POST", "/api/v1/manifests", Answer({"model": "mortgage-approval", "version": "2026.11.1", "files": files})
    )


def registered(stage, status, **changes):
    version = {"model": "mortgage-approval", "version": "2026.11.1", "sha256": "e" * 64, "url": "/models/1"}
    plan = [{"kind": "fairness", "status": "queued"}]
    stage.answers("POST", "/api/v1/versions", Answer({**version, "evaluations": plan, **changes}, status))


def uploads(stage):
    return [asked for asked in stage.asked if asked.method == "PUT"]


def test_a_version_is_registered_with_its_files(stage, manifest, capsys):
    assert client.main(["submit", str(manifest)]) == 0
    read = stage.asked_of("/api/v1/manifests")[0]
    assert (read.body, read.headers["Content-Type"]) == (MANIFEST.encode(), "application/yaml")
    (registration,) = stage.asked_of("/api/v1/versions")
    assert registration.json == {"manifest": MANIFEST, "files": {name: sha(content) for name, content in FILES.items()}}
    assert "Idempotency-Key" in registration.headers
    shown = capsys.readouterr().out
    for words in ("mortgage-approval@2026.11.1 registered", f"sha256:{'e' * 64}", "/models/1", "fairness: queued"):
        assert words in shown


def test_equal_files_are_uploaded_once_whole_and_as_bytes(stage, manifest):
    client.main(["submit", str(manifest)])
    assert sorted(asked.body for asked in uploads(stage)) == sorted(set(FILES.values()))
    assert {asked.headers["Content-Type"] for asked in uploads(stage)} == {"application/octet-stream"}


def test_what_the_server_has_is_not_sent_again(stage, manifest, capsys):
    stage.answers("POST", "/api/v1/artifacts/missing", Answer({"missing": []}))
    registered(stage, 200, created=False)
    assert client.main(["submit", str(manifest)]) == 0
    assert uploads(stage) == []
    assert "already registered" in capsys.readouterr().out


def test_an_upload_that_breaks_is_begun_again(stage, manifest):
    digest = sha(b"weights")
    stage.answers("PUT", f"/api/v1/artifacts/{digest}", Answer(b"", 503), lambda asked: Answer({}, 201))
    assert client.main(["submit", str(manifest)]) == 0
    assert [asked.body for asked in uploads(stage) if asked.path.endswith(digest)] == [b"weights", b"weights"]


def test_a_file_that_changes_under_way_is_reported(stage, manifest, capsys):
    stage.answers("PUT", f"/api/v1/artifacts/{sha(b'weights')}", Answer({"detail": "the digest differs"}, 422))
    assert client.main(["submit", str(manifest)]) == 2
    assert "the digest differs" in capsys.readouterr().err
    assert stage.asked_of("/api/v1/versions") == []


def test_another_manifest_under_a_known_name_is_refused(stage, manifest, capsys):
    stage.answers("POST", "/api/v1/versions", Answer({"detail": "2026.11.1 is known with another manifest"}, 409))
    assert client.main(["submit", str(manifest)]) == 1
    assert "known with another manifest" in capsys.readouterr().err


def test_every_file_that_is_not_there_is_named(stage, manifest, capsys):
    listed(stage, "model.skops", "gone.skops", "lost.csv")
    assert client.main(["submit", str(manifest)]) == 2
    told = capsys.readouterr().err
    assert "gone.skops is not there" in told
    assert "lost.csv is not there" in told
    assert len(stage.asked) == 1


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "data/../../secret", "link/secret", "."])
def test_nothing_outside_the_folder_is_read(stage, manifest, tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    (manifest.parent / "link").symlink_to(tmp_path)
    listed(stage, name)
    assert client.main(["submit", str(manifest)]) == 2
    assert len(stage.asked) == 1


def test_a_server_cannot_ask_for_what_was_not_offered(stage, manifest):
    stage.answers("POST", "/api/v1/artifacts/missing", Answer({"missing": ["f" * 64]}))
    assert client.main(["submit", str(manifest)]) == 4
    assert uploads(stage) == []


@pytest.mark.parametrize("answer", [{}, {"files": "model.skops"}, {"files": [{"role": "model"}]}, {"files": [3]}])
def test_a_manifest_read_without_files_is_no_success(stage, manifest, answer):
    stage.answers("POST", "/api/v1/manifests", Answer(answer))
    assert client.main(["submit", str(manifest)]) == 4


def test_half_a_registration_is_no_success(stage, manifest):
    stage.answers("POST", "/api/v1/versions", Answer({"model": "mortgage-approval"}, 201))
    assert client.main(["submit", str(manifest)]) == 4


def test_a_manifest_that_is_not_there_or_not_utf8_is_a_mistake(stage, manifest, tmp_path, capsys):
    assert client.main(["submit", str(tmp_path / "none.yaml")]) == 2
    manifest.write_bytes("model: größer".encode("latin-1"))
    assert client.main(["submit", str(manifest)]) == 2
    assert "not UTF-8" in capsys.readouterr().err


def test_json_for_scripts(stage, manifest, capsys):
    assert client.main(["submit", str(manifest), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == "e" * 64

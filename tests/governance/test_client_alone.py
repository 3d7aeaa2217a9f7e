"""The client as a CI job gets it: one file, or one archive, and a Python with nothing installed."""

from __future__ import annotations

import ast
import io
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from governance import cli, client, pyz
from tests.governance.client_stage import TOKEN, Answer, Stage, decision

SOURCE = Path(client.__file__)
PROJECT = SOURCE.parent.parent / "pyproject.toml"
BARE = [sys.executable, "-I", "-S"]
CHECK = ["gate", "check", "mortgage-approval@2026.11.1", "--env", "production"]


def run(*command, folder, environment=None):
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=environment or {}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def alone(tmp_path):
    """The client's file by itself in an empty folder."""
    return Path(shutil.copy(SOURCE, tmp_path / "alone.py"))


@pytest.fixture
def archive(tmp_path):
    """The archive as it is served."""
    path = tmp_path / "countersign.pyz"
    path.write_bytes(pyz.client_pyz())
    return path


def test_the_file_needs_nothing_but_the_standard_library(alone):
    listing = "import json, sys, alone; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    script = f"import sys; sys.path.insert(0, {str(alone.parent)!r}); {listing}"
    done = run(*BARE, "-c", script, folder=alone.parent)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) - set(sys.stdlib_module_names) == {"__main__", "alone"} - set(
        sys.stdlib_module_names
    )


def test_it_is_written_in_the_python_of_older_ci_machines():
    assert ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 9)).body


def test_it_starts_in_a_tenth_of_a_second(alone):
    script = f"import sys, time; sys.path.insert(0, {str(alone.parent)!r}); t = time.perf_counter(); import alone; print(time.perf_counter() - t)"
    times = [float(run(*BARE, "-c", script, folder=alone.parent).stdout) for _ in range(5)]
    assert min(times) < 0.15


def test_the_command_line_loads_no_heavy_library():
    script = "import json, sys, governance.cli; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = run(sys.executable, "-c", script, folder=PROJECT.parent)
    loaded = set(json.loads(done.stdout))
    assert "governance" in loaded
    assert not loaded & {
        "django",
        "numpy",
        "pandas",
        "sklearn",
        "scipy",
        "fairlearn",
        "shap",
        "matplotlib",
        "weasyprint",
        "pyarrow",
    }


def test_the_archive_decides_like_the_file(archive):
    stage = Stage()
    try:
        stage.answers("POST", "/api/v1/gates/production/decisions", Answer(decision("deny")))
        environment = {"COUNTERSIGN_URL": stage.url, "COUNTERSIGN_TOKEN": TOKEN, "PYTHONIOENCODING": "ascii"}
        done = run(sys.executable, "-S", archive, *CHECK, folder=archive.parent, environment=environment)
    finally:
        stage.close()
    assert done.returncode == 1, done.stderr
    assert "impact-ratio" in done.stdout


def test_the_archive_holds_the_sources_themselves_and_is_the_same_every_time(archive):
    with zipfile.ZipFile(archive) as bundle:
        assert bundle.read("__main__.py") == SOURCE.read_bytes()
        assert sorted(bundle.namelist()) == ["__main__.py", "countersign_verify.py"]
    pyz.client_pyz.cache_clear()
    assert pyz.client_pyz() == archive.read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(archive.read_bytes()))


def test_the_archive_verifies_offline(archive):
    done = run(
        sys.executable,
        archive,
        "verify",
        "ledger",
        "none.jsonl",
        "--checkpoint",
        "none",
        "--key",
        "none",
        folder=archive.parent,
    )
    assert done.returncode == 2
    assert "none" in done.stderr + done.stdout
    assert "COUNTERSIGN_URL" not in done.stderr


def test_verification_without_cryptography_says_what_is_missing(archive):
    done = run(
        sys.executable, "-S", archive, "verify", "ledger", "l", "--checkpoint", "c", "--key", "k", folder=archive.parent
    )
    assert done.returncode == 2
    assert "cryptography" in done.stderr
    assert "Traceback" not in done.stderr


def test_verification_by_the_file_alone_says_where_the_verifier_is(alone):
    done = run(*BARE, alone, "verify", "ledger", folder=alone.parent)
    assert done.returncode == 2
    assert "countersign.pyz" in done.stderr


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in (
        "submit",
        "gate",
        "promote",
        "rollback",
        "export",
        "verify",
        "evaluate",
        "policy",
        "COUNTERSIGN_TOKEN",
    ):
        assert word in shown


def test_the_client_has_the_version_of_the_project(capsys):
    assert client.main(["--version"]) == 0
    version = tomllib.loads(PROJECT.read_text())["project"]["version"]
    assert capsys.readouterr().out == f"countersign {version}\n"


@pytest.mark.parametrize("word", ["evaluate", "policy"])
def test_the_local_half_is_reached_through_the_same_command(word):
    done = run(sys.executable, "-m", "governance.cli", word, "--help", folder=PROJECT.parent)
    assert done.returncode == 0, done.stderr
    assert f"countersign {word}" in done.stdout

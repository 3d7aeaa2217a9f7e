"""The one settings file: production starts with everything it needs, or says what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry import keys

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = {
    "COUNTERSIGN_SECRET_KEY": "x7" * 30 + "-mixed-Characters-and-$ymbols",
    "COUNTERSIGN_URL": "https://countersign.bank.example",
    "COUNTERSIGN_SIGNING_KEY_FILE": "signing.pem",
    "COUNTERSIGN_CHECKPOINT_DIR": "checkpoints",
    "DATABASE_URL": "sqlite:///production.sqlite3",
}


def manage(
    tmp_path, *arguments: str, without: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` in production, in a folder of its own."""
    key = tmp_path / "signing.pem"
    if not key.exists():
        key.write_bytes(keys.generate_private_pem())
        key.chmod(0o600)
    settings = {name: value for name, value in REQUIRED.items() if name not in without}
    for name in ("COUNTERSIGN_SIGNING_KEY_FILE", "COUNTERSIGN_CHECKPOINT_DIR"):
        if name in settings:
            settings[name] = str(tmp_path / settings[name])
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "COUNTERSIGN_ENV": "production",
            "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
            **settings,
            **environment,
        },
    )


def test_production_checks_without_a_warning(tmp_path):
    (tmp_path / "data" / "static").mkdir(parents=True)
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.parametrize("name", REQUIRED)
def test_production_names_what_is_missing(tmp_path, name):
    done = manage(tmp_path, "check", without=(name,))
    assert done.returncode != 0
    assert f"needs these environment variables: {name}" in done.stderr


def test_production_names_everything_that_is_missing_at_once(tmp_path):
    done = manage(tmp_path, "check", without=tuple(REQUIRED))
    assert all(name in done.stderr for name in REQUIRED)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("COUNTERSIGN_SECRET_KEY", "short", "at least 50 characters"),
        ("COUNTERSIGN_URL", "http://countersign.bank.example", "must begin with https://"),
        ("COUNTERSIGN_ENV", "staging", "must be development, production or test"),
    ],
)
def test_production_refuses_weak_settings(tmp_path, name, value, message):
    done = manage(tmp_path, "check", **{name: value})
    assert done.returncode != 0
    assert message in done.stderr


def test_production_makes_no_key_of_its_own(tmp_path):
    manage(tmp_path, "migrate")
    (tmp_path / "signing.pem").unlink()
    (tmp_path / "elsewhere").mkdir()
    done = manage(tmp_path, "make_checkpoint", COUNTERSIGN_SIGNING_KEY_FILE=str(tmp_path / "elsewhere" / "none.pem"))
    assert done.returncode != 0
    assert "none.pem" in done.stderr
    assert not (tmp_path / "elsewhere" / "none.pem").exists()

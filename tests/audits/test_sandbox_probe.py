"""A sandbox that cannot be made, or whose walls do not hold, is found out before a model is run in it."""

import io
from dataclasses import replace

import pytest
from django.core.management import call_command

from audits.model_execution import model_execution
from audits.sandbox import enclosure
from audits.sandbox import probe as probing
from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.limits import Limits
from audits.sandbox.probe import EXPECTED, Probe, judged, probe
from audits.sandbox.process import walls_of
from audits.sandbox.session import open_session
from audits.sandbox.settings import Settings, settings_of
from registry.errors import InvalidInput


@pytest.fixture
def kept(monkeypatch):
    """What this process found out stays as it was for other tests."""
    monkeypatch.setattr(probing._Kept, "probe", probing._Kept.probe)


def test_every_wall_is_tried():
    found = probe()
    if not found.works:
        pytest.skip(f"no sandbox works here: {found.reason}")
    assert [check.name for check in found.checks] == list(EXPECTED)


def test_a_wall_that_does_not_hold_is_named():
    answers = dict.fromkeys(EXPECTED, "") | {"network": "it opens a socket of family 2"}
    found = judged(answers)
    assert (found.works, "network: it opens a socket of family 2" in found.reason) == (False, True)


@pytest.mark.parametrize("left_out", EXPECTED)
def test_a_wall_that_was_not_tried_does_not_hold(left_out):
    answers = {name: "" for name in EXPECTED if name != left_out}
    assert judged(answers).works is False


def test_without_bubblewrap(monkeypatch, kept):
    def none():
        raise SandboxUnavailable("bubblewrap is not installed (Debian: bubblewrap)")

    monkeypatch.setattr(enclosure, "_bubblewrap", none)
    assert probe(fresh=True) == Probe(works=False, reason="bubblewrap is not installed (Debian: bubblewrap)")


def test_bubblewrap_that_is_not_let(monkeypatch, kept, tmp_path):
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(enclosure, "_bubblewrap", lambda: str(refusing))
    found = probe(fresh=True)
    assert (found.works, "No permissions to create new namespace" in found.reason) == (False, True)


def test_walls_that_cannot_be_raised(monkeypatch, kept):
    """A filter that the kernel does not take: nothing is run, and it is no fault of a model."""
    monkeypatch.setattr("audits.sandbox.process.system_call_filter", lambda: "AAAA")
    found = probe(fresh=True)
    assert (found.works, "walls" in found.reason) == (False, True)


def test_without_libseccomp(monkeypatch, kept):
    def none():
        raise SandboxUnavailable("libseccomp is missing (Debian: libseccomp2)")

    monkeypatch.setattr("audits.sandbox.process.system_call_filter", none)
    assert "libseccomp2" in probe(fresh=True).reason


def test_a_service_that_is_root_never_runs_as_root(monkeypatch):
    monkeypatch.setattr("audits.sandbox.process.as_root", lambda: True)
    users = {walls_of("echo", Limits(), Settings(first_user=61_000, last_user=61_999))["user"] for _ in range(50)}
    assert users <= set(range(61_000, 62_000))
    assert len(users) > 30


def test_the_command_says_what_held(monkeypatch, kept, settings):
    out = io.StringIO()
    monkeypatch.setattr("audits.model_execution.probe", lambda fresh: judged(dict.fromkeys(EXPECTED, "")))
    call_command("probe_sandbox", stdout=out)
    assert "holds  network" in out.getvalue()
    assert model_execution().works is True


def test_the_command_fails_where_models_cannot_be_run(monkeypatch, kept, settings):
    out = io.StringIO()
    monkeypatch.setattr("audits.model_execution.probe", lambda fresh: judged({}))
    with pytest.raises(SystemExit) as ended:
        call_command("probe_sandbox", stdout=out)
    assert ended.value.code == 1
    assert "FAILS  network: it was not tried" in out.getvalue()
    assert model_execution().works is False


def test_settings_come_from_the_environment():
    given = {
        "COUNTERSIGN_SANDBOX_MEMORY_MB": "512",
        "COUNTERSIGN_SANDBOX_SCRATCH_MB": "64",
        "COUNTERSIGN_SANDBOX_CPU_SECONDS": "30",
        "COUNTERSIGN_SANDBOX_WALL_SECONDS": "40",
        "COUNTERSIGN_SANDBOX_PROCESSES": "8",
        "COUNTERSIGN_SANDBOX_THREADS": "4",
        "COUNTERSIGN_SANDBOX_USERS": "70000-70009",
        "COUNTERSIGN_SANDBOX": "off",
    }
    expected = replace(
        Limits(), memory_bytes=512 << 20, scratch_bytes=64 << 20, cpu_seconds=30, wall_seconds=40, processes=8
    )
    found = settings_of(given)
    assert found == Settings(limits=expected, threads=4, first_user=70_000, last_user=70_009, off=True)
    assert settings_of({}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEMORY_MB", "0"),
        ("MEMORY_MB", "-1"),
        ("CPU_SECONDS", "1.5"),
        ("PROCESSES", "many"),
        ("USERS", "0-10"),
        ("USERS", "9-5"),
        ("USERS", "50000"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(name, value):
    with pytest.raises(InvalidInput) as refused:
        settings_of({f"COUNTERSIGN_SANDBOX_{name}": value})
    assert refused.value.field == f"COUNTERSIGN_SANDBOX_{name}"


def test_settings_that_make_no_sense_switch_it_off(monkeypatch, kept):
    monkeypatch.setattr(probing, "settings", lambda: settings_of({"COUNTERSIGN_SANDBOX_MEMORY_MB": "much"}))
    assert probe(fresh=True).reason.startswith("COUNTERSIGN_SANDBOX_MEMORY_MB is 'much'")


def test_switched_off(monkeypatch, kept):
    monkeypatch.setattr(probing, "settings", lambda: Settings(off=True))
    assert "switched off" in probe(fresh=True).reason
    with pytest.raises(SandboxUnavailable), open_session({}, setup={}):
        pass

"""Submitted code tries to get out of the sandbox, one attempt a test; all that leave it alive are made in one sandbox."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from audits.sandbox.limits import Limits
from audits.sandbox.probe import probe
from audits.sandbox.script import run_script
from audits.sandbox.session import open_session

MIB = 1024 * 1024
CHECKOUT = Path(__file__).parents[2]
ATTEMPTS = CHECKOUT / "tests/audits/escapes/attempts.py"
FILES = {path.name: path for path in ATTEMPTS.parent.glob("*.py") if path.name not in ("__init__.py", "load_models.py")}
LIMITS = Limits(
    memory_bytes=1024 * MIB,
    cpu_seconds=30,
    wall_seconds=40.0,
    processes=24,
    open_files=64,
    file_bytes=4 * MIB,
    scratch_bytes=64 * MIB,
)
NAMES = [
    line.removeprefix("def ").split("(")[0]
    for path in FILES.values()
    for before, line in pairwise(path.read_text().splitlines())
    if before == "@attempt"
]

pytestmark = [
    pytest.mark.skipif(not probe().works, reason=f"no sandbox works here: {probe().reason}"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the attempts know the system calls of x86-64 only"),
]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """What the attempts are after: a service that listens, its files, its process."""
    folder = tmp_path_factory.mktemp("service")
    for name in ("secret", "signing.pem", "countersign.sqlite3"):
        (folder / name).write_text("nobody may read this")
        (folder / name).chmod(0o644)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix, abstract = (
            stack.enter_context(socket.socket(socket.AF_UNIX)),
            stack.enter_context(socket.socket(socket.AF_UNIX)),
        )
        unix.bind(str(folder / "socket"))
        abstract.bind(f"\0countersign-escape-{os.getpid()}")
        for listening in (unix, abstract):
            listening.listen()
        yield {
            "port": tcp.getsockname()[1],
            "unix": str(folder / "socket"),
            "abstract": f"countersign-escape-{os.getpid()}",
            "secret": str(folder / "secret"),
            "signing_key": str(folder / "signing.pem"),
            "database": str(folder / "countersign.sqlite3"),
            "checkout": str(CHECKOUT),
            "service": os.getpid(),
            "input": "/tmp/work/data.csv",
            "memory_bytes": LIMITS.memory_bytes,
            "file_bytes": LIMITS.file_bytes,
            "open_files": LIMITS.open_files,
            "processes": LIMITS.processes,
        }


@pytest.fixture(scope="module")
def outcome(target, tmp_path_factory):
    """All attempts, made behind the walls while another sandbox with files of its own runs."""
    data = tmp_path_factory.mktemp("inputs") / "data.csv"
    data.write_text("a,b\n1,2\n")
    os.environ["COUNTERSIGN_SECRET_OF_THE_SERVICE"] = "nobody may read this"
    began = time.monotonic()
    try:
        with (
            open_session({"other": data}, setup={}, program="echo"),
            run_script(
                "attempts.py",
                files={**FILES, "data.csv": data},
                arguments=[json.dumps(target), "found.json"],
                outputs=["found.json"],
                limits=LIMITS,
            ) as result,
        ):
            assert result.exit_code == 0, result.log
            found = json.loads(result.outputs["found.json"].read_text())
    finally:
        del os.environ["COUNTERSIGN_SECRET_OF_THE_SERVICE"]
    assert time.monotonic() - began <= LIMITS.wall_seconds + 2
    return found


@pytest.mark.parametrize("name", NAMES)
def test_nothing_gets_out(outcome, name):
    assert (outcome[name]["out"], outcome[name]["refused"]) == (False, True), outcome[name]["words"]


def test_the_attempts_get_somewhere_without_walls(target, tmp_path):
    """Otherwise they would prove nothing."""
    harmless = [
        "tcp", "udp", "unix_socket", "abstract_socket", "pair_of_sockets", "passwords", "a_file_of_the_service",
        "the_signing_key", "the_database", "the_checkout", "environment_of_the_service", "environment_of_the_first_process",
        "kernel_settings", "devices_of_the_machine", "a_file_in_memory", "fork", "program", "spawn", "process_by_clone3",
        "signal_the_service", "performance_counters", "shared_memory_of_system_v", "personality", "stay_when_the_parent_dies",
        "many_threads",
    ]  # fmt: skip
    found = tmp_path / "found.json"
    subprocess.run(
        [sys.executable, ATTEMPTS, json.dumps(target | {"only": harmless}), found],
        env={"COUNTERSIGN_SECRET": "x"},
        check=True,
        cwd=tmp_path,
    )
    outcome = json.loads(found.read_text())
    # Which of them root may make differs from machine to machine (containers); most succeed everywhere.
    refused = {name: came["words"] for name, came in outcome.items() if not came["out"]}
    assert len(outcome) == len(harmless)
    assert set(refused) <= {
        "performance_counters",
        "environment_of_the_first_process",
        "personality",
        "process_by_clone3",
    }, refused


def test_the_walls_hold_for_a_service_that_is_not_root(tmp_path_factory):
    """Bubblewrap then makes a user namespace, and no further one can be made inside."""
    python = _python_of_everybody()
    if os.geteuid() != 0 or python is None:
        pytest.skip(
            "not root, so this is what all other tests do" if os.geteuid() else "no Python that everybody may run"
        )
    driver = "import json; from audits.sandbox.probe import probe; found = probe(); print(json.dumps([found.works, found.reason]))"
    answer = subprocess.run([*python, "-c", driver], check=True, capture_output=True, text=True, cwd="/")
    assert json.loads(answer.stdout) == [True, ""]


def _python_of_everybody():
    """A command that runs Python with our packages as a user without rights, if there is such."""
    import pyarrow as pa

    setpriv, packages = shutil.which("setpriv"), Path(pa.__file__).parent.parent
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        command = [
            setpriv or "setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin",
            f"PYTHONPATH={CHECKOUT}:{packages}", python, "-B",
        ]  # fmt: skip
        if (
            setpriv
            and subprocess.run(
                [*command, "-c", "import pyarrow.lib, audits.sandbox"], check=False, capture_output=True, cwd="/"
            ).returncode
            == 0
        ):
            return command
    return None

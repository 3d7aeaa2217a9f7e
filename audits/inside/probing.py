"""Tries, from inside, what must not work: run before any model is, so that walls that do not hold are found out."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.inside.walls import filter_system_calls

if TYPE_CHECKING:
    import pyarrow as pa

_NEW_USER_NAMESPACE = 0x10000000


def load(setup: dict[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to try: a host file that must not be seen, and the limits that must hold."""
    return setup, {}


def probe(
    state: dict[str, Any], arguments: dict[str, Any], batches: Iterator[pa.RecordBatch] | None
) -> tuple[dict[str, str], None]:
    """``{what was tried: what happened where it should not have}``, empty words where the wall held."""
    tries: dict[str, Callable[[], str]] = {
        "user": _user,
        "root again": _root,
        "environment": lambda: _environment(state["variables"]),
        "host files": lambda: _host_file(state["file"]),
        "processes of the host": _host_processes,
        "writing": _write,
        "network": _network,
        "another process": _process,
        "another program": _program,
        "a user namespace": _namespace,
        "the filter": lambda: _filter(state),
        "threads": lambda: _threads(state["processes"]),
        "memory": lambda: _memory(state["memory_bytes"]),
        "scratch space": lambda: _scratch(state["scratch_bytes"]),
    }
    return {name: attempt() for name, attempt in tries.items()}, None


def _user() -> str:
    return "it runs as root" if 0 in (*os.getresuid(), *os.getresgid()) else ""


def _root() -> str:
    return _must_fail(lambda: os.setuid(0), "it became root")


def _environment(variables: list[str]) -> str:
    seen = sorted(set(variables) & set(os.environ))
    return f"it sees the variables {seen} of the service" if seen else ""


def _host_file(path: str) -> str:
    return _must_fail(lambda: Path(path).read_bytes(), f"it reads {path}")


def _host_processes() -> str:
    return "it sees processes" if Path("/proc/1").exists() else ""


def _write() -> str:
    for place in ("/written", "/etc/written", "/model/written", "/sandbox/code/audits/inside/written", "/dev/written"):
        words = _must_fail(lambda place=place: Path(place).write_bytes(b"x"), f"it writes {place}")  # type: ignore[misc]
        if words:
            return words
    return ""


def _network() -> str:
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        words = _must_fail(lambda family=family: socket.socket(family), f"it opens a socket of family {family}")  # type: ignore[misc]
        if words:
            return words
    return ""


def _process() -> str:
    try:
        child = os.fork()
    except OSError:
        return ""
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "it starts processes"


def _program() -> str:
    try:
        os.execv("/sandbox/none", ["none"])  # noqa: S606 - what must not work
    except PermissionError:
        return ""
    except OSError as error:
        return f"it may start programs: {error.strerror}"


def _namespace() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    return "it makes a user namespace" if libc.unshare(_NEW_USER_NAMESPACE) == 0 else ""


def _filter(walls: dict[str, Any]) -> str:
    return _must_fail(lambda: filter_system_calls(walls), "it changes its filter")


def _threads(most: int) -> str:
    done = threading.Event()
    started = []
    try:
        for _ in range(most + 8):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return ""
    finally:
        done.set()
        for thread in started:
            thread.join()
    return f"it starts more than {most} threads"


def _memory(most: int) -> str:
    try:
        taken = bytearray(most)
    except MemoryError:
        return ""
    return f"it takes {len(taken)} bytes of memory"


def _scratch(most: int) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    paths = [Path(f"/tmp/{number}") for number in range(64)]  # noqa: S108 - the sandbox's own
    piece = bytes(most // 32)
    try:
        for path in paths:
            path.write_bytes(piece)
    except OSError:
        return ""
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    return f"it keeps more than {most} bytes"


def _must_fail(attempt: Callable[[], object], words: str) -> str:
    try:
        attempt()
    except OSError:
        return ""
    return words


OPERATIONS = {"probe": probe}

"""Runs a script that somebody submitted, in a process of its own, and hands out the files that it was to write.

The process that forks is trusted and stays behind the same walls; the script cannot start another, so when it ended nothing
of it is left. Files are opened part by part without following links.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import runpy
import site
import stat
import sys
from pathlib import PurePosixPath
from typing import Any

from audits.inside import wire
from audits.inside.walls import filter_system_calls

WORK = "/tmp/work"  # noqa: S108 - the sandbox's own scratch space
_PIECE = 1024 * 1024


def run(walls: dict[str, Any], incoming: int, outgoing: int) -> None:
    """Run ``walls["script"]`` and tell how it ended, what it wrote, and which packages it could see."""
    asked = walls["script"]
    starting, start = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (incoming, outgoing, start):
            os.close(descriptor)
        filter_system_calls(walls)
        # Not before the walls of whoever watches it stand.
        if os.read(starting, 1):
            os.close(starting)
            _become(asked)
        return
    filter_system_calls(walls)
    wire.write_frame(outgoing, wire.WALLS)
    os.write(start, b"!")
    _, status, usage = os.wait4(child, 0)
    folder = os.open(WORK, os.O_RDONLY | os.O_DIRECTORY)
    for name in asked["outputs"]:
        _hand_out(folder, name, asked["file_bytes"], outgoing)
    ended = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_bytes": usage.ru_maxrss * 1024,
        "python": platform.python_version(),
        "packages": {found.name: found.version for found in importlib.metadata.distributions() if found.name},
    }
    wire.write_frame(outgoing, wire.VALUES, wire.to_json(ended))


def _become(asked: dict[str, Any]) -> None:
    """Be the script: what it raises, and its exit code, are those of this process."""
    os.chdir(WORK)
    script = f"{WORK}/{asked['script']}"
    sys.argv = [script, *asked["arguments"]]
    sys.path.insert(0, str(PurePosixPath(script).parent))
    sys.path.remove(asked["code"])
    site.setquit()
    runpy.run_path(script, run_name="__main__")


def _hand_out(folder: int, name: str, most: int, outgoing: int) -> None:
    try:
        descriptor = _opened(folder, PurePosixPath(name).parts)
    except OSError as error:
        words = "it was not written" if isinstance(error, FileNotFoundError) else f"it cannot be read: {error.strerror}"
        wire.write_frame(outgoing, wire.SCHEMA, wire.to_json({"name": name, "refused": words}))
        return
    try:
        found = os.fstat(descriptor)
        words = _refused(found, most)
        if words:
            wire.write_frame(outgoing, wire.SCHEMA, wire.to_json({"name": name, "refused": words}))
            return
        wire.write_frame(outgoing, wire.SCHEMA, wire.to_json({"name": name, "size": found.st_size}))
        while piece := os.read(descriptor, _PIECE):
            wire.write_frame(outgoing, wire.FILE, piece)
    finally:
        os.close(descriptor)


def _opened(folder: int, parts: tuple[str, ...]) -> int:
    inner = os.dup(folder)
    try:
        for part in parts[:-1]:
            outer, inner = inner, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=inner)
            os.close(outer)
        # Without waiting: a pipe with that name would otherwise be waited for for ever.
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=inner)
    finally:
        os.close(inner)


def _refused(found: os.stat_result, most: int) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "it is no regular file"
    if found.st_nlink > 1:
        return "it has a second name (a hard link)"
    if found.st_size > most:
        return f"it is larger than the limit of {most} bytes"
    return ""

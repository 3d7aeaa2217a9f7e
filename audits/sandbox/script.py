"""Runs a submitted Python script behind the walls, and brings back what it wrote."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audits.inside import wire
from audits.sandbox.conversation import Conversation
from audits.sandbox.enclosure import CODE, SCRATCH
from audits.sandbox.endings import ending
from audits.sandbox.errors import ModelFailed
from audits.sandbox.limits import Limits
from audits.sandbox.probe import require_sandbox
from audits.sandbox.process import SandboxProcess
from audits.sandbox.session import copied, place_of
from audits.sandbox.settings import settings
from audits.scoring.model import Usage
from registry.errors import InvalidInput

WORK = f"{SCRATCH}/work"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_HASH_SEED = "PYTHONHASHSEED"
_MOST_HASH_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptResult:
    """What became of a script.

    Attributes
    ----------
    exit_code
        Negative: the signal that ended it.
    outputs
        Name to local file, of those that were asked for and written; gone when the context ends.
    refused
        Name to the reason, in words, of those that were not brought back.
    log
        The last lines that it printed, at most 2,000 bytes, without control characters.
    usage
        What it took.
    python, packages
        The version of Python, and of every package that it could import.
    seconds
        By the clock.
    """

    exit_code: int
    outputs: Mapping[str, Path]
    refused: Mapping[str, str]
    log: str
    usage: Usage
    python: str
    packages: Mapping[str, str]
    seconds: float


@contextlib.contextmanager
def run_script(
    script: str,
    *,
    files: Mapping[str, Path],
    arguments: Sequence[str] = (),
    outputs: Sequence[str] = (),
    limits: Limits,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Iterator[ScriptResult]:
    """Run one of the files as a Python script.

    It runs in a folder where the files lie by their names, read-only; it can write beside them. It can start threads and no
    processes, and sees no network.

    Parameters
    ----------
    script
        The name of one of ``files``.
    outputs
        Names of files that it writes: regular files, each at most ``limits.file_bytes``, all at most ``limits.output_bytes``.
    environment
        Variables for it: capital letters, none that change how programs are loaded.
    progress
        Called several times a second with the share of its time that passed; what it raises passes through and ends the
        script.

    Raises
    ------
    SandboxUnavailable
        If no sandbox works here.
    ModelFailed
        If it reached one of its limits; the message says which. A script that fails by itself gives a result with its
        exit code.
    InvalidInput
        If a name leads out of the folder, the script is none of the files, or a variable is not allowed.
    """
    require_sandbox()
    _check(script, files, outputs, environment or {})
    began = time.monotonic()

    def waiting() -> None:
        if progress is not None:
            progress(min((time.monotonic() - began) / limits.wall_seconds, 1.0), f"running {script}")

    asked = {
        "script": script,
        "arguments": list(arguments),
        "outputs": list(outputs),
        "file_bytes": limits.file_bytes,
        "code": CODE,
    }
    with copied(files) as folder, tempfile.TemporaryDirectory(prefix="countersign-written-") as written:
        process = SandboxProcess(
            "script",
            inputs=[(folder / name, f"{WORK}/{place_of(name)}") for name in files],
            limits=limits,
            settings=settings(),
            environment=environment,
            script=asked,
        )
        conversation = Conversation(process, waiting=waiting)
        try:
            conversation.expect_walls()
            received = _Received(conversation, Path(written), outputs)
            ended = received.until_the_end()
        finally:
            # Also where it went well: then it has ended, and what it printed is complete.
            conversation.close()
        yield _result(ended, received, process, time.monotonic() - began)


def _check(script: str, files: Mapping[str, Path], outputs: Sequence[str], environment: Mapping[str, str]) -> None:
    if script not in files:
        message = f"{script!r} is none of the files"
        raise InvalidInput(message, field="script")
    for name in outputs:
        if place_of(name) in {place_of(given) for given in files}:
            message = f"{name!r} is given to the script and cannot be what it writes"
            raise InvalidInput(message, field="outputs")
    for name, value in environment.items():
        loading = name.startswith(("LD_", "GLIBC_", "PYTHON")) and name != _HASH_SEED
        if not _VARIABLE.fullmatch(name) or loading or "\0" in value:
            message = f"the variable {name[:100]!r} cannot be set for a script"
            raise InvalidInput(message, field="environment")
    seed = environment.get(_HASH_SEED, "0")
    if not (seed.isascii() and seed.isdigit() and int(seed[:12]) <= _MOST_HASH_SEED):
        message = f"{_HASH_SEED} is a whole number from 0 to {_MOST_HASH_SEED}"
        raise InvalidInput(message, field="environment")


class _Received:
    """The files that come back, one after the other, and how the script ended."""

    def __init__(self, conversation: Conversation, folder: Path, outputs: Sequence[str]) -> None:
        self.outputs: dict[str, Path] = {}
        self.refused: dict[str, str] = {}
        self._conversation = conversation
        self._folder = folder
        self._awaited = list(outputs)

    def until_the_end(self) -> Mapping[str, Any]:
        while True:
            letter, content = self._conversation.next_frame()
            if letter == wire.VALUES:
                ended: Mapping[str, Any] = self._conversation.finish(content)
                return ended
            told = json.loads(content) if letter == wire.SCHEMA else {}
            if not self._awaited or told.get("name") != self._awaited.pop(0):
                self._conversation.fail("it handed out something else than was asked")
            if "refused" in told:
                self.refused[told["name"]] = told["refused"]
            else:
                self._store(told["name"], int(told["size"]))

    def _store(self, name: str, size: int) -> None:
        path = self._folder / str(len(self.outputs)) / place_of(name).name
        path.parent.mkdir()
        with path.open("wb") as file:
            while size > 0:
                letter, content = self._conversation.next_frame()
                size -= len(content)
                if letter != wire.FILE or not content or size < 0:
                    self._conversation.fail("it handed out another file than it said")
                file.write(content)
        self.outputs[name] = path


def _result(ended: Mapping[str, Any], received: _Received, process: SandboxProcess, seconds: float) -> ScriptResult:
    log = process.printed.tail()
    exit_code = int(ended["exit_code"])
    cpu_seconds, peak_memory_bytes = process.usage()
    cpu_seconds = max(cpu_seconds, float(ended["cpu_seconds"]))
    if exit_code < 0:
        words = ending(exit_code, process.limits, cpu_seconds, log)
        if "limit" in words or "killed" in words:
            raise ModelFailed(f"{words}; it printed: {log}" if log else words)
    return ScriptResult(
        exit_code=exit_code,
        outputs=received.outputs,
        refused=received.refused,
        log=log,
        usage=Usage(cpu_seconds=cpu_seconds, peak_memory_bytes=max(peak_memory_bytes, int(ended["peak_memory_bytes"]))),
        python=str(ended["python"]),
        packages=dict(ended["packages"]),
        seconds=seconds,
    )

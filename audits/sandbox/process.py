"""One sandboxed process: how it is started, what it takes, what it prints, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import secrets
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audits.inside import wire
from audits.sandbox.consumption import Consumption
from audits.sandbox.enclosure import as_root, command
from audits.sandbox.errors import SandboxUnavailable
from audits.sandbox.limits import Limits
from audits.sandbox.printed import Printed
from audits.sandbox.settings import Settings
from audits.sandbox.system_calls import system_call_filter

_STARTING_SECONDS = 30.0
_ENDING_SECONDS = 10.0


class SandboxProcess:
    """A process behind walls, with a pipe each way and one for what it prints.

    Parameters
    ----------
    program
        One of the programs of ``audits.inside.__main__``, or ``script``.
    inputs
        Files and folders, and where they lie inside.
    settings
        Of this service; its limits are those of ``limits``, if that is given.

    Raises
    ------
    SandboxUnavailable
        If no sandbox can be started here; the message says why.
    """

    def __init__(
        self,
        program: str,
        *,
        inputs: Sequence[tuple[Path, str]],
        limits: Limits,
        settings: Settings,
        environment: Mapping[str, str] | None = None,
        script: Mapping[str, Any] | None = None,
    ) -> None:
        walls = walls_of(program, limits, settings) | {"script": dict(script or {})}
        self.limits = limits
        self.exit_code: int | None = None
        self._ended = threading.Event()
        self._handle: int | None = None
        self._outermost: int | None = None
        self.consumption: Consumption | None = None
        incoming, self.outgoing = os.pipe()
        self.incoming, outgoing = os.pipe()
        printed, printing = os.pipe()
        told, telling = os.pipe()
        arguments = command(
            limits=limits, threads=settings.threads, inputs=inputs, environment=environment or {}, told=telling
        )
        started: queue.SimpleQueue[int | OSError] = queue.SimpleQueue()
        # The process dies with the thread that started it, so that thread does nothing but wait for it.
        self._keeper = threading.Thread(
            target=self._keep,
            args=(arguments, (incoming, outgoing, printing, telling), started),
            name="sandbox",
            daemon=True,
        )
        self._keeper.start()
        answer = started.get()
        for descriptor in (incoming, outgoing, printing, telling):
            os.close(descriptor)
        self.printed = Printed(printed, most=limits.output_bytes, on_excess=self.kill)
        if isinstance(answer, OSError):
            os.close(told)
            self.close()
            message = f"bubblewrap could not be started: {answer.strerror}"
            raise SandboxUnavailable(message)
        self._outermost = answer
        first = _process_told(told)
        if first is None:
            self._ended.wait(_ENDING_SECONDS)
            self.printed.wait()
            words = self.printed.tail() or f"bubblewrap ended with {self.exit_code}"
            self.close()
            message = f"bubblewrap could not make a sandbox here: {words}"
            raise SandboxUnavailable(message)
        self._handle = _handle_of(first)
        self.consumption = Consumption(first)
        # If it is gone already, whoever reads its answer is told why.
        with contextlib.suppress(BrokenPipeError):
            wire.write_frame(self.outgoing, wire.WALLS, wire.to_json(walls))

    def _keep(
        self, arguments: list[str], descriptors: tuple[int, int, int, int], started: queue.SimpleQueue[int | OSError]
    ) -> None:
        incoming, outgoing, printing, telling = descriptors
        try:
            process = subprocess.Popen(  # noqa: S603 - our own arguments
                arguments,
                stdin=incoming,
                stdout=outgoing,
                stderr=printing,
                pass_fds=(telling,),
                env={},
                cwd="/",
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.exit_code = process.returncode
        self._usage: resource.struct_rusage = usage
        self._ended.set()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return not self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        return self._ended.wait(seconds)

    def usage(self) -> tuple[float, int]:
        """Seconds of processor time and most bytes of memory so far, as the kernel counts them from outside."""
        if self.consumption is None:
            return 0.0, 0
        if self._ended.is_set():
            # Its memory is not taken from there: the kernel counts that of this process, before bubblewrap took its place.
            self.consumption.include(self._usage.ru_utime + self._usage.ru_stime)
        else:
            self.consumption.look()
            self.consumption.offer_to_the_killer()
        return self.consumption.cpu_seconds, self.consumption.peak_memory_bytes

    def close(self) -> None:
        """End it and all that it started, whatever it does."""
        if self.alive:
            self.usage()
        self.kill()
        for descriptor in (self.incoming, self.outgoing):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.incoming = self.outgoing = -1
        if self._outermost is not None:
            self._ended.wait(_ENDING_SECONDS)
            self._keeper.join(_ENDING_SECONDS)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self.printed.wait()

    def kill(self) -> None:
        """End it and all that it started, now."""
        # The first process of the namespace takes all others with it; the handle cannot mean another process by now.
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        if self._outermost is not None and not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._outermost, signal.SIGKILL)


def walls_of(program: str, limits: Limits, settings: Settings) -> dict[str, Any]:
    """What the beginning of a sandbox is told to shut itself in with."""
    user = None
    if as_root():
        # Another user for each, so that the processes of two sandboxes are not counted together.
        user = settings.first_user + secrets.randbelow(settings.last_user - settings.first_user + 1)
    return {
        "program": program,
        "user": user,
        "filter": system_call_filter(),
        "limits": {
            "RLIMIT_AS": limits.memory_bytes,
            "RLIMIT_CPU": limits.cpu_seconds,
            "RLIMIT_NPROC": limits.processes,
            "RLIMIT_NOFILE": limits.open_files,
            "RLIMIT_FSIZE": limits.file_bytes,
        },
    }


def _process_told(told: int) -> int | None:
    """The process id that bubblewrap says, or ``None`` if it ends without a word."""
    words = b""
    ready = select.poll()
    ready.register(told, select.POLLIN)
    try:
        while True:
            part = os.read(told, 4096) if ready.poll(_STARTING_SECONDS * 1000) else b""
            if not part:
                return None
            words += part
            with contextlib.suppress(ValueError):
                return int(json.loads(words)["child-pid"])
    finally:
        os.close(told)


def _handle_of(process: int) -> int | None:
    try:
        return os.pidfd_open(process)
    except OSError:
        # Gone already, or a kernel without such handles: then the end of bubblewrap ends it.
        return None

"""Why a sandboxed process ended without an answer, in words for people."""

from __future__ import annotations

import signal
from typing import Protocol

from audits.sandbox.limits import Limits
from audits.sandbox.printed import Printed

_MIB = 1024 * 1024
_MEMORY_WORDS = ("MemoryError", "bad_alloc", "Cannot allocate memory", "failed to map segment")


class Ended(Protocol):
    """What is asked of a process that ended."""

    limits: Limits
    printed: Printed
    exit_code: int | None

    def wait(self, seconds: float) -> bool:
        """Wait for its end."""

    def usage(self) -> tuple[float, int]:
        """Processor time and memory."""


def why_ended(process: Ended) -> str:
    """The limit that it reached, the signal that ended it, or the code that it ended with."""
    process.wait(2.0)
    cpu_seconds, _ = process.usage()
    process.printed.wait(1.0)
    if process.printed.too_much:
        return f"it printed more than its limit of {process.limits.output_bytes} bytes"
    return ending(process.exit_code, process.limits, cpu_seconds, process.printed.tail())


def ending(exit_code: int | None, limits: Limits, cpu_seconds: float, printed: str) -> str:
    """The same, from what is known of the end; a code above 128 stands for a signal."""
    number = 0 if exit_code is None else -exit_code if exit_code < 0 else max(exit_code - 128, 0)
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_seconds >= limits.cpu_seconds - 0.5):
        return f"it took more than its limit of {limits.cpu_seconds} seconds of processor time"
    if any(words in printed for words in _MEMORY_WORDS):
        return f"it wanted more than its limit of {limits.memory_bytes // _MIB} MiB of memory"
    if number == signal.SIGKILL:
        return "it was killed: by itself, or by a machine that has no more memory"
    if number == signal.SIGSYS:
        return "it made a system call that is not allowed"
    if number:
        return f"it was ended by signal {number} ({_name(number)})"
    return f"it ended with exit code {exit_code} before it had answered"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"

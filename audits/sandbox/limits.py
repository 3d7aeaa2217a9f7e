"""How much a model may take of the machine. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one sandboxed process. What reaches one of them is ended, and the error names it.

    Attributes
    ----------
    memory_bytes
        Address space that it may take.
    cpu_seconds
        Processor time, all threads together.
    wall_seconds
        Time by the clock, from the start of the process or of one question to its answer.
    processes
        Processes and threads.
    open_files
        File descriptors.
    file_bytes
        Size of one file that it writes.
    scratch_bytes
        All that it may keep in its scratch folder.
    output_bytes
        All that it may answer to one question.
    """

    memory_bytes: int = 4096 * _MIB
    cpu_seconds: int = 600
    wall_seconds: float = 600.0
    processes: int = 64
    open_files: int = 128
    file_bytes: int = 256 * _MIB
    scratch_bytes: int = 512 * _MIB
    output_bytes: int = 1024 * _MIB

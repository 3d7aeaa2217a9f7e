"""What a sandbox takes, seen from outside: what it says of itself need not be true."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Consumption:
    """Processor time and memory of the processes below one.

    Attributes
    ----------
    cpu_seconds, peak_memory_bytes
        The most that was seen so far; memory of one process.
    """

    def __init__(self, first: int) -> None:
        self.cpu_seconds = 0.0
        self.peak_memory_bytes = 0
        self._first = first
        self._spared: set[int] = set()

    def include(self, cpu_seconds: float, memory_bytes: int = 0) -> None:
        """Take another account of the same processes into account."""
        self.cpu_seconds = max(self.cpu_seconds, cpu_seconds)
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory_bytes)

    def look(self) -> None:
        """Read what the kernel says now."""
        cpu, memory = 0.0, 0
        for process in self._below(self._first):
            with contextlib.suppress(OSError, ValueError, IndexError):
                cpu += _processor_time(process)
                memory = max(memory, _peak_memory(process))
        self.include(cpu, memory)

    def offer_to_the_killer(self) -> None:
        """Where the whole machine runs out of memory, a sandbox is what the kernel ends first."""
        for process in self._below(self._first):
            if process not in self._spared:
                self._spared.add(process)
                with contextlib.suppress(OSError):
                    Path(f"/proc/{process}/oom_score_adj").write_text("1000")

    def _below(self, process: int) -> list[int]:
        found: list[int] = []
        with contextlib.suppress(OSError, ValueError):
            for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
                found += [int(child), *self._below(int(child))]
        return found


def _processor_time(process: int) -> float:
    # After the name, which may hold anything and ends at the last bracket: fields 14 to 17 are the times of the process
    # and of its children that ended.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _peak_memory(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0

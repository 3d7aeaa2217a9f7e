"""What the machine did beside the measurement: cores, load, and how much of it others took. Reads /proc. Pure of Django."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

BUSY_SHARE = 0.25
"""From this share of the cores taken by others, latencies tell of the machine rather than of the model."""

_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The machine at one moment: seconds by the clock, of all cores at work, of our own process, and the load average."""

    clock: float
    busy: float | None
    own: float
    load: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is told of the machine with every measurement of load.

    Attributes
    ----------
    cores
        That this process may use.
    load_before, load_after
        The load average of one minute; ``None`` where the system has none.
    others
        Cores that others kept at work meanwhile, on average; ``None`` where it cannot be told.
    """

    cores: int
    load_before: float | None
    load_after: float | None
    others: float | None

    @property
    def busy(self) -> bool:
        """Whether others took so much that what was measured says little of a quiet machine."""
        taken = self.load_before if self.others is None else self.others
        return taken is None or taken > BUSY_SHARE * self.cores

    def sentence(self) -> str:
        """What is said of a busy machine."""
        load = "" if self.load_before is None else f", load {self.load_before:.1f} before"
        others = "" if self.others is None else f": others kept {self.others:.1f} of {self.cores} cores at work"
        return f"the machine was busy{others}{load}; on a quiet one the model may be faster"


def now() -> Moment:
    """The machine as it is."""
    try:
        load: float | None = os.getloadavg()[0]
    except OSError:
        load = None
    return Moment(clock=time.monotonic(), busy=_busy_seconds(), own=time.process_time(), load=load)


def between(before: Moment, after: Moment, *, model_seconds: float | None) -> Machine:
    """What the machine did between two moments.

    Parameters
    ----------
    model_seconds
        Processor time of the model itself; ``None`` where it runs elsewhere. An endpoint on this very machine counts among
        the others: nobody can tell.
    """
    others = None
    if before.busy is not None and after.busy is not None and after.clock > before.clock:
        ours = after.own - before.own + (model_seconds or 0.0)
        others = max(after.busy - before.busy - ours, 0.0) / (after.clock - before.clock)
    cores = len(os.sched_getaffinity(0))
    return Machine(cores=cores, load_before=before.load, load_after=after.load, others=others)


def _busy_seconds() -> float | None:
    """Seconds that all cores were at work since the start of the machine, stolen ones included."""
    try:
        fields = _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(value) for value in fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

"""What the benchmarks share: seeded data, seconds and peak memory in a fresh process, growth, and printing."""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

COLUMNS = {"sex": 2, "race": 5, "age": 8}
"""Sensitive columns of the made-up decisions, with how many groups each has."""

_POSITIVES, _RIGHT, _ROW_GROUP = 0.4, 0.8, 1 << 17
_PROCESS_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Run:
    """One measured call.

    Attributes
    ----------
    seconds
        Wall clock of the call alone.
    peak_mb
        Most resident memory of the process during the call, above what it held just before, in megabytes (10^6 bytes).
    value
        What the call returned.
    """

    seconds: float
    peak_mb: float
    value: Any


def run(fn: Callable[[], Any], *, warm: Callable[[], Any] | None = None) -> Run:
    """Call ``fn`` in a fresh process and measure it.

    Parameters
    ----------
    fn
        A function of a module, or a ``functools.partial`` of one: it is sent to the process by name. What it returns must
        pickle. A script that calls this guards its own work with ``if __name__ == "__main__"``.
    warm
        Called in that process before the clock starts, such as the same work on a small file, so that imports are not timed.

    Raises
    ------
    Exception
        Whatever ``fn`` raised.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_timed, (fn, warm))


def measure(fn: Callable[[], Any], *, warm: Callable[[], Any] | None = None) -> tuple[float, float]:
    """Seconds and peak megabytes above the start of ``fn`` in a fresh process; see :func:`run`."""
    done = run(fn, warm=warm)
    return done.seconds, done.peak_mb


def best(fn: Callable[[], Any], *, warm: Callable[[], Any] | None = None, times: int = 3) -> Run:
    """The quickest of several runs, each in a fresh process: what the machine can do when nobody else uses it."""
    return min((run(fn, warm=warm) for _ in range(times)), key=lambda done: done.seconds)


def _timed(fn: Callable[[], Any], warm: Callable[[], Any] | None) -> Run:
    if warm is not None:
        warm()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # begins the peak anew; Linux only
    before = _resident("VmRSS")
    start = time.perf_counter()
    value = fn()
    seconds = time.perf_counter() - start
    return Run(seconds, max(_resident("VmHWM") - before, 0) / 1e6, value)


def _resident(name: str) -> int:
    for line in _PROCESS_STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_PROCESS_STATUS} does not say {name}")


def growth(rows: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log seconds over log rows by least squares: 1 is linear, less is better."""
    x, y = [math.log(n) for n in rows], [math.log(s) for s in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - mean_x) ** 2 for a in x)


def machine(*packages: str) -> str:
    """Date, processor, cores, Python, and the versions of the packages named: what a figure was measured with."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    parts = [datetime.now(UTC).date().isoformat(), f"{processor}, {os.cpu_count()} cores"]
    parts += [f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in packages)]
    return "; ".join(parts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not here)"


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print records as an aligned table; floating-point numbers with four significant digits."""
    if not rows:
        return
    head = list(rows[0])
    cells = [head, *([_shown(row[name]) for name in head] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)))


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_decisions(path: Path, rows: int, *, seed: int = 42, score: bool = False) -> Path:
    """Write made-up decisions to Parquet: groups ``sex``, ``race``, ``age`` (2, 5, 8), label ``y``, prediction ``p``.

    With ``score`` also ``s``, a probability that agrees with neither too well. Written part by part, so that memory stays
    small; the same rows for the same seed.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, 8 * _ROW_GROUP):
        n = min(8 * _ROW_GROUP, rows - start)
        columns: dict[str, Any] = {
            name: pa.DictionaryArray.from_arrays(
                pa.array(draw.integers(0, levels, n, dtype=np.int32)), [f"{name}{i}" for i in range(levels)]
            ).cast(pa.string())
            for name, levels in COLUMNS.items()
        }
        label = (draw.random(n) < _POSITIVES).astype(np.int8)
        columns["y"] = label
        columns["p"] = np.where(draw.random(n) < _RIGHT, label, 1 - label).astype(np.int8)
        if score:
            columns["s"] = 1 / (1 + np.exp(-(draw.standard_normal(n) + label - 0.5)))
        part = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part, row_group_size=_ROW_GROUP)
    if writer is None:
        raise ValueError("no rows to write")
    writer.close()
    return path

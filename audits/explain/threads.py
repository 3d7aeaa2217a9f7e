"""Work done by several threads in pieces, with progress told between them. Pure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, as_completed
from typing import Any

from audits.explain.columns import Progress


def available_threads() -> int:
    """As many as this process may run at once."""
    return len(os.sched_getaffinity(0))


def finish(
    pool: Executor,
    pieces: Iterable[Callable[[], Any]],
    progress: Progress | None = None,
    span: tuple[float, float] = (0.0, 1.0),
    note: str = "",
) -> None:
    """Do all pieces, and pass on what one of them, or ``progress``, raises once those that run are done."""
    waiting = [pool.submit(piece) for piece in pieces]
    try:
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            if progress is not None:
                progress(span[0] + (span[1] - span[0]) * done / len(waiting), note)
    finally:
        for future in waiting:
            future.cancel()

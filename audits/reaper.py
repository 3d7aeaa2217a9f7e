"""A thread that every worker runs: it takes back the jobs of workers that died."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

log = structlog.get_logger(__name__)

Sweep = Callable[[], object]


def start_reaper(sweeps: Sequence[Sweep], *, seconds: float | None = None) -> threading.Event:
    """Run ``sweeps`` now and every ``seconds`` (a third of the lease, unless given) until the event returned is set.

    An error in one sweep is logged and does not end the others: a worker without a reaper would strand jobs.
    """
    stop = threading.Event()
    interval = seconds or max(settings.COUNTERSIGN_LEASE_SECONDS / 3, 0.5)

    def sweep_all() -> None:
        for sweep in sweeps:
            try:
                sweep()
            except Exception:
                log.exception("reaper sweep failed", sweep=getattr(sweep, "__name__", str(sweep)))

    def loop() -> None:
        try:
            while True:
                close_old_connections()
                sweep_all()
                if stop.wait(interval):
                    return
        finally:
            connection.close()

    threading.Thread(target=loop, name="reaper", daemon=True).start()
    return stop

"""Sessions on Spark: one of its own for every engine, on one application per process, stopped with the last. Pure of Django."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audits.engines.addresses import Address
from registry.errors import InvalidInput

_CONNECT_SECONDS = 10
_PORTS = {"spark": 7077, "sc": 15002}
_APPLICATION = {
    "spark.app.name": "countersign",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # A task that does not notice that it was cancelled holds a core of the cluster no longer than this.
    "spark.task.reaper.enabled": "true",
    "spark.task.reaper.killTimeout": "60s",
}
_SESSION = {
    "spark.sql.ansi.enabled": "true",  # what does not fit is an error, not a NULL
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
}

_lock = threading.Lock()
_in_use: dict[str, int] = {}


class Session:
    """A session with views of its own, whose queries can be cancelled without touching those of others.

    Attributes
    ----------
    spark
        The session itself.
    remote
        Whether it is of Spark Connect.
    """

    def __init__(self, spark: Any, *, remote: bool) -> None:
        self.spark = spark
        self.remote = remote
        self._tag = f"countersign-{uuid.uuid4().hex}"
        for name, value in _SESSION.items():
            spark.conf.set(name, value)

    @contextmanager
    def working(self) -> Iterator[None]:
        """What this thread asks in the block is what :meth:`cancel` cancels."""
        # The tags of a session do not reach the jobs of a cluster's sessions in Spark 4.0; those of the context do.
        owner = self.spark if self.remote else self.spark.sparkContext
        add, remove = (owner.addTag, owner.removeTag) if self.remote else (owner.addJobTag, owner.removeJobTag)
        add(self._tag)
        try:
            yield
        finally:
            remove(self._tag)

    def cancel(self) -> None:
        """Cancel what runs now; what begins later is not touched."""
        if self.remote:
            self.spark.interruptTag(self._tag)
        else:
            self.spark.sparkContext.cancelJobsWithTag(self._tag)

    def share_done(self) -> float | None:
        """Share of tasks done among all stages that run in the application; Spark Connect does not tell."""
        if self.remote:
            return None
        tracker = self.spark.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        tasks = sum(stage.numTasks for stage in stages if stage)
        return sum(stage.numCompletedTasks for stage in stages if stage) / tasks if tasks else None

    def close(self) -> None:
        """Give it back; the last one of a cluster ends the application there."""
        if self.remote:
            self.spark.stop()
            return
        with _lock:
            (master,) = _in_use
            _in_use[master] -= 1
            if not _in_use[master]:
                del _in_use[master]
                self.spark.stop()


def open_session(address: Address) -> Session:
    """Open a session on a standalone cluster, or by Spark Connect.

    Memory, cores and everything else of the application are Spark's own settings (``SPARK_CONF_DIR``).

    Raises
    ------
    InvalidInput
        If the host cannot be reached, or this process is at work on another cluster: Spark has one application per process.
    """
    place = (address.host, address.port or _PORTS[address.scheme])
    try:
        socket.create_connection(place, _CONNECT_SECONDS).close()
    except OSError as error:
        message = f"{address.text}: cannot be reached ({error.strerror or error})"
        raise InvalidInput(message, field="data") from None
    server = f"{place[0]}:{place[1]}"
    if address.scheme == "sc":
        return Session(_remote(f"sc://{server}"), remote=True)
    return Session(_on_cluster(f"spark://{server}", address), remote=False)


def _remote(url: str) -> Any:
    from pyspark.sql.connect.session import SparkSession

    return SparkSession.builder.remote(url).create()


def _on_cluster(master: str, address: Address) -> Any:
    from pyspark.sql import SparkSession

    with _lock:
        if _in_use and master not in _in_use:
            message = (
                f"{address.text}: this process is at work on {min(_in_use)}; one process asks one cluster at a time"
            )
            raise InvalidInput(message, field="data")
        builder = SparkSession.builder.master(master)
        for name, value in _APPLICATION.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate().newSession()
        _in_use[master] = _in_use.get(master, 0) + 1
        return session

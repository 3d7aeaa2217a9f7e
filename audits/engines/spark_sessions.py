"""Sessions on Spark: one of its own for every engine, on one application per process, stopped with the last. Pure of Django."""

from __future__ import annotations

import socket
import threading
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
}
_SESSION = {
    "spark.sql.ansi.enabled": "true",  # what does not fit is an error, not a NULL
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
}

_lock = threading.Lock()
_in_use: dict[str, int] = {}


def open_session(address: Address) -> Any:
    """A session with views of its own; give it back with :func:`close_session`.

    Memory, cores and everything else of the application are Spark's own settings (``SPARK_CONF_DIR``).

    Raises
    ------
    InvalidInput
        If the host cannot be reached, or this process is at work on another cluster: Spark has one application per process.
    """
    server = f"{address.host}:{address.port or _PORTS[address.scheme]}"
    try:
        socket.create_connection((address.host, address.port or _PORTS[address.scheme]), _CONNECT_SECONDS).close()
    except OSError as error:
        message = f"{address.text}: cannot be reached ({error.strerror or error})"
        raise InvalidInput(message, field="data") from None
    session = _remote(f"sc://{server}") if address.scheme == "sc" else _on_cluster(f"spark://{server}", address)
    for name, value in _SESSION.items():
        session.conf.set(name, value)
    return session


def close_session(session: Any, address: Address) -> None:
    """Give a session back; the last one of a cluster ends the application there."""
    if address.scheme == "sc":
        session.stop()
        return
    with _lock:
        (master,) = _in_use
        _in_use[master] -= 1
        if not _in_use[master]:
            del _in_use[master]
            session.stop()


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

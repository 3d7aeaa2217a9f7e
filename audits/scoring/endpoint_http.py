"""A connection to one endpoint: one address, no redirects, bounded time and size. Pure of Django."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from audits.sandbox.errors import ModelFailed
from audits.scoring.endpoint_address import Place

_OK, _FIRST_REDIRECT, _FIRST_ERROR, _BUSY = 200, 300, 400, 503
_CHUNK = 1 << 16
_SAID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one request: seconds to connect and altogether, bytes of the answer, and how often it is tried."""

    connect_seconds: float = 10.0
    seconds: float = 60.0
    answer_bytes: int = 64 << 20
    tries: int = 3
    pause_seconds: float = 0.2


class EndpointConnection:
    """Asks one endpoint, keeping the connection; not to be shared by threads."""

    def __init__(self, place: Place, *, token: str = "", bounds: Bounds | None = None) -> None:
        self.place = place
        self._token = token
        self._bounds = bounds or Bounds()
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Any:
        """The JSON that a path answers with."""
        return _json(self._asked("GET", path, b"", {}), self._title(path))

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        """The JSON that a path answers a body with."""
        return _json(self._asked("POST", path, body, headers), self._title(path))

    def ready(self, path: str) -> None:
        """Ask a path whose answer may be empty; raises where it is not 200."""
        self._asked("GET", path, b"", {})

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _asked(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The answer's body; tried again where the connection failed, and where the endpoint says that it is busy."""
        title = self._title(path)
        for attempt in range(1, self._bounds.tries + 1):
            last = attempt == self._bounds.tries
            try:
                status, content = self._once(method, path, body, headers)
            except _TooMuch as error:
                self.close()
                raise ModelFailed(f"{title}: the endpoint {error}") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if last or isinstance(error, ssl.SSLCertVerificationError):
                    raise ModelFailed(f"{title}: the endpoint cannot be asked: {_words(error)}") from None
            else:
                if status != _BUSY or last:
                    return _checked(status, content, title)
            time.sleep(self._bounds.pause_seconds * attempt)
        raise AssertionError

    def _once(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        began = time.monotonic()
        connection = self._connection = self._connection or self._connect()
        alarm = threading.Timer(self._bounds.seconds, _hang_up, [connection])
        alarm.daemon = True
        alarm.start()
        try:
            sent = {"Accept": "application/json", **headers}
            if self._token:
                sent["Authorization"] = f"Bearer {self._token}"
            connection.request(method, self.place.prefix + path, body=body or None, headers=sent)
            response = connection.getresponse()
            content = bytearray()
            while part := response.read1(_CHUNK):
                content += part
                if len(content) > self._bounds.answer_bytes:
                    raise _TooMuch(f"answered with more than {self._bounds.answer_bytes:,} bytes")
            if response.length:
                raise http.client.IncompleteRead(bytes(content[:1]), response.length)
            response.close()  # read to its end, it gives the connection back
        except (OSError, http.client.HTTPException, AttributeError):
            # The alarm closes the socket beneath whoever reads from it, which then fails in one of many ways.
            if time.monotonic() - began >= self._bounds.seconds:
                raise _TooMuch(f"took longer than {self._bounds.seconds:g} seconds") from None
            raise
        finally:
            alarm.cancel()
        if response.will_close:
            self.close()
        return response.status, bytes(content)

    def _connect(self) -> http.client.HTTPConnection:
        """A connection to the address that was resolved and checked, whatever the name stands for by now."""
        plain = socket.create_connection((self.place.address, self.place.port), self._bounds.connect_seconds)
        plain.settimeout(self._bounds.seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = http.client.HTTPConnection(self.place.host, self.place.port)
        try:
            secure = self.place.scheme == "https"
            connection.sock = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=self.place.host) if secure else plain
            )
        except BaseException:
            plain.close()
            raise
        return connection

    def _title(self, path: str) -> str:
        return f"{self.place.scheme}://{self.place.host}:{self.place.port}{self.place.prefix}{path}"


class _TooMuch(Exception):
    """The answer took more time or bytes than it may; it is not asked for again."""


def _hang_up(connection: http.client.HTTPConnection) -> None:
    if (sock := connection.sock) is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _checked(status: int, content: bytes, title: str) -> bytes:
    if status == _OK:
        return content
    if _FIRST_REDIRECT <= status < _FIRST_ERROR:
        raise ModelFailed(f"{title}: the endpoint leads elsewhere (status {status}); redirects are not followed")
    said = "".join(char if char.isprintable() else " " for char in content[:_SAID].decode("utf-8", "replace")).strip()
    raise ModelFailed(f"{title}: the endpoint answered with status {status}{': ' if said else ''}{said}")


def _json(content: bytes, title: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ModelFailed(f"{title}: the endpoint answered with something that is no JSON") from None


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:_SAID]

"""What a sandbox prints: read always, so that it does not wait; kept at the end only; cleaned before anybody sees it."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Callable

_KEPT_BYTES = 64 * 1024


class Printed:
    """The end of what is printed into a pipe.

    Parameters
    ----------
    descriptor
        Read until its end by a thread, then closed.
    most
        After so many bytes ``on_excess`` is called.

    Attributes
    ----------
    too_much
        Whether it was.
    """

    def __init__(self, descriptor: int, *, most: int, on_excess: Callable[[], None]) -> None:
        self.too_much = False
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(descriptor, most, on_excess), daemon=True)
        self._thread.start()

    def _read(self, descriptor: int, most: int, on_excess: Callable[[], None]) -> None:
        count = 0
        while part := os.read(descriptor, _KEPT_BYTES):
            count += len(part)
            self._kept = (self._kept + part)[-_KEPT_BYTES:]
            if count > most and not self.too_much:
                self.too_much = True
                on_excess()
        os.close(descriptor)

    def wait(self, seconds: float = 10.0) -> None:
        """Wait for the end, which comes with that of the last process that prints."""
        self._thread.join(seconds)

    def tail(self, most: int = 2_000) -> str:
        """The last lines, at most so many bytes, without control characters."""
        return plain_text(self._kept.decode("utf-8", "replace"), most)


def plain_text(text: str, most: int = 2_000) -> str:
    """The end of a text that somebody wrote whom we do not trust: no control characters, nothing that turns it around.

    Line breaks stay, tabs become spaces.
    """
    clean = "".join(
        character
        for character in text[-4 * most :].replace("\r", "\n").replace("\t", "    ")
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    shown = clean.encode("utf-8", "ignore")[-most:].decode("utf-8", "ignore")
    return shown.strip()

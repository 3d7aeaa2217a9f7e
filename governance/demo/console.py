"""What the demo prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_COLOURS = sys.stdout.isatty()


def _paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _COLOURS else text


def chapter(title: str) -> None:
    """A new part of the story."""
    print(f"\n{_paint(title, '1')}", flush=True)  # noqa: T201


def say(text: str = "") -> None:
    """A line, indented under its chapter."""
    for line in text.splitlines() or [""]:
        print(f"  {line}", flush=True)  # noqa: T201


@contextmanager
def step(what: str) -> Iterator[None]:
    """Name what is being done, and how long it took once it is done."""
    print(f"  {what} … ", end="", flush=True)  # noqa: T201
    begin = time.perf_counter()
    yield
    print(f"{time.perf_counter() - begin:.1f} s", flush=True)  # noqa: T201

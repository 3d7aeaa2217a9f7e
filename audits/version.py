"""Which code made a measurement. Pure."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def code_version() -> str:
    """``countersign <version>``, as it stands in every report."""
    return f"countersign {metadata.version('countersign')}"

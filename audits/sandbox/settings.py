"""What the environment says about the sandbox, read once. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from audits.sandbox.limits import Limits
from registry.errors import InvalidInput

_MIB = 1024 * 1024
_PREFIX = "COUNTERSIGN_SANDBOX_"
_FIRST_USER, _LAST_USER = 50_000, 59_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of this process.

    Attributes
    ----------
    limits
        Of a sandbox for which nothing else is asked.
    threads
        Of numeric libraries inside.
    first_user, last_user
        Where this service runs as root, a sandbox runs as one of these.
    off
        Whether running models is switched off.
    """

    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    first_user: int = _FIRST_USER
    last_user: int = _LAST_USER
    off: bool = False


@cache
def settings() -> Settings:
    """As the environment of this process says."""
    return settings_of(os.environ)


def settings_of(environment: Mapping[str, str]) -> Settings:
    """What an environment says.

    ``COUNTERSIGN_SANDBOX_MEMORY_MB``, ``_SCRATCH_MB``, ``_CPU_SECONDS``, ``_WALL_SECONDS``, ``_PROCESSES``, ``_THREADS``, ``_USERS``
    (``50000-59999``), and ``COUNTERSIGN_SANDBOX=off``.

    Raises
    ------
    InvalidInput
        If one of them is not a positive number or no range of users; ``field`` is its name.
    """
    default = Limits()
    limits = Limits(
        memory_bytes=_number(environment, "MEMORY_MB", default.memory_bytes // _MIB) * _MIB,
        scratch_bytes=_number(environment, "SCRATCH_MB", default.scratch_bytes // _MIB) * _MIB,
        cpu_seconds=_number(environment, "CPU_SECONDS", default.cpu_seconds),
        wall_seconds=_number(environment, "WALL_SECONDS", int(default.wall_seconds)),
        processes=_number(environment, "PROCESSES", default.processes),
    )
    first, last = _users(environment)
    return Settings(
        limits=limits,
        threads=_number(environment, "THREADS", 1),
        first_user=first,
        last_user=last,
        off=environment.get("COUNTERSIGN_SANDBOX", "").strip().lower() == "off",
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(_PREFIX + name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= 10**9:
        message = f"{_PREFIX}{name} is {text[:40]!r}: write a whole number of at least 1"
        raise InvalidInput(message, field=_PREFIX + name)
    return int(text)


def _users(environment: Mapping[str, str]) -> tuple[int, int]:
    text = environment.get(_PREFIX + "USERS", "").strip()
    if not text:
        return _FIRST_USER, _LAST_USER
    first, dash, last = text.partition("-")
    if not dash or not (first.isdigit() and last.isdigit()) or not 1 <= int(first) <= int(last) < 2**32 - 1:
        message = f"{_PREFIX}USERS is {text[:40]!r}: write a range of user numbers above 0, as 50000-59999"
        raise InvalidInput(message, field=_PREFIX + "USERS")
    return int(first), int(last)

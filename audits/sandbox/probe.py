"""Whether a sandbox works on this machine: found out by starting one that tries to get out."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audits.sandbox.errors import ModelFailed, SandboxUnavailable
from audits.sandbox.limits import Limits
from audits.sandbox.settings import settings
from registry.errors import InvalidInput

_MIB = 1024 * 1024
_SET_BY_OTHERS = {"PWD", "LC_CTYPE"}
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried inside; ``words`` say what happened where ``ok`` is false."""

    name: str
    ok: bool
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether models can be run here, and if not, why not; the checks that were made, in order."""

    works: bool
    reason: str = ""
    checks: tuple[Check, ...] = ()


class _Kept:
    """The answer of this process, for the user that it was found out as."""

    probe: Probe | None = None


def probe(*, fresh: bool = False) -> Probe:
    """Try a sandbox, once per process.

    Parameters
    ----------
    fresh
        Try again, even if that was done.
    """
    with _LOCK:
        if _Kept.probe is None or fresh:
            _Kept.probe = _tried()
        return _Kept.probe


def require_sandbox() -> None:
    """Go on only where models can be run.

    Raises
    ------
    SandboxUnavailable
        If they cannot; the message says what is missing.
    """
    found = probe()
    if not found.works:
        raise SandboxUnavailable(found.reason)


def _tried() -> Probe:
    try:
        off = settings().off
    except InvalidInput as error:
        return Probe(works=False, reason=error.message)
    if off:
        return Probe(works=False, reason="running models is switched off here (COUNTERSIGN_SANDBOX=off)")
    if not sys.platform.startswith("linux"):
        return Probe(works=False, reason="models are run on Linux only")
    try:
        answers = _answers()
    except (SandboxUnavailable, ModelFailed) as error:
        return Probe(works=False, reason=error.message)
    except OSError as error:
        return Probe(works=False, reason=f"no sandbox can be made here: {error}")
    return judged(answers)


def judged(answers: Mapping[str, Any]) -> Probe:
    """What the answers from inside say; a check without an answer has failed."""
    checks = tuple(
        Check(name=name, ok=answers.get(name) == "", words=str(answers.get(name, "it was not tried")))
        for name in EXPECTED
    )
    failed = [check for check in checks if not check.ok]
    if failed:
        words = "; ".join(f"{check.name}: {check.words}" for check in failed)
        return Probe(works=False, reason=f"the walls of a sandbox do not hold here: {words}", checks=checks)
    return Probe(works=True, checks=checks)


EXPECTED = (
    "user",
    "root again",
    "environment",
    "host files",
    "processes of the host",
    "writing",
    "network",
    "another process",
    "another program",
    "a user namespace",
    "the filter",
    "threads",
    "memory",
    "scratch space",
)


def _answers() -> Mapping[str, Any]:
    from audits.sandbox.enclosure import variables
    from audits.sandbox.session import open_session
    from audits.sandbox.system_calls import system_call_filter

    limits = replace(
        Limits(), memory_bytes=1024 * _MIB, scratch_bytes=8 * _MIB, processes=16, cpu_seconds=20, wall_seconds=30.0
    )
    with tempfile.NamedTemporaryFile(prefix="countersign-probe-") as file:
        file.write(b"a host file")
        file.flush()
        Path(file.name).chmod(0o644)
        setup = {
            "variables": sorted(set(os.environ) - set(variables(1, {})) - _SET_BY_OTHERS),
            "file": file.name,
            "filter": system_call_filter(),
            "processes": limits.processes,
            "memory_bytes": limits.memory_bytes,
            "scratch_bytes": limits.scratch_bytes,
        }
        with open_session({}, setup=setup, limits=limits, program="probe") as session:
            values = session.call("probe").values
    return values if isinstance(values, dict) else {}

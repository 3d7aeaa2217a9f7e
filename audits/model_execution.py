"""Whether models can be run on this machine: found out by workers, kept in a file, read by pages without starting anything."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from audits.sandbox.probe import Probe, probe

log = structlog.get_logger(__name__)

_UNTRIED = "no worker has tried yet whether models can be run here"


@dataclass(frozen=True, slots=True)
class ModelExecution:
    """What the last worker found out; ``works`` is ``None`` as long as none has tried."""

    works: bool | None
    reason: str


def try_model_execution() -> Probe:
    """Start a sandbox that tries to get out, and keep the answer for pages and for ``/health/ready``."""
    found = probe(fresh=True)
    if found.works:
        log.info("models are run in a sandbox here", checks=len(found.checks))
    else:
        log.warning("models cannot be run here", reason=found.reason)
    _keep(found)
    return found


def model_execution() -> ModelExecution:
    """The answer that was kept. One that cannot be read is none."""
    try:
        kept = json.loads(_place().read_text("utf-8"))
        return ModelExecution(bool(kept["works"]), str(kept["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ModelExecution(None, _UNTRIED)


def _keep(found: Probe) -> None:
    place = _place()
    place.parent.mkdir(parents=True, exist_ok=True)
    # Exchanged at once, so that nobody reads half of it.
    with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix=".sandbox-", delete=False, encoding="utf-8") as file:
        json.dump({"works": found.works, "reason": found.reason}, file)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(place)


def _place() -> Path:
    return Path(settings.DATA_DIR) / "sandbox.json"

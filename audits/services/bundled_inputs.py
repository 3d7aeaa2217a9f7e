"""Inputs of an evaluation that are several files and what the manifest says of them: a training script, an environment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.data_roles import PACKAGES, REBUILD, VULNERABILITIES
from registry import artifact_store
from registry.manifest import ENVIRONMENT
from registry.models import ModelVersion

if TYPE_CHECKING:
    from audits.engines.opening import Data

BUNDLES = (REBUILD, PACKAGES)
"""The roles whose inputs this module finds and opens."""


def bundled_input(role: str, version: ModelVersion) -> dict[str, Any] | None:
    """What plays one of :data:`BUNDLES`, as plain JSON; None where the manifest says nothing of it.

    Returns
    -------
    dict or None
        ``{"path", "sha256", "role", "files": [{"path", "sha256"}], "facts"}``: the training script or the recorded packages,
        the files beside, and what the manifest says. Without a file of recorded packages there is no ``sha256``.
    """
    return _rebuild(version) if role == REBUILD else _environment(version)


def _rebuild(version: ModelVersion) -> dict[str, Any] | None:
    stated = version.facts.get("execution", {}).get("rebuild")
    if not stated:
        return None
    digests = dict(version.files.values_list("path", "artifact_id"))
    packages = version.facts.get("environment", {}).get("packages", "")
    beside = [*stated.get("data", ()), *([packages] if packages else [])]
    submitted = [path for path in (stated["model"], stated.get("predictions")) if path]
    return {
        "path": stated["script"],
        "sha256": digests[stated["script"]],
        "role": REBUILD,
        "files": [{"path": path, "sha256": digests[path]} for path in dict.fromkeys(beside)],
        "facts": {
            **stated,
            "seed": version.facts.get("training", {}).get("seed"),
            "packages": packages,
            "python": version.facts.get("environment", {}).get("python", ""),
            "submitted": {path: digests[path] for path in submitted},
        },
    }


def _environment(version: ModelVersion) -> dict[str, Any]:
    stated = version.facts.get("environment", {})
    record = version.files.filter(path=stated.get("packages", "")).first()
    record = record or version.files.filter(role=ENVIRONMENT).order_by("path").first()
    reports = version.files.filter(role=VULNERABILITIES).order_by("path")
    return {
        "path": record.path if record else "environment",
        **({"sha256": record.artifact_id} if record else {}),
        "role": PACKAGES,
        "files": [{"path": file.path, "sha256": file.artifact_id} for file in reports],
        "facts": {"python": stated.get("python", "")},
    }


def opened_bundle(stack: ExitStack, item: Mapping[str, Any]) -> Data:
    """What :func:`bundled_input` named, its files brought to local paths for as long as ``stack`` lasts."""
    from audits.engines.opening import Data

    def local(file: Mapping[str, Any]) -> Path:
        return stack.enter_context(artifact_store.local_path(file["sha256"], suffix=Path(file["path"]).suffix))

    return Data(
        name=item["path"],
        path=local(item) if "sha256" in item else None,
        files={file["path"]: local(file) for file in item["files"]},
        facts=item["facts"],
    )

"""The bill of materials of a version: its dossier, with the recorded packages read. Reads only."""

from __future__ import annotations

from audits.dossier import Dossier
from audits.measures.environment.requirements import MOST_BYTES, Package, read_packages
from audits.ml_bom import ml_bom_json
from registry import artifact_store
from registry.errors import InvalidInput
from registry.manifest import ENVIRONMENT

NAME = "ml-bom.cdx.json"
MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"


def bill_of_materials(dossier: Dossier) -> bytes:
    """The CycloneDX bill of materials of the dossier's version, as canonical JSON."""
    return ml_bom_json(dossier, _packages(dossier))


def _packages(dossier: Dossier) -> tuple[Package, ...]:
    """What the file of recorded packages names; a file that cannot be read names none, and its evaluation says why."""
    stated = dossier.manifest.get("environment", {}).get("packages")
    for artifact in dossier.artifacts:
        if artifact.path == stated or (not stated and artifact.role == ENVIRONMENT):
            if artifact.size > MOST_BYTES:
                return ()
            try:
                return read_packages(artifact_store.read_bytes(artifact.sha256), artifact.path).packages
            except InvalidInput:
                return ()
    return ()

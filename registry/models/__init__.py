"""Tables of the registry."""

from registry.models.artifact import Artifact, ArtifactUpload
from registry.models.card import CARD_KEYS, CARD_SECTIONS, CardRevision
from registry.models.dataset import Dataset, DatasetVersion, DatasheetRevision
from registry.models.idempotency import IdempotentRequest
from registry.models.intake import Intake, RiskAssessment
from registry.models.inventory import Deployment, ExternalRegistry, ExternalVersion
from registry.models.ledger import Checkpoint, LedgerEntry
from registry.models.lineage import (
    Classification,
    LineageAssertions,
    LineageColumn,
    LineageEdge,
    LineageEvent,
    LineageJob,
    LineageSchema,
    LineageStatement,
    Place,
)
from registry.models.person import Person
from registry.models.registered_model import ModelVersion, RegisteredModel, VersionArtifact
from registry.models.use_case import RiskTier, UseCase

__all__ = [
    "CARD_KEYS",
    "CARD_SECTIONS",
    "Artifact",
    "ArtifactUpload",
    "CardRevision",
    "Checkpoint",
    "Classification",
    "Dataset",
    "DatasetVersion",
    "DatasheetRevision",
    "Deployment",
    "ExternalRegistry",
    "ExternalVersion",
    "IdempotentRequest",
    "Intake",
    "LedgerEntry",
    "LineageAssertions",
    "LineageColumn",
    "LineageEdge",
    "LineageEvent",
    "LineageJob",
    "LineageSchema",
    "LineageStatement",
    "ModelVersion",
    "Person",
    "Place",
    "RegisteredModel",
    "RiskAssessment",
    "RiskTier",
    "UseCase",
    "VersionArtifact",
]

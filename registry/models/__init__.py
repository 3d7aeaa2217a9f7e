"""Tables of the registry."""

from registry.models.artifact import Artifact, ArtifactUpload
from registry.models.card import CARD_KEYS, CARD_SECTIONS, CardRevision
from registry.models.dataset import Dataset, DatasetVersion
from registry.models.idempotency import IdempotentRequest
from registry.models.ledger import Checkpoint, LedgerEntry
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
    "Dataset",
    "DatasetVersion",
    "IdempotentRequest",
    "LedgerEntry",
    "ModelVersion",
    "Person",
    "RegisteredModel",
    "RiskTier",
    "UseCase",
    "VersionArtifact",
]

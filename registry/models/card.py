"""The written part of a model card, in revisions that are never overwritten."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from registry.canonical import parse_json
from registry.models.registered_model import ModelVersion

# The sections of a model card, in reading order: key, title, what belongs there.
CARD_SECTIONS = (
    ("intended_use", "Intended use", "Who uses it, for which decision, with which person in the loop."),
    ("out_of_scope", "Out of scope", "Uses it was not made or tested for."),
    ("limitations", "Limitations", "Where it is known to be weak, and for whom."),
    ("training_data", "Training data", "Where the records come from, which years and people they cover."),
    ("ethical_considerations", "Ethical considerations", "Who may be harmed, and what was done about it."),
    ("oversight", "Human oversight", "Who watches it, and how a decision is contested."),
    ("owner", "Owner", "Who answers for the model."),
)
CARD_KEYS = tuple(key for key, _, _ in CARD_SECTIONS)


class CardRevision(models.Model):
    """All written sections of one version's model card at one point in time."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="card_revisions")
    number = models.PositiveIntegerField()
    content = models.BinaryField(help_text="Canonical JSON {section: Markdown}, exactly the bytes that sha256 covers.")
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["version", "number"], name="one_card_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.version} card {self.number}"

    @property
    def sections(self) -> dict[str, Any]:
        """Markdown by section key."""
        return dict(parse_json(bytes(self.content), what="model card"))

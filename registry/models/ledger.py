"""Tables of the ledger: append-only entries and the signed checkpoints over them."""

from __future__ import annotations

from django.db import models


class LedgerEntry(models.Model):
    """One state change. ``body`` is the record; the other columns only index what it says.

    Triggers (:mod:`registry.ledger_triggers`) refuse every UPDATE and DELETE.
    """

    seq = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()
    hash = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=64, db_index=True)
    actor_name = models.TextField()
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=255)
    label = models.TextField()
    model_name = models.CharField(max_length=255, db_index=True, blank=True)

    class Meta:
        ordering = ["seq"]
        constraints = [models.CheckConstraint(condition=models.Q(seq__gte=1), name="ledger_seq_from_one")]
        indexes = [models.Index(fields=["object_type", "object_id"], name="ledger_object")]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.label}"


class Checkpoint(models.Model):
    """A signed tree head over the first ``size`` entries; ``note`` is the signed text that verifiers read.

    ``frontier`` holds the peaks of the tree (32 bytes each, leftmost first), so that the next checkpoint reads only
    the entries since this one, and continues this tree by construction.
    """

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=64)
    note = models.TextField()
    frontier = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["size"]

    def __str__(self) -> str:
        return f"{self.size} {self.root}"

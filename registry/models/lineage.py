"""Lineage as tables: where data lie, their columns, and which column was made from which, when and by whom.

Every place has two nodes beside its columns. ``in`` stands for "whatever goes into it": an edge into it touches every
column. ``out`` stands for "the whole of it": an edge from it comes from no known column. Edges of the level
``structure`` (in → column → out, and in → out) tie them together, so that "upstream" and "downstream" are plain
reachability.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registry.models.dataset import Dataset
from registry.models.registered_model import ModelVersion


class Place(models.Model):
    """Where data lie: a table, file or topic by namespace and name, a registered dataset, or a model version."""

    class Kind(models.TextChoices):
        """What kind of place it is."""

        TABLE = "table", "table, file or topic"
        DATASET = "dataset", "registered dataset"
        MODEL = "model", "model version"

    namespace = models.CharField(max_length=500)
    name = models.CharField(max_length=1000)
    key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of namespace, NUL, name.")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TABLE)
    dataset = models.OneToOneField(Dataset, null=True, on_delete=models.PROTECT, related_name="place")
    version = models.OneToOneField(ModelVersion, null=True, on_delete=models.PROTECT, related_name="place")
    alias_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="aliases")
    description = models.TextField(blank=True)
    described_at = models.DateTimeField(null=True, help_text="When the description was told.")
    dropped_at = models.DateTimeField(null=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class LineageSchema(models.Model):
    """One schema that a place was told to have, and when it was told first and last.

    From all of them follows which columns are dropped, whatever the order in which they were told.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="schemas")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the columns as canonical JSON.")
    columns = models.JSONField(help_text="{name: type}")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["place", "digest"], name="one_lineage_schema_per_digest")]

    def __str__(self) -> str:
        return f"schema of {self.place} since {self.first_seen:%Y-%m-%d %H:%M:%S}"


class LineageColumn(models.Model):
    """A node of the graph: a column of a place, or one of its two whole-place nodes."""

    class Role(models.TextChoices):
        """Which of the three."""

        COLUMN = "column", "a column"
        IN = "in", "whatever goes into the place"
        OUT = "out", "the place as a whole"

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="columns")
    role = models.CharField(max_length=6, choices=Role, default=Role.COLUMN)
    name = models.CharField(max_length=500, blank=True)
    type = models.CharField(max_length=200, blank=True)
    dropped_at = models.DateTimeField(null=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["place", "role", "name"], name="one_column_per_name")]

    def __str__(self) -> str:
        return f"{self.place} {self.name or '(whole)'}"


class LineageJob(models.Model):
    """What makes data: a job by namespace and name."""

    namespace = models.CharField(max_length=500)
    name = models.CharField(max_length=1000)
    key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of namespace, NUL, name.")
    description = models.TextField(blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class LineageEvent(models.Model):
    """What somebody told us, byte for byte. The rest of the graph can be made again from these."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of the canonical JSON of the event.")
    body = models.BinaryField()
    format = models.CharField(max_length=20, help_text="openlineage, dbt, features, …")
    kind = models.CharField(max_length=20, blank=True, help_text="RunEvent, JobEvent, DatasetEvent, …")
    event_time = models.DateTimeField()
    run_id = models.CharField(max_length=100, blank=True)
    says = models.CharField(max_length=64, blank=True, help_text="SHA-256 of its lineage alone; empty if it has none.")
    job = models.ForeignKey(LineageJob, null=True, on_delete=models.PROTECT, related_name="events")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(auto_now_add=True)
    notes = models.JSONField(default=list, help_text="What could not be read of it, as texts; empty if all could.")
    sealed_in = models.BigIntegerField(null=True, help_text="seq of the ledger entry that covers it.")

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["sealed_in"]),
            models.Index(fields=["job", "-event_time"]),
            models.Index(fields=["job", "run_id", "says", "event_time"], name="events_of_run"),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.kind} {self.event_time:%Y-%m-%d %H:%M:%S}"


class LineageAssertions(models.Model):
    """That an event holds results of checks on a place; the results stay in the event."""

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="assertions")
    event = models.ForeignKey(LineageEvent, on_delete=models.PROTECT, related_name="assertions")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["event", "place"], name="one_note_of_assertions")]

    def __str__(self) -> str:
        return f"checks on {self.place} in event {self.event_id}"


class LineageStatement(models.Model):
    """What one job said at ``since`` of how one place is made.

    Statements that say the same one after the other form a run. The first of it, the head, has the edges, and
    ``until`` and ``seen`` of the whole run; the others only point to it.
    """

    job = models.ForeignKey(LineageJob, on_delete=models.PROTECT, related_name="statements")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="statements")
    by = models.CharField(max_length=20, help_text="openlineage, sql, manifest, features, dbt or declared.")
    digest = models.CharField(max_length=64, help_text="SHA-256 over the edges as stated.")
    since = models.DateTimeField()
    head = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="followers")
    until = models.DateTimeField(null=True, help_text="When the job said something else; of heads only.")
    seen = models.DateTimeField(help_text="When it was said last; of heads only.")
    event = models.ForeignKey(LineageEvent, null=True, on_delete=models.PROTECT, related_name="statements")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["job", "place", "by", "since"], name="one_statement_at_a_time")]
        indexes = [
            models.Index(
                fields=["job", "place", "by"], condition=models.Q(head=None, until=None), name="latest_statements"
            )
        ]

    def __str__(self) -> str:
        return f"{self.job} on {self.place} since {self.since:%Y-%m-%d %H:%M:%S}"


class LineageEdge(models.Model):
    """The target is made from the source, from ``since`` (null: always) until ``until`` (null: still)."""

    statement = models.ForeignKey(LineageStatement, null=True, on_delete=models.PROTECT, related_name="edges")
    source = models.ForeignKey(LineageColumn, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(LineageColumn, on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.CharField(max_length=10, help_text="column, dataset, training or structure.")
    manner = models.CharField(max_length=10, default="direct", help_text="direct or indirect.")
    subtype = models.CharField(max_length=50, blank=True)
    masking = models.BooleanField(default=False)
    treatment = models.JSONField(null=True, help_text="{method, k?, epsilon?}; null where none is stated.")
    description = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["source", "target"], condition=models.Q(statement__isnull=True), name="one_structure_edge"
            )
        ]
        indexes = [
            models.Index(fields=["target", "source"], name="edges_upstream"),
            models.Index(fields=["source", "target"], name="edges_downstream"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"


class Classification(models.Model):
    """That a column holds personal data of a class, who says so, and until when it counted."""

    class Label(models.TextChoices):
        """The classes, as in ``registry.lineage.classification``."""

        IDENTIFIER = "identifier", "identifier"
        PSEUDONYM = "pseudonym", "pseudonym"
        QUASI_IDENTIFIER = "quasi-identifier", "quasi-identifier"
        SENSITIVE = "sensitive", "sensitive"
        SPECIAL_CATEGORY = "special-category", "special category"

    class Source(models.TextChoices):
        """How we know."""

        SCAN = "scan", "found by a scan"
        DECLARED = "declared", "declared"
        TAG = "tag", "imported as a tag"

    column = models.ForeignKey(LineageColumn, on_delete=models.PROTECT, related_name="classifications")
    label = models.CharField(max_length=20, choices=Label)
    source = models.CharField(max_length=10, choices=Source)
    detail = models.CharField(max_length=200, blank=True, help_text="The entity or tag, such as email.")
    evidence = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the scan's report.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    ended_reason = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["column", "label", "source", "detail"],
                condition=models.Q(until__isnull=True),
                name="one_live_classification",
            )
        ]

    def __str__(self) -> str:
        return f"{self.column}: {self.label}"
